//! What each task is expected to cost, with all its retries, and at worst, and where the figures come from. One attempt each is expected, since most plans hope for that.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use swarm_domain::Usd;
use swarm_domain::plan::TaskSpec;

use super::{Draft, Money, reservation};

/// The most tasks that are listed for people.
const SHOWN_MAX: usize = 40;

/// What all tasks can cost together. The tasks of an agent stay within its budget together, and all of them within the
/// run's cap.
pub(super) fn all(draft: &Draft) -> Money {
    let mut by_agent: BTreeMap<Option<&str>, Option<Usd>> = BTreeMap::new();
    for task in &draft.tasks {
        let sum = by_agent.entry(task.agent()).or_insert(Some(Usd::ZERO));
        *sum = sum.zip(most(draft, task)).map(|(sum, most)| sum.plus(most));
    }
    let held = by_agent.into_iter().map(|(agent, sum)| least([sum, agent_cap(draft, agent)]));
    let sum = held.sum::<Option<Usd>>();
    Money {
        expected: draft.tasks.iter().map(expected).sum(),
        with_retries: draft.tasks.iter().map(with_retries).sum(),
        at_most: least([sum, draft.caps.usd]),
    }
}

/// The most that a task may cost; none: unlimited. Its attempts are granted more, as long as the caps that hold for it allow.
fn most(draft: &Draft, task: &TaskSpec) -> Option<Usd> {
    least([task.caps.usd, agent_cap(draft, task.agent()), draft.caps.usd])
}

fn agent_cap(draft: &Draft, agent: Option<&str>) -> Option<Usd> {
    draft.agent_caps.get(agent?)?.usd
}

/// The least of the bounds that there are.
fn least<const N: usize>(bounds: [Option<Usd>; N]) -> Option<Usd> {
    bounds.into_iter().flatten().min()
}

/// What all attempts of a task cost if each costs what it reserves.
fn with_retries(task: &TaskSpec) -> Usd {
    let attempts = u64::from(task.retries.max) + 1;
    let all = Usd::from_micros(reservation(task).micros().saturating_mul(attempts));
    task.caps.usd.map_or(all, |budget| budget.min(all))
}

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

/// A row for each task that costs anything: its id, what it costs as expected, with all retries and at worst, and what
/// says so.
pub(super) fn rows(draft: &Draft) -> Vec<[String; 5]> {
    let costly = || draft.tasks.iter().filter(|task| with_retries(task) > Usd::ZERO);
    let row = |task: &TaskSpec| {
        let worst = most(draft, task).map_or_else(|| "unlimited".to_owned(), |most| most.to_string());
        let (usual, retried) = (expected(task).to_string(), with_retries(task).to_string());
        [task.id.to_string(), usual, retried, worst, format!("from {}", source(task))]
    };
    let mut rows: Vec<[String; 5]> = costly().take(SHOWN_MAX).map(row).collect();
    let more = costly().count().saturating_sub(SHOWN_MAX);
    if more > 0 {
        let mut row = <[String; 5]>::default();
        row[0] = format!("… {more} more");
        rows.push(row);
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
            "with_all_retries_usd": with_retries(task).decimal(),
            "worst_usd": most(draft, task).map(Usd::decimal),
            "from": source(task),
            "attempts_seen": task.learned.as_ref().map(|learned| learned.attempts),
        })
    });
    each.collect()
}
