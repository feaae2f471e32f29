//! Law 7, from the sums of what was recorded: admission, settlement, and that a charge is never below what was known.

use std::collections::BTreeMap;

use swarm_domain::fact::{Ending, Request};
use swarm_domain::plan::Plan;
use swarm_domain::{Event, TaskId, Usd};

use super::{Broken, Entry};

/// What an agent with neither estimate nor budget is assumed to need, as the reference of plans says.
const ASSUMED: Usd = Usd::from_dollars(1);

/// What a running attempt holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    grant: Usd,
    known: Usd,
    tokens: u64,
}

impl Held {
    fn sum(self) -> Usd {
        self.grant.max(self.known)
    }
}

/// The money of one task.
#[derive(Clone, Debug)]
struct Purse {
    budget: Option<Usd>,
    estimate: Option<Usd>,
    is_agent: bool,
    tries: u32,
    counted: u32,
    spent: Usd,
    /// What its last attempt was charged, if it was ended at its grant.
    short: Option<Usd>,
}

/// All money.
#[derive(Clone, Debug)]
pub(super) struct Money {
    cap: Option<Usd>,
    token_cap: Option<u64>,
    tokens: u64,
    spent: Usd,
    held: BTreeMap<(TaskId, u32), Held>,
    purses: BTreeMap<TaskId, Purse>,
}

impl Money {
    pub(super) fn new(plan: &Plan) -> Self {
        let purse = |task: &swarm_domain::TaskSpec| Purse {
            budget: task.budget,
            estimate: task.estimate,
            is_agent: task.is_agent(),
            tries: task.retries.max + 1,
            counted: 0,
            spent: Usd::ZERO,
            short: None,
        };
        Self {
            cap: plan.settings().cap,
            token_cap: plan.settings().tokens,
            tokens: 0,
            spent: Usd::ZERO,
            held: BTreeMap::new(),
            purses: plan.tasks().iter().map(|task| (task.id.clone(), purse(task))).collect(),
        }
    }

