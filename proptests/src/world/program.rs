//! A simulated program under its holder: what it does and when is a function of time, so it lives on while nobody looks.

use swarm_domain::Usd;
use swarm_domain::effect::RunAttempt;
use swarm_domain::fact::{Ending, Usage};

use crate::choice::{Choices, Site, Who};

/// How long a holder waits for a raise before it kills at the grant, in milliseconds.
const RAISE_WAIT_MS: u64 = 2_000;
/// What it uses it uses in so many responses.
const QUANTA: u64 = 4;
/// Between SIGTERM and SIGKILL, in milliseconds.
const GRACE_MS: u64 = 5_000;

/// What becomes of a program; the numbers are those of [`Site::AgentFate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Works,
    Fails,
    Dies,
    DiesLate,
    ChangesNothing,
    Hangs,
    IsSilent,
    Wrecks,
    MovesHead,
    LeavesMarkers,
    Strays,
    DoesNotStart,
    FailsInSetup,
    LosesHolder,
}

impl Fate {
    const ALL: [Self; 14] = [
        Self::Works,
        Self::Fails,
        Self::Dies,
        Self::DiesLate,
        Self::ChangesNothing,
        Self::Hangs,
        Self::IsSilent,
        Self::Wrecks,
        Self::MovesHead,
        Self::LeavesMarkers,
        Self::Strays,
        Self::DoesNotStart,
        Self::FailsInSetup,
        Self::LosesHolder,
    ];

    /// Whether it writes in its worktree before it ends.
    pub(crate) fn writes(self) -> bool {
        !matches!(self, Self::ChangesNothing | Self::Dies | Self::DoesNotStart | Self::FailsInSetup)
    }
}

/// A program, with the holder above it.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) nonce: String,
    pub(crate) fate: Fate,
    pub(crate) started_ms: u64,
    takes_ms: u64,
    cost: u64,
    meter: u32,
    deaf: bool,
    pub(crate) flood: bool,
    timeout_ms: Option<u64>,
    idle_timeout_ms: Option<u64>,
    grant: u64,
    stop_ms: Option<u64>,
    /// Once it has ended nothing changes it any more.
    ended: Option<(u64, Ending)>,
}

impl Program {
    pub(crate) fn start(choices: &mut Choices, who: Who, run: &RunAttempt, now_ms: u64) -> Self {
        let grant = run.grant.micros();
        let eighths = u64::from(choices.once(Site::AgentCost, who));
        Self {
            nonce: run.nonce.clone(),
            fate: Fate::ALL[choices.once(Site::AgentFate, who) as usize],
            started_ms: now_ms,
            takes_ms: 20 << (2 * choices.once(Site::AgentTime, who)),
            cost: if grant == 0 { 5 * eighths } else { grant.min(1_000_000) * 2 * eighths / 8 },
            meter: choices.once(Site::AgentMeter, who),
            deaf: choices.once(Site::AgentDeaf, who) == 1,
            flood: choices.once(Site::AgentFlood, who) == 1,
            timeout_ms: run.timeout_ms,
            idle_timeout_ms: run.idle_timeout_ms,
            grant,
            stop_ms: None,
            ended: None,
        }
    }

    /// When it ends, as things stand, and how.
    pub(crate) fn end(&self) -> (u64, Ending) {
        if let Some(ended) = &self.ended {
            return ended.clone();
        }
        let at_limit = |limit_ms: Option<u64>| limit_ms.map(|ms| self.started_ms + ms);
        let silent = self.fate == Fate::IsSilent;
        [
            self.by_itself(),
            at_limit(self.timeout_ms).map(|at_ms| (at_ms, Ending::TimedOut)),
            at_limit(self.idle_timeout_ms).filter(|_| silent).map(|at_ms| (at_ms, Ending::Idle)),
            self.at_grant().map(|at_ms| (at_ms, Ending::Spent)),
            self.stop_ms.map(|at_ms| (at_ms + if self.deaf { GRACE_MS } else { 0 }, Ending::Stopped)),
        ]
        .into_iter()
        .flatten()
        .min_by_key(|(at_ms, _)| *at_ms)
        .expect("a program that hangs has a timeout")
    }

    fn by_itself(&self) -> Option<(u64, Ending)> {
        let done_ms = self.started_ms + self.takes_ms;
        let exited = |code| Some((done_ms, Ending::Exited { code }));
        match self.fate {
            Fate::Works
            | Fate::ChangesNothing
            | Fate::Wrecks
            | Fate::MovesHead
            | Fate::LeavesMarkers
            | Fate::Strays => exited(0),
            Fate::Fails => exited(1),
            Fate::Dies | Fate::DiesLate => Some((done_ms, Ending::Signaled { signal: 11 })),
            Fate::Hangs | Fate::IsSilent => None,
            Fate::DoesNotStart => {
                Some((self.started_ms, Ending::NotStarted { error: "no such program".to_owned() }))
            }
            Fate::FailsInSetup => {
                Some((self.started_ms, Ending::SetupFailed { step: 1, detail: "exit status 1".to_owned() }))
            }
            Fate::LosesHolder => Some((self.started_ms + self.takes_ms / 2, Ending::Unknown)),
        }
    }

    /// When its holder ends it at its grant: it has said that it used so much, and nobody raised it in time.
    fn at_grant(&self) -> Option<u64> {
        let beyond = (1..=QUANTA).find(|quanta| self.cost * quanta / QUANTA > self.grant)?;
        (self.meter == 0).then(|| self.started_ms + self.takes_ms * beyond / QUANTA + RAISE_WAIT_MS)
    }

    pub(crate) fn is_over(&self, now_ms: u64) -> bool {
        self.end().0 <= now_ms
    }

    fn spent(&self, at_ms: u64) -> u64 {
        if matches!(self.fate, Fate::DoesNotStart | Fate::FailsInSetup) {
            return 0;
        }
        let ran_ms = at_ms.min(self.end().0).saturating_sub(self.started_ms);
        self.cost * (QUANTA * ran_ms.min(self.takes_ms) / self.takes_ms) / QUANTA
    }

    /// What it has really used by now, in micro-dollars.
    pub(crate) fn used(&self, at_ms: u64) -> Usd {
        Usd::from_micros(self.spent(at_ms))
    }

    /// What it says that it has used.
    pub(crate) fn usage(&self, at_ms: u64) -> Usage {
        let says = match self.meter {
            0 => true,
            1 => self.is_over(at_ms),
            _ => false,
        };
        let spent = self.spent(at_ms);
        if says && spent > 0 {
            Usage { usd: Some(Usd::from_micros(spent)), input_tokens: spent, output_tokens: spent / 2 }
        } else if says && self.is_over(at_ms) && self.cost == 0 {
            Usage { usd: Some(Usd::ZERO), ..Usage::default() }
        } else {
            Usage::default()
        }
    }

    /// The machine loses its power.
    pub(crate) fn cut(&mut self, now_ms: u64) {
        if !self.is_over(now_ms) {
            self.ended = Some((now_ms, Ending::Unknown));
        }
    }

    fn settle(&mut self, now_ms: u64) {
        if self.is_over(now_ms) {
            self.ended = Some(self.end());
        }
    }

    pub(crate) fn stop(&mut self, now_ms: u64) {
        self.settle(now_ms);
        self.stop_ms.get_or_insert(now_ms + 10);
    }

    pub(crate) fn grant(&mut self, now_ms: u64, grant: Usd) {
        self.settle(now_ms);
        self.grant = self.grant.max(grant.micros());
    }
}
