//! What each task is expected to cost, and at worst, and where the figures come from. One attempt each is expected, since most plans hope for that.

use serde_json::{Value, json};
use swarm_domain::Usd;
use swarm_domain::plan::TaskSpec;

use super::{Draft, reservation, worst_of};

/// The most tasks that are listed for people.
const SHOWN_MAX: usize = 40;

/// What one attempt of a task is expected to cost.
pub(super) fn expected(task: &TaskSpec) -> Usd {
    let learned = task.learned.as_ref().map(|learned| learned.median);
    task.estimate.or(learned).unwrap_or_else(|| reservation(task))
}

/// What the figures rest on.
fn source(task: &TaskSpec) -> String {
    match (&task.learned, task.estimate, task.caps.usd) {
        (_, Some(_), _) => "the plan's estimate".to_owned(),
        (Some(learned), None, _) => format!("{} attempts of {}", learned.attempts, learned.of),
        (None, None, Some(_)) => "the task's budget over its attempts".to_owned(),
        (None, None, None) if task.is_agent() => "an assumption: nothing is known of it".to_owned(),
        (None, None, None) => "a command that reports nothing".to_owned(),
    }
}

/// A row for each task that costs anything: its id, what it costs as expected and at worst, and what says so.
pub(super) fn rows(draft: &Draft) -> Vec<[String; 4]> {
    let costly = || draft.tasks.iter().filter(|task| worst_of(task) > Usd::ZERO);
    let row = |task: &TaskSpec| {
        let (usual, worst) = (expected(task).to_string(), worst_of(task).to_string());
        [task.id.to_string(), usual, worst, format!("from {}", source(task))]
    };
    let mut rows: Vec<[String; 4]> = costly().take(SHOWN_MAX).map(row).collect();
    let more = costly().count().saturating_sub(SHOWN_MAX);
    if more > 0 {
        rows.push([format!("… {more} more"), String::new(), String::new(), String::new()]);
    }
    rows
}

/// The same for machines, of every task.
pub(super) fn json(draft: &Draft) -> Value {
    let each = draft.tasks.iter().map(|task| {
        json!({
            "task": task.id.as_str(),
            "expected_usd": expected(task).decimal(),
            "reserves_usd": reservation(task).decimal(),
            "worst_usd": worst_of(task).decimal(),
            "from": source(task),
            "attempts_seen": task.learned.as_ref().map(|learned| learned.attempts),
        })
    });
    each.collect()
}
