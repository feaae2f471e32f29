//! Laws 4, 5, 8 and 9: who starts when, under which number, how many at once, and that an end is an end.

use std::collections::{BTreeMap, BTreeSet};

use swarm_domain::fact::Request;
use swarm_domain::plan::{NeedWhen, Plan};
use swarm_domain::{Event, TaskId};

use crate::world::Repo;

use super::landings::Landings;
use super::{Broken, Entry};

/// How far the attempt of a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It holds a slot.
    InSlot,
    /// Its program has ended; whether it came to anything is not decided.
    Judged,
    /// It came to nothing; whether there is another is not decided.
    Failed,
}

/// One task, as far as it was recorded.
#[derive(Clone, Debug)]
struct Life {
    needs: Vec<(TaskId, NeedWhen)>,
    last: u32,
    now: Option<(u32, String, Stage)>,
    ended: bool,
}

/// All tasks.
#[derive(Clone, Debug)]
pub(super) struct Lives {
    tasks: BTreeMap<TaskId, Life>,
    slots: usize,
    in_slots: BTreeSet<TaskId>,
}

impl Lives {
    pub(super) fn new(plan: &Plan) -> Self {
        let life = |needs: &[_]| Life { needs: needs.to_vec(), last: 0, now: None, ended: false };
        Self {
            tasks: plan.tasks().iter().map(|task| (task.id.clone(), life(&task.needs))).collect(),
            slots: plan.settings().concurrency as usize,
            in_slots: BTreeSet::new(),
        }
    }

    pub(super) fn has_ended(&self, task: &TaskId) -> bool {
        self.tasks.get(task).is_some_and(|life| life.ended)
    }

    pub(super) fn slots_taken(&self) -> usize {
        self.in_slots.len()
    }

    pub(super) fn slots(&self) -> usize {
        self.slots
    }

    /// How many attempts are over and not judged.
    pub(super) fn unjudged(&self) -> usize {
        let judged =
            |life: &&Life| matches!(life.now, Some((_, _, Stage::Judged | Stage::Failed))) && !life.ended;
        self.tasks.values().filter(judged).count()
    }

