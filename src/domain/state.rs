//! All of a run at one point: the parts together. `apply` is law: it only takes what happened, and an old event never changes its meaning.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::TaskId;
use crate::effect::Actor;
use crate::event::{Event, RunPlanned};
use crate::fact::Site;
use crate::gates::Gates;
use crate::holds::Holds;
use crate::ledger::Ledger;
pub use crate::parts::Parts;
use crate::run::Run;
use crate::task::{Illegal, illegal};
use crate::tasks::Tasks;
use crate::train::Train;

/// The state of a run after some number of events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct State {
    seq: u64,
    parts: Option<Parts>,
    #[serde(skip)]
    changed: Changed,
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
        let seq = match event {
            Event::RecordsLost(lost) => lost.to,
            _ => self.seq + 1,
        };
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

    /// Takes an event of the past. Behind lost records, one that does not fit what is left is counted and left out: what
    /// it was about is owed again, and the world still has the answer. Law 12.
    pub fn replay(&mut self, event: &Event) -> Result<(), Illegal> {
        let outcome = self.apply(event);
        match self.parts.as_mut().filter(|parts| outcome.is_err() && parts.run.lost > 0) {
            Some(parts) => parts.unfit(event),
            None => return outcome,
        }
        self.seq += 1;
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
            ledger: Ledger::new(settings),
            train: Train::new(settings.base.clone(), settings.target_at.clone()),
            gates: Gates::default(),
            holds: Holds::default(),
        });
        Ok(())
    }

    /// Actors whose debts may have changed after `seq`.
    pub(crate) fn changed_since(&self, seq: u64) -> Vec<Actor> {
        self.changed.since(seq).cloned().collect()
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
        Event::MergeRefused(event) => Some(&event.task),
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
        | Event::RecordsLost(_)
        | Event::AgentHeld(_)
        | Event::AgentFreed(_)
        | Event::BudgetWarned(_)
        | Event::DaySeen(_)
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
        | Event::RoomBack(_)
        | Event::GateEnded(_)
        | Event::TargetSeen(_)
        | Event::TargetHeld(_)
        | Event::TargetFreed(_)
        | Event::MergePrepared(_)
        | Event::MergeBuilt(_)
        | Event::MergeEmpty(_)
        | Event::MergeConflicted(_)
        | Event::MergeRefused(_)
        | Event::MergeFailed(_)
        | Event::MergeIntended(_)
        | Event::Merged(_)
        | Event::AttemptFailed(_)
        | Event::TaskDone(_)
        | Event::TaskCancelled(_) => actors.push(Actor::Merge),
        _ => {}
    }
    actors
}
