//! Plans to run, drawn from choices. Needs point backwards, so that every plan is acyclic; nothing else is promised.

use std::collections::{BTreeMap, BTreeSet};

use swarm_domain::plan::{
    Allowed, Command, Gate, GateScope, Isolation, MergeOrder, MergePolicy, Meter, NeedWhen, OnChangeless,
    OnConflict, OnFailure, OnLimit, OnStray, OnUnknownCost, Plan, Retries, RetryFrom, RetryOn, Settings,
    Strategy, TaskSpec, Tree, Work, Workspace,
};
use swarm_domain::{AtCap, Caps, Oid, TaskId, Usd};

use crate::choice::{Choices, Site, Who};

/// What an attempt reserves in a tight world, in micro-dollars. Small, so that a sum can be checked by hand.
const LOW: u64 = 20;

/// Paths that any task may write.
pub(crate) const SHARED_PATHS: usize = 6;

/// Agent programs, by the names of their adapters. What one says under the last nobody understands.
const ADAPTERS: [&str; 3] = ["one", "another", "shell"];

/// Whether somebody understands what the program of a piece of work says.
pub(crate) fn is_understood(work: &Work) -> bool {
    matches!(work, Work::Agent { adapter, .. } if adapter != ADAPTERS[2])
}

/// The plan of a scenario.
pub(crate) fn plan(choices: &mut Choices) -> Plan {
    let count = u16::try_from(choices.once(Site::PlanTasks, Who::Run) + 1).expect("at most 64");
    let tasks = (0..count).map(|place| task(choices, place)).collect();
    let settings = settings(choices, u64::from(count));
    Plan::new(settings, tasks).expect("needs that point backwards make no cycle")
}

/// The paths that a task writes. In a plan of its `own`, one that nobody else writes, and no shared one by default.
pub(crate) fn paths(choices: &mut Choices, place: u16, own: bool) -> BTreeSet<usize> {
    let which = choices.once(Site::TaskPaths, Who::Task(place)) as usize;
    let mut paths = BTreeSet::from([which % SHARED_PATHS, which / SHARED_PATHS]);
    if own && which == 0 {
        paths.clear();
    }
    if own {
        paths.insert(SHARED_PATHS + usize::from(place));
    }
    paths
}

/// The id of the task at a place.
pub(crate) fn id(place: u16) -> TaskId {
    TaskId::new(&format!("t{place}")).expect("a letter and a number are an id")
}

fn settings(choices: &mut Choices, tasks: u64) -> Settings {
    let mut of_run = |site| choices.once(site, Who::Run);
    Settings {
        name: "sim".to_owned(),
        base: Oid::new("base"),
        target: "swarm/sim".to_owned(),
        target_at: None,
        caps: Caps {
            usd: [None, Some(LOW * tasks), Some(3 * LOW * tasks), Some(1000 * LOW * tasks)]
                [of_run(Site::PlanCap) as usize]
                .map(Usd::from_micros),
            tokens: (of_run(Site::PlanTokens) == 1).then_some(200),
            calls: (of_run(Site::PlanCalls) == 1).then_some(30),
            turns: (of_run(Site::PlanCalls) == 2).then_some(20),
            time_ms: [None, Some(600_000), Some(2_000)][of_run(Site::PlanDeadline) as usize],
        },
        agent_caps: agent_caps(of_run(Site::PlanAgents), tasks),
        per_day: None,
        warn: vec![50, 80, 100],
        at_cap: [AtCap::Finish, AtCap::Kill][of_run(Site::PlanAtCap) as usize],
        on_unknown_cost: [OnUnknownCost::Estimate, OnUnknownCost::Allow][of_run(Site::PlanUnknown) as usize],
        meter: [Meter::Proxy, Meter::Reported][of_run(Site::PlanMeter) as usize],
        concurrency: of_run(Site::PlanSlots) + 1,
        gate_slots: of_run(Site::PlanGateSlots) + 1,
        on_failure: [OnFailure::Continue, OnFailure::Stop, OnFailure::Pause]
            [of_run(Site::PlanOnFailure) as usize],
        on_limit: [OnLimit::Wait, OnLimit::Fail][of_run(Site::PlanLimit) as usize],
        instructions: String::new(),
        workspace: Workspace {
            setup: setup(of_run(Site::PlanSetup)),
            copy: Vec::new(),
            link: Vec::new(),
            timeout_ms: 60_000,
        },
        shared: Vec::new(),
        pass_env: Vec::new(),
        merge: MergePolicy {
            strategy: Strategy::Squash,
            order: [MergeOrder::Ready, MergeOrder::Plan][of_run(Site::PlanOrder) as usize],
            on_conflict: [OnConflict::Retry, OnConflict::Hold, OnConflict::Fail, OnConflict::Agent]
                [of_run(Site::PlanConflict) as usize],
        },
        preflight: of_run(Site::PlanPreflight) == 1,
        identity: ("sim".to_owned(), "sim@localhost".to_owned()),
        allow: Allowed::new(),
        tree: Tree::Worktree,
        secrets: swarm_domain::plan::Secrets::default(),
        isolation: Isolation::default(),
    }
}

