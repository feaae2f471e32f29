//! What attempts of earlier runs of a repository cost. It reads journals and believes figures that programs gave; what was settled without one teaches nothing.

use swarm_domain::fact::Ending;
use swarm_domain::plan::{TaskSpec, Work};
use swarm_domain::{Event, TaskId, Usd};

use super::{History, RunFolder, list, read};
use crate::git::Repo;
use crate::plan::PastAttempt;

/// How many runs are looked at, the newest first.
const RUNS_MAX: usize = 30;
/// A journal that is larger is left out: a plan is to be checked at once.
const JOURNAL_BYTES_MAX: u64 = 64 << 20;

/// The attempts of the newest runs that are known to have cost something, newest first.
pub fn past_attempts(repo: &Repo) -> Vec<PastAttempt> {
    let runs = list(repo).unwrap_or_default();
    let newest = runs.iter().rev().filter(|run| is_readable(run)).take(RUNS_MAX);
    newest.filter_map(|run| read(&run.journal()).ok()).flat_map(|history| of_run(&history)).collect()
}

fn is_readable(run: &RunFolder) -> bool {
    super::size(&run.journal()) <= JOURNAL_BYTES_MAX
}

fn of_run(history: &History) -> Vec<PastAttempt> {
    let Some(parts) = history.state.parts() else { return Vec::new() };
    let spec = |task: &TaskId| parts.tasks.get(task).map(|task| task.spec.clone());
    let ended = history.events.iter().rev().filter_map(|recorded| match &recorded.event {
        Event::AgentExited(event) => Some(event),
        _ => None,
    });
    // Whoever was stopped, or turned away, says nothing of what the work costs.
    let told = ended.filter_map(|event| {
        let usd = event.usage.usd.filter(|usd| *usd > Usd::ZERO)?;
        let whole = matches!(event.ending, Ending::Exited { .. } | Ending::Overstayed | Ending::Spent);
        let spec = spec(&event.task).filter(|_| whole)?;
        past(&spec, usd)
    });
    told.collect()
}

fn past(spec: &TaskSpec, cost: Usd) -> Option<PastAttempt> {
    let Work::Agent { agent, adapter, model, .. } = &spec.work else { return None };
    Some(PastAttempt {
        agent: agent.clone(),
        adapter: adapter.clone(),
        model: model.clone(),
        labels: spec.labels.clone(),
        cost,
    })
}