    pub(super) fn enter(&mut self, entry: &Entry<'_>) -> Result<(), Broken> {
        match entry.event {
            Event::AttemptStarted(event) => self.admit(entry, &event.task, event.attempt, event.reserve),
            Event::UsageReported(event) => {
                let known = event.usage.usd.unwrap_or_default();
                let held = self.held.get_mut(&(event.task.clone(), event.attempt));
                if let Some(held) = held {
                    held.known = held.known.max(known);
                    held.tokens = held.tokens.max(event.usage.tokens());
                }
                Ok(())
            }
            Event::GrantRaised(event) => self.raise(entry, &event.task, event.attempt, event.grant),
            Event::AgentExited(event) => {
                let purse = self.purses.get_mut(&event.task).expect("it is planned");
                purse.short = (event.ending == Ending::Spent).then_some(event.charge);
                self.tokens += event.usage.tokens();
                let known = event.usage.usd.unwrap_or_default();
                entry.check(7, event.charge >= known, || {
                    format!("{} used {known} and is charged {}", event.task, event.charge)
                })?;
                self.settle(entry, &event.task, event.attempt, event.charge)
            }
            Event::WorktreeFailed(event) => self.settle(entry, &event.task, event.attempt, Usd::ZERO),
            Event::AttemptFailed(event) => {
                let purse = self.purses.get_mut(&event.task).expect("it is planned");
                purse.counted += u32::from(event.counts);
                Ok(())
            }
            Event::Requested(event) => {
                self.cap = match event.request {
                    Request::AddBudget { caps: Caps::of_usd(Some(usd)) } => self.cap.map(|cap| cap.plus(usd)),
                    Request::SetBudget { caps: Caps::of_usd(Some(usd)) } => Some(usd),
                    _ => self.cap,
                };
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn committed(&self) -> Usd {
        self.held.values().map(|held| held.sum()).fold(self.spent, Usd::plus)
    }

    fn admit(&mut self, entry: &Entry<'_>, task: &TaskId, attempt: u32, reserve: Usd) -> Result<(), Broken> {
        let wanted = self.reservation(task);
        entry.check(7, wanted == Some(reserve), || {
            format!("{task} reserves {reserve}, and its share is {wanted:?}")
        })?;
        let purse = &self.purses[task];
        let own = purse.spent.plus(reserve);
        entry.check(7, purse.budget.is_none_or(|budget| own <= budget), || {
            format!("{task} is admitted with {own} in all, past its own budget")
        })?;
        self.held.insert((task.clone(), attempt), Held { grant: reserve, known: Usd::ZERO, tokens: 0 });
        let committed = self.committed();
        entry.check(7, self.cap.is_none_or(|cap| committed <= cap), || {
            format!("{task} is admitted, and {committed} of {} are committed", self.cap.unwrap_or_default())
        })
    }

    fn raise(&mut self, entry: &Entry<'_>, task: &TaskId, attempt: u32, grant: Usd) -> Result<(), Broken> {
        let spent = self.purses[task].spent;
        if let Some(held) = self.held.get_mut(&(task.clone(), attempt)) {
            held.grant = held.grant.max(grant);
        }
        let committed = self.committed();
        entry.check(7, self.cap.is_none_or(|cap| committed <= cap), || {
            format!("the grant of {task} is raised to {grant}, and {committed} are committed")
        })?;
        let fits = self.purses[task].budget.is_none_or(|budget| spent.plus(grant) <= budget);
        entry.check(7, fits, || format!("the grant of {task} is raised to {grant}, past its own budget"))
    }

    fn settle(&mut self, entry: &Entry<'_>, task: &TaskId, attempt: u32, charge: Usd) -> Result<(), Broken> {
        let held = self.held.remove(&(task.clone(), attempt));
        entry.check(7, held.is_some(), || format!("{task} attempt {attempt} is settled twice"))?;
        let known = held.map_or(Usd::ZERO, |held| held.known);
        entry.check(7, charge >= known, || format!("{task} used {known} and is charged {charge}"))?;
        self.spent = self.spent.plus(charge);
        let purse = self.purses.get_mut(task).expect("it is planned");
        purse.spent = purse.spent.plus(charge);
        Ok(())
    }

    /// What the next attempt of a task reserves, by the reference of plans: its estimate; or what it has left, shared among
    /// the tries that are left; or $1 for an agent. Never more than it has left, and never less than what was not enough.
    fn reservation(&self, task: &TaskId) -> Option<Usd> {
        let purse = &self.purses[task];
        let left = purse.budget.map(|budget| budget.minus(purse.spent));
        if left == Some(Usd::ZERO) {
            return None;
        }
        let tries = u64::from(purse.tries.saturating_sub(purse.counted).max(1));
        let share = match (purse.estimate, left) {
            (Some(estimate), _) => estimate,
            (None, Some(left)) => Usd::from_micros(left.micros().div_ceil(tries)),
            (None, None) if purse.is_agent => ASSUMED,
            (None, None) => Usd::ZERO,
        };
        let short = purse.short.map_or(Usd::ZERO, |charge| charge.max(Usd::from_micros(1)));
        let share = share.max(short);
        Some(left.map_or(share, |left| share.min(left)))
    }

    /// Law 11 asks: whether another attempt of a task could be paid for.
    pub(super) fn affords(&self, task: &TaskId) -> bool {
        let committed = self.committed();
        let used = self.held.values().fold(self.tokens, |sum, held| sum + held.tokens);
        let tokens = self.token_cap.is_none_or(|cap| used < cap);
        let fits = |reserve: Usd| self.cap.is_none_or(|cap| committed.plus(reserve) <= cap);
        tokens && self.reservation(task).is_some_and(fits)
    }

    pub(super) fn at_end(&self, seq: u64) -> Result<(), Broken> {
        match self.held.keys().next() {
            Some((task, _)) => Err(Broken::new(7, format!("at {seq}: money is still reserved for {task}"))),
            None => Ok(()),
        }
    }
}
