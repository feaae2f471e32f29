//! The life of one task, as a table of (phase, event). What a task should do next is decided elsewhere.

use std::collections::BTreeSet;

use crate::Usd;
use crate::checks::{Checks, Stage};
use crate::event::{
    AgentExited, AttemptFailed, AttemptStarted, Event, GateEnded, MergeConflicted, Preserved, WorktreeMade,
};
use crate::fact::{Cause, Ending, Report, Site, Start, Stop, Usage};
use crate::plan::RetryFrom;
use crate::task::{Attempt, Conversation, End, Failure, Finding, Illegal, Phase, Task, Tip, Worktree};

impl Task {
    /// Takes an event of this task. Law 8: an event of another attempt than the current one is illegal.
    pub fn apply(&mut self, event: &Event) -> Result<(), Illegal> {
        if let Some(no) = attempt_of(event)
            && no != self.attempt_no()
        {
            return Err(self.illegal(event));
        }
        if self.tidied(event) {
            return Ok(());
        }
        let next =
            self.in_slot(event).or_else(|| self.after_slot(event)).or_else(|| self.between_attempts(event));
        self.phase = next.ok_or_else(|| self.illegal(event))?;
        Ok(())
    }

    /// From the start of an attempt to the end of its program.
    fn in_slot(&mut self, event: &Event) -> Option<Phase> {
        Some(match (&self.phase, event) {
            (Phase::Ready, Event::AttemptStarted(event)) if event.attempt > self.attempts => {
                self.start(event)
            }
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
            (Phase::Running, Event::AgentExited(event)) if self.is_held_by(&event.nonce) => {
                self.exited(event)
            }
            _ => return None,
        })
    }

    /// From the end of the program to the landing of its work, or to its failure. What ends well rests on what was kept
    /// and found green; to fail needs nothing.
    fn after_slot(&mut self, event: &Event) -> Option<Phase> {
        Some(match (&self.phase, event) {
            (Phase::Saving, Event::Preserved(event)) => self.preserved(event),
            (Phase::Saving, Event::PreserveFailed(event)) => self.unpreserved(&event.error),
            (Phase::Judging(Finding::Kept(_)), Event::AttemptPassed(event)) => self.gates(event.setup),
            (Phase::Gating(checks), Event::GateStarted(event)) => {
                let mut checks = checks.clone();
                checks.started(event.n, event.index).ok()?;
                Phase::Gating(checks)
            }
            (Phase::Gating(_), Event::GateEnded(event)) => self.gated(event),
            (Phase::Judging(Finding::Kept(_)), Event::TaskQueued(_)) => Phase::Queued,
            (Phase::Gating(checks), Event::TaskQueued(_)) if checks.passed() => Phase::Queued,
            (Phase::Queued | Phase::Merging, Event::MergePrepared(_))
            | (
                Phase::Merging,
                Event::MergeBuilt(_) | Event::MergeEmpty(_) | Event::MergeFailed(_) | Event::MergeIntended(_),
            ) => Phase::Merging,
            (Phase::Merging, Event::MergeConflicted(event)) => self.conflicted(event),
            (Phase::Merging, Event::Merged(event)) => {
                Phase::Ended(End::Merged { commit: event.commit.clone() })
            }
            (Phase::Judging(Finding::Kept(_)) | Phase::Merging, Event::TaskDone(event)) => {
                Phase::Ended(End::Done { reason: event.reason.clone() })
            }
            (Phase::Judging(_) | Phase::Gating(_) | Phase::Merging, Event::AttemptFailed(event)) => {
                self.failed(event)
            }
            _ => return None,
        })
    }

    /// Another attempt, or the end without a landing.
    fn between_attempts(&self, event: &Event) -> Option<Phase> {
        Some(match (&self.phase, event) {
            (Phase::Failing { .. }, Event::RetryScheduled(event)) => Phase::Backoff { at_ms: event.at_ms },
            (Phase::Backoff { .. }, Event::RetryDue(_)) => Phase::Ready,
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
            _ => return None,
        })
    }

    /// Worktrees come and go beside the phases.
    fn tidied(&mut self, event: &Event) -> bool {
        match event {
            Event::WorktreeRemoved(event) => self.leftovers.remove(&event.attempt).is_some(),
            Event::WorktreeKept(event) if self.leftovers.contains_key(&event.attempt) => {
                self.keep(event.attempt, &event.error);
                true
            }
            _ => false,
        }
    }

    fn illegal(&self, event: &Event) -> Illegal {
        let state = format!("task {} is {}, attempt {}", self.spec.id, self.word(), self.attempt_no());
        Illegal { event: event.name(), state }
    }

