//! Which event led to which, as far as a fold over the events can tell. Names a cause only where one is plain.

use std::collections::BTreeMap;

use swarm_actors::Recorded;
use swarm_domain::fact::{Request, Site, Stop};
use swarm_domain::plan::OnFailure;
use swarm_domain::{Event, TaskId};

use super::{Context, about, attempt_at, task_at};

/// The seqs by which later events name their causes.
#[derive(Debug, Default)]
pub(super) struct Causes {
    tasks: BTreeMap<TaskId, Known>,
    gates: BTreeMap<u32, (u64, Site)>,
    stops_on_failure: bool,
    planned: Option<u64>,
    opened: Option<u64>,
    preflight: Option<u64>,
    landing: Option<u64>,
    held: Option<u64>,
    no_room: Option<u64>,
    signal: Option<u64>,
    deadline: Option<u64>,
    /// What ended every task that was not under way: a request, or a failure under `on_failure: stop`.
    cancelled: Option<u64>,
    ended: Option<u64>,
    last: Option<u64>,
}

/// What is known of one task.
#[derive(Debug, Default)]
struct Known {
    last: u64,
    needs: Vec<TaskId>,
    optional: bool,
    cancelled: Option<u64>,
}

impl Causes {
    /// Takes an event and says what led to it.
    pub(super) fn take(&mut self, recorded: &Recorded) -> Context {
        let gate = match &recorded.event {
            Event::GateEnded(ended) => self.gates.remove(&ended.n),
            _ => None,
        };
        let site = gate.as_ref().map(|(_, site)| site);
        let mut context = Context {
            cause: gate.as_ref().map(|(seq, _)| *seq).or_else(|| self.cause(&recorded.event)),
            task: site.and_then(task_at).cloned(),
            attempt: site.and_then(attempt_at),
            tasks: None,
        };
        context.cause = context.cause.filter(|cause| *cause < recorded.seq);
        self.note(recorded, site);
        context
    }

    fn cause(&self, event: &Event) -> Option<u64> {
        match event {
            Event::RunPlanned(_)
            | Event::Requested(_)
            | Event::DeadlineReached(_)
            | Event::RoomLost(_)
            | Event::AgentHeld(_)
            | Event::AgentFreed(_)
            | Event::DaySeen(_)
            | Event::RecordsLost(_) => None,
            Event::BudgetWarned(_) => self.last,
            Event::TaskPlanned(_) => self.planned,
            Event::Opened(event) => self.last.filter(|_| event.epoch <= 1),
            Event::TargetSeen(_) | Event::TargetHeld(_) => self.landing.max(self.opened),
            Event::TargetFreed(_) => self.held,
            Event::RoomBack(_) => self.no_room,
            Event::PreflightPassed(_) | Event::PreflightFailed(_) => self.preflight.max(self.opened),
            Event::GateStarted(event) if event.site == Site::Preflight => self.preflight.max(self.opened),
            Event::AttemptStarted(event) => self.start(&event.task),
            Event::StopAsked(event) => match event.why {
                Stop::Cancelled => self.cancel(&event.task),
                Stop::Interrupted => self.signal,
                Stop::Deadline => self.deadline,
                Stop::Capped { .. } => self.last_of(&event.task),
            },
            Event::TaskCancelled(event) => self.cancel(&event.task),
            Event::TaskSkipped(event) => self.last_of(&event.because),
            Event::RunPaused(event) => self.last_of(&event.because),
            Event::RunStopped(_) => self.signal.or(self.last),
            Event::RunFinished(_) => self.ended.or(self.last),
            event => about(event).and_then(|task| self.last_of(task)),
        }
    }

    fn last_of(&self, task: &TaskId) -> Option<u64> {
        self.tasks.get(task).map(|known| known.last)
    }

    fn cancel(&self, task: &TaskId) -> Option<u64> {
        self.tasks.get(task).and_then(|known| known.cancelled).or(self.cancelled)
    }

    /// A first attempt follows from the last of what it needed, a later one from what became of the one before.
    fn start(&self, task: &TaskId) -> Option<u64> {
        let known = self.tasks.get(task)?;
        let needs = known.needs.iter().filter_map(|need| self.last_of(need)).max();
        Some(known.last).max(needs).max(self.preflight).max(self.opened)
    }

    fn note(&mut self, recorded: &Recorded, site: Option<&Site>) {
        let seq = recorded.seq;
        let some = Some(seq);
        self.last = some;
        match &recorded.event {
            Event::RunPlanned(event) => {
                self.planned = some;
                self.stops_on_failure = event.settings.on_failure == OnFailure::Stop;
            }
            Event::TaskPlanned(event) => {
                let needs = event.spec.needs.iter().map(|(need, _)| need.clone()).collect();
                let known = Known { last: seq, needs, optional: event.spec.optional, cancelled: None };
                self.tasks.insert(event.spec.id.clone(), known);
                return;
            }
            Event::Opened(_) => {
                self.opened = some;
                (self.signal, self.deadline) = (None, None);
            }
            Event::GateStarted(event) => {
                self.gates.insert(event.n, (seq, event.site.clone()));
            }
            Event::GateEnded(_) if site == Some(&Site::Preflight) => self.preflight = some,
            Event::PreflightPassed(_) | Event::PreflightFailed(_) => self.preflight = some,
            Event::TargetHeld(_) => self.held = some,
            Event::RoomLost(_) => self.no_room = some,
            Event::DeadlineReached(_) => self.deadline = some,
            Event::MergePrepared(_) | Event::MergeIntended(_) => self.landing = some,
            Event::Requested(event) => self.requested(seq, &event.request),
            Event::Merged(_) | Event::TaskDone(_) | Event::TaskSkipped(_) | Event::TaskCancelled(_) => {
                self.ended = some;
            }
            Event::TaskFailed(event) => {
                self.ended = some;
                let optional = self.tasks.get(&event.task).is_some_and(|known| known.optional);
                if self.stops_on_failure && !optional {
                    self.cancelled = self.cancelled.or(some);
                }
            }
            _ => {}
        }
        let task = about(&recorded.event).or_else(|| site.and_then(task_at));
        if let Some(known) = task.and_then(|task| self.tasks.get_mut(task)) {
            known.last = seq;
        }
    }

    fn requested(&mut self, seq: u64, request: &Request) {
        match request {
            Request::Cancel { tasks } if tasks.is_empty() => self.cancelled = Some(seq),
            Request::Cancel { tasks } => {
                for task in tasks {
                    if let Some(known) = self.tasks.get_mut(task) {
                        known.cancelled = known.cancelled.or(Some(seq));
                    }
                }
            }
            Request::Drain { .. } | Request::Interrupt { .. } => self.signal = Some(seq),
            Request::Pause
            | Request::Unpause
            | Request::AddBudget { .. }
            | Request::SetBudget { .. }
            | Request::SetConcurrency { .. } => {}
        }
    }
}
