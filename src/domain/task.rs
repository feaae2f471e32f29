//! One task: what is to be done, where it is in its life, and what happened to it. How it gets from phase to phase is in `life`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::checks::Checks;
use crate::event::Preserved;
use crate::fact::{Cap, Cause, Cost, Ending, Report, Start, Stop, Usage};
use crate::plan::TaskSpec;
use crate::{Oid, TaskId, Usd};

/// An event that the state it met does not allow. Law 9.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {event} is illegal: {state}")]
pub struct Illegal {
    /// The event's public name.
    pub event: &'static str,
    /// What it met.
    pub state: String,
}

/// An event that met one of the parts in a wrong state.
pub(crate) fn illegal(event: &'static str, state: &str) -> Illegal {
    Illegal { event, state: state.to_owned() }
}

/// Where a task is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Phase {
    /// For other tasks.
    Waiting,
    /// For a slot and money.
    Ready,
    /// For the time of its next try.
    Backoff {
        /// Milliseconds since 1970.
        at_ms: u64,
    },
    /// Its worktree is being made.
    Making,
    /// Its program runs, or its setup.
    Running,
    /// The program ended; what it wrote is being kept.
    Saving,
    /// What it wrote is kept; what that means is to be decided.
    Judging(Finding),
    /// Its own gates run.
    Gating(Checks),
    /// It waits in the merge queue.
    Queued,
    /// It is being merged.
    Merging,
    /// The attempt failed; whether there is another is to be decided.
    Failing {
        /// Why.
        cause: Cause,
        /// Whether it uses up a retry.
        counts: bool,
    },
    /// For a person.
    Held {
        /// Why.
        reason: String,
    },
    /// It is final.
    Ended(End),
}

/// What an attempt left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Finding {
    /// It had no worktree.
    NoWorktree(String),
    /// What it wrote is kept.
    Kept(Box<Preserved>),
    /// What it wrote could not be kept, and stays in its worktree.
    Unkept(String),
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum End {
    /// Its commit is in the target.
    Merged {
        /// That commit.
        commit: Oid,
    },
    /// There was nothing to merge.
    Done {
        /// Why.
        reason: String,
    },
    /// It failed.
    Failed {
        /// Why, for machines.
        cause: Cause,
        /// Why, for people.
        reason: String,
    },
    /// One that it needs did not land.
    Skipped {
        /// That one.
        because: TaskId,
    },
    /// It was cancelled.
    Cancelled {
        /// Why.
        reason: String,
    },
}

impl End {
    /// Whether those that need it may start.
    pub const fn is_landed(&self) -> bool {
        matches!(self, Self::Merged { .. } | Self::Done { .. })
    }
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Its number, from 1.
    pub no: u32,
    /// Identifies its holder.
    pub nonce: String,
    /// The target's head it stands on.
    pub onto: Oid,
    /// What it starts from.
    pub from: Start,
    /// Whether a conflict is to be put into its files.
    pub conflict: bool,
    /// Its worktree.
    pub worktree: Option<Worktree>,
    /// Its process, once it was seen.
    pub pid: Option<u32>,
    /// Why it is to stop.
    pub stop: Option<Stop>,
    /// Which cap refused it more money.
    pub refused: Option<Cap>,
    /// How its program ended.
    pub ending: Option<Ending>,
    /// What its program said of that.
    pub report: Option<Box<Report>>,
    /// The conversation that it took up.
    pub takes_up: Option<Conversation>,
    /// What it was charged.
    pub charge: Usd,
    /// How well that is known.
    pub cost: Option<Cost>,
    /// What it used.
    pub usage: Usage,
    /// When it started, in milliseconds since 1970.
    pub started_ms: u64,
    /// When its program ended, in milliseconds since 1970.
    pub ended_ms: u64,
}

/// A worktree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Worktree {
    /// Its folder.
    pub path: String,
    /// Its folder in the repository's own data.
    pub git_dir: String,
    /// The HEAD it was given.
    pub start: Oid,
    /// Files with conflict markers in them at the start.
    pub conflicts: Vec<String>,
}

/// A kept tip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tip {
    /// The attempt that left it.
    pub attempt: u32,
    /// The commit.
    pub tip: Oid,
    /// What it was based on.
    pub base: Oid,
    /// Subjects of the commits in it.
    pub subjects: Vec<String>,
    /// Whether another attempt can start from it.
    pub usable: bool,
    /// Whether it holds all that the attempt did: then its agent may go on from where it was.
    pub whole: bool,
    /// Files in it with markers of a conflict that is still to be resolved.
    pub markers: Vec<String>,
}

