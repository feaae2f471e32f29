//! All of a run at one point: the parts together. `apply` is law: it only takes what happened, and an old event never changes its meaning.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::TaskId;
use crate::effect::Actor;
use crate::event::{Event, GateEnded, GateStarted, RunPlanned, TaskPlanned};
use crate::fact::{Request, Site};
use crate::gates::Gates;
use crate::ledger::Ledger;
use crate::plan::OnFailure;
use crate::run::{Preflight, Run};
use crate::task::{Illegal, Phase, Task};
use crate::tasks::Tasks;
use crate::train::{Train, illegal};

/// The state of a run after some number of events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct State {
    seq: u64,
    parts: Option<Parts>,
    #[serde(skip)]
    changed: Changed,
}

/// The parts of a planned run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parts {
    /// The run as a whole.
    pub run: Run,
    /// Its tasks.
    pub tasks: Tasks,
    /// Its money.
    pub ledger: Ledger,
    /// What lands.
    pub train: Train,
    /// Gates that run.
    pub gates: Gates,
}

/// Which actor's debts an event may have changed, by seq.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Changed {
    last: BTreeMap<Actor, u64>,
    by_seq: BTreeSet<(u64, Actor)>,
}

impl Changed {
    fn mark(&mut self, actor: Actor, seq: u64) {
        if let Some(before) = self.last.insert(actor.clone(), seq) {
            self.by_seq.remove(&(before, actor.clone()));
        }
        self.by_seq.insert((seq, actor));
    }

    fn since(&self, seq: u64) -> impl Iterator<Item = &Actor> {
        self.by_seq.range((seq + 1, Actor::Task(first_id()))..).map(|(_, actor)| actor)
    }
}

/// The least actor there is: `Actor::Task` sorts before the others, and `0` before all other ids.
fn first_id() -> TaskId {
    TaskId::new("0").expect("a digit is an id")
}

impl State {
    /// The state before anything happened.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many events were applied.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The parts, once the run is planned.
    pub fn parts(&self) -> Option<&Parts> {
        self.parts.as_ref()
    }

    /// The parts of a run that is known to be planned.
    pub fn run(&self) -> &Parts {
        self.parts.as_ref().expect("the first event plans the run")
    }

    /// Takes an event. Total: an event that is illegal here changes nothing but is named. Laws 9, 14 and 16.
    pub fn apply(&mut self, event: &Event) -> Result<(), Illegal> {
        let seq = self.seq + 1;
        if let Event::RunPlanned(event) = event {
            self.plan(event)?;
        } else {
            let parts = self.parts.as_mut().ok_or_else(|| illegal(event.name(), "no run is planned yet"))?;
            parts.apply(seq, event)?;
        }
        self.seq = seq;
        for actor in touched(event) {
            self.changed.mark(actor, seq);
        }
        Ok(())
    }

    fn plan(&mut self, event: &RunPlanned) -> Result<(), Illegal> {
        if self.parts.is_some() {
            return Err(illegal("run.planned", "the run is planned already"));
        }
        let settings = &event.settings;
        self.parts = Some(Parts {
            run: Run::new(event),
            tasks: Tasks::default(),
            ledger: Ledger::new(settings.cap),
            train: Train::new(settings.base.clone(), settings.target_at.clone()),
            gates: Gates::default(),
        });
        Ok(())
    }

    /// Actors whose debts may have changed after `seq`.
    pub(crate) fn changed_since(&self, seq: u64) -> Vec<Actor> {
        self.changed.since(seq).cloned().collect()
    }
}

impl Parts {
    fn apply(&mut self, seq: u64, event: &Event) -> Result<(), Illegal> {
        if self.run.finished.is_some() {
            return Err(illegal(event.name(), "the run is finished"));
        }
        match event {
            Event::TaskPlanned(event) => self.task_planned(event)?,
            Event::GateStarted(event) => self.gate_started(seq, event)?,
            Event::GateEnded(event) => self.gate_ended(event)?,
            _ => self.about_task(seq, event)?,
        }
        self.money(event);
        self.target(seq, event);
        self.run.apply(seq, event);
        self.afterwards(event);
        Ok(())
    }

