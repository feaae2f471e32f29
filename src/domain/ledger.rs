//! The ledger: what may be used, what is held back, what is gone, by run, task, agent and day. Integers only; it does not know what a task does.

mod account;
mod bars;
mod day;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::caps::{Caps, Measure, Used};
use crate::event::{AgentExited, AttemptStarted, Event};
use crate::fact::{Cap, Cost, Ending, Request, Usage};
use crate::plan::Settings;
use crate::{TaskId, Usd};

use account::Account;
pub use bars::{Bar, UNLIMITED};
pub use day::Day;

/// The budget of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    caps: Caps,
    agent_caps: BTreeMap<String, Caps>,
    per_day: Option<Usd>,
    day: Option<Day>,
    run: Account,
    agents: BTreeMap<String, Account>,
    tasks: BTreeMap<TaskId, Account>,
    open: BTreeMap<(TaskId, u32), Line>,
    told: BTreeMap<(Cap, String, Measure), u32>,
    silent: Silent,
    estimated: bool,
    unknown: bool,
}

/// What one running attempt holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What it may spend.
    pub grant: Usd,
    /// What it is known to have used.
    pub usage: Usage,
    /// The agent of the plan that does it; none: a command.
    pub agent: Option<String>,
    /// When it started, in milliseconds since 1970.
    pub started_ms: u64,
}

impl Line {
    /// What is held back for it: its grant, or what it spent if that is more.
    pub fn held(&self) -> Usd {
        self.grant.max(self.usage.usd.unwrap_or_default())
    }
}

/// How many attempts of agents ended without saying what they used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Silent {
    /// Of tokens.
    pub tokens: u32,
    /// Of calls.
    pub calls: u32,
    /// Of turns.
    pub turns: u32,
}

impl Silent {
    /// How many did not say how much of a measure they used.
    pub fn of(&self, measure: Measure) -> u32 {
        match measure {
            Measure::Tokens => self.tokens,
            Measure::Calls => self.calls,
            Measure::Turns => self.turns,
            Measure::Usd | Measure::Time => 0,
        }
    }

    /// Whoever was turned away used nothing, and that is known.
    fn count(&mut self, usage: &Usage) {
        if usage.usd == Some(Usd::ZERO) && usage.tokens() == 0 {
            return;
        }
        self.tokens += u32::from(usage.tokens() == 0);
        self.calls += u32::from(usage.calls.is_none());
        self.turns += u32::from(usage.turns.is_none());
    }
}

impl Ledger {
    /// The empty ledger of a run.
    pub fn new(settings: &Settings) -> Self {
        Self {
            caps: settings.caps,
            agent_caps: settings.agent_caps.clone(),
            per_day: settings.per_day,
            ..Self::default()
        }
    }

    /// The run's caps.
    pub fn caps(&self) -> &Caps {
        &self.caps
    }

    /// The caps of an agent of the plan.
    pub fn agent_caps(&self, agent: &str) -> Caps {
        self.agent_caps.get(agent).copied().unwrap_or_default()
    }

    /// The agents that have caps, with those.
    pub fn capped_agents(&self) -> impl Iterator<Item = (&str, &Caps)> {
        self.agent_caps.iter().map(|(agent, caps)| (agent.as_str(), caps))
    }

    /// The cap on money; none is unlimited.
    pub fn cap(&self) -> Option<Usd> {
        self.caps.usd
    }

    /// What all runs of the repository may spend on one day.
    pub fn per_day(&self) -> Option<Usd> {
        self.per_day
    }

    /// The day, as far as this run may spend on it.
    pub fn day(&self) -> Option<&Day> {
        self.day.as_ref()
    }

    /// What is settled.
    pub fn spent(&self) -> Usd {
        self.run.settled.usd
    }

    /// What running attempts hold.
    pub fn reserved(&self) -> Usd {
        self.run.reserved
    }

    /// All that the run is known to have used at a moment, running attempts included.
    pub fn used(&self, now_ms: u64) -> Used {
        self.run.used(now_ms)
    }

    /// The same of one task.
    pub fn used_by(&self, task: &TaskId, now_ms: u64) -> Used {
        self.tasks.get(task).map(|account| account.used(now_ms)).unwrap_or_default()
    }

    /// The same of one agent of the plan.
    pub fn used_by_agent(&self, agent: &str, now_ms: u64) -> Used {
        self.agents.get(agent).map(|account| account.used(now_ms)).unwrap_or_default()
    }

    /// What the settled attempts of a task used.
    pub fn settled_by(&self, task: &TaskId) -> Used {
        self.tasks.get(task).map(|account| account.settled).unwrap_or_default()
    }

    /// What the settled attempts of a task cost.
    pub fn spent_by(&self, task: &TaskId) -> Usd {
        self.settled_by(task).usd
    }

    /// How many attempts of agents did not say what they used.
    pub fn silent(&self) -> Silent {
        self.silent
    }

    /// The highest share of a cap, in percent, that people were told is used.
    pub(crate) fn told(&self, cap: Cap, whose: &str, measure: Measure) -> u32 {
        self.told.get(&(cap, whose.to_owned(), measure)).copied().unwrap_or_default()
    }

    /// Of each cap the highest share, in percent, that people were told is used, and of which agent it is.
    pub fn told_of(&self) -> impl Iterator<Item = (Cap, &str, Measure, u32)> {
        self.told.iter().map(|((cap, agent, measure), percent)| (*cap, agent.as_str(), *measure, *percent))
    }

