//! What `swarm check` says of a good plan: levels, critical path, parallelism, the worst case in money. Starts nothing and asks nobody.

mod costs;
mod text;

use serde_json::{Value, json};
use swarm_domain::plan::{Gate, GateScope, TaskSpec, Work};
use swarm_domain::{Program, Usd};

use super::check::{Graph, reservation};
use super::{Draft, Loaded, to_json};

/// The shape of a plan and what it can cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Tasks that can start once the levels before have landed, by position.
    pub levels: Vec<Vec<usize>>,
    /// The longest chain of needs, first to last.
    pub critical_path: Vec<usize>,
    /// The most attempts that can run at once.
    pub parallel_max: u32,
    /// What the plan can cost.
    pub money: Money,
}

/// What all tasks of a plan can cost together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// If one attempt of each does, and costs what is expected.
    pub expected: Usd,
    /// If each needs all its retries, and every attempt costs what it reserves.
    pub with_retries: Usd,
    /// The most that they may cost: what an attempt was granted is raised as long as caps allow it. None: unlimited.
    pub at_most: Option<Usd>,
}

impl Summary {
    /// Works it out.
    pub fn new(draft: &Draft) -> Self {
        let graph = Graph::new(&draft.tasks);
        let order = graph.order().tasks;
        let (mut depth, mut before) = (vec![0_usize; order.len()], vec![None; order.len()]);
        for &task in &order {
            let deepest =
                graph.needs(task).iter().copied().max_by_key(|&need| (depth[need], std::cmp::Reverse(need)));
            if let Some(need) = deepest {
                depth[task] = depth[need] + 1;
                before[task] = Some(need);
            }
        }
        let mut levels = vec![Vec::new(); depth.iter().max().map_or(0, |deepest| deepest + 1)];
        depth.iter().enumerate().for_each(|(task, &level)| levels[level].push(task));
        let widest = levels.iter().map(Vec::len).max().unwrap_or(0);
        Self {
            critical_path: path(&depth, &before),
            parallel_max: draft.concurrency.min(u32::try_from(widest).unwrap_or(u32::MAX)),
            money: costs::all(draft),
            levels,
        }
    }
}

fn path(depth: &[usize], before: &[Option<usize>]) -> Vec<usize> {
    let last = (0..depth.len()).max_by_key(|&task| (depth[task], std::cmp::Reverse(task)));
    let mut path: Vec<usize> = std::iter::successors(last, |&task| before[task]).collect();
    path.reverse();
    path
}

/// The summary for people. With the allow-list of the environment it has details: the list, and every task as it was resolved.
pub fn summary_text(loaded: &Loaded, details: Option<&[&str]>) -> String {
    text::of(&loaded.draft, details)
}

/// The summary for machines, with the same choice.
pub fn summary_json(loaded: &Loaded, details: Option<&[&str]>) -> Value {
    let draft = &loaded.draft;
    let summary = Summary::new(draft);
    let ids = |tasks: &[usize]| tasks.iter().map(|&task| draft.tasks[task].id.as_str()).collect::<Vec<_>>();
    let mut document = json!({
        "schema": "swarm.check/1",
        "plan": draft.name,
        "base": draft.base.as_deref().unwrap_or("HEAD"),
        "target": draft.target_name(),
        "tasks": draft.tasks.len(),
        "levels": summary.levels.iter().map(|level| ids(level)).collect::<Vec<_>>(),
        "critical_path": ids(&summary.critical_path),
        "max_parallel": summary.parallel_max,
        "budget": {
            "cap_usd": draft.caps.usd.map(Usd::decimal),
            "expected_usd": summary.money.expected.decimal(),
            "with_all_retries_usd": summary.money.with_retries.decimal(),
            "worst_case_usd": summary.money.at_most.map(Usd::decimal),
        },
        "costs": costs::json(draft),
        "warnings": to_json(&loaded.warnings, &loaded.source),
    });
    if let Some(allowed) = details {
        document["env_allowed"] = json!(allowed);
        document["pass_env"] = json!(draft.pass_env);
        document["resolved"] = draft.tasks.iter().map(resolved).collect();
    }
    document
}

/// One task with every default written out. Values of `env` stay out: they may be secrets all the same.
fn resolved(task: &TaskSpec) -> Value {
    json!({
        "id": task.id.as_str(),
        "title": task.title,
        "work": work(&task.work),
        "needs": task.needs.iter().map(|(need, when)| json!({"task": need.as_str(), "when": format!("{when:?}").to_lowercase()})).collect::<Vec<_>>(),
        "files": task.files,
        "budget_usd": task.caps.usd.map(Usd::decimal),
        "reserves_usd": reservation(task).decimal(),
        "timeout_ms": task.timeout_ms,
        "idle_timeout_ms": task.idle_timeout_ms,
        "retries": {
            "max": task.retries.max,
            "from": format!("{:?}", task.retries.from).to_lowercase(),
            "after": task.retries.after.iter().map(|on| format!("{on:?}").to_lowercase()).collect::<Vec<_>>(),
            "delay_ms": task.retries.delay_ms,
            "factor_percent": task.retries.factor_percent,
            "delay_max_ms": task.retries.delay_max_ms,
        },
        "gates": task.gates.iter().map(gate).collect::<Vec<_>>(),
        "if_no_changes": format!("{:?}", task.if_no_changes).to_lowercase(),
        "on_claim_violation": format!("{:?}", task.on_claim_violation).to_lowercase(),
        "env": task.env.keys().collect::<Vec<_>>(),
        "pass_env": task.pass_env,
        "setup": task.setup.iter().map(command).collect::<Vec<_>>(),
        "priority": task.priority,
        "optional": task.optional,
        "labels": task.labels,
    })
}

fn work(work: &Work) -> Value {
    match work {
        Work::Run(run) => json!({"run": command(run)}),
        Work::Agent { agent, adapter, command: own, model, permission, .. } => {
            json!({"agent": agent, "adapter": adapter, "command": own.as_ref().map(command), "model": model, "permission": permission})
        }
    }
}

fn gate(gate: &Gate) -> Value {
    json!({
        "name": gate.name,
        "run": command(&gate.run),
        "timeout_ms": gate.timeout_ms,
        "advisory": gate.advisory,
        "scope": scope(gate.scope),
        "dir": gate.dir,
        "paths": gate.paths,
        "clean": gate.clean,
        "baseline": if gate.baseline_skip { "skip" } else { "run" },
        "pass_env": gate.pass_env,
    })
}

fn scope(scope: GateScope) -> &'static str {
    match scope {
        GateScope::Task => "task",
        GateScope::Merge => "merge",
        GateScope::Both => "both",
    }
}

fn command(command: &Program) -> Value {
    match command {
        Program::Shell(text) => json!(text),
        Program::Argv(parts) => json!(parts),
    }
}
