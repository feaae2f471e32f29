//! What happened to one task, attempt by attempt, gathered from the events. Knows where each thing was recorded.

use swarm_actors::Recorded;
use swarm_domain::event::{AgentExited, AttemptFailed, AttemptStarted, GateEnded, GateStarted, Preserved};
use swarm_domain::fact::{Cause, Cost, Ending, Site};
use swarm_domain::owed::ref_name;
use swarm_domain::{Event, Oid, TaskId, Usd};

use super::super::event::{about, verdict_word};
use super::super::text::few;
use super::super::words::{gate_name, say, site};

/// All that happened to a task.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    /// The attempts, first to last.
    pub(super) attempts: Vec<Attempt>,
    /// The last event about the task.
    pub(super) last_seq: Option<u64>,
    /// The event that ended it.
    pub(super) ended_seq: Option<u64>,
    run: String,
}

/// One attempt.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) no: u32,
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    pub(super) onto: Oid,
    pub(super) started_ms: u64,
    pub(super) ended_ms: Option<u64>,
    pub(super) ending: Option<Ending>,
    pub(super) charge: Option<(Usd, Cost)>,
    /// The model that its agent used.
    pub(super) model: Option<String>,
    pub(super) checks: Vec<Check>,
    /// Other events worth telling.
    pub(super) notes: Vec<(u64, String)>,
    pub(super) conflicts: Vec<String>,
    /// What it came to.
    pub(super) outcome: Option<(u64, String)>,
    pub(super) cause: Option<Cause>,
    pub(super) hint: String,
    /// The end of its program's output, or of what showed its failure.
    pub(super) tail: String,
    /// The ref that keeps its work.
    pub(super) kept: Option<String>,
}

/// A gate or a setup that ran.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) n: u32,
    pub(super) name: String,
    pub(super) on: String,
    /// Green, red or none; nothing while it runs.
    pub(super) verdict: Option<&'static str>,
    pub(super) detail: String,
    pub(super) took_ms: u64,
    pub(super) tail: String,
    pub(super) seq: u64,
}

impl Attempt {
    fn new(recorded: &Recorded, event: &AttemptStarted) -> Self {
        Self {
            no: event.attempt,
            first_seq: recorded.seq,
            last_seq: recorded.seq,
            onto: event.onto.clone(),
            started_ms: event.at_ms,
            ended_ms: None,
            ending: None,
            charge: None,
            model: None,
            checks: Vec::new(),
            notes: Vec::new(),
            conflicts: Vec::new(),
            outcome: None,
            cause: None,
            hint: String::new(),
            tail: String::new(),
            kept: None,
        }
    }

    /// How long its program ran, once it ended.
    pub(super) fn took_ms(&self) -> Option<u64> {
        self.ended_ms.map(|ended_ms| ended_ms.saturating_sub(self.started_ms))
    }

    fn exited(&mut self, event: &AgentExited) {
        self.ended_ms = Some(event.at_ms);
        self.ending = Some(event.ending.clone());
        self.charge = Some((event.charge, event.cost));
        self.model = event.report.as_ref().and_then(|report| report.model.clone());
        self.tail.clone_from(&event.tail);
    }

    fn failed(&mut self, event: &AttemptFailed) {
        self.cause = Some(event.cause);
        self.hint.clone_from(&event.hint);
        // What the program printed is not why a gate is red.
        if !event.tail.is_empty() || event.cause == Cause::Gate {
            self.tail.clone_from(&event.tail);
        }
    }

    fn kept(&mut self, run: &str, event: &Preserved) {
        self.kept = Some(ref_name(run, &event.task, event.attempt));
    }
}

impl Check {
    fn new(seq: u64, event: &GateStarted) -> Self {
        Self {
            n: event.n,
            name: gate_name(&event.name, event.index),
            on: site(&event.site, event.commit.short()),
            verdict: None,
            detail: String::new(),
            took_ms: 0,
            tail: String::new(),
            seq,
        }
    }

    fn ended(&mut self, seq: u64, event: &GateEnded) {
        let (word, detail) = verdict_word(&event.verdict);
        self.verdict = Some(word);
        detail.unwrap_or_default().clone_into(&mut self.detail);
        self.took_ms = event.took_ms;
        self.tail.clone_from(&event.tail);
        self.seq = seq;
    }
}