    pub(super) fn enter(
        &mut self,
        entry: &Entry<'_>,
        landings: &Landings,
        repo: Option<&Repo>,
    ) -> Result<(), Broken> {
        match entry.event {
            Event::TaskPlanned(event) if event.carried.is_some() => self.end(entry, &event.spec.id),
            Event::AttemptStarted(event) => {
                self.needs_met(entry, &event.task, landings, repo)?;
                self.start(entry, &event.task, event.attempt, &event.nonce)
            }
            Event::WorktreeMade(event) => self.speaks(entry, &event.task, event.attempt, Stage::InSlot),
            Event::AgentStarted(event) => self.speaks(entry, &event.task, event.attempt, Stage::InSlot),
            Event::UsageReported(event) => self.speaks(entry, &event.task, event.attempt, Stage::InSlot),
            Event::WorktreeFailed(event) => {
                self.speaks(entry, &event.task, event.attempt, Stage::InSlot)?;
                self.leave_slot(&event.task);
                Ok(())
            }
            Event::AgentExited(event) => {
                self.speaks(entry, &event.task, event.attempt, Stage::InSlot)?;
                let nonce =
                    self.tasks[&event.task].now.as_ref().is_some_and(|(_, nonce, _)| *nonce == event.nonce);
                entry.check(8, nonce, || format!("the end of {} is told by another holder", event.task))?;
                self.leave_slot(&event.task);
                Ok(())
            }
            Event::Preserved(event) => self.speaks(entry, &event.task, event.attempt, Stage::Judged),
            Event::PreserveFailed(event) => self.speaks(entry, &event.task, event.attempt, Stage::Judged),
            Event::AttemptFailed(event) => self.fail(entry, &event.task, event.attempt),
            Event::RetryScheduled(event) => {
                self.tasks.get_mut(&event.task).expect("it is planned").now = None;
                Ok(())
            }
            Event::TaskHeld(event) => {
                self.tasks.get_mut(&event.task).expect("it is planned").now = None;
                Ok(())
            }
            Event::Merged(event) => self.end(entry, &event.task),
            Event::TaskDone(event) => self.end(entry, &event.task),
            Event::TaskFailed(event) => self.end(entry, &event.task),
            Event::TaskSkipped(event) => self.end(entry, &event.task),
            Event::TaskCancelled(event) => self.end(entry, &event.task),
            Event::Requested(event) => {
                if let Request::SetConcurrency { slots } = event.request {
                    self.slots = slots as usize;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Law 4, in the repository and not in the state.
    fn needs_met(
        &self,
        entry: &Entry<'_>,
        task: &TaskId,
        landings: &Landings,
        repo: Option<&Repo>,
    ) -> Result<(), Broken> {
        for (need, when) in &self.tasks[task].needs {
            let landed = || repo.map_or_else(|| landings.recorded(need), |repo| repo.has_landed(need));
            let met = match when {
                NeedWhen::Ended => self.has_ended(need),
                NeedWhen::Merged => landings.is_done(need) || landed(),
            };
            entry.check(4, met, || format!("{task} starts before {need} is there"))?;
        }
        Ok(())
    }

    fn start(&mut self, entry: &Entry<'_>, task: &TaskId, attempt: u32, nonce: &str) -> Result<(), Broken> {
        let life = self.tasks.get_mut(task).expect("it is planned");
        entry.check(9, !life.ended, || format!("{task} starts after its end"))?;
        entry
            .check(5, life.now.is_none(), || format!("{task} starts again while an attempt of it is open"))?;
        entry.check(5, attempt > life.last, || {
            format!("{task} goes from attempt {} to {attempt}", life.last)
        })?;
        life.last = attempt;
        life.now = Some((attempt, nonce.to_owned(), Stage::InSlot));
        self.in_slots.insert(task.clone());
        let (taken, slots) = (self.in_slots.len(), self.slots);
        entry.check(5, taken <= slots, || format!("{taken} attempts at once, and {slots} may be"))
    }

    /// Law 8: only the attempt that is open, at the stage in which it can say that.
    fn speaks(&self, entry: &Entry<'_>, task: &TaskId, attempt: u32, stage: Stage) -> Result<(), Broken> {
        let now = self.tasks.get(task).and_then(|life| life.now.as_ref());
        let open = now.is_some_and(|(no, _, at)| *no == attempt && *at == stage);
        entry.check(8, open, || format!("{} of {task} attempt {attempt}, which is over", entry.event.name()))
    }

    fn leave_slot(&mut self, task: &TaskId) {
        self.in_slots.remove(task);
        let life = self.tasks.get_mut(task).expect("it is planned");
        if let Some((_, _, stage)) = &mut life.now {
            *stage = Stage::Judged;
        }
    }

    fn fail(&mut self, entry: &Entry<'_>, task: &TaskId, attempt: u32) -> Result<(), Broken> {
        let life = self.tasks.get_mut(task).expect("it is planned");
        let open = life.now.as_ref().is_some_and(|(no, _, stage)| *no == attempt && *stage == Stage::Judged);
        entry.check(9, open && !life.ended, || format!("{task} attempt {attempt} fails, and is not open"))?;
        if let Some((_, _, stage)) = &mut life.now {
            *stage = Stage::Failed;
        }
        Ok(())
    }

    fn end(&mut self, entry: &Entry<'_>, task: &TaskId) -> Result<(), Broken> {
        let life = self.tasks.get_mut(task).expect("it is planned");
        entry.check(9, !life.ended, || format!("{task} ends twice"))?;
        entry.check(5, !self.in_slots.contains(task), || format!("{task} ends while its program runs"))?;
        life.ended = true;
        life.now = None;
        Ok(())
    }

    pub(super) fn at_end(&self, seq: u64) -> Result<(), Broken> {
        let open = self.tasks.iter().find(|(_, life)| !life.ended);
        if let Some((task, _)) = open {
            return Err(Broken::new(9, format!("at {seq}: the run is finished, and {task} is not")));
        }
        if self.in_slots.is_empty() {
            Ok(())
        } else {
            Err(Broken::new(5, format!("at {seq}: something still runs")))
        }
    }
}
