//! Reading without writing or locking anything: a read-only copy, a dead journal, or one that is being written.

use std::path::Path;

use crate::{
    disk::Disk,
    error::JournalError,
    head::{self, Head},
    real::RealDisk,
    record::{Gap, Item, Record, TornNote},
    recover::{Recovered, Recovery, recover, segments},
};

/// What a journal holds, besides the records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replayed {
    /// The last record; 0 if there is none.
    pub last_seq: u64,
    /// What the end of the journal looks like, if its last writer died in the middle of a write.
    pub note: Option<TornNote>,
    /// How often the journal has been opened for writing.
    pub epoch: u64,
}

/// A small journal, held in memory.
#[derive(Debug)]
pub struct Reading {
    /// Every record; while a writer is alive, every durable one.
    pub records: Vec<Record>,
    /// The holes between them, if the journal was repaired.
    pub gaps: Vec<Gap>,
    /// What the end of the journal looks like, if its last writer died in the middle of a write.
    pub note: Option<TornNote>,
    /// How often the journal has been opened for writing.
    pub epoch: u64,
}

/// Hands on everything that a journal holds, and changes nothing. Takes memory for the largest batch, or for one segment
/// where its end is looked at, however long the journal is.
///
/// Checksums, numbers and the chain are checked; the hashes, which prove more than that against a forger only, are
/// left to [`survey`](crate::survey). Fails with `Missing` if there is no journal, with `Corrupt`, `NewerVersion` or
/// `MadeWith` because of what is in the files, and with `Io` if they cannot be read. Damage shows only when it is
/// met, after what is in front of it was handed on.
pub fn replay(dir: &Path, each: &mut dyn FnMut(Item<'_>)) -> Result<Replayed, JournalError> {
    replay_on(&RealDisk::new(dir), each)
}

/// [`replay`] on any disk.
pub fn replay_on(disk: &dyn Disk, each: &mut dyn FnMut(Item<'_>)) -> Result<Replayed, JournalError> {
    // The order matters. What HEAD calls durable is in the segments listed after it; and if nobody holds the
    // lock after the listing, nobody writes to these segments any more, since a new writer makes its own.
    let head = Head::read(disk)?;
    let segments = segments(disk)?;
    let live = disk.is_locked(head::NAME);
    let Recovered { last, before, note } = recover(&mut Recovery::new(disk, head, each), &segments, live)?;
    Ok(Replayed { last_seq: before.last_seq, note, epoch: last.epoch })
}

/// Reads a small journal whole. Fails as [`replay`] does.
pub fn read(dir: &Path) -> Result<Reading, JournalError> {
    read_on(&RealDisk::new(dir))
}

/// [`read`] on any disk.
pub fn read_on(disk: &dyn Disk) -> Result<Reading, JournalError> {
    let (mut records, mut gaps) = (Vec::new(), Vec::new());
    let Replayed { note, epoch, .. } = replay_on(disk, &mut |item| match item {
        Item::Record(record) => records.push(record.to_record()),
        Item::Gap(gap) => gaps.push(gap),
    })?;
    Ok(Reading { records, gaps, note, epoch })
}

/// The process that is writing this journal now, if one is; 0 if its id cannot be read.
pub fn owner(dir: &Path) -> Option<u32> {
    let disk = RealDisk::new(dir);
    disk.is_locked(head::NAME).then(|| head::owner_pid(&disk).unwrap_or(0))
}
