//! The life of one task, as a table of (phase, event). What a task should do next is decided elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::checks::{Checks, Stage};
use crate::event::{
    AgentExited, AttemptFailed, AttemptStarted, Event, GateEnded, MergeConflicted, Preserved, WorktreeMade,
};
use crate::fact::{Cap, Cause, Cost, Ending, Start, Stop, Usage};
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
    /// Retries used up.
    pub retries: u32,
    /// Failures in a row that were nobody's fault.
    pub mishaps: u32,
    /// Needs that are not met.
    pub unmet: u32,
    /// A need that can no longer be met.
    pub doomed: Option<TaskId>,
    /// Whether its end was asked for.
    pub cancel: bool,
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
            retries: 0,
            mishaps: 0,
            unmet: 0,
            doomed: None,
            cancel: false,
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

    /// The current attempt's number, or 0.
    pub fn attempt_no(&self) -> u32 {
        self.attempt.as_ref().map_or(0, |attempt| attempt.no)
    }

    fn illegal(&self, event: &Event) -> Illegal {
        let state = format!("task {} is {}, attempt {}", self.spec.id, self.word(), self.attempt_no());
        Illegal { event: event.name(), state }
    }

    /// The word for its state, as the contract names it.
    pub fn word(&self) -> &'static str {
        match &self.phase {
            Phase::Waiting => "waiting",
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

    /// Takes an event of this task. Law 8: an event of another attempt than the current one is illegal.
    pub fn apply(&mut self, event: &Event) -> Result<(), Illegal> {
        if let Some(no) = attempt_of(event)
            && no != self.attempt_no()
        {
            return Err(self.illegal(event));
        }
        let next = match (&mut self.phase, event) {
            (Phase::Ready, Event::AttemptStarted(event)) => self.start(event),
            (Phase::Making, Event::WorktreeMade(event)) => self.made(event),
            (Phase::Making, Event::WorktreeFailed(event)) => {
                Phase::Judging(Finding::NoWorktree(event.error.clone()))
            }
            (Phase::Making | Phase::Running, Event::StopAsked(event)) => self.stopping(event.why),
            (Phase::Running, Event::AgentStarted(event)) => {
                self.running(|attempt| attempt.pid = Some(event.pid))
            }
            (Phase::Running, Event::UsageReported(event)) => {
                self.running(|attempt| attempt.usage = attempt.usage.max(event.usage))
            }
            (Phase::Running, Event::GrantRaised(_)) => self.running(|attempt| attempt.refused = None),
            (Phase::Running, Event::RaiseRefused(event)) => {
                self.running(|attempt| attempt.refused = Some(event.cap))
            }
            (Phase::Running, Event::AgentExited(event)) => self.exited(event),
            (Phase::Saving, Event::Preserved(event)) => self.preserved(event),
            (Phase::Saving, Event::PreserveFailed(event)) => self.unpreserved(&event.error),
            (Phase::Judging(_) | Phase::Gating(_) | Phase::Merging, Event::AttemptFailed(event)) => {
                self.failed(event)
            }
            (Phase::Judging(_) | Phase::Gating(_), Event::TaskQueued(_)) => Phase::Queued,
            (Phase::Judging(_), Event::AttemptPassed(event)) => self.gates(event.setup),
            (Phase::Gating(checks), Event::GateStarted(event)) => {
                checks.started(event.n);
                return Ok(());
            }
            (Phase::Gating(_), Event::GateEnded(event)) => self.gated(event),
            (Phase::Queued, Event::MergePrepared(_)) => Phase::Merging,
            (Phase::Merging, Event::MergePrepared(_) | Event::MergeBuilt(_) | Event::MergeEmpty(_)) => {
                Phase::Merging
            }
            (Phase::Merging, Event::MergeFailed(_) | Event::MergeIntended(_)) => Phase::Merging,
            (Phase::Merging, Event::MergeConflicted(event)) => self.conflicted(event),
            (Phase::Merging, Event::Merged(event)) => {
                Phase::Ended(End::Merged { commit: event.commit.clone() })
            }
            (Phase::Failing { .. }, Event::RetryScheduled(event)) => Phase::Backoff { at_ms: event.at_ms },
            (Phase::Backoff { .. }, Event::RetryDue(_)) => Phase::Ready,
            (Phase::Judging(_) | Phase::Merging, Event::TaskDone(event)) => {
                Phase::Ended(End::Done { reason: event.reason.clone() })
            }
            (Phase::Failing { .. } | Phase::Ready, Event::TaskFailed(event)) => {
                Phase::Ended(End::Failed { cause: event.cause, reason: event.reason.clone() })
            }
            (Phase::Failing { .. }, Event::TaskHeld(event)) => Phase::Held { reason: event.reason.clone() },
            (Phase::Waiting, Event::TaskSkipped(event)) => {
                Phase::Ended(End::Skipped { because: event.because.clone() })
            }
            (phase, Event::TaskCancelled(event)) if can_cancel(phase) => {
                Phase::Ended(End::Cancelled { reason: event.reason.clone() })
            }
            (_, Event::WorktreeRemoved(event)) if self.leftovers.remove(&event.attempt).is_some() => {
                return Ok(());
            }
            (_, Event::WorktreeKept(event)) if self.leftovers.contains_key(&event.attempt) => {
                self.keep(event.attempt, &event.error);
                return Ok(());
            }
            _ => return Err(self.illegal(event)),
        };
        self.phase = next;
        Ok(())
    }

    fn start(&mut self, event: &AttemptStarted) -> Phase {
        let conflict = self.failure.as_ref().is_some_and(|failure| failure.cause == Cause::Conflict);
        self.attempts = event.attempt;
        self.attempt = Some(Attempt {
            no: event.attempt,
            nonce: event.nonce.clone(),
            onto: event.onto.clone(),
            from: event.from.clone(),
            conflict,
            worktree: None,
            pid: None,
            stop: None,
            refused: None,
            ending: None,
            charge: Usd::ZERO,
            cost: None,
            usage: Usage::default(),
            started_ms: event.at_ms,
            ended_ms: 0,
        });
        Phase::Making
    }

    fn current(&mut self) -> &mut Attempt {
        self.attempt.as_mut().expect("a phase after the start has an attempt")
    }

    fn running(&mut self, change: impl FnOnce(&mut Attempt)) -> Phase {
        change(self.current());
        Phase::Running
    }

    fn stopping(&mut self, why: Stop) -> Phase {
        self.current().stop = Some(why);
        self.phase.clone()
    }

    fn made(&mut self, event: &WorktreeMade) -> Phase {
        let worktree = Worktree {
            path: event.path.clone(),
            git_dir: event.git_dir.clone(),
            start: event.start.clone(),
            conflicts: event.conflicts.clone(),
        };
        self.running(|attempt| attempt.worktree = Some(worktree))
    }

    fn exited(&mut self, event: &AgentExited) -> Phase {
        let tail = event.tail.clone();
        let attempt = self.current();
        attempt.ending = Some(event.ending.clone());
        attempt.charge = event.charge;
        attempt.cost = Some(event.cost);
        attempt.usage = attempt.usage.max(event.usage);
        attempt.ended_ms = event.at_ms;
        let no = attempt.no;
        self.failure = Some(Failure {
            attempt: no,
            cause: Cause::Crash,
            reason: String::new(),
            tail,
            conflicts: Vec::new(),
            hint: String::new(),
        });
        Phase::Saving
    }

    fn preserved(&mut self, event: &Preserved) -> Phase {
        let attempt = self.attempt.as_ref().expect("a saving task has an attempt");
        let base = attempt.onto.clone();
        if let Some(worktree) = attempt.worktree.clone() {
            self.leftovers.insert(event.attempt, worktree);
        }
        self.tip = Some(Tip {
            attempt: event.attempt,
            tip: event.tip.clone(),
            base,
            subjects: event.subjects.clone(),
            usable: event.changed && event.descends && !event.missing,
        });
        Phase::Judging(Finding::Kept(Box::new(event.clone())))
    }

    fn unpreserved(&mut self, error: &str) -> Phase {
        if let Some(worktree) = self.attempt.as_ref().and_then(|attempt| attempt.worktree.clone()) {
            self.kept.insert(self.attempt_no(), (worktree.path, error.to_owned()));
        }
        Phase::Judging(Finding::Unkept(error.to_owned()))
    }

    fn keep(&mut self, attempt: u32, error: &str) {
        if let Some(worktree) = self.leftovers.remove(&attempt) {
            self.kept.insert(attempt, (worktree.path, error.to_owned()));
        }
    }

    /// The list of gates is made here, so that it is the same after a replay.
    fn gates(&mut self, setup: bool) -> Phase {
        let tip = self.tip.as_ref().expect("work that passed was kept").tip.clone();
        Phase::Gating(Checks::new(tip, &self.spec.gates, Stage::Task, setup))
    }

    fn gated(&mut self, event: &GateEnded) -> Phase {
        let Phase::Gating(mut checks) = self.phase.clone() else { return self.phase.clone() };
        let advisory = checks.running().and_then(|(_, index)| index).is_some_and(|at| self.is_advisory(at));
        checks.ended(event.n, &event.verdict, &event.tail, advisory);
        Phase::Gating(checks)
    }

    /// Whether the gate at a place in its list is advisory.
    pub fn is_advisory(&self, index: u32) -> bool {
        self.spec.gates.get(index as usize).is_some_and(|gate| gate.advisory)
    }

    fn conflicted(&mut self, event: &MergeConflicted) -> Phase {
        self.failure = Some(Failure {
            attempt: event.attempt,
            cause: Cause::Conflict,
            reason: String::new(),
            tail: event.detail.clone(),
            conflicts: event.paths.clone(),
            hint: String::new(),
        });
        Phase::Merging
    }

    fn failed(&mut self, event: &AttemptFailed) -> Phase {
        let before = self.failure.take();
        let (tail, conflicts) = before.map(|failure| (failure.tail, failure.conflicts)).unwrap_or_default();
        let tail = if event.tail.is_empty() { tail } else { event.tail.clone() };
        self.failure = Some(Failure {
            attempt: event.attempt,
            cause: event.cause,
            reason: event.reason.clone(),
            tail,
            conflicts,
            hint: event.hint.clone(),
        });
        if event.counts {
            self.retries += 1;
            self.mishaps = 0;
        } else if !matches!(event.cause, Cause::Interrupted) {
            self.mishaps += 1;
        }
        Phase::Failing { cause: event.cause, counts: event.counts }
    }
}

