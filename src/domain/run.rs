//! The run as a whole: who drives it, what was asked of it, whether it may go on. Knows tasks only as reasons.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::TaskId;
use crate::caps::Caps;
use crate::checks::Checks;
use crate::event::{Event, Opened, RunPlanned};
use crate::fact::{Outcome, Request, Standing};
use crate::plan::{Gate, Settings};
use crate::task::{Illegal, illegal};

/// Room that is lost again within this time did not come back, in milliseconds.
const ROOM_AGAIN_MS: u64 = 5 * 60 * 1000;

/// Where the checks on the base stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Preflight {
    /// They run, or are about to.
    Due(Checks),
    /// They are green, or were not wanted.
    Passed,
    /// One is red.
    Failed {
        /// Which.
        name: String,
        /// The gate run.
        n: u32,
    },
}

/// Why nothing new starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Pause {
    /// Somebody asked for it.
    Asked,
    /// A task failed, and the plan says so.
    Failed(TaskId),
}

/// The run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// The run it retries.
    pub parent: Option<String>,
    /// What holds for all of it.
    pub settings: Box<Settings>,
    /// The plan file, as the user named it.
    pub source: String,
    /// When it was planned, in milliseconds since 1970.
    pub started_ms: u64,
    /// When its deadline began to count, in milliseconds since 1970.
    pub deadline_from_ms: u64,
    /// How long it may take from then on, in milliseconds.
    pub within_ms: Option<u64>,
    /// How many tasks it has.
    pub tasks: u32,
    /// The epoch of the process that drives it; 0 before the first.
    pub epoch: u64,
    /// Attempts at once.
    pub slots: u32,
    /// The checks on the base.
    pub preflight: Preflight,
    /// All gates that run on the base.
    pub base_gates: Vec<Gate>,
    /// Why nothing new starts.
    pub pause: Option<Pause>,
    /// The signal that asked to finish what runs.
    pub drain: Option<i32>,
    /// The signal that asked to stop what runs.
    pub interrupt: Option<i32>,
    /// Whether all of it was cancelled.
    pub cancelled: bool,
    /// The failed task that stops it.
    pub halted: Option<TaskId>,
    /// Whether its time is up.
    pub overdue: bool,
    /// The seq at which there was no room on the disk, and when that was, in milliseconds since 1970.
    pub no_room: Option<(u64, u64)>,
    /// When there was first no room, of several times in a row, and when last, in milliseconds since 1970.
    pub short_of_room: Option<(u64, u64)>,
    /// Why it stopped, if it did and was not opened again.
    pub stopped: Option<(Outcome, String)>,
    /// How it came out, once every task is final.
    pub finished: Option<Outcome>,
    /// Requests that were carried out.
    pub requests: BTreeSet<String>,
    /// How many records a repair of the journal found destroyed.
    pub lost: u64,
    /// How many events behind them do not fit what is left, and were left out.
    pub unfit: u64,
    /// The wall around what its latest process starts.
    pub wall: Standing,
}

impl Run {
    pub(crate) fn new(event: &RunPlanned) -> Self {
        let settings = event.settings.clone();
        Self {
            id: event.run.clone(),
            parent: event.parent.clone(),
            source: event.source.clone(),
            started_ms: event.at_ms,
            deadline_from_ms: event.at_ms,
            within_ms: settings.caps.time_ms,
            tasks: event.tasks,
            epoch: 0,
            slots: settings.concurrency,
            preflight: Preflight::Passed,
            base_gates: Vec::new(),
            pause: None,
            drain: None,
            interrupt: None,
            cancelled: false,
            halted: None,
            overdue: false,
            no_room: None,
            short_of_room: None,
            stopped: None,
            finished: None,
            requests: BTreeSet::new(),
            lost: 0,
            unfit: 0,
            wall: Standing::default(),
            settings,
        }
    }

    /// The base is checked again whenever it was red and the run is opened anew.
    pub(crate) fn opened(&mut self, event: &Opened) {
        self.epoch = event.epoch;
        self.wall = event.wall.clone();
        // Whoever resumes a run that its deadline stopped gives it that time again.
        if matches!(self.stopped, Some((Outcome::Deadline, _))) {
            self.deadline_from_ms = event.at_ms;
        }
        self.stopped = None;
        self.pause = None;
        self.drain = None;
        self.interrupt = None;
        self.overdue = false;
        self.no_room = None;
        self.short_of_room = None;
        if let Preflight::Due(checks) = &mut self.preflight {
            checks.opened();
        }
        if matches!(self.preflight, Preflight::Failed { .. }) {
            self.preflight = self.first_preflight();
        }
    }