/// What an agent program calls a conversation, so that another attempt can take it up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conversation {
    /// The attempt that left it.
    pub attempt: u32,
    /// Where it stopped, in the words of its adapter.
    pub bookmark: String,
}

/// What went wrong last, for the next attempt's prompt and for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Which attempt.
    pub attempt: u32,
    /// Why, for machines.
    pub cause: Cause,
    /// Why, for people.
    pub reason: String,
    /// The end of the output that shows it.
    pub tail: String,
    /// Files in conflict.
    pub conflicts: Vec<String>,
    /// The red gate's hint.
    pub hint: String,
}

/// A task and all that happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Task {
    /// What is to be done.
    pub spec: Arc<TaskSpec>,
    /// Tasks on the longest path that starts with this one.
    pub rank: u32,
    /// Where it is.
    pub phase: Phase,
    /// The current attempt, or the last.
    pub attempt: Option<Attempt>,
    /// How many attempts there were.
    pub attempts: u32,
    /// No attempt may have this number, or a lower one: attempts that lost records told of may have had them.
    pub used: u32,
    /// Retries used up.
    pub retries: u32,
    /// Failures in a row that were nobody's fault.
    pub mishaps: u32,
    /// What an attempt used that was ended at its grant, until another ends by itself: the next needs more.
    pub short: Usd,
    /// Needs that are not met.
    pub unmet: u32,
    /// A need that can no longer be met.
    pub doomed: Option<TaskId>,
    /// Whether its end was asked for.
    pub cancel: bool,
    /// Whether its agent program is held, so that it does not start.
    pub held: bool,
    /// The conversation that its next attempt takes up.
    pub conversation: Option<Conversation>,
    /// The last kept tip.
    pub tip: Option<Tip>,
    /// What went wrong last.
    pub failure: Option<Failure>,
    /// Worktrees that hold nothing of their own any more.
    pub leftovers: BTreeMap<u32, Worktree>,
    /// Worktrees that stay, and why.
    pub kept: BTreeMap<u32, (String, String)>,
}

impl Task {
    /// A task of the plan that has not begun.
    pub fn new(spec: Arc<TaskSpec>, carried: Option<Oid>) -> Self {
        let phase = carried.map_or(Phase::Waiting, |commit| Phase::Ended(End::Merged { commit }));
        Self {
            spec,
            rank: 1,
            phase,
            attempt: None,
            attempts: 0,
            used: 0,
            retries: 0,
            mishaps: 0,
            short: Usd::ZERO,
            unmet: 0,
            doomed: None,
            cancel: false,
            held: false,
            conversation: None,
            tip: None,
            failure: None,
            leftovers: BTreeMap::new(),
            kept: BTreeMap::new(),
        }
    }

    /// How it ended, if it did.
    pub fn end(&self) -> Option<&End> {
        match &self.phase {
            Phase::Ended(end) => Some(end),
            _ => None,
        }
    }

    /// Whether it holds one of the run's slots.
    pub fn holds_slot(&self) -> bool {
        matches!(self.phase, Phase::Making | Phase::Running)
    }

    /// The number of the next attempt. Files, worktrees and refs are found by it, so none is ever given twice.
    pub fn next_attempt(&self) -> u32 {
        self.attempts.max(self.used) + 1
    }

    /// The current attempt's number, or 0.
    pub fn attempt_no(&self) -> u32 {
        self.attempt.as_ref().map_or(0, |attempt| attempt.no)
    }

    /// The word for its state, as the contract names it.
    pub fn word(&self) -> &'static str {
        match &self.phase {
            Phase::Waiting => "waiting",
            Phase::Ready if self.held => "limited",
            Phase::Ready => "ready",
            Phase::Backoff { .. } => "retrying",
            Phase::Making | Phase::Running | Phase::Saving | Phase::Judging(_) | Phase::Failing { .. } => {
                "running"
            }
            Phase::Gating(_) => "gating",
            Phase::Queued => "queued",
            Phase::Merging => "merging",
            Phase::Held { .. } => "held",
            Phase::Ended(End::Merged { .. }) => "merged",
            Phase::Ended(End::Done { .. }) => "done",
            Phase::Ended(End::Failed { .. }) => "failed",
            Phase::Ended(End::Skipped { .. }) => "skipped",
            Phase::Ended(End::Cancelled { .. }) => "cancelled",
        }
    }

    /// Whether the gate at a place in its list is advisory.
    pub fn is_advisory(&self, index: u32) -> bool {
        self.spec.gates.get(index as usize).is_some_and(|gate| gate.advisory)
    }
}
