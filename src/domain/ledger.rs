//! The ledger: what may be spent, what is held back, what is gone. Integers only; it does not know what a task does.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Serialize;

use crate::event::Event;
use crate::fact::{Cost, Request, Usage};
use crate::{TaskId, Usd};

/// The money of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    cap: Option<Usd>,
    spent: Usd,
    reserved: Usd,
    open: BTreeMap<(TaskId, u32), Line>,
    by_task: BTreeMap<TaskId, Usd>,
    tokens: u64,
    estimated: bool,
    unknown: bool,
}

/// What one running attempt holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What it may spend.
    pub grant: Usd,
    /// What it is known to have used.
    pub usage: Usage,
}

impl Line {
    /// What is held back for it: its grant, or what it spent if that is more.
    pub fn held(self) -> Usd {
        self.grant.max(self.usage.usd.unwrap_or_default())
    }
}

impl Ledger {
    /// A ledger with a cap; none is unlimited.
    pub fn new(cap: Option<Usd>) -> Self {
        Self { cap, ..Self::default() }
    }

    /// The cap; none is unlimited.
    pub fn cap(&self) -> Option<Usd> {
        self.cap
    }

    /// What is settled.
    pub fn spent(&self) -> Usd {
        self.spent
    }

    /// What running attempts hold.
    pub fn reserved(&self) -> Usd {
        self.reserved
    }

    /// What can still be admitted; none is unlimited. Law 7: an admission takes at most this.
    pub fn free(&self) -> Option<Usd> {
        self.cap.map(|cap| cap.minus(self.spent).minus(self.reserved))
    }

    /// What the settled attempts of a task cost.
    pub fn spent_by(&self, task: &TaskId) -> Usd {
        self.by_task.get(task).copied().unwrap_or_default()
    }

    /// Whether more is spent and reserved than the cap allows, as after a program that told its cost too late. Law 7:
    /// nothing is admitted then, not even what asks for nothing.
    pub fn is_overdrawn(&self) -> bool {
        self.cap.is_some_and(|cap| self.spent.plus(self.reserved) > cap)
    }

    /// What one running attempt holds.
    pub fn line(&self, task: &TaskId, attempt: u32) -> Option<Line> {
        self.open.get(&(task.clone(), attempt)).copied()
    }

    /// All running attempts.
    pub fn lines(&self) -> impl Iterator<Item = (&TaskId, u32, Line)> {
        self.open.iter().map(|((task, attempt), line)| (task, *attempt, *line))
    }

    /// Tokens used by settled and running attempts.
    pub fn tokens(&self) -> u64 {
        self.open.values().fold(self.tokens, |sum, line| sum.saturating_add(line.usage.tokens()))
    }

    /// How well the whole sum is known.
    pub fn cost(&self) -> Cost {
        match (self.unknown, self.estimated) {
            (true, _) => Cost::Unknown,
            (false, true) => Cost::Estimated,
            (false, false) => Cost::Metered,
        }
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::AttemptStarted(event) => self.reserve(&event.task, event.attempt, event.reserve),
            Event::UsageReported(event) => self.report(&event.task, event.attempt, event.usage),
            Event::GrantRaised(event) => self.raise(&event.task, event.attempt, event.grant),
            Event::AgentExited(event) => {
                self.settle(&event.task, event.attempt, event.charge, event.cost, event.usage);
            }
            // An attempt that never ran costs nothing.
            Event::WorktreeFailed(event) => {
                self.settle(&event.task, event.attempt, Usd::ZERO, Cost::Metered, Usage::default());
            }
            Event::Requested(event) => self.cap = self.cap_after(&event.request),
            // What was spent may have been recorded where nothing can be read any more.
            Event::RecordsLost(_) => self.unknown = true,
            _ => {}
        }
    }

    fn cap_after(&self, request: &Request) -> Option<Usd> {
        match request {
            Request::AddBudget { usd } => self.cap.map(|cap| cap.plus(*usd)),
            Request::SetBudget { usd } => Some(*usd),
            Request::Cancel { .. }
            | Request::Pause
            | Request::Unpause
            | Request::SetConcurrency { .. }
            | Request::Drain { .. }
            | Request::Interrupt { .. } => self.cap,
        }
    }

    /// An attempt reserves once: what it holds already stays as it is.
    fn reserve(&mut self, task: &TaskId, attempt: u32, grant: Usd) {
        let line = Line { grant, usage: Usage::default() };
        if let Entry::Vacant(entry) = self.open.entry((task.clone(), attempt)) {
            entry.insert(line);
            self.reserved = self.reserved.plus(line.held());
        }
    }

    fn report(&mut self, task: &TaskId, attempt: u32, usage: Usage) {
        self.change(task, attempt, |line| line.usage = line.usage.max(usage));
    }

    fn raise(&mut self, task: &TaskId, attempt: u32, grant: Usd) {
        self.change(task, attempt, |line| line.grant = line.grant.max(grant));
    }

    fn change(&mut self, task: &TaskId, attempt: u32, change: impl FnOnce(&mut Line)) {
        if let Some(line) = self.open.get_mut(&(task.clone(), attempt)) {
            let before = line.held();
            change(line);
            self.reserved = self.reserved.minus(before).plus(line.held());
        }
    }

    /// Settles a reservation. An attempt without one has nothing to settle, so a second settlement changes nothing.
    pub(crate) fn settle(&mut self, task: &TaskId, attempt: u32, charge: Usd, cost: Cost, usage: Usage) {
        let Some(line) = self.open.remove(&(task.clone(), attempt)) else { return };
        self.reserved = self.reserved.minus(line.held());
        self.spent = self.spent.plus(charge);
        self.tokens = self.tokens.saturating_add(line.usage.max(usage).tokens());
        let by_task = self.by_task.entry(task.clone()).or_default();
        *by_task = by_task.plus(charge);
        self.estimated |= cost == Cost::Estimated;
        self.unknown |= cost == Cost::Unknown;
    }
}

#[cfg(test)]
mod tests {
    use super::Ledger;
    use crate::fact::{Cost, Usage};
    use crate::{TaskId, Usd};

    fn usd(micros: u64) -> Usage {
        Usage { usd: Some(Usd::from_micros(micros)), ..Usage::default() }
    }

    #[test]
    fn a_reservation_is_settled_exactly_once() {
        let task = TaskId::new("a").unwrap();
        let mut ledger = Ledger::new(Some(Usd::from_micros(100)));
        ledger.reserve(&task, 1, Usd::from_micros(40));
        assert_eq!(ledger.free(), Some(Usd::from_micros(60)));
        ledger.settle(&task, 1, Usd::from_micros(30), Cost::Metered, usd(30));
        ledger.settle(&task, 1, Usd::from_micros(30), Cost::Metered, usd(30));
        assert_eq!((ledger.spent(), ledger.reserved()), (Usd::from_micros(30), Usd::ZERO));
    }

    #[test]
    fn spending_beyond_the_reservation_is_held_at_once() {
        let task = TaskId::new("a").unwrap();
        let mut ledger = Ledger::new(Some(Usd::from_micros(100)));
        ledger.reserve(&task, 1, Usd::from_micros(40));
        ledger.report(&task, 1, usd(120));
        assert_eq!(ledger.free(), Some(Usd::ZERO));
        ledger.report(&task, 1, usd(10));
        assert_eq!(ledger.reserved(), Usd::from_micros(120), "a figure never falls");
    }
}
