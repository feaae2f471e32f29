//! A run in figures: how many tasks are where, what is spent, who lands next. Adds up and judges nothing.

use swarm_domain::Usd;
use swarm_domain::fact::Cost;
use swarm_domain::ledger::Ledger;
use swarm_domain::plan::{MergeOrder, topological};
use swarm_domain::state::Parts;
use swarm_domain::task::{End, Phase, Task};

use super::text::dollars;

/// How many tasks are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// All of them.
    pub(super) total: usize,
    /// Merged, or done with nothing to merge.
    pub(super) landed: usize,
    /// An attempt or its own gates run.
    pub(super) running: usize,
    /// Finished work that waits to land, or lands.
    pub(super) queued: usize,
    /// For others, for a slot, for money or for a time.
    pub(super) waiting: usize,
    /// Failed for good.
    pub(super) failed: usize,
    /// Skipped or cancelled.
    pub(super) dropped: usize,
    /// For a person.
    pub(super) held: usize,
}

impl Counts {
    /// Counts the tasks of a run.
    pub(super) fn of(parts: &Parts) -> Self {
        let mut counts = Self { total: parts.run.tasks as usize, ..Self::default() };
        for task in parts.tasks.iter() {
            *counts.place(&task.phase) += 1;
        }
        counts
    }

    fn place(&mut self, phase: &Phase) -> &mut usize {
        match phase {
            Phase::Waiting | Phase::Ready | Phase::Backoff { .. } => &mut self.waiting,
            Phase::Making
            | Phase::Running
            | Phase::Saving
            | Phase::Judging(_)
            | Phase::Gating(_)
            | Phase::Failing { .. } => &mut self.running,
            Phase::Queued | Phase::Merging => &mut self.queued,
            Phase::Held { .. } => &mut self.held,
            Phase::Ended(End::Merged { .. } | End::Done { .. }) => &mut self.landed,
            Phase::Ended(End::Failed { .. }) => &mut self.failed,
            Phase::Ended(End::Skipped { .. } | End::Cancelled { .. }) => &mut self.dropped,
        }
    }

    /// `5/9 done, 2 running, 1 waiting, 1 failed`: what there is none of is left out.
    pub(super) fn words(self) -> String {
        let kinds = [
            (self.running, "running"),
            (self.queued, "landing"),
            (self.waiting, "waiting"),
            (self.held, "held for you"),
            (self.failed, "failed"),
            (self.dropped, "skipped or cancelled"),
        ];
        let some = kinds.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!(", {n} {word}"));
        std::iter::once(format!("{}/{} done", self.landed, self.total)).chain(some).collect()
    }
}

/// How well it is known what all attempts of a task cost together; nothing while none has ended. The ledger keeps the
/// sum of a task and not how each part of it is known, so of several attempts the run's doubt is theirs too.
pub(super) fn task_cost(parts: &Parts, task: &Task) -> Option<Cost> {
    let last = task.attempt.as_ref()?.cost;
    // A command that reports nothing costs nothing, so nothing about it is in doubt.
    if task.attempts > 1 && task.spec.is_agent() { Some(parts.ledger.cost()).max(last) } else { last }
}

/// What is known to be spent, by running attempts too, and what else is held back for those.
pub(super) fn spent_and_reserved(ledger: &Ledger) -> (Usd, Usd) {
    // Money does not depend on the moment that is asked about.
    let spent = ledger.used(0).usd;
    (spent, ledger.spent().plus(ledger.reserved()).minus(spent))
}

/// What is spent and held back, of what: `$5.12 spent + $2.40 reserved of $12.00 (62%)`.
pub(super) fn budget(parts: &Parts) -> String {
    let ledger = &parts.ledger;
    let (spent, reserved) = spent_and_reserved(ledger);
    let mut text = match ledger.cost() {
        Cost::Metered => format!("{} spent", dollars(spent)),
        Cost::Estimated => format!("~{} spent (estimated)", dollars(spent)),
        Cost::Unknown if spent == Usd::ZERO => "unknown cost".to_owned(),
        Cost::Unknown => format!("{} and an unknown cost spent", dollars(spent)),
    };
    if reserved > Usd::ZERO {
        text = format!("{text} + {} reserved", dollars(reserved));
    }
    match ledger.cap() {
        None => format!("{text}, no cap"),
        Some(cap) => {
            format!("{text} of {} ({}%)", dollars(cap), percent(spent.plus(reserved), cap))
        }
    }
}

/// A share in whole percent, rounded down.
pub(super) fn percent(part: Usd, whole: Usd) -> u64 {
    part.micros().saturating_mul(100).checked_div(whole.micros()).unwrap_or(100)
}

/// Who lands, in order: first what is being landed, then the line.
pub(super) fn landing_order(parts: &Parts) -> Vec<&str> {
    let mut line: Vec<&str> = parts.train.line().map(|waiting| waiting.task.as_str()).collect();
    if parts.run.settings.merge.order == MergeOrder::Plan && line.len() > 1 {
        let specs: Vec<_> = parts.tasks.iter().map(|task| task.spec.as_ref().clone()).collect();
        let order = topological(&specs).unwrap_or_default();
        line = order
            .iter()
            .map(|&at| parts.tasks.at(at).spec.id.as_str())
            .filter(|id| line.contains(id))
            .collect();
    }
    parts.train.car().map(|car| car.task.as_str()).into_iter().chain(line).collect()
}