/// A cancellation waits for what runs: an attempt is stopped and its work kept first.
fn can_cancel(phase: &Phase) -> bool {
    match phase {
        Phase::Waiting
        | Phase::Ready
        | Phase::Backoff { .. }
        | Phase::Failing { .. }
        | Phase::Held { .. } => true,
        Phase::Judging(_) | Phase::Queued => true,
        Phase::Making
        | Phase::Running
        | Phase::Saving
        | Phase::Gating(_)
        | Phase::Merging
        | Phase::Ended(_) => false,
    }
}

/// The attempt that an event speaks of, if it must be the current one.
fn attempt_of(event: &Event) -> Option<u32> {
    match event {
        Event::WorktreeMade(event) => Some(event.attempt),
        Event::WorktreeFailed(event) => Some(event.attempt),
        Event::AgentStarted(event) => Some(event.attempt),
        Event::UsageReported(event) => Some(event.attempt),
        Event::GrantRaised(event) => Some(event.attempt),
        Event::RaiseRefused(event) => Some(event.attempt),
        Event::StopAsked(event) => Some(event.attempt),
        Event::AgentExited(event) => Some(event.attempt),
        Event::Preserved(event) => Some(event.attempt),
        Event::PreserveFailed(event) => Some(event.attempt),
        Event::AttemptFailed(event) => Some(event.attempt),
        Event::AttemptPassed(event) => Some(event.attempt),
        Event::TaskQueued(event) => Some(event.attempt),
        Event::MergePrepared(event) => Some(event.attempt),
        Event::MergeBuilt(event) => Some(event.attempt),
        Event::MergeEmpty(event) => Some(event.attempt),
        Event::MergeConflicted(event) => Some(event.attempt),
        Event::MergeIntended(event) => Some(event.attempt),
        Event::MergeFailed(event) => Some(event.attempt),
        Event::Merged(event) => Some(event.attempt),
        _ => None,
    }
}
