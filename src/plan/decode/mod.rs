//! A checked tree into a [`Draft`]. What the table of keys cannot say is checked on the way: names that must exist, one of two keys, files to read.

pub(super) mod agents;
pub(super) mod files;
mod gates;
mod isolation;
mod read;
mod retries;
mod secrets;
mod tasks;

use std::collections::BTreeMap;
use std::path::Path;

use swarm_domain::plan::{
    Allowed, MergeOrder, MergePolicy, Meter, OnConflict, OnFailure, OnLimit, OnUnknownCost, Strategy,
    Workspace,
};
use swarm_domain::{AtCap, Caps, HazardKind, TaskSpec, Usd};

use super::draft::{Decoded, Draft, TaskSpots};
use super::node::{Kind, Node};
use super::problem::Problem;
use super::shape::Problems;
use super::source::Span;
use super::value;

/// The most tasks in a plan: the check of claims holds a bit for each pair.
pub const TASKS_MAX: usize = 20_000;

const SETUP_TIMEOUT_MS: u64 = 10 * 60_000;

/// When people are told how much of a cap is used, in percent.
const WARN: [u32; 3] = [50, 80, 100];

/// What decoding needs beside the tree, and where problems go.
pub(super) struct Cx<'a> {
    /// The plan's folder.
    pub(super) folder: &'a Path,
    /// The name of a plan that does not say its own.
    pub(super) name: String,
    /// The processors of this machine.
    pub(super) cpus: u32,
    /// What is wrong so far.
    pub(super) problems: &'a mut Problems,
    /// The files that were read.
    pub(super) read: Vec<ReadFile>,
}

/// A file that the plan names, and what is in it.
#[derive(Debug)]
pub(super) struct ReadFile {
    /// Its name in the plan.
    pub(super) name: String,
    /// Where it is named.
    pub(super) span: Span,
    /// Its text.
    pub(super) text: String,
}

/// Decodes a plan.
pub(super) fn plan(root: &Node, cx: &mut Cx<'_>) -> Decoded {
    let mut context = tasks::Context::new(root, cx);
    let (tasks, spots, broken) = all_tasks(root, &mut context, cx);
    unused(&context, cx);
    let caps = caps(root, cx);
    let nothing = Node::new(Span::default(), Kind::Null);
    let budget = root.get("budget").unwrap_or(&nothing);
    let draft = Draft {
        name: read::text(root, "name").filter(|name| value::is_slug(name)).unwrap_or_else(|| cx.name.clone()),
        base: read::text(root, "base"),
        target: read::text(root, "target"),
        caps,
        agent_caps: context.agents.caps(),
        per_day: read::money(budget, "per_day"),
        warn: read::shares(budget, "warn").unwrap_or_else(|| WARN.to_vec()),
        at_cap: if read::word(budget, "at_cap") == Some("kill") { AtCap::Kill } else { AtCap::Finish },
        on_unknown_cost: match read::word(budget, "on_unknown_cost") {
            Some("refuse") => OnUnknownCost::Refuse,
            Some("allow") => OnUnknownCost::Allow,
            _ => OnUnknownCost::Estimate,
        },
        meter: match read::word(budget, "meter") {
            Some("reported") => Meter::Reported,
            _ => Meter::Proxy,
        },
        concurrency: read::whole(root, "concurrency").unwrap_or_else(|| cx.cpus.clamp(1, 4)),
        gate_slots: read::whole(root, "gate_slots").unwrap_or(1),
        on_failure: match read::word(root, "on_failure") {
            Some("stop") => OnFailure::Stop,
            Some("pause") => OnFailure::Pause,
            _ => OnFailure::Continue,
        },
        on_limit: if read::word(root, "on_rate_limit") == Some("fail") {
            OnLimit::Fail
        } else {
            OnLimit::Wait
        },
        instructions: files::instructions(root, cx),
        workspace: workspace(root.get("workspace").unwrap_or(&nothing)),
        shared: read::texts(root, "shared"),
        pass_env: read::texts(root, "pass_env"),
        merge: merge(root.get("merge").unwrap_or(&nothing)),
        allow: allowed(root.get("merge").and_then(|merge| merge.get("allow")).unwrap_or(&nothing)),
        tree: isolation::tree(root.get("isolation")),
        secrets: secrets::secrets(root, &tasks, cx),
        isolation: isolation::walls(root.get("isolation")),
        tasks,
    };
    Decoded { draft, spots, broken, budget: root.get("budget").map(|node| node.span) }
}

fn workspace(map: &Node) -> Workspace {
    Workspace {
        setup: read::commands(map, "setup"),
        copy: read::texts(map, "copy"),
        link: read::texts(map, "link"),
        timeout_ms: read::duration(map, "timeout").unwrap_or(SETUP_TIMEOUT_MS),
    }
}

