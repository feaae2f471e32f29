//! The merge train: finished work waits in line and lands one at a time. Knows commits, not how they are made.

mod car;

use std::collections::VecDeque;

use serde::Serialize;

use crate::checks::{Checks, Stage};
use crate::event::{
    Event, GateEnded, GateStarted, MergeBuilt, MergeEmpty, MergeFailed, MergeIntended, MergePrepared,
    MergeRefused, Merged, TargetHeld, TargetSeen, TaskQueued,
};
use crate::plan::Gate;
use crate::task::{Illegal, illegal};
use crate::{Oid, TaskId};

pub use car::{Car, CarStage};

/// How often a merge is tried that fails for a reason which is not in the work.
const MISHAPS_MAX: u32 = 3;

/// What the target is known to hold, who waits, and what is being landed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Train {
    base: Oid,
    /// Where the target stood when the run was planned.
    planned_at: Option<Oid>,
    /// Where it stands; the outer none: not read since the run was opened.
    #[expect(clippy::option_option, reason = "not read, read as absent, and read are three things")]
    head: Option<Option<Oid>>,
    landed: Option<Oid>,
    lost: bool,
    held: Option<Hold>,
    line: VecDeque<Waiting>,
    car: Option<Car>,
}

/// A target that is checked out somewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// The seq that found it so.
    pub seq: u64,
    /// The worktree that has it.
    pub path: String,
}

/// Work in the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// Whose.
    pub task: TaskId,
    /// Which attempt.
    pub attempt: u32,
    /// The commit that holds it.
    pub tip: Oid,
}

impl Train {
    /// A train on which nothing waits.
    pub fn new(base: Oid, planned_at: Option<Oid>) -> Self {
        Self {
            base,
            planned_at,
            head: None,
            landed: None,
            lost: false,
            held: None,
            line: VecDeque::new(),
            car: None,
        }
    }

    /// Where the target stands; the outer none: not read since the run was opened.
    pub fn head(&self) -> Option<&Option<Oid>> {
        self.head.as_ref()
    }

    /// The last commit that landed.
    pub fn landed(&self) -> Option<&Oid> {
        self.landed.as_ref()
    }

    /// Whether something that landed is no longer in the target.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Where the target is checked out.
    pub fn held(&self) -> Option<&Hold> {
        self.held.as_ref()
    }

    /// Who waits, first come first.
    pub fn line(&self) -> impl Iterator<Item = &Waiting> {
        self.line.iter()
    }

    /// What is being landed.
    pub fn car(&self) -> Option<&Car> {
        self.car.as_ref()
    }

    /// Why nothing can be merged, after it was tried often enough.
    pub fn broken(&self) -> Option<&str> {
        let car = self.car.as_ref()?;
        (car.mishaps >= MISHAPS_MAX).then_some(car.fault.as_str())
    }

    /// Whether anything waits or is being landed.
    pub fn is_empty(&self) -> bool {
        self.line.is_empty() && self.car.is_none()
    }

    /// What new work stands on: the target's head, or the base while the target has nothing that the base lacks.
    pub fn onto(&self) -> Oid {
        match self.head.clone().flatten() {
            Some(head) if self.landed.is_some() || Some(&head) != self.planned_at.as_ref() => head,
            _ => self.base.clone(),
        }
    }

    /// Where the target is expected: the commit for a compare-and-swap.
    pub fn expected(&self) -> Option<Oid> {
        match &self.head {
            Some(head) => head.clone(),
            None => self.landed.clone().or_else(|| self.planned_at.clone()),
        }
    }

    /// Takes an event about landing. The gates and whether there is a setup are those of its task.
    pub(crate) fn apply(
        &mut self,
        seq: u64,
        event: &Event,
        gates: &[Gate],
        setup: bool,
    ) -> Result<(), Illegal> {
        match event {
            Event::TaskQueued(event) => self.queue(event),
            Event::MergePrepared(event) => self.prepared(seq, event)?,
            Event::MergeBuilt(event) => self.built(event, gates, setup)?,
            Event::MergeEmpty(event) => self.empty(event, gates, setup)?,
            Event::MergeConflicted(event) => self.conflicted(&event.task)?,
            Event::MergeRefused(event) => self.refused(event)?,
            Event::MergeIntended(event) => self.intended(seq, event)?,
            Event::MergeFailed(event) => self.failed(event)?,
            Event::Merged(event) => self.merged(event)?,
            Event::TaskDone(event) => self.done(&event.task)?,
            Event::AttemptFailed(failed) => self.withdraw(&failed.task, event.name())?,
            Event::TaskCancelled(cancelled) => self.withdraw(&cancelled.task, event.name())?,
            _ => {}
        }
        Ok(())
    }

