//! Law 7, from the sums of what was recorded: admission, settlement, and that a charge is never below what was known.

use std::collections::BTreeMap;

use swarm_domain::event::AttemptStarted;
use swarm_domain::fact::{Ending, Request, Usage};
use swarm_domain::plan::Plan;
use swarm_domain::{Caps, Event, TaskId, Usd};

use super::day::Day;
use super::{Broken, Entry};

/// What an agent with neither estimate nor budget is assumed to need, as the reference of plans says.
const ASSUMED: Usd = Usd::from_dollars(1);

/// What a running attempt holds.
#[derive(Clone, Debug)]
struct Held {
    grant: Usd,
    known: Usd,
    counts: Counts,
    agent: Option<String>,
    since_ms: u64,
}

/// What is counted besides money, each as far as it was said.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    tokens: u64,
    calls: u64,
    turns: u64,
    time_ms: u64,
}

impl Counts {
    fn of(usage: &Usage) -> Self {
        let (calls, turns) = (usage.calls.unwrap_or(0), usage.turns.unwrap_or(0));
        Self { tokens: usage.input_tokens + usage.output_tokens, calls, turns, time_ms: 0 }
    }

    fn max(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.max(other.tokens),
            calls: self.calls.max(other.calls),
            turns: self.turns.max(other.turns),
            time_ms: self.time_ms.max(other.time_ms),
        }
    }

    fn add(&mut self, other: Self) {
        self.tokens += other.tokens;
        self.calls += other.calls;
        self.turns += other.turns;
        self.time_ms += other.time_ms;
    }

    /// Whether none of the caps is reached. The wall clock of a run is its deadline, which is no cap of the ledger.
    fn below(self, caps: &Caps, timed: bool) -> bool {
        let under = |used: u64, cap: Option<u64>| cap.is_none_or(|cap| used < cap);
        under(self.tokens, caps.tokens)
            && under(self.calls, caps.calls)
            && under(self.turns, caps.turns)
            && (!timed || under(self.time_ms, caps.time_ms))
    }
}

/// What the attempts of one agent have used that ended.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    caps: Caps,
    spent: Usd,
    counts: Counts,
}

impl Held {
    fn sum(&self) -> Usd {
        self.grant.max(self.known)
    }
}

/// The money of one task.
#[derive(Clone, Debug)]
struct Purse {
    caps: Caps,
    counts: Counts,
    agent: Option<String>,
    budget: Option<Usd>,
    estimate: Option<Usd>,
    is_agent: bool,
    tries: u32,
    counted: u32,
    spent: Usd,
    /// What its last attempt was charged, if it was ended at its grant.
    short: Option<Usd>,
}

fn share(agent: &str, caps: Caps) -> (String, Share) {
    (agent.to_owned(), Share { caps, ..Share::default() })
}

/// All money.
#[derive(Clone, Debug)]
pub(super) struct Money {
    cap: Option<Usd>,
    caps: Caps,
    counts: Counts,
    agents: BTreeMap<String, Share>,
    day: Day,
    spent: Usd,
    held: BTreeMap<(TaskId, u32), Held>,
    purses: BTreeMap<TaskId, Purse>,
}

impl Money {
    pub(super) fn new(plan: &Plan) -> Self {
        let purse = |task: &swarm_domain::TaskSpec| Purse {
            caps: task.caps,
            counts: Counts::default(),
            agent: task.agent().map(str::to_owned),
            budget: task.caps.usd,
            estimate: task.estimate.or(task.learned.as_ref().map(|learned| learned.p90)),
            is_agent: task.is_agent(),
            tries: task.retries.max + 1,
            counted: 0,
            spent: Usd::ZERO,
            short: None,
        };
        Self {
            cap: plan.settings().caps.usd,
            caps: plan.settings().caps,
            counts: Counts::default(),
            agents: plan.settings().agent_caps.iter().map(|(agent, caps)| share(agent, *caps)).collect(),
            day: Day::new(plan),
            spent: Usd::ZERO,
            held: BTreeMap::new(),
            purses: plan.tasks().iter().map(|task| (task.id.clone(), purse(task))).collect(),
        }
    }