/// What the attempts of one agent may use up together, or of each.
fn agent_caps(which: u32, tasks: u64) -> BTreeMap<String, Caps> {
    let each = |caps: Caps| ADAPTERS.map(|agent| (agent.to_owned(), caps)).into();
    match which {
        0 => BTreeMap::new(),
        1 => each(Caps::of_usd(Some(Usd::from_micros(LOW * tasks)))),
        2 => each(Caps { calls: Some(12), ..Caps::NONE }),
        _ => [(ADAPTERS[0].to_owned(), Caps { time_ms: Some(3_000), ..Caps::NONE })].into(),
    }
}

fn setup(wanted: u32) -> Vec<Command> {
    if wanted == 1 { vec![Command::Shell("true".to_owned())] } else { Vec::new() }
}

fn task(choices: &mut Choices, place: u16) -> TaskSpec {
    let needs = needs(choices, place);
    let files = paths(choices, place, false).into_iter().map(|path| format!("p{path}")).collect();
    let mut of_task = |site| choices.once(site, Who::Task(place));
    let is_agent = of_task(Site::TaskWork) == 0;
    let adapter = ADAPTERS[of_task(Site::TaskAgent) as usize];
    TaskSpec {
        title: "work".to_owned(),
        work: if is_agent { agent(adapter) } else { Work::Run(Command::Shell("true".to_owned())) },
        needs,
        files,
        caps: Caps {
            usd: [None, Some(2 * LOW), Some(8 * LOW)][of_task(Site::TaskBudget) as usize]
                .map(Usd::from_micros),
            calls: (of_task(Site::TaskCaps) == 1).then_some(8),
            time_ms: (of_task(Site::TaskCaps) == 2).then_some(1_500),
            ..Caps::NONE
        },
        estimate: [None, Some(LOW / 2), Some(2 * LOW)][of_task(Site::TaskEstimate) as usize]
            .map(Usd::from_micros),
        learned: None,
        timeout_ms: Some([60_000, 200][of_task(Site::TaskTimeout) as usize]),
        idle_timeout_ms: Some(30_000),
        retries: Retries {
            max: of_task(Site::TaskRetries),
            from: [RetryFrom::Previous, RetryFrom::Base][of_task(Site::TaskRetryFrom) as usize],
            after: [RetryOn::Crash, RetryOn::Timeout, RetryOn::Gate, RetryOn::Conflict].into(),
            delay_ms: 1000 * u64::from(of_task(Site::TaskRetryDelay)),
            factor_percent: 200,
            delay_max_ms: 3000,
        },
        gates: gates(of_task(Site::TaskGates)),
        if_no_changes: if is_agent { OnChangeless::Fail } else { OnChangeless::Ok },
        on_claim_violation: [OnStray::Warn, OnStray::Fail][of_task(Site::TaskStrays) as usize],
        env: BTreeMap::new(),
        pass_env: Vec::new(),
        setup: Vec::new(),
        priority: i32::try_from(of_task(Site::TaskPriority)).expect("a small number"),
        optional: of_task(Site::TaskOptional) == 1,
        labels: Vec::new(),
        id: id(place),
    }
}

fn needs(choices: &mut Choices, place: u16) -> Vec<(TaskId, NeedWhen)> {
    let who = Who::Task(place);
    let wanted = if place == 0 { 0 } else { choices.once(Site::TaskNeeds, who) };
    let mut needs = BTreeMap::new();
    for _ in 0..wanted {
        let back = u16::try_from(choices.ask(Site::TaskNeed, who)).expect("below 64") % place;
        let when = [NeedWhen::Merged, NeedWhen::Ended][choices.ask(Site::TaskNeedWhen, who) as usize];
        needs.entry(place - 1 - back).or_insert(when);
    }
    needs.into_iter().map(|(need, when)| (id(need), when)).collect()
}

fn agent(adapter: &str) -> Work {
    Work::Agent {
        agent: adapter.to_owned(),
        adapter: adapter.to_owned(),
        command: Some(Command::Shell("true".to_owned())),
        model: None,
        permission: "run".to_owned(),
        args: Vec::new(),
        instructions: String::new(),
        prompt: "work".to_owned(),
    }
}

fn gates(which: u32) -> Vec<Gate> {
    match which {
        0 => Vec::new(),
        1 => vec![gate("own", GateScope::Task)],
        2 => vec![gate("merged", GateScope::Merge)],
        3 => vec![gate("both", GateScope::Both)],
        _ => vec![gate("own", GateScope::Task), Gate { advisory: true, ..gate("both", GateScope::Both) }],
    }
}

fn gate(name: &str, scope: GateScope) -> Gate {
    Gate {
        name: name.to_owned(),
        run: Command::Shell("true".to_owned()),
        timeout_ms: 2000,
        advisory: false,
        hint: String::new(),
        scope,
        dir: String::new(),
        paths: Vec::new(),
        clean: false,
        baseline_skip: false,
        pass_env: Vec::new(),
        network: true,
    }
}