    fn task_planned(&mut self, event: &TaskPlanned) -> Result<(), Illegal> {
        if self.tasks.len() >= self.run.tasks as usize {
            return Err(illegal("task.planned", "all tasks are planned already"));
        }
        for gate in &event.spec.gates {
            if !self.run.base_gates.contains(gate) {
                self.run.base_gates.push(gate.clone());
            }
        }
        self.tasks.push(Task::new(Arc::from(event.spec.clone()), event.carried.clone()));
        if self.tasks.len() == self.run.tasks as usize {
            self.tasks.link(&self.ledger);
            self.run.preflight = self.run.first_preflight();
        }
        Ok(())
    }

    /// Events of one task go to it, and to the train where they are about landing.
    fn about_task(&mut self, seq: u64, event: &Event) -> Result<(), Illegal> {
        let Some(id) = task_of(event) else { return Ok(()) };
        let at = self.tasks.place(id).ok_or_else(|| illegal(event.name(), "no such task"))?;
        if !is_about_landing(event) {
            return self.tasks.change(at, &self.ledger, |task| task.apply(event));
        }
        // The task is tried first, so that an event which it refuses leaves the train as it was.
        let mut task = self.tasks.at(at).clone();
        task.apply(event)?;
        self.train_event(seq, event, at)?;
        self.tasks.change(at, &self.ledger, |slot| {
            *slot = task;
            Ok(())
        })
    }

    fn train_event(&mut self, seq: u64, event: &Event, at: usize) -> Result<(), Illegal> {
        let train = &mut self.train;
        let gates = &self.tasks.at(at).spec.gates;
        let setup = !self.run.settings.workspace.setup.is_empty();
        match event {
            Event::TaskQueued(event) => train.queue(event),
            Event::MergePrepared(event) => train.prepared(seq, event)?,
            Event::MergeBuilt(event) => train.built(event, gates, setup)?,
            Event::MergeEmpty(_) => train.empty(gates, setup)?,
            Event::MergeConflicted(_) => train.conflicted()?,
            Event::MergeIntended(event) => train.intended(seq, event)?,
            Event::MergeFailed(event) => train.failed(&event.error)?,
            Event::Merged(event) => train.merged(event)?,
            Event::AttemptFailed(event) => train.leave(&event.task),
            Event::TaskDone(event) => train.leave(&event.task),
            Event::TaskCancelled(event) => train.leave(&event.task),
            _ => {}
        }
        Ok(())
    }

    fn gate_started(&mut self, seq: u64, event: &GateStarted) -> Result<(), Illegal> {
        match &event.site {
            Site::Preflight => match &mut self.run.preflight {
                Preflight::Due(checks) => checks.started(event.n),
                Preflight::Passed | Preflight::Failed { .. } => {
                    return Err(illegal("gate.started", "no preflight is due"));
                }
            },
            Site::Train { .. } => self.train.gate_started(event.n),
            Site::Task { task, .. } => {
                let at = self.tasks.place(task).ok_or_else(|| illegal("gate.started", "no such task"))?;
                self.tasks.change(at, &self.ledger, |task| task.apply(&Event::GateStarted(event.clone())))?;
            }
        }
        self.gates.started(seq, event);
        Ok(())
    }

    fn gate_ended(&mut self, event: &GateEnded) -> Result<(), Illegal> {
        let run = self.gates.ended(event.n).ok_or_else(|| illegal("gate.ended", "no such gate runs"))?;
        let index = run.index.unwrap_or(u32::MAX);
        match &run.site {
            Site::Preflight => {
                let advisory = self.run.is_advisory(index);
                if let Preflight::Due(checks) = &mut self.run.preflight {
                    checks.ended(event.n, &event.verdict, &event.tail, advisory);
                }
            }
            Site::Train { task, .. } => {
                let advisory = self.tasks.get(task).is_some_and(|task| task.is_advisory(index));
                self.train.gate_ended(event, advisory);
            }
            Site::Task { task, .. } => {
                let at = self.tasks.place(task).ok_or_else(|| illegal("gate.ended", "no such task"))?;
                self.tasks.change(at, &self.ledger, |task| {
                    if matches!(task.phase, Phase::Gating(_)) {
                        task.apply(&Event::GateEnded(event.clone()))
                    } else {
                        Ok(())
                    }
                })?;
            }
        }
        Ok(())
    }

