//! A run's journal, opened for writing or read: records become events, and events a state.

use std::path::Path;
use std::sync::Arc;

use swarm_actors::writer::WriterError;
use swarm_actors::{Recorded, World, Writer, event_of};
use swarm_domain::state::State;
use swarm_journal::{JournalError, Log, Opened, Record, TornNote};

use super::lock::Doubt;

/// Why a run's journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The log itself.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What is in it.
    #[error(transparent)]
    Content(#[from] WriterError),
}

/// Everything that happened in a run, and what it adds up to.
#[derive(Debug)]
pub struct History {
    /// The events, in order.
    pub events: Vec<Recorded>,
    /// The records they came from.
    pub records: Vec<Record>,
    /// Their sum.
    pub state: State,
    /// A torn end that was left out.
    pub torn: Option<TornNote>,
}

/// Reads a run. Never writes, locks or starts anything.
pub fn read(journal: &Path) -> Result<History, OpenError> {
    let reading = swarm_journal::read(journal)?;
    Ok(history(reading.records, reading.note)?)
}

/// What records that were read already add up to.
pub fn history(records: Vec<Record>, torn: Option<TornNote>) -> Result<History, WriterError> {
    let mut state = State::new();
    let mut events = Vec::with_capacity(records.len());
    for record in &records {
        let event = event_of(record).map_err(|error| WriterError::Event { seq: record.seq, error })?;
        state.apply(&event).map_err(|illegal| WriterError::Illegal { seq: record.seq, illegal })?;
        events.push(Recorded { seq: record.seq, time_ms: record.time_ms, event });
    }
    Ok(History { events, records, state, torn })
}

/// Takes a run over: its lock, its log, and the state that its records fold to.
pub fn open_writer(
    journal: &Path,
    world: impl FnOnce(&State, u64) -> Arc<dyn World>,
) -> Result<(Writer, Option<TornNote>), OpenError> {
    let opened = open_in_turn(journal)?;
    let state = swarm_actors::writer::fold(&opened.records)?;
    let world = world(&state, opened.log.epoch());
    Ok((Writer::new(opened.log, &opened.records, world)?, opened.note))
}

/// A lock that may go by itself is waited for.
fn open_in_turn(journal: &Path) -> Result<Opened, JournalError> {
    let doubt = Doubt::new();
    loop {
        match Log::open(journal) {
            Err(JournalError::Busy { pid, .. }) if doubt.lasts(pid) => {}
            opened => return opened,
        }
    }
}
