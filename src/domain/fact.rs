//! The small values that events are made of. They say what is, and decide nothing.

use serde::{Deserialize, Serialize};

use crate::caps::{Caps, Measure};
pub use crate::leak::Leak;
use crate::{Oid, TaskId, Usd};

/// The wall that a machine could put up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its name: `bwrap`, `landlock` or `none`; empty where nobody looked.
    pub wall: String,
    /// What it does not hold on this machine, each as a clause.
    pub lacks: Vec<String>,
}

/// What a moment offers to a decision: everything the core may not find out by itself.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// The time, in milliseconds since 1970.
    pub at_ms: u64,
    /// Random bits for holder names.
    pub entropy: u64,
    /// Answers the same for as long as the moment lasts. Only a merge asks: the answer costs a hash, and most decisions
    /// are about something else.
    pub anchor: &'a dyn Fn() -> Anchor,
}

/// A point of the journal that a merge names, so that the commit vouches for what is recorded before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anchor {
    /// The last durable record.
    pub seq: u64,
    /// The hash of all records up to it, in hexadecimal.
    pub hash: String,
}

/// Totals of what an attempt used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Its cost; none: it did not say.
    pub usd: Option<Usd>,
    /// Whether the cost was worked out from tokens by a table of prices.
    pub priced: bool,
    /// Tokens read by the model.
    pub input_tokens: u64,
    /// Tokens written by the model.
    pub output_tokens: u64,
    /// Calls of the model; none: it did not say.
    pub calls: Option<u64>,
    /// Turns of the conversation; none: it did not say.
    pub turns: Option<u64>,
    /// What would have to be granted in all for a call that waits at the proxy; zero: nothing more was ever asked for.
    pub wants: Usd,
}

impl Usage {
    /// The larger of each figure: a figure never falls. But dollars that a program names replace those that were worked
    /// out from tokens.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        let named = |usage: Self| usage.usd.filter(|_| !usage.priced);
        let by_name = named(self).max(named(other));
        Self {
            usd: by_name.or(self.usd.max(other.usd)),
            priced: by_name.is_none() && (self.priced || other.priced),
            input_tokens: self.input_tokens.max(other.input_tokens),
            output_tokens: self.output_tokens.max(other.output_tokens),
            calls: self.calls.max(other.calls),
            turns: self.turns.max(other.turns),
            wants: self.wants.max(other.wants),
        }
    }

    /// All tokens.
    pub fn tokens(self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

/// What an agent program said of its own end, as its adapter understood it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Its final record was seen. Without one it failed, whatever its exit status says.
    pub finished: bool,
    /// What stood in its way when it was last heard.
    pub trouble: Option<Trouble>,
    /// The model that it used.
    pub model: Option<String>,
    /// Tools that it refused its agent.
    pub denials: Vec<String>,
    /// Where its conversation stopped: only its adapter knows what that means.
    pub bookmark: Option<String>,
}

/// What stands in the way of an agent program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What to do about it.
    pub kind: TroubleKind,
    /// What it said, on one line.
    pub said: String,
    /// When it is over, in milliseconds since 1970, if that is known.
    pub until_ms: Option<u64>,
}

/// What is to be done about an agent program's trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TroubleKind {
    /// It failed at its task: the plan says whether it is tried again.
    Error,
    /// Its provider takes no more for now: wait. No attempt of this program would fare better.
    Limit,
    /// Its login or account is refused: a person has to see to it. No attempt of this program would fare better.
    Login,
}

/// How well a charge is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Cost {
    /// The program said so.
    Metered,
    /// Worked out from the tokens that the program named, or settled at the reservation because it named nothing.
    Estimated,
    /// Not known, and the plan allows that.
    Unknown,
}

/// What an attempt starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// The target's head.
    Head,
    /// An earlier attempt's tip, rebuilt on the target's head.
    Tip {
        /// That attempt.
        attempt: u32,
        /// Its tip.
        tip: Oid,
        /// What the tip was based on.
        base: Oid,
    },
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// By itself.
    Exited {
        /// Its exit status.
        code: i32,
    },
    /// By a signal that was not ours.
    Signaled {
        /// The signal's number.
        signal: i32,
    },
    /// Killed at its timeout.
    TimedOut,
    /// Killed because it was silent for too long.
    Idle,
    /// Killed at its grant.
    Spent,
    /// Killed on request.
    Stopped,
    /// Its setup failed, so it never ran.
    SetupFailed {
        /// Which setup command, from 1.
        step: u32,
        /// What happened to it.
        detail: String,
    },
    /// It could not be started.
    NotStarted {
        /// Why.
        error: String,
    },
    /// Its holder is gone and nobody saw the end.
    Unknown,
    /// It said its last word, did not go, and was made to.
    Overstayed,
}

