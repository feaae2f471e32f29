//! Looks at a journal that may be damaged: what can be read up to the damage, and the refusal that is due there.
//!
//! Invariant: what it takes for damage is what [`read`](crate::read) refuses, and an undamaged journal holds the
//! same records for both. Never writes, and never reads on behind the damage: what is there hangs on nothing.

use std::path::Path;

use crate::{
    anchor::Anchor,
    disk::Disk,
    error::JournalError,
    head::{self, Head},
    real::RealDisk,
    record::{Record, TornNote},
    recover::{Recovery, segments},
};

/// What there is of one segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stretch {
    /// Its number; the first is 1.
    pub segment: u64,
    /// Which opening of the journal made it.
    pub epoch: u64,
    /// How many records of it were read.
    pub records: u64,
    /// How many bytes they take, with the segment's header and seal.
    pub bytes: u64,
    /// Whether it ends in a seal.
    pub sealed: bool,
}

/// A journal as far as it can be read.
#[derive(Debug)]
pub struct Survey {
    /// Every record in front of the damage; while a writer is alive, every durable one.
    pub records: Vec<Record>,
    /// The segments they are in, in order.
    pub stretches: Vec<Stretch>,
    /// The hash of these records.
    pub anchor: Anchor,
    /// What the end of the journal looks like, if its last writer died in the middle of a write.
    pub note: Option<TornNote>,
    /// The last record that `HEAD` calls durable; none if there is no valid `HEAD`.
    pub head: Option<u64>,
    /// Whether somebody writes it now. Then nothing behind what `HEAD` calls durable was looked at.
    pub live: bool,
    /// Why the journal is refused, if it is.
    pub refusal: Option<JournalError>,
}

/// Surveys a journal. Changes nothing.
///
/// Fails only where there is nothing to look at: no folder, no segment, no way to read either or `HEAD`.
pub fn survey(dir: &Path) -> Result<Survey, JournalError> {
    survey_on(&RealDisk::new(dir))
}

/// [`survey`] on any disk.
pub fn survey_on(disk: &dyn Disk) -> Result<Survey, JournalError> {
    // The order matters as it does to `read_on`, for the same reason.
    let head = Head::read(disk)?;
    let segments = segments(disk)?;
    let live = disk.is_locked(head::NAME);
    let mut recovery = Recovery::new(disk, head);
    let mut headers = Vec::new();
    let outcome = match recovery.headers(&segments, &mut headers) {
        Ok(()) => recovery.all(&headers, live).map(|(_, _, note)| note),
        Err(error) => recovery.up_to_broken_header(&headers, error).map(|()| None),
    };
    let (note, refusal) = match outcome {
        Ok(note) => (note, None),
        Err(missing @ JournalError::Missing { .. }) => return Err(missing),
        Err(error) => (None, Some(error)),
    };
    Ok(Survey {
        anchor: recovery.hasher.anchor(),
        records: recovery.records,
        stretches: recovery.stretches,
        note,
        head: head.map(|head| head.durable_seq),
        live,
        refusal,
    })
}