    fn money(&mut self, event: &Event) {
        match event {
            Event::AttemptStarted(event) => self.ledger.reserve(&event.task, event.attempt, event.reserve),
            Event::UsageReported(event) => self.ledger.report(&event.task, event.attempt, event.usage),
            Event::GrantRaised(event) => self.ledger.raise(&event.task, event.attempt, event.grant),
            Event::AgentExited(event) => {
                self.ledger.settle(&event.task, event.attempt, event.charge, event.cost, event.usage);
            }
            Event::WorktreeFailed(event) => self.free(&event.task, event.attempt),
            Event::Requested(event) => self.cap(&event.request),
            _ => {}
        }
    }

    /// An attempt that never ran costs nothing.
    fn free(&mut self, task: &TaskId, attempt: u32) {
        let usage = crate::fact::Usage::default();
        self.ledger.settle(task, attempt, crate::Usd::ZERO, crate::fact::Cost::Metered, usage);
    }

    fn cap(&mut self, request: &Request) {
        let cap = match request {
            Request::AddBudget { usd } => self.ledger.cap().map(|cap| cap.plus(*usd)),
            Request::SetBudget { usd } => Some(*usd),
            _ => None,
        };
        if let Some(cap) = cap {
            self.ledger.set_cap(cap);
            self.tasks.refile(&self.ledger);
        }
    }

    fn target(&mut self, seq: u64, event: &Event) {
        match event {
            Event::Opened(_) => self.train.opened(),
            Event::TargetSeen(event) => self.train.seen(event),
            Event::TargetHeld(event) => self.train.hold(seq, event),
            Event::TargetFreed(_) => self.train.free(),
            _ => {}
        }
    }

    /// What follows for other tasks, by the plan's own rules.
    fn afterwards(&mut self, event: &Event) {
        match event {
            Event::Requested(event) => {
                if let Request::Cancel { tasks } = &event.request {
                    self.cancel(|task| tasks.is_empty() || tasks.contains(&task.spec.id));
                }
            }
            Event::Opened(_) => self.unhold(),
            Event::TaskFailed(event) if self.halts(&event.task) => {
                self.run.halted = Some(event.task.clone());
                self.cancel(|task| !is_under_way(task));
            }
            _ => {}
        }
    }

    fn halts(&self, task: &TaskId) -> bool {
        let required = self.tasks.get(task).is_some_and(|task| !task.spec.optional);
        required && self.run.settings.on_failure == OnFailure::Stop
    }

    /// Whoever opens the run again has seen to what was held.
    fn unhold(&mut self) {
        for at in 0..self.tasks.len() {
            if matches!(self.tasks.at(at).phase, Phase::Held { .. }) {
                let moved = self.tasks.change(at, &self.ledger, |task| {
                    task.phase = Phase::Backoff { at_ms: 0 };
                    Ok::<(), Illegal>(())
                });
                moved.expect("a held task can always wait for its next try");
            }
        }
    }

    fn cancel(&mut self, which: impl Fn(&Task) -> bool) {
        for at in 0..self.tasks.len() {
            let task = self.tasks.at(at);
            if task.end().is_none() && which(task) {
                let marked = self.tasks.change(at, &self.ledger, |task| {
                    task.cancel = true;
                    Ok::<(), Illegal>(())
                });
                marked.expect("marking a task cannot fail");
            }
        }
    }
}

fn is_about_landing(event: &Event) -> bool {
    matches!(
        event,
        Event::TaskQueued(_)
            | Event::MergePrepared(_)
            | Event::MergeBuilt(_)
            | Event::MergeEmpty(_)
            | Event::MergeConflicted(_)
            | Event::MergeIntended(_)
            | Event::MergeFailed(_)
            | Event::Merged(_)
            | Event::AttemptFailed(_)
            | Event::TaskDone(_)
            | Event::TaskCancelled(_)
    )
}