    /// It ended; how it came to that is lost. Work that landed, or was judged, was kept before, so its worktree may go.
    pub(crate) fn end_somehow(&mut self, end: End) {
        if matches!(self.phase, Phase::Making | Phase::Running | Phase::Saving)
            && let Some((no, worktree)) =
                self.attempt.as_ref().and_then(|attempt| Some((attempt.no, attempt.worktree.clone()?)))
        {
            self.leftovers.insert(no, worktree);
        }
        self.phase = Phase::Ended(end);
    }

    /// Whoever opens the run again has seen to what was held, and to what kept gates from a verdict.
    pub(crate) fn opened(&mut self) {
        match &mut self.phase {
            Phase::Held { .. } => self.phase = Phase::Backoff { at_ms: 0 },
            Phase::Gating(checks) => checks.opened(),
            Phase::Waiting
            | Phase::Ready
            | Phase::Backoff { .. }
            | Phase::Making
            | Phase::Running
            | Phase::Saving
            | Phase::Judging(_)
            | Phase::Queued
            | Phase::Merging
            | Phase::Failing { .. }
            | Phase::Ended(_) => {}
        }
    }

    /// Law 8: an attempt is its number and its holder.
    fn is_held_by(&self, nonce: &str) -> bool {
        self.attempt.as_ref().is_some_and(|attempt| attempt.nonce == nonce)
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
            report: None,
            takes_up: self.conversation.take(),
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
        // What the tip has of an earlier conflict is text like another to git.
        let from_tip = matches!(self.current().from, Start::Tip { .. });
        let left = self.tip.iter().filter(|_| from_tip).flat_map(|tip| &tip.markers);
        let conflicts: BTreeSet<String> = event.conflicts.iter().chain(left).cloned().collect();
        let worktree = Worktree {
            path: event.path.clone(),
            git_dir: event.git_dir.clone(),
            start: event.start.clone(),
            conflicts: conflicts.into_iter().collect(),
        };
        self.running(|attempt| attempt.worktree = Some(worktree))
    }

    fn exited(&mut self, event: &AgentExited) -> Phase {
        let tail = event.tail.clone();
        let attempt = self.current();
        attempt.ending = Some(event.ending.clone());
        attempt.report.clone_from(&event.report);
        attempt.charge = event.charge;
        attempt.cost = Some(event.cost);
        attempt.usage = attempt.usage.max(event.usage);
        attempt.ended_ms = event.at_ms;
        let no = attempt.no;
        let ended_at_grant = event.ending == Ending::Spent;
        self.short = if ended_at_grant { event.charge.max(Usd::from_micros(1)) } else { Usd::ZERO };
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
            whole: event.descends && !event.missing,
            markers: event.markers.clone(),
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

    /// The conversation for the next attempt, if its work is all there for it. One that never began leaves what it was given.
    fn goes_on_from(&self, cause: Cause) -> Option<Conversation> {
        let attempt = self.attempt.as_ref()?;
        let Some(report) = &attempt.report else { return attempt.takes_up.clone() };
        let whole = self.tip.as_ref().is_some_and(|tip| tip.attempt == attempt.no && tip.whole);
        let wanted = self.spec.retries.from == RetryFrom::Previous;
        let bookmark = report.bookmark.clone().filter(|_| whole && wanted && may_go_on(cause, report))?;
        Some(Conversation { attempt: attempt.no, bookmark })
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
        self.conversation = self.goes_on_from(event.cause);
        if event.counts {
            self.retries += 1;
            self.mishaps = 0;
        } else if !matches!(event.cause, Cause::Interrupted | Cause::Limit | Cause::Login) {
            self.mishaps += 1;
        }
        Phase::Failing { cause: event.cause, counts: event.counts }
    }
}

/// Whether the next attempt takes up the conversation of one that came to this.
fn may_go_on(cause: Cause, report: &Report) -> bool {
    match cause {
        // Whoever failed at its task by its own word would begin where it failed.
        Cause::Crash => report.finished && report.trouble.is_none(),
        Cause::Timeout
        | Cause::Gate
        | Cause::Conflict
        | Cause::Claims
        | Cause::Budget
        | Cause::Lost
        | Cause::Interrupted
        | Cause::Limit
        | Cause::Login => true,
        Cause::Environment => false,
    }
}

/// A cancellation waits for what runs: an attempt is stopped and its work kept first.
fn can_cancel(phase: &Phase) -> bool {
    match phase {
        Phase::Waiting
        | Phase::Ready
        | Phase::Backoff { .. }
        | Phase::Failing { .. }
        | Phase::Held { .. }
        | Phase::Judging(_)
        | Phase::Queued
        | Phase::Merging => true,
        Phase::Making | Phase::Running | Phase::Saving | Phase::Gating(_) | Phase::Ended(_) => false,
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
        Event::GateStarted(event) => match event.site {
            Site::Task { attempt, .. } => Some(attempt),
            Site::Preflight | Site::Train { .. } => None,
        },
        _ => None,
    }
}