/// Why an attempt is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stop {
    /// Its task was cancelled.
    Cancelled,
    /// The run is being interrupted.
    Interrupted,
    /// The run's time is up.
    Deadline,
    /// A cap is reached.
    Capped {
        /// Whose.
        cap: Cap,
        /// Of what.
        measure: Measure,
    },
}

/// Whose cap it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Cap {
    /// The task's.
    Task,
    /// The run's.
    Run,
    /// That of the agent, for all its attempts of the run.
    Agent,
    /// That of the day, for all runs of the repository.
    Day,
}

impl Cap {
    /// The word for machines.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Run => "run",
            Self::Agent => "agent",
            Self::Day => "day",
        }
    }
}

/// Why an attempt or a task failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Cause {
    /// The program failed, or did not do what was due.
    Crash,
    /// It took too long or was silent for too long.
    Timeout,
    /// A gate is red.
    Gate,
    /// It conflicts with the target.
    Conflict,
    /// It wrote outside its claims.
    Claims,
    /// The task's money is spent.
    Budget,
    /// Setup, worktree or program are not to be had.
    Environment,
    /// Its holder was lost.
    Lost,
    /// It was stopped, and is no failure.
    Interrupted,
    /// Its agent program's provider took no more for now.
    Limit,
    /// Its agent program's login was refused.
    Login,
    /// What it wrote holds something that must not land.
    Hazard,
    /// What it wrote holds a secret.
    Secret,
}

/// What a gate found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Exit status 0.
    Green,
    /// Another exit status, or its timeout.
    Red {
        /// What happened, in a few words.
        detail: String,
    },
    /// Not a verdict: it was killed by us, or has no exit status.
    None {
        /// What happened, in a few words.
        detail: String,
    },
}

/// Whose commit a gate checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Site {
    /// The base, before the first start.
    Preflight,
    /// An attempt's own tip.
    Task {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
    },
    /// The commit that is to land.
    Train {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
    },
}

/// What people may ask of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// End these tasks; none named means all.
    Cancel {
        /// Which.
        tasks: Vec<TaskId>,
    },
    /// Start nothing new until asked to.
    Pause,
    /// Go on.
    Unpause,
    /// Raise the run's caps by this much.
    AddBudget {
        /// How much; what is not named stays.
        caps: Caps,
    },
    /// Set the run's caps to this much.
    SetBudget {
        /// How much; what is not named stays.
        caps: Caps,
    },
    /// Run this many attempts at once.
    SetConcurrency {
        /// How many, at least 1.
        slots: u32,
    },
    /// Start nothing new; finish and land what runs; then stop.
    Drain {
        /// The signal that asked for it.
        signal: i32,
    },
    /// Stop what runs, keep its work, then stop.
    Interrupt {
        /// The signal that asked for it.
        signal: i32,
    },
}

/// How a run came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Every required task landed.
    Landed,
    /// Some did.
    Partial,
    /// None did.
    Failed,
    /// The money is spent.
    Budget,
    /// The time is up.
    Deadline,
    /// It was cancelled.
    Cancelled,
    /// The target or a merge needs a person.
    Merge,
    /// The surroundings are not fit: setup, gates on the base, disk.
    Environment,
    /// A person's decision is pending.
    Paused,
    /// A signal.
    Interrupted {
        /// Which.
        signal: i32,
    },
}

impl Outcome {
    /// The word for machines.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Landed => "landed",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Budget => "budget",
            Self::Deadline => "deadline",
            Self::Cancelled => "cancelled",
            Self::Merge => "merge",
            Self::Environment => "environment",
            Self::Paused => "paused",
            Self::Interrupted { .. } => "interrupted",
        }
    }

    /// The exit code of the contract.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Landed => 0,
            Self::Partial | Self::Failed | Self::Cancelled => 4,
            Self::Budget | Self::Deadline => 5,
            Self::Paused => 6,
            Self::Merge => 7,
            Self::Environment => 8,
            Self::Interrupted { signal: 15 } => 143,
            Self::Interrupted { .. } => 130,
        }
    }
}