/// The gate run with a number, wherever it ran.
pub(super) fn check(history: &[Recorded], n: u32) -> Option<Check> {
    let mut found = None;
    for recorded in history {
        match (&recorded.event, &mut found) {
            (Event::GateStarted(event), None) if event.n == n => {
                found = Some(Check::new(recorded.seq, event));
            }
            (Event::GateEnded(event), Some(check)) if event.n == n => check.ended(recorded.seq, event),
            _ => {}
        }
    }
    found
}

/// What happened to a task.
pub(super) fn of(history: &[Recorded], id: &TaskId) -> Past {
    let mut past = Past::default();
    for recorded in history {
        past.take(recorded, id);
    }
    past
}

impl Past {
    fn take(&mut self, recorded: &Recorded, id: &TaskId) {
        match &recorded.event {
            Event::RunPlanned(event) => self.run.clone_from(&event.run),
            Event::GateStarted(event) if is_of(&event.site, id) => self.check_started(recorded.seq, event),
            Event::GateEnded(event) => self.check_ended(recorded.seq, event),
            event if about(event) == Some(id) => self.task_event(recorded),
            _ => {}
        }
    }

    fn check_started(&mut self, seq: u64, event: &GateStarted) {
        self.last_seq = Some(seq);
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.last_seq = seq;
            attempt.checks.push(Check::new(seq, event));
        }
    }

    fn check_ended(&mut self, seq: u64, event: &GateEnded) {
        let attempt =
            self.attempts.iter_mut().rev().find(|one| one.checks.iter().any(|check| check.n == event.n));
        let Some(attempt) = attempt else { return };
        self.last_seq = Some(seq);
        attempt.last_seq = seq;
        if let Some(check) = attempt.checks.iter_mut().find(|check| check.n == event.n) {
            check.ended(seq, event);
        }
    }

    fn task_event(&mut self, recorded: &Recorded) {
        let seq = recorded.seq;
        self.last_seq = Some(seq);
        match &recorded.event {
            Event::AttemptStarted(event) => self.attempts.push(Attempt::new(recorded, event)),
            Event::Merged(_)
            | Event::TaskDone(_)
            | Event::TaskFailed(_)
            | Event::TaskSkipped(_)
            | Event::TaskCancelled(_) => self.ended_seq = Some(seq),
            _ => {}
        }
        let Some(attempt) = self.attempts.last_mut() else { return };
        attempt.last_seq = seq;
        let said = || (seq, say(&recorded.event));
        match &recorded.event {
            Event::AgentExited(event) => {
                attempt.exited(event);
                let denials =
                    event.report.as_ref().map(|report| report.denials.as_slice()).unwrap_or_default();
                if !denials.is_empty() {
                    attempt.notes.push((seq, format!("its agent was refused {}", few(denials))));
                }
            }
            Event::Preserved(event) => {
                attempt.kept(&self.run, event);
                if !event.strays.is_empty() || !event.secrets.is_empty() {
                    attempt.notes.push(said());
                }
            }
            Event::MergeConflicted(event) => {
                attempt.conflicts.clone_from(&event.paths);
                attempt.tail.clone_from(&event.detail);
                attempt.notes.push(said());
            }
            Event::AttemptFailed(event) => {
                attempt.failed(event);
                attempt.outcome = Some(said());
            }
            Event::Merged(_) | Event::TaskDone(_) | Event::WorktreeFailed(_) => {
                attempt.outcome = Some(said());
            }
            Event::RaiseRefused(_)
            | Event::StopAsked(_)
            | Event::PreserveFailed(_)
            | Event::WorktreeKept(_)
            | Event::MergeFailed(_)
            | Event::MergeRefused(_)
            | Event::Noted(_) => attempt.notes.push(said()),
            Event::WorktreeMade(event) if !event.conflicts.is_empty() => attempt.notes.push(said()),
            _ => {}
        }
    }
}

fn is_of(site: &Site, id: &TaskId) -> bool {
    match site {
        Site::Preflight => false,
        Site::Task { task, .. } | Site::Train { task, .. } => task == id,
    }
}