    /// The checks on the base, or none if they are not wanted.
    pub(crate) fn first_preflight(&self) -> Preflight {
        let setup = !self.settings.workspace.setup.is_empty();
        let base = self.settings.base.clone();
        let checks = Checks::new(base, &self.base_gates, crate::checks::Stage::Preflight, setup);
        if self.settings.preflight && !checks.passed() { Preflight::Due(checks) } else { Preflight::Passed }
    }

    /// Whether a process drives it.
    pub fn is_live(&self) -> bool {
        self.epoch > 0 && self.finished.is_none() && self.stopped.is_none()
    }

    /// Whether new attempts may start, as far as the run as a whole is concerned.
    pub fn may_start(&self) -> bool {
        self.is_live()
            && self.pause.is_none()
            && self.drain.is_none()
            && self.interrupt.is_none()
            && !self.overdue
            && self.halted.is_none()
            && !self.cancelled
            && self.no_room.is_none()
            && self.preflight == Preflight::Passed
    }

    /// When its time is up, in milliseconds since 1970.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.within_ms.map(|within_ms| self.deadline_from_ms.saturating_add(within_ms))
    }

    pub(crate) fn requested(&mut self, request: &Request) {
        match request {
            Request::Cancel { tasks } => self.cancelled |= tasks.is_empty(),
            Request::Pause => self.pause = Some(Pause::Asked),
            Request::Unpause => self.pause = None,
            Request::AddBudget { caps } => {
                let raised = Caps { time_ms: self.within_ms, ..Caps::NONE }.raised_by(caps);
                self.allow(raised.time_ms);
            }
            Request::SetBudget { caps } => self.allow(caps.time_ms.or(self.within_ms)),
            Request::SetConcurrency { slots } => self.slots = *slots,
            Request::Drain { signal } => self.drain = Some(*signal),
            Request::Interrupt { signal } => self.interrupt = Some(*signal),
        }
    }

    /// Whether its time is up is found out anew when it changes.
    fn allow(&mut self, within_ms: Option<u64>) {
        self.overdue &= self.within_ms == within_ms;
        self.within_ms = within_ms;
    }

    /// Room that comes and goes, as with a quota or with a checkout larger than what is free, is waited for no longer
    /// than room that stays away.
    fn lost_room(&mut self, seq: u64, at_ms: u64) {
        let again = self.short_of_room.filter(|(_, last_ms)| at_ms.saturating_sub(*last_ms) <= ROOM_AGAIN_MS);
        let since_ms = again.map_or(at_ms, |(since_ms, _)| since_ms);
        self.short_of_room = Some((since_ms, at_ms));
        self.no_room = Some((seq, since_ms));
    }

    /// The gate of the base at a place in its list is advisory.
    pub(crate) fn is_advisory(&self, index: u32) -> bool {
        self.base_gates.get(index as usize).is_some_and(|gate| gate.advisory)
    }

    /// Whether an event fits the run as a whole; it is asked before any part takes it.
    pub(crate) fn would_take(&self, event: &Event) -> Result<(), Illegal> {
        let green = matches!(&self.preflight, Preflight::Due(checks) if checks.passed());
        let red = matches!(&self.preflight, Preflight::Due(checks) if checks.red().is_some());
        let why = match event {
            // Law 8: epochs only grow.
            Event::Opened(event) if event.epoch <= self.epoch => "a later process has it",
            Event::Requested(event) if self.requests.contains(&event.id) => "it was carried out before",
            Event::PreflightPassed(_) if !green => "the base is not known to be green",
            Event::PreflightFailed(_) if !red => "no check on the base is red",
            _ => return Ok(()),
        };
        Err(illegal(event.name(), why))
    }

    pub(crate) fn apply(&mut self, seq: u64, event: &Event) {
        match event {
            Event::Opened(event) => self.opened(event),
            Event::PreflightPassed(_) => self.preflight = Preflight::Passed,
            Event::PreflightFailed(event) => {
                self.preflight = Preflight::Failed { name: event.name.clone(), n: event.n };
            }
            Event::Requested(event) => {
                self.requests.insert(event.id.clone());
                self.requested(&event.request);
            }
            Event::RunPaused(event) => self.pause = Some(Pause::Failed(event.because.clone())),
            Event::DeadlineReached(_) => self.overdue = true,
            Event::RoomLost(event) => self.lost_room(seq, event.at_ms),
            Event::RoomBack(_) => self.no_room = None,
            Event::RunStopped(event) => self.stopped = Some((event.outcome, event.detail.clone())),
            Event::RunFinished(event) => self.finished = Some(event.outcome),
            Event::RecordsLost(event) => self.lost += event.to - event.from + 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