    /// Takes an event about where the target stands, or whether it can be known.
    pub(crate) fn target(&mut self, seq: u64, event: &Event) {
        match event {
            Event::Opened(_) => self.opened(),
            Event::TargetSeen(event) => self.seen(event),
            Event::TargetHeld(event) => self.hold(seq, event),
            Event::TargetFreed(_) => self.held = None,
            _ => {}
        }
    }

    /// Tries a fact of the world on a copy: whether it is about the car that is on the way, at its present stage.
    pub(crate) fn would_take(mut self, event: &Event) -> Result<(), Illegal> {
        self.apply(0, event, &[], false)
    }

    /// Whoever opens the run again has seen to what was in the way.
    fn opened(&mut self) {
        self.head = None;
        self.held = None;
        self.lost = false;
        if let Some(car) = &mut self.car {
            car.mishaps = 0;
        }
        if let Some(checks) = self.checks_mut() {
            checks.opened();
        }
    }

    fn seen(&mut self, event: &TargetSeen) {
        self.head = Some(event.found.clone());
        self.lost = !event.keeps;
        self.held = None;
        // Whatever was prepared on another head is prepared again. A landing asks the target itself before it says
        // that the target moved, so it did not happen.
        if let Some(car) = &mut self.car
            && car.stage.old().is_some_and(|old| *old != event.found)
        {
            car.stage = CarStage::Waiting;
        }
    }

    fn hold(&mut self, seq: u64, event: &TargetHeld) {
        self.held = Some(Hold { seq, path: event.path.clone() });
        if let Some(car) = &mut self.car {
            car.stage = CarStage::Waiting;
        }
    }

    fn queue(&mut self, event: &TaskQueued) {
        self.line.push_back(Waiting {
            task: event.task.clone(),
            attempt: event.attempt,
            tip: event.tip.clone(),
        });
    }

    /// Takes a task out whose attempt came to nothing. Law 6: while the target is being moved, only the answer to that counts.
    fn withdraw(&mut self, task: &TaskId, event: &'static str) -> Result<(), Illegal> {
        let landing = |car: &Car| car.task == *task && matches!(car.stage, CarStage::Landing { .. });
        if self.car.as_ref().is_some_and(landing) {
            return Err(illegal(event, "the target is being moved for it"));
        }
        self.leave(task);
        Ok(())
    }

    /// Takes a task out that has nothing to land.
    fn done(&mut self, task: &TaskId) -> Result<(), Illegal> {
        if self.car.as_ref().is_some_and(|car| car.task == *task && !car.stage.is_contained()) {
            return Err(illegal("task.done", "the target is not known to have its work"));
        }
        self.leave(task);
        Ok(())
    }

    /// Takes a task out, wherever it is.
    pub(crate) fn leave(&mut self, task: &TaskId) {
        self.line.retain(|waiting| waiting.task != *task);
        if self.car.as_ref().is_some_and(|car| car.task == *task) {
            self.car = None;
        }
    }

    /// The target has the commit of a task; how it got there is lost.
    pub(crate) fn landed_somehow(&mut self, task: &TaskId, commit: &Oid) {
        self.leave(task);
        self.head = Some(Some(commit.clone()));
        self.landed = Some(commit.clone());
    }

    fn prepared(&mut self, seq: u64, event: &MergePrepared) -> Result<(), Illegal> {
        let (mishaps, fault) = match &self.car {
            Some(car) if car.task == event.task && car.stage == CarStage::Waiting => {
                (car.mishaps, car.fault.clone())
            }
            Some(_) => return Err(illegal("merge.prepared", "another car is on the way")),
            None if self.line.iter().any(|waiting| waiting.task == event.task) => (0, String::new()),
            None => return Err(illegal("merge.prepared", "it does not wait in line")),
        };
        self.line.retain(|waiting| waiting.task != event.task);
        self.car = Some(Car {
            task: event.task.clone(),
            attempt: event.attempt,
            tip: event.tip.clone(),
            stage: CarStage::Building(Box::new(event.clone()), seq),
            mishaps,
            fault,
            secrets: Vec::new(),
        });
        Ok(())
    }

    fn built(&mut self, event: &MergeBuilt, gates: &[Gate], setup: bool) -> Result<(), Illegal> {
        let checks = Checks::new(event.commit.clone(), gates, Stage::Merge, setup);
        self.check("merge.built", &event.task, Some(event.commit.clone()), checks)?;
        self.car_of(&event.task, "merge.built")?.secrets.clone_from(&event.secrets);
        Ok(())
    }

