//! The merge train: finished work waits in line and lands one at a time. Knows commits, not how they are made.

use std::collections::VecDeque;

use serde::Serialize;

use crate::checks::{Checks, Stage};
use crate::event::{
    Event, GateEnded, MergeBuilt, MergeIntended, MergePrepared, Merged, TargetHeld, TargetSeen, TaskQueued,
};
use crate::plan::Gate;
use crate::task::Illegal;
use crate::{Oid, TaskId};

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

/// Work that is being landed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Car {
    /// Whose.
    pub task: TaskId,
    /// Which attempt.
    pub attempt: u32,
    /// The commit that holds it.
    pub tip: Oid,
    /// How far it is.
    pub stage: CarStage,
    /// How often merging it failed for a reason that is not in the work.
    pub mishaps: u32,
    /// What that reason was last.
    pub fault: String,
}

/// How far the landing of a car is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum CarStage {
    /// To be prepared, on the target as it stands now.
    Waiting,
    /// The merge is being made in memory.
    Building(Box<MergePrepared>, u64),
    /// Gates run on the result. Without a commit the work is in the target already.
    Checking {
        /// What it was prepared on.
        old: Option<Oid>,
        /// What is to land.
        commit: Option<Oid>,
        /// The gates.
        checks: Checks,
    },
    /// The conflict is to be judged.
    Conflicted,
    /// The target is being moved.
    Landing {
        /// The seq of the intent.
        seq: u64,
        /// From here; none: it does not exist yet.
        old: Option<Oid>,
        /// To here.
        commit: Oid,
    },
}

impl CarStage {
    /// Whether nothing is under way: the next step is a decision, which may have to wait for the target, for room, or
    /// for the run to be opened again. What a gate is about, the gate board knows.
    pub(crate) fn waits(&self) -> bool {
        match self {
            Self::Waiting | Self::Checking { .. } => true,
            Self::Building(..) | Self::Conflicted | Self::Landing { .. } => false,
        }
    }

    /// Whether git is at work for it.
    pub(crate) fn asks_git(&self) -> bool {
        matches!(self, Self::Building(..) | Self::Landing { .. })
    }

    /// The head of the target that this stage rests on.
    fn old(&self) -> Option<&Option<Oid>> {
        match self {
            Self::Waiting | Self::Conflicted => None,
            Self::Building(prepared, _) => Some(&prepared.old),
            Self::Checking { old, .. } | Self::Landing { old, .. } => Some(old),
        }
    }
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