fn merge(map: &Node) -> MergePolicy {
    MergePolicy {
        strategy: if read::word(map, "strategy") == Some("merge") {
            Strategy::Merge
        } else {
            Strategy::Squash
        },
        order: if read::word(map, "order") == Some("plan") { MergeOrder::Plan } else { MergeOrder::Ready },
        on_conflict: match read::word(map, "on_conflict") {
            Some("agent") => OnConflict::Agent,
            Some("hold") => OnConflict::Hold,
            Some("fail") => OnConflict::Fail,
            _ => OnConflict::Retry,
        },
    }
}

/// What may land although it is a hazard, by kind.
fn allowed(map: &Node) -> Allowed {
    let keyed = HazardKind::ALL.into_iter().filter_map(|kind| Some((kind, kind.key()?)));
    let globs = keyed.map(|(kind, key)| (kind, read::texts(map, key)));
    globs.filter(|(_, globs)| !globs.is_empty()).collect()
}

/// The run's caps. There is no default for money: a forgotten cap costs more than a typed one.
fn caps(root: &Node, cx: &mut Cx<'_>) -> Caps {
    let deadline_ms = read::limit(root, "deadline");
    let Some(node) = root.get("budget") else {
        let problem =
            Problem::error("P0402", "the plan has no `budget`").at(root.span, "`budget` is missing");
        cx.problems.push(problem.help("write `budget: $12` for a hard cap, or `budget: unlimited`"));
        return Caps { time_ms: deadline_ms, ..Caps::NONE };
    };
    let caps = read::caps(root, "budget");
    if let (Some(time), Some(deadline)) = (node.get("time"), root.get("deadline")) {
        let problem = Problem::error("P0402", "the time of the run is capped twice").at(time.span, "here");
        cx.problems
            .push(problem.at(deadline.span, "and here").help("leave one of them out: they mean the same"));
    }
    if let Some(node) = node.get("per_day").filter(|node| value::money(node) == Ok(Usd::ZERO)) {
        let problem = Problem::error("P0402", "a budget of 0 allows nothing to start");
        cx.problems.push(problem.at(node.span, "in `per_day`").help("leave it out for no limit by the day"));
    }
    Caps { time_ms: caps.time_ms.or(deadline_ms), ..caps }
}

fn all_tasks(
    root: &Node,
    context: &mut tasks::Context,
    cx: &mut Cx<'_>,
) -> (Vec<TaskSpec>, Vec<TaskSpots>, Vec<String>) {
    let (mut specs, mut spots, mut broken) = (Vec::new(), Vec::new(), Vec::new());
    let Some(node) = root.get("tasks") else { return (specs, spots, broken) };
    let listed = listed(node, cx);
    if listed.is_empty() && matches!(node.kind, Kind::Map(_) | Kind::List(_)) && node.items().is_empty() {
        cx.problems
            .push(Problem::error("P0103", "the plan has no task").at(node.span, "at least one is needed"));
    }
    if listed.len() > TASKS_MAX {
        let text = format!("the plan has {} tasks; at most {TASKS_MAX} are taken", listed.len());
        cx.problems.push(Problem::error("P0110", text).at(node.span, "too many"));
        return (specs, spots, broken);
    }
    for (id, span, map) in listed {
        let task = value::check_id(id).ok().filter(|_| matches!(map.kind, Kind::Map(_)));
        match task {
            Some(task) => {
                let (spec, spot) = tasks::task(task, span, map, context, cx);
                specs.push(spec);
                spots.push(spot);
            }
            None => broken.push(id.to_owned()),
        }
    }
    (specs, spots, broken)
}

/// Id, place of the id and map of each task, from a map by id or a list with ids.
fn listed<'a>(node: &'a Node, cx: &mut Cx<'_>) -> Vec<(&'a str, Span, &'a Node)> {
    let keyed = node.entries().iter().map(|entry| (entry.key.as_str(), entry.key_span, &entry.value));
    let mut all: Vec<(&str, Span, &Node)> = keyed.collect();
    let mut first_at: BTreeMap<&str, Span> = BTreeMap::new();
    for item in node.items() {
        let Some((id, span)) = item.get("id").and_then(|id| Some((id.word()?, id.span))) else { continue };
        if let Some(first) = first_at.insert(id, span) {
            let problem =
                Problem::error("P0104", format!("two tasks have the id `{}`", super::node::short(id)));
            cx.problems.push(problem.at(span, "taken").at(first, "by this task"));
            continue;
        }
        all.push((id, span, item));
    }
    all
}

fn unused(context: &tasks::Context, cx: &mut Cx<'_>) {
    for (name, span) in context.gates.unused() {
        let problem =
            Problem::warning("P0205", format!("no task has the gate `{name}`")).at(span, "never runs");
        cx.problems.push(problem.help("name it in a task's `gates` or in `defaults`"));
    }
    for (name, span) in context.agents.unused() {
        cx.problems.push(
            Problem::warning("P0206", format!("no task uses the agent `{name}`")).at(span, "never starts"),
        );
    }
}