    pub(super) fn enter(&mut self, entry: &Entry<'_>) -> Result<(), Broken> {
        match entry.event {
            Event::AttemptStarted(event) => self.admit(entry, event),
            Event::UsageReported(event) => {
                let known = event.usage.usd.unwrap_or_default();
                let held = self.held.get_mut(&(event.task.clone(), event.attempt));
                if let Some(held) = held {
                    held.known = held.known.max(known);
                    held.counts = held.counts.max(Counts::of(&event.usage));
                }
                Ok(())
            }
            Event::GrantRaised(event) => self.raise(entry, &event.task, event.attempt, event.grant),
            Event::AgentExited(event) => {
                let purse = self.purses.get_mut(&event.task).expect("it is planned");
                purse.short = (event.ending == Ending::Spent).then_some(event.charge);
                let known = event.usage.usd.unwrap_or_default();
                entry.check(7, event.charge >= known, || {
                    format!("{} used {known} and is charged {}", event.task, event.charge)
                })?;
                let held = self.held.get(&(event.task.clone(), event.attempt));
                let time_ms = held.map_or(0, |held| event.at_ms.saturating_sub(held.since_ms));
                let counts = held.map(|held| held.counts).unwrap_or_default().max(Counts::of(&event.usage));
                self.count(&event.task, event.charge, Counts { time_ms, ..counts });
                self.settle(entry, &event.task, event.attempt, event.charge)
            }
            Event::WorktreeFailed(event) => self.settle(entry, &event.task, event.attempt, Usd::ZERO),
            Event::AttemptFailed(event) => {
                let purse = self.purses.get_mut(&event.task).expect("it is planned");
                purse.counted += u32::from(event.counts);
                Ok(())
            }
            Event::Requested(event) => {
                self.requested(&event.request);
                Ok(())
            }
            Event::DaySeen(event) => {
                self.day.seen(event);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What a person raises or sets of the run's caps.
    fn requested(&mut self, request: &Request) {
        let had = self.caps;
        match request {
            Request::AddBudget { caps } => {
                let add = |cap: Option<u64>, more: Option<u64>| cap.map(|cap| cap + more.unwrap_or(0));
                self.cap = self.cap.map(|cap| cap.plus(caps.usd.unwrap_or_default()));
                self.caps.tokens = add(had.tokens, caps.tokens);
                self.caps.calls = add(had.calls, caps.calls);
                self.caps.turns = add(had.turns, caps.turns);
            }
            Request::SetBudget { caps } => {
                self.cap = caps.usd.or(self.cap);
                self.caps.tokens = caps.tokens.or(had.tokens);
                self.caps.calls = caps.calls.or(had.calls);
                self.caps.turns = caps.turns.or(had.turns);
            }
            _ => {}
        }
    }

    /// What an attempt that ended is counted for, besides the run's money.
    fn count(&mut self, task: &TaskId, charge: Usd, counts: Counts) {
        self.counts.add(counts);
        let purse = self.purses.get_mut(task).expect("it is planned");
        purse.counts.add(counts);
        if let Some(share) = purse.agent.as_ref().and_then(|agent| self.agents.get_mut(agent)) {
            share.counts.add(counts);
            share.spent = share.spent.plus(charge);
        }
    }

    /// Whether caps on anything but money let another attempt of a task start at a moment, and its agent's on money too.
    fn lets(&self, task: &TaskId, reserve: Usd, now_ms: u64) -> bool {
        let agent = self.purses[task].agent.as_ref();
        let running = |held: &Held| {
            let time_ms = now_ms.saturating_sub(held.since_ms);
            Counts { time_ms, ..held.counts }
        };
        let mut run = self.counts;
        self.held.values().for_each(|held| run.add(running(held)));
        let own = agent.and_then(|agent| self.agents.get(agent)).is_none_or(|share| {
            let (mut counts, mut money) = (share.counts, share.spent.plus(reserve));
            for held in self.held.values().filter(|held| held.agent.as_ref() == agent) {
                counts.add(running(held));
                money = money.plus(held.sum());
            }
            counts.below(&share.caps, true) && share.caps.usd.is_none_or(|cap| money <= cap)
        });
        let purse = &self.purses[task];
        let today = self.day.is_known(now_ms) && self.day.has(self.held().plus(reserve));
        own && today && run.below(&self.caps, false) && purse.counts.below(&purse.caps, true)
    }

    fn held(&self) -> Usd {
        self.held.values().map(Held::sum).fold(Usd::ZERO, Usd::plus)
    }

    fn committed(&self) -> Usd {
        self.spent.plus(self.held())
    }

    fn admit(&mut self, entry: &Entry<'_>, started: &AttemptStarted) -> Result<(), Broken> {
        let AttemptStarted { task, attempt, reserve, at_ms: since_ms, .. } = started;
        let (attempt, reserve, since_ms) = (*attempt, *reserve, *since_ms);
        let wanted = self.reservation(task);
        entry.check(7, wanted == Some(reserve), || {
            format!("{task} reserves {reserve}, and its share is {wanted:?}")
        })?;
        entry.check(7, self.lets(task, reserve, since_ms), || {
            format!("{task} is admitted at or past a cap of the run, of its agent, of the day or of its own")
        })?;
        let purse = &self.purses[task];
        let own = purse.spent.plus(reserve);
        entry.check(7, purse.budget.is_none_or(|budget| own <= budget), || {
            format!("{task} is admitted with {own} in all, past its own budget")
        })?;
        let agent = purse.agent.clone();
        let held = Held { grant: reserve, known: Usd::ZERO, counts: Counts::default(), agent, since_ms };
        self.held.insert((task.clone(), attempt), held);
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
        entry
            .check(7, self.day.has(self.held()), || format!("the grant of {task} is raised past the day"))?;
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
        self.day.settle(charge);
        let purse = self.purses.get_mut(task).expect("it is planned");
        purse.spent = purse.spent.plus(charge);
        Ok(())
    }

    /// What the next attempt of a task reserves, by the reference of plans: its estimate; or what it has left, shared among
    /// the tries that are left; or $1 for an agent. Never more than it has left, and never less than what was not enough.
    fn reservation(&self, task: &TaskId) -> Option<Usd> {
        let purse = &self.purses[task];
        let left = purse.budget.map(|budget| budget.minus(purse.spent));
        if left == Some(Usd::ZERO) || !purse.counts.below(&purse.caps, true) {
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
    pub(super) fn affords(&self, task: &TaskId, now_ms: u64) -> bool {
        let committed = self.committed();
        let fits = |reserve: Usd| self.cap.is_none_or(|cap| committed.plus(reserve) <= cap);
        // Time that runs on while nothing is recorded may be up by now: of whom that is true nothing is asked.
        let agent = self.purses[task].agent.as_ref().and_then(|agent| self.agents.get(agent));
        let timed = agent.is_some_and(|share| share.caps.time_ms.is_some());
        let fits = |reserve: Usd| !timed && fits(reserve) && self.lets(task, reserve, now_ms);
        self.reservation(task).is_some_and(fits)
    }

    pub(super) fn at_end(&self, seq: u64) -> Result<(), Broken> {
        match self.held.keys().next() {
            Some((task, _)) => Err(Broken::new(7, format!("at {seq}: money is still reserved for {task}"))),
            None => Ok(()),
        }
    }
}