    /// Whoever opens the run again has seen to what was in the way.
    pub(crate) fn opened(&mut self) {
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

    pub(crate) fn seen(&mut self, event: &TargetSeen) {
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

    pub(crate) fn hold(&mut self, seq: u64, event: &TargetHeld) {
        self.held = Some(Hold { seq, path: event.path.clone() });
        if let Some(car) = &mut self.car {
            car.stage = CarStage::Waiting;
        }
    }

    pub(crate) fn free(&mut self) {
        self.held = None;
    }

    pub(crate) fn queue(&mut self, event: &TaskQueued) {
        self.line.push_back(Waiting {
            task: event.task.clone(),
            attempt: event.attempt,
            tip: event.tip.clone(),
        });
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

    pub(crate) fn prepared(&mut self, seq: u64, event: &MergePrepared) -> Result<(), Illegal> {
        let (mishaps, fault) = match &self.car {
            Some(car) if car.task == event.task && car.stage == CarStage::Waiting => {
                (car.mishaps, car.fault.clone())
            }
            Some(_) => return Err(illegal("merge.prepared", "another car is on the way")),
            None => (0, String::new()),
        };
        self.line.retain(|waiting| waiting.task != event.task);
        self.car = Some(Car {
            task: event.task.clone(),
            attempt: event.attempt,
            tip: event.tip.clone(),
            stage: CarStage::Building(Box::new(event.clone()), seq),
            mishaps,
            fault,
        });
        Ok(())
    }

    pub(crate) fn built(&mut self, event: &MergeBuilt, gates: &[Gate], setup: bool) -> Result<(), Illegal> {
        let commit = event.commit.clone();
        self.check(Some(commit.clone()), commit, gates, setup, "merge.built")
    }

    pub(crate) fn empty(&mut self, gates: &[Gate], setup: bool) -> Result<(), Illegal> {
        let onto = self.onto();
        self.check(None, onto, gates, setup, "merge.empty")
    }

    fn check(
        &mut self,
        commit: Option<Oid>,
        checked: Oid,
        gates: &[Gate],
        setup: bool,
        name: &'static str,
    ) -> Result<(), Illegal> {
        let Some(Car { stage, .. }) = &mut self.car else {
            return Err(illegal(name, "no car is on the way"));
        };
        let CarStage::Building(prepared, _) = &*stage else {
            return Err(illegal(name, "the car is not being built"));
        };
        let checks = Checks::new(checked, gates, Stage::Merge, setup);
        *stage = CarStage::Checking { old: prepared.old.clone(), commit, checks };
        Ok(())
    }

    pub(crate) fn conflicted(&mut self) -> Result<(), Illegal> {
        match &mut self.car {
            Some(Car { stage: stage @ CarStage::Building(..), .. }) => *stage = CarStage::Conflicted,
            _ => return Err(illegal("merge.conflicted", "no merge is being built")),
        }
        Ok(())
    }

    pub(crate) fn failed(&mut self, error: &str) -> Result<(), Illegal> {
        match &mut self.car {
            Some(car) if matches!(car.stage, CarStage::Building(..) | CarStage::Landing { .. }) => {
                car.stage = CarStage::Waiting;
                car.mishaps += 1;
                error.clone_into(&mut car.fault);
                Ok(())
            }
            _ => Err(illegal("merge.failed", "no merge is under way")),
        }
    }

    pub(crate) fn gate_started(&mut self, n: u32) {
        if let Some(checks) = self.checks_mut() {
            checks.started(n);
        }
    }

    pub(crate) fn gate_ended(&mut self, event: &GateEnded, advisory: bool) {
        if let Some(checks) = self.checks_mut() {
            checks.ended(event.n, &event.verdict, &event.tail, advisory);
        }
    }

    /// Tries a fact of the world on a copy: whether it is about the car that is on the way, at its present stage.
    pub(crate) fn would_take(mut self, event: &Event) -> Result<(), Illegal> {
        match event {
            Event::MergeBuilt(event) => self.built(event, &[], false),
            Event::MergeEmpty(_) => self.empty(&[], false),
            Event::MergeConflicted(_) => self.conflicted(),
            Event::MergeFailed(event) => self.failed(&event.error),
            Event::Merged(event) => self.merged(event),
            _ => Ok(()),
        }
    }

    fn checks_mut(&mut self) -> Option<&mut Checks> {
        match &mut self.car {
            Some(Car { stage: CarStage::Checking { checks, .. }, .. }) => Some(checks),
            _ => None,
        }
    }

    pub(crate) fn intended(&mut self, seq: u64, event: &MergeIntended) -> Result<(), Illegal> {
        match &mut self.car {
            Some(Car { task, stage: stage @ CarStage::Checking { .. }, .. }) if *task == event.task => {
                *stage = CarStage::Landing { seq, old: event.old.clone(), commit: event.commit.clone() };
                Ok(())
            }
            _ => Err(illegal("merge.intended", "no checked car is on the way")),
        }
    }

    /// Law 6: a commit is recorded as merged only from its own intent, and once.
    pub(crate) fn merged(&mut self, event: &Merged) -> Result<(), Illegal> {
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

/// An event that met a train in the wrong state.
pub(crate) fn illegal(event: &'static str, state: &str) -> Illegal {
    Illegal { event, state: state.to_owned() }
}