fn is_under_way(task: &Task) -> bool {
    match task.phase {
        Phase::Waiting | Phase::Ready | Phase::Backoff { .. } | Phase::Held { .. } => false,
        Phase::Making
        | Phase::Running
        | Phase::Saving
        | Phase::Judging(_)
        | Phase::Gating(_)
        | Phase::Queued
        | Phase::Merging
        | Phase::Failing { .. }
        | Phase::Ended(_) => true,
    }
}

/// The task that an event is about.
pub fn task_of(event: &Event) -> Option<&TaskId> {
    match event {
        Event::AttemptStarted(event) => Some(&event.task),
        Event::WorktreeMade(event) => Some(&event.task),
        Event::WorktreeFailed(event) => Some(&event.task),
        Event::AgentStarted(event) => Some(&event.task),
        Event::UsageReported(event) => Some(&event.task),
        Event::GrantRaised(event) => Some(&event.task),
        Event::RaiseRefused(event) => Some(&event.task),
        Event::StopAsked(event) => Some(&event.task),
        Event::AgentExited(event) => Some(&event.task),
        Event::Preserved(event) => Some(&event.task),
        Event::PreserveFailed(event) => Some(&event.task),
        Event::WorktreeRemoved(event) => Some(&event.task),
        Event::WorktreeKept(event) => Some(&event.task),
        Event::AttemptFailed(event) => Some(&event.task),
        Event::RetryScheduled(event) => Some(&event.task),
        Event::RetryDue(event) => Some(&event.task),
        Event::AttemptPassed(event) => Some(&event.task),
        Event::TaskQueued(event) => Some(&event.task),
        Event::MergePrepared(event) => Some(&event.task),
        Event::MergeBuilt(event) => Some(&event.task),
        Event::MergeEmpty(event) => Some(&event.task),
        Event::MergeConflicted(event) => Some(&event.task),
        Event::MergeIntended(event) => Some(&event.task),
        Event::MergeFailed(event) => Some(&event.task),
        Event::Merged(event) => Some(&event.task),
        Event::TaskDone(event) => Some(&event.task),
        Event::TaskFailed(event) => Some(&event.task),
        Event::TaskSkipped(event) => Some(&event.task),
        Event::TaskCancelled(event) => Some(&event.task),
        Event::TaskHeld(event) => Some(&event.task),
        Event::RunPlanned(_)
        | Event::TaskPlanned(_)
        | Event::Opened(_)
        | Event::TargetSeen(_)
        | Event::TargetHeld(_)
        | Event::TargetFreed(_)
        | Event::GateStarted(_)
        | Event::GateEnded(_)
        | Event::PreflightPassed(_)
        | Event::PreflightFailed(_)
        | Event::Requested(_)
        | Event::RunPaused(_)
        | Event::DeadlineReached(_)
        | Event::RoomLost(_)
        | Event::RoomBack(_)
        | Event::Noted(_)
        | Event::RunStopped(_)
        | Event::RunFinished(_) => None,
    }
}

/// Whose debts an event may change.
fn touched(event: &Event) -> Vec<Actor> {
    let mut actors = Vec::new();
    if let Some(task) = task_of(event) {
        actors.push(Actor::Task(task.clone()));
    }
    match event {
        Event::GateStarted(event) => match &event.site {
            Site::Task { task, .. } => actors.push(Actor::Task(task.clone())),
            Site::Preflight | Site::Train { .. } => actors.push(Actor::Merge),
        },
        Event::AttemptStarted(_)
        | Event::WorktreeMade(_)
        | Event::GrantRaised(_)
        | Event::RaiseRefused(_)
        | Event::AgentExited(_) => actors.push(Actor::Budget),
        Event::Opened(_)
        | Event::RoomLost(_)
        | Event::MergePrepared(_)
        | Event::MergeIntended(_)
        | Event::TargetSeen(_)
        | Event::TargetHeld(_) => actors.push(Actor::Merge),
        _ => {}
    }
    actors
}
