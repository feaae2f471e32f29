//! Reading without writing or locking anything: a read-only copy, a dead journal, or one that is being written.

use std::path::Path;

use crate::{
    disk::Disk,
    error::JournalError,
    head::{self, Head},
    real::RealDisk,
    record::{Record, TornNote},
    recover::{recover, segments},
};

/// What a journal holds.
#[derive(Debug)]
pub struct Reading {
    /// Every record; while a writer is alive, every durable one.
    pub records: Vec<Record>,
    /// What the end of the journal looks like, if its last writer died in the middle of a write.
    pub note: Option<TornNote>,
    /// How often the journal has been opened for writing.
    pub epoch: u64,
}

/// Reads a journal. Changes nothing.
///
/// Fails with `Missing` if there is none, with `Corrupt` or `NewerVersion` because of what is in the files, and
/// with `Io` if they cannot be read.
pub fn read(dir: &Path) -> Result<Reading, JournalError> {
    read_on(&RealDisk::new(dir))
}

/// [`read`] on any disk.
pub fn read_on(disk: &dyn Disk) -> Result<Reading, JournalError> {
    // The order matters. What HEAD calls durable is in the segments listed after it; and if nobody holds the
    // lock after the listing, nobody writes to these segments any more, since a new writer makes its own.
    let head = Head::read(disk)?;
    let segments = segments(disk)?;
    let live = disk.is_locked(head::NAME);
    let recovered = recover(disk, &segments, head, live)?;
    Ok(Reading { records: recovered.records, note: recovered.note, epoch: recovered.epoch })
}

/// The process that is writing this journal now, if one is; 0 if its id cannot be read.
pub fn owner(dir: &Path) -> Option<u32> {
    let disk = RealDisk::new(dir);
    disk.is_locked(head::NAME).then(|| head::owner_pid(&disk).unwrap_or(0))
}
