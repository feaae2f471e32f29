//! The plan of a run that is to be simulated again. Does not know what came of it.

use std::collections::BTreeSet;

use swarm_domain::TaskId;
use swarm_domain::plan::{Plan, TaskSpec};

/// When a program without a timeout is ended all the same, in milliseconds.
const TIMEOUT_MS: u64 = 3_600_000;

/// The plan of what was left to do: what a parent run had landed is in the base, as everything else is that the target had.
pub(super) fn plan(plan: &Plan, carried: &BTreeSet<TaskId>) -> Plan {
    let (mut settings, mut tasks) = plan.clone().into_parts();
    settings.target_at = None;
    // Where nothing was left to do there is no plan: then all of it is done again.
    if carried.len() < tasks.len() {
        tasks.retain(|task| !carried.contains(&task.id));
        for task in &mut tasks {
            task.needs.retain(|(need, _)| !carried.contains(need));
        }
    }
    tasks.iter_mut().for_each(limit);
    Plan::new(settings, tasks).expect("a part of a plan without what it needs no more is a plan")
}

fn limit(task: &mut TaskSpec) {
    task.timeout_ms.get_or_insert(TIMEOUT_MS);
    task.idle_timeout_ms.get_or_insert(TIMEOUT_MS);
}