    fn empty(&mut self, event: &MergeEmpty, gates: &[Gate], setup: bool) -> Result<(), Illegal> {
        let checks = Checks::new(self.onto(), gates, Stage::Merge, setup);
        self.check("merge.empty", &event.task, None, checks)
    }

    fn check(
        &mut self,
        event: &'static str,
        task: &TaskId,
        commit: Option<Oid>,
        checks: Checks,
    ) -> Result<(), Illegal> {
        let car = self.car_of(task, event)?;
        let CarStage::Building(prepared, _) = &car.stage else {
            return Err(illegal(event, "no merge is being built"));
        };
        car.stage = CarStage::Checking { old: prepared.old.clone(), commit, checks };
        Ok(())
    }

    fn conflicted(&mut self, task: &TaskId) -> Result<(), Illegal> {
        let car = self.car_of(task, "merge.conflicted")?;
        if !matches!(car.stage, CarStage::Building(..)) {
            return Err(illegal("merge.conflicted", "no merge is being built"));
        }
        car.stage = CarStage::Conflicted;
        Ok(())
    }

    fn refused(&mut self, event: &MergeRefused) -> Result<(), Illegal> {
        let car = self.car_of(&event.task, "merge.refused")?;
        if !matches!(car.stage, CarStage::Building(..)) {
            return Err(illegal("merge.refused", "no merge is being built"));
        }
        car.stage = CarStage::Refused(event.hazards.clone());
        Ok(())
    }

    fn failed(&mut self, event: &MergeFailed) -> Result<(), Illegal> {
        let car = self.car_of(&event.task, "merge.failed")?;
        if !car.stage.asks_git() {
            return Err(illegal("merge.failed", "no merge is under way"));
        }
        car.stage = CarStage::Waiting;
        car.mishaps += 1;
        event.error.clone_into(&mut car.fault);
        Ok(())
    }

    fn car_of(&mut self, task: &TaskId, event: &'static str) -> Result<&mut Car, Illegal> {
        let car = self.car.as_mut().filter(|car| car.task == *task);
        car.ok_or_else(|| illegal(event, "its car is not on the way"))
    }

    pub(crate) fn gate_started(&mut self, task: &TaskId, event: &GateStarted) -> Result<(), Illegal> {
        match &mut self.car_of(task, "gate.started")?.stage {
            CarStage::Checking { checks, .. } => checks.started(event.n, event.index),
            CarStage::Waiting
            | CarStage::Building(..)
            | CarStage::Conflicted
            | CarStage::Refused(_)
            | CarStage::Landing { .. } => Err(illegal("gate.started", "nothing is to be checked")),
        }
    }

    pub(crate) fn gate_ended(&mut self, event: &GateEnded, advisory: bool) {
        if let Some(checks) = self.checks_mut() {
            checks.ended(event.n, &event.verdict, &event.tail, advisory);
        }
    }

    fn checks_mut(&mut self) -> Option<&mut Checks> {
        match &mut self.car {
            Some(Car { stage: CarStage::Checking { checks, .. }, .. }) => Some(checks),
            _ => None,
        }
    }

    /// Law 6: the target is moved only from where the merge was made, and only to the commit that was checked.
    fn intended(&mut self, seq: u64, event: &MergeIntended) -> Result<(), Illegal> {
        let car = self.car_of(&event.task, "merge.intended")?;
        if car.stage.green() != Some(&event.commit) || car.stage.old() != Some(&event.old) {
            return Err(illegal("merge.intended", "that is not what was checked"));
        }
        // Law 18: what holds a secret does not land.
        if !car.secrets.is_empty() {
            return Err(illegal("merge.intended", "it holds secrets"));
        }
        car.stage = CarStage::Landing { seq, old: event.old.clone(), commit: event.commit.clone() };
        Ok(())
    }

    /// Law 6: a commit is recorded as merged only from its own intent, and once.
    fn merged(&mut self, event: &Merged) -> Result<(), Illegal> {
        match &self.car {
            Some(Car { task, stage: CarStage::Landing { commit, .. }, .. })
                if *task == event.task && *commit == event.commit =>
            {
                self.head = Some(Some(event.commit.clone()));
                self.landed = Some(event.commit.clone());
                self.car = None;
                Ok(())
            }
            _ => Err(illegal("task.merged", "that commit is not being landed")),
        }
    }
}
