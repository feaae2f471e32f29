//! The parts of a run, and what each event does to each of them. Law, not policy: it only takes what happened.

use std::sync::Arc;

use serde::Serialize;

use crate::TaskId;
use crate::event::{Event, GateEnded, GateStarted, RecordsLost, TaskPlanned};
use crate::fact::{Request, Site};
use crate::gates::Gates;
use crate::holds::Holds;
use crate::ledger::Ledger;
use crate::plan::OnFailure;
use crate::run::{Preflight, Run};
use crate::state::task_of;
use crate::task::{End, Illegal, Phase, Task, illegal};
use crate::tasks::Tasks;
use crate::train::Train;

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
    /// Agent programs of which nothing starts for now.
    pub holds: Holds,
}

impl Parts {
    pub(crate) fn apply(&mut self, seq: u64, event: &Event) -> Result<(), Illegal> {
        let lost = matches!(event, Event::RecordsLost(_));
        if self.run.finished.is_some() && !lost {
            return Err(illegal(event.name(), "the run is finished"));
        }
        let planned = self.tasks.len() == self.run.tasks as usize;
        if !planned && !lost && !matches!(event, Event::TaskPlanned(_)) {
            return Err(illegal(event.name(), "the plan is not complete"));
        }
        if matches!(event, Event::RunFinished(_)) && !self.tasks.all_ended() {
            return Err(illegal(event.name(), "a task is not final"));
        }
        self.run.would_take(event)?;
        match event {
            Event::TaskPlanned(event) => self.task_planned(event)?,
            Event::RecordsLost(event) => self.lost(event)?,
            Event::GateStarted(event) => self.gate_started(seq, event)?,
            Event::GateEnded(event) => self.gate_ended(event)?,
            _ => self.about_task(seq, event)?,
        }
        self.money(event);
        self.hold(event);
        self.train.target(seq, event);
        self.run.apply(seq, event);
        self.afterwards(event);
        Ok(())
    }

    /// Without its plan a run is nothing. With it, what is owed tells what became of the rest.
    fn lost(&mut self, event: &RecordsLost) -> Result<(), Illegal> {
        let planned = self.tasks.len() == self.run.tasks as usize;
        if !planned || !(1..=event.to).contains(&event.from) {
            return Err(illegal("records.lost", "the plan itself is lost"));
        }
        let records = u32::try_from(event.to - event.from + 1).unwrap_or(u32::MAX / 2);
        self.tasks.lose(records);
        self.gates.lose(records);
        Ok(())
    }

    /// Behind lost records: an event that does not fit what is left. What it names is not used for anything else.
    pub(crate) fn unfit(&mut self, event: &Event) {
        self.run.unfit += 1;
        match event {
            Event::AttemptStarted(event) => self.tasks.lost(&event.task, event.attempt),
            Event::GateStarted(event) => self.gates.lost(event.n),
            Event::Merged(event) => {
                self.train.landed_somehow(&event.task, &event.commit);
                self.ended_somehow(&event.task, End::Merged { commit: event.commit.clone() });
            }
            Event::TaskDone(event) => {
                self.train.leave(&event.task);
                self.ended_somehow(&event.task, End::Done { reason: event.reason.clone() });
            }
            _ => {}
        }
    }

    /// The journal says how a task ended, and not how it came to that. What its last attempt is known to have used is
    /// charged; that the sum is not known is on record.
    fn ended_somehow(&mut self, id: &TaskId, end: End) {
        let Some(at) = self.tasks.place(id).filter(|at| self.tasks.at(*at).end().is_none()) else { return };
        if let Some(attempt) = &self.tasks.at(at).attempt {
            let charge = attempt.usage.usd.unwrap_or(crate::Usd::ZERO);
            let cost = (charge, crate::fact::Cost::Unknown);
            self.ledger.settle(id, attempt.no, cost, attempt.usage, None);
        }
        let ended = self.tasks.change(at, &self.ledger, |task| {
            task.end_somehow(end);
            Ok::<(), Illegal>(())
        });
        ended.expect("nothing refuses it");
    }

    fn task_planned(&mut self, event: &TaskPlanned) -> Result<(), Illegal> {
        if self.tasks.len() >= self.run.tasks as usize || self.tasks.get(&event.spec.id).is_some() {
            return Err(illegal("task.planned", "it is planned already"));
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
        let setup = !self.run.settings.workspace.setup.is_empty();
        self.train.apply(seq, event, &task.spec.gates, setup)?;
        self.tasks.change(at, &self.ledger, |slot| {
            *slot = task;
            Ok(())
        })
    }

    fn gate_started(&mut self, seq: u64, event: &GateStarted) -> Result<(), Illegal> {
        match &event.site {
            Site::Preflight => match &mut self.run.preflight {
                Preflight::Due(checks) => checks.started(event.n, event.index)?,
                Preflight::Passed | Preflight::Failed { .. } => {
                    return Err(illegal("gate.started", "no preflight is due"));
                }
            },
            Site::Train { task, .. } => self.train.gate_started(task, event)?,
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

    /// Tasks of an agent program that is held are filed where nobody looks for one to start.
    fn hold(&mut self, event: &Event) {
        if let Event::AgentExited(event) = event
            && event.report.as_ref().is_some_and(|report| report.finished && report.trouble.is_none())
            && let Some(agent) = self.tasks.get(&event.task).and_then(|task| task.spec.adapter())
        {
            self.holds.well(agent);
        }
        for agent in self.holds.apply(event) {
            let held = self.holds.of(&agent).is_some();
            self.tasks.hold(&agent, held, &self.ledger);
        }
    }

    fn money(&mut self, event: &Event) {
        let cap = self.ledger.cap();
        let agent = task_of(event).and_then(|id| self.tasks.get(id)?.spec.agent());
        self.ledger.apply(event, agent);
        if self.ledger.cap() != cap {
            self.tasks.refile(&self.ledger);
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

    fn unhold(&mut self) {
        for at in 0..self.tasks.len() {
            let moved = self.tasks.change(at, &self.ledger, |task| {
                task.opened();
                Ok::<(), Illegal>(())
            });
            moved.expect("a task takes an opening in every phase");
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
            | Event::MergeRefused(_)
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