    /// What one running attempt holds.
    pub fn line(&self, task: &TaskId, attempt: u32) -> Option<&Line> {
        self.open.get(&(task.clone(), attempt))
    }

    /// All running attempts.
    pub fn lines(&self) -> impl Iterator<Item = (&TaskId, u32, &Line)> {
        self.open.iter().map(|((task, attempt), line)| (task, *attempt, line))
    }

    /// Tokens used by settled and running attempts.
    pub fn tokens(&self) -> u64 {
        self.run.used(0).tokens
    }

    /// How well the whole sum is known.
    pub fn cost(&self) -> Cost {
        match (self.unknown, self.estimated) {
            (true, _) => Cost::Unknown,
            (false, true) => Cost::Estimated,
            (false, false) => Cost::Metered,
        }
    }

    /// Takes an event; `agent` is the agent of the plan that does the task which it is about.
    pub(crate) fn apply(&mut self, event: &Event, agent: Option<&str>) {
        match event {
            Event::AttemptStarted(event) => self.start(event, agent),
            Event::UsageReported(event) => {
                self.change(&event.task, event.attempt, |line| line.usage = line.usage.max(event.usage));
            }
            Event::GrantRaised(event) => {
                self.change(&event.task, event.attempt, |line| line.grant = line.grant.max(event.grant));
            }
            Event::AgentExited(event) => self.exit(event),
            // An attempt that never ran costs nothing.
            Event::WorktreeFailed(event) => {
                self.settle(&event.task, event.attempt, (Usd::ZERO, Cost::Metered), Usage::default(), None);
            }
            Event::Requested(event) => self.requested(&event.request),
            Event::DaySeen(event) => day::seen(&mut self.day, event),
            Event::BudgetWarned(event) => {
                self.told.insert((event.cap, event.agent.clone(), event.measure), event.percent);
            }
            // What was spent may have been recorded where nothing can be read any more.
            Event::RecordsLost(_) => self.unknown = true,
            _ => {}
        }
    }

    /// Shares that are used of a cap which grew are told again when they are used of what it is now.
    fn requested(&mut self, request: &Request) {
        let caps = match request {
            Request::AddBudget { caps } => self.caps.raised_by(caps),
            Request::SetBudget { caps } => self.caps.replaced_by(caps),
            Request::Cancel { .. }
            | Request::Pause
            | Request::Unpause
            | Request::SetConcurrency { .. }
            | Request::Drain { .. }
            | Request::Interrupt { .. } => return,
        };
        let before = std::mem::replace(&mut self.caps, caps);
        self.told.retain(|(cap, _, measure), _| {
            *cap != Cap::Run || before.get(*measure) == self.caps.get(*measure)
        });
    }

    /// An attempt reserves once: what it holds already stays as it is.
    fn start(&mut self, event: &AttemptStarted, agent: Option<&str>) {
        let key = (event.task.clone(), event.attempt);
        if self.open.contains_key(&key) {
            return;
        }
        let agent = agent.map(str::to_owned);
        let line = Line { grant: event.reserve, usage: Usage::default(), agent, started_ms: event.at_ms };
        self.accounts(&event.task, line.agent.as_deref(), |account| account.enter(&line));
        self.open.insert(key, line);
    }

    fn change(&mut self, task: &TaskId, attempt: u32, change: impl FnOnce(&mut Line)) {
        let key = (task.clone(), attempt);
        let Some(before) = self.open.get(&key).cloned() else { return };
        let mut after = before.clone();
        change(&mut after);
        self.accounts(task, before.agent.as_deref(), |account| account.change(&before, &after));
        self.open.insert(key, after);
    }

    /// Every account that an attempt counts in.
    fn accounts(&mut self, task: &TaskId, agent: Option<&str>, each: impl Fn(&mut Account)) {
        each(&mut self.run);
        each(self.tasks.entry(task.clone()).or_default());
        if let Some(agent) = agent {
            each(self.agents.entry(agent.to_owned()).or_default());
        }
    }

    fn exit(&mut self, event: &AgentExited) {
        let ran = !matches!(event.ending, Ending::SetupFailed { .. } | Ending::NotStarted { .. });
        let line = self.line(&event.task, event.attempt);
        if line.is_some_and(|line| ran && line.agent.is_some()) {
            self.silent.count(&event.usage);
        }
        let cost = (event.charge, event.cost);
        self.settle(&event.task, event.attempt, cost, event.usage, Some(event.at_ms));
    }

    /// Settles a reservation. An attempt without one has nothing to settle, so a second settlement changes nothing.
    pub(crate) fn settle(
        &mut self,
        task: &TaskId,
        attempt: u32,
        (charge, cost): (Usd, Cost),
        usage: Usage,
        at_ms: Option<u64>,
    ) {
        let Some(line) = self.open.remove(&(task.clone(), attempt)) else { return };
        let time_ms = at_ms.unwrap_or_default().saturating_sub(line.started_ms);
        let used = Used { usd: charge, time_ms, ..Used::of(&line.usage.max(usage)) };
        self.accounts(task, line.agent.as_deref(), |account| account.settle(&line, &used));
        if let Some(day) = &mut self.day {
            day.spent = day.spent.plus(charge);
        }
        self.estimated |= cost == Cost::Estimated;
        self.unknown |= cost == Cost::Unknown;
    }
}

#[cfg(test)]
mod tests;
