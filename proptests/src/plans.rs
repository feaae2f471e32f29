//! Plans to run: graphs of a shape, with budgets, gates and policies drawn from the same seed.

use std::collections::{BTreeMap, BTreeSet};

use swarm_domain::plan::{
    Command, Gate, GateScope, MergeOrder, MergePolicy, NeedWhen, OnChangeless, OnConflict, OnFailure,
    OnStray, OnUnknownCost, Plan, Retries, RetryFrom, RetryOn, Settings, Strategy, TaskSpec, Work, Workspace,
};
use swarm_domain::{Oid, TaskId, Usd};

use crate::fate::Fates;

/// The size of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many tasks.
    pub tasks: u32,
    /// Attempts at once.
    pub slots: u32,
}

/// A plan of a shape. Needs point backwards, so that it is acyclic.
pub(crate) fn plan(fates: &Fates, shape: Shape) -> Plan {
    let tasks = (0..shape.tasks).map(|number| task(fates, number)).collect();
    Plan::new(settings(fates, shape), tasks).expect("needs that point backwards make no cycle")
}

fn settings(fates: &Fates, shape: Shape) -> Settings {
    let one_of = |place, count| fates.pick(place, "run", 0, count);
    Settings {
        name: "sim".to_owned(),
        base: Oid::new("base"),
        target: "swarm/sim".to_owned(),
        target_at: None,
        cap: (one_of("capped", 4) > 0)
            .then(|| Usd::from_micros(40 * u64::from(shape.tasks) + one_of("cap", 200))),
        warn_percent: 80,
        tokens: None,
        on_unknown_cost: OnUnknownCost::Estimate,
        concurrency: shape.slots,
        gate_slots: 1 + u32::from(one_of("gate slots", 2) == 1),
        deadline_ms: (one_of("deadline", 10) == 0).then(|| 100 + one_of("time", 500)),
        on_failure: match one_of("on failure", 6) {
            0 => OnFailure::Stop,
            1 => OnFailure::Pause,
            _ => OnFailure::Continue,
        },
        instructions: String::new(),
        workspace: Workspace::default(),
        shared: Vec::new(),
        pass_env: Vec::new(),
        merge: MergePolicy {
            strategy: Strategy::Squash,
            order: if one_of("order", 3) == 0 { MergeOrder::Plan } else { MergeOrder::Ready },
            on_conflict: if one_of("on conflict", 5) == 0 { OnConflict::Hold } else { OnConflict::Retry },
        },
        preflight: one_of("preflight", 2) == 0,
        identity: ("sim".to_owned(), "sim@localhost".to_owned()),
    }
}

fn task(fates: &Fates, number: u32) -> TaskSpec {
    let name = format!("t{number}");
    let one_of = |place, count| fates.pick(place, &name, 0, count);
    let needs: BTreeSet<u32> = (0..one_of("needs", 3))
        .filter(|_| number > 0)
        .map(|which| {
            u32::try_from(fates.pick("need", &name, which, u64::from(number))).expect("a place in the plan")
        })
        .collect();
    let when = if one_of("when", 5) == 0 { NeedWhen::Ended } else { NeedWhen::Merged };
    let is_agent = one_of("agent", 2) == 0;
    TaskSpec {
        title: name.clone(),
        work: work(is_agent),
        needs: needs.into_iter().map(|need| (id(need), when)).collect(),
        files: Vec::new(),
        budget: (one_of("budgeted", 3) == 0).then(|| Usd::from_micros(60 + one_of("budget", 60))),
        estimate: (is_agent || one_of("estimated", 2) == 0)
            .then(|| Usd::from_micros(10 + one_of("estimate", 30))),
        timeout_ms: None,
        idle_timeout_ms: None,
        retries: Retries {
            max: u32::try_from(one_of("retries", 3)).expect("a small number"),
            from: if one_of("from", 3) == 0 { RetryFrom::Base } else { RetryFrom::Previous },
            after: [RetryOn::Crash, RetryOn::Timeout, RetryOn::Gate, RetryOn::Conflict].into(),
            delay_ms: 10 * one_of("delay", 3),
            factor_percent: 200,
            delay_max_ms: 100,
        },
        gates: if one_of("gated", 3) == 0 { vec![gate(one_of("scope", 3))] } else { Vec::new() },
        if_no_changes: if is_agent { OnChangeless::Fail } else { OnChangeless::Ok },
        on_claim_violation: OnStray::Warn,
        env: BTreeMap::new(),
        pass_env: Vec::new(),
        setup: Vec::new(),
        priority: i32::from(one_of("priority", 4) == 0),
        optional: one_of("optional", 6) == 0,
        labels: Vec::new(),
        id: id(number),
    }
}

fn id(number: u32) -> TaskId {
    TaskId::new(&format!("t{number}")).expect("a letter and a number are an id")
}

fn work(is_agent: bool) -> Work {
    if !is_agent {
        return Work::Run(Command::Shell("true".to_owned()));
    }
    Work::Agent {
        agent: "sim".to_owned(),
        adapter: "shell".to_owned(),
        command: Some(Command::Shell("true".to_owned())),
        model: None,
        permission: "run".to_owned(),
        instructions: String::new(),
        prompt: "work".to_owned(),
    }
}

fn gate(scope: u64) -> Gate {
    Gate {
        name: "gate".to_owned(),
        run: Command::Shell("true".to_owned()),
        timeout_ms: 1000,
        advisory: false,
        hint: String::new(),
        scope: [GateScope::Task, GateScope::Merge, GateScope::Both]
            [usize::try_from(scope).expect("a small number")],
        dir: String::new(),
        paths: Vec::new(),
        clean: false,
        baseline_skip: false,
        pass_env: Vec::new(),
    }
}
