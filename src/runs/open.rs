//! A run's journal, opened for writing or read: records become events, and events a state.

use std::path::Path;
use std::sync::Arc;

use swarm_actors::writer::WriterError;
use swarm_actors::{Fold, Recorded, World, Writer, recorded};
use swarm_domain::state::State;
use swarm_journal::{Item, JournalError, Log, Opened, TornNote};

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
#[derive(Debug, Default)]
pub struct History {
    /// The events, in order.
    pub events: Vec<Recorded>,
    /// Their sum.
    pub state: State,
    /// A torn end that was left out.
    pub torn: Option<TornNote>,
}

impl History {
    /// Takes what comes next in the journal.
    pub fn take(&mut self, item: &Item<'_>) -> Result<(), WriterError> {
        let recorded = recorded(item)?;
        self.state
            .replay(&recorded.event)
            .map_err(|illegal| WriterError::Illegal { seq: recorded.seq, illegal })?;
        self.events.push(recorded);
        Ok(())
    }
}

/// Reads a run. Never writes, locks or starts anything.
pub fn read(journal: &Path) -> Result<History, OpenError> {
    let mut history = History::default();
    let mut taken = Ok(());
    let replayed = swarm_journal::replay(journal, &mut |item| {
        if taken.is_ok() {
            taken = history.take(&item);
        }
    })?;
    taken?;
    Ok(History { torn: replayed.note, ..history })
}

/// What a run's records add up to, without the records. Never writes, locks or starts anything.
pub fn read_state(journal: &Path) -> Result<State, OpenError> {
    let mut fold = Fold::new();
    swarm_journal::replay(journal, &mut |item| fold.take(&item))?;
    Ok(fold.state()?)
}

/// Takes a run over: its lock, its log, and the state that its records fold to.
pub fn open_writer(
    journal: &Path,
    world: impl FnOnce(&State, u64) -> Arc<dyn World>,
) -> Result<(Writer, Option<TornNote>), OpenError> {
    let (opened, state) = open_in_turn(journal)?;
    let state = state?;
    let world = world(&state, opened.log.epoch());
    Ok((Writer::new(opened.log, state, world), opened.note))
}

/// A lock that may go by itself is waited for.
fn open_in_turn(journal: &Path) -> Result<(Opened, Result<State, WriterError>), JournalError> {
    let doubt = Doubt::new();
    loop {
        let mut fold = Fold::new();
        match Log::open(journal, &mut |item| fold.take(&item)) {
            Err(JournalError::Busy { pid, .. }) if doubt.lasts(pid) => {}
            opened => return Ok((opened?, fold.state())),
        }
    }
}
