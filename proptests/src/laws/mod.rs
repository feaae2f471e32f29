//! The laws, checked after every event from facts: the recorded events themselves and the simulated world.
//!
//! Nothing here reads the state under test: a law that is computed by the code it checks proves nothing.

mod day;
mod holds;
mod idle;
mod intents;
mod landings;
mod lives;
mod money;

use swarm_actors::Recorded;
use swarm_domain::fact::Report;
use swarm_domain::plan::Plan;
use swarm_domain::{Effect, Event, TaskId};

use crate::world::Repo;

use self::holds::Holds;
use self::idle::Idle;
use self::intents::Intents;
use self::landings::Landings;
use self::lives::Lives;
use self::money::Money;

/// A law that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("law {law}, {}: {what}", name(*.law))]
pub struct Broken {
    /// The number of the law, as in `docs/laws.md`.
    pub law: u8,
    /// What happened, with the seq at which it did.
    pub what: String,
}

impl Broken {
    /// A law that was broken.
    pub fn new(law: u8, what: impl Into<String>) -> Self {
        Self { law, what: what.into() }
    }
}

/// What a law says, in a few words.
pub const fn name(law: u8) -> &'static str {
    match law {
        1 => "durable before done",
        2 => "nothing acknowledged is lost, nothing unacknowledged is half there",
        3 => "replay is the run",
        4 => "a task starts only after what it needs",
        5 => "one live attempt per task",
        6 => "merged at most once, and merged means in the target",
        7 => "money",
        8 => "the dead do not speak",
        9 => "terminal is terminal",
        10 => "decide is a function",
        11 => "work-conserving",
        12 => "recoverable from anywhere",
        13 => "recovery converges",
        14 => "every prefix is a run",
        15 => "no policy can break the others",
        16 => "old journals open",
        17 => "work is never destroyed",
        18 => "no secret gets out",
        _ => "no such law",
    }
}

/// All that was recorded, kept apart from the state under test.
#[derive(Clone, Debug)]
pub struct Books {
    seq: u64,
    /// When the last event happened, in milliseconds since 1970.
    time_ms: u64,
    lives: Lives,
    money: Money,
    landings: Landings,
    intents: Intents,
    holds: Holds,
    idle: Idle,
}

/// What there is to look at beside the records, if there is a world.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) repo: &'a Repo,
    /// What the program really said of its end, if this is the end of one.
    pub(crate) said: Option<&'a Report>,
}

/// One event at its place.
struct Entry<'a> {
    seq: u64,
    time_ms: u64,
    event: &'a Event,
    /// What the program said, if this is the end of one.
    said: Option<&'a Report>,
}

impl Entry<'_> {
    fn check(&self, law: u8, holds: bool, what: impl FnOnce() -> String) -> Result<(), Broken> {
        if holds { Ok(()) } else { Err(Broken::new(law, format!("at {}: {}", self.seq, what()))) }
    }
}

impl Books {
    /// Books in which nothing is entered yet.
    pub fn new(plan: &Plan) -> Self {
        Self {
            seq: 0,
            time_ms: 0,
            lives: Lives::new(plan),
            money: Money::new(plan),
            landings: Landings::default(),
            intents: Intents::default(),
            holds: Holds::new(plan),
            idle: Idle::new(plan),
        }
    }

    /// How many events are entered.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Enters an event, and checks the laws that it touches.
    pub(crate) fn enter(&mut self, recorded: &Recorded, seen: Option<Seen<'_>>) -> Result<(), Broken> {
        let Recorded { time_ms, ref event, .. } = *recorded;
        let said = match (seen, event) {
            (Some(seen), _) => seen.said,
            (None, Event::AgentExited(event)) => event.report.as_deref(),
            (None, _) => None,
        };
        (self.seq, self.time_ms) = (self.seq + 1, time_ms);
        let entry = Entry { seq: self.seq, time_ms, event, said };
        let repo = seen.map(|seen| seen.repo);
        self.holds.enter(&entry)?;
        self.lives.enter(&entry, &self.landings, repo)?;
        self.money.enter(&entry)?;
        self.landings.enter(&entry, repo)?;
        self.intents.enter(&entry);
        self.idle.enter(&entry);
        repo.map_or(Ok(()), |repo| self.landings.agrees(self.seq, repo))
    }

    /// Law 1: the intent of an effect is on record.
    pub(crate) fn permits(&self, effect: &Effect) -> Result<(), Broken> {
        self.intents.permits(effect)
    }

    /// What must hold whenever nothing is left to decide.
    pub(crate) fn at_rest(&self) -> Result<(), Broken> {
        let may_start =
            |task: &TaskId| self.money.affords(task, self.time_ms) && !self.holds.waits(task, self.time_ms);
        self.idle.check(self.seq, &self.lives, &self.landings, may_start)
    }

    /// What must hold at the end: every task is final, nothing is reserved, nothing runs.
    pub(crate) fn at_end(&self, repo: Option<&Repo>) -> Result<(), Broken> {
        self.lives.at_end(self.seq)?;
        self.money.at_end(self.seq)?;
        self.landings.at_end(self.seq, repo)
    }
}
