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
    record::{Item, TornNote},
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
    /// The last record in front of the damage, and the hash of all up to it; while a writer is alive, of every
    /// durable one.
    pub anchor: Anchor,
    /// The segments that the records are in, in order.
    pub stretches: Vec<Stretch>,
    /// What the end of the journal looks like, if its last writer died in the middle of a write.
    pub note: Option<TornNote>,
    /// The last record that `HEAD` calls durable; none if there is no valid `HEAD`.
    pub head: Option<u64>,
    /// Whether somebody writes it now. Then nothing behind what `HEAD` calls durable was looked at.
    pub live: bool,
    /// Why the journal is refused, if it is.
    pub refusal: Option<JournalError>,
}

/// Surveys a journal, checks every hash in it, and hands on what comes before the damage. Changes nothing.
///
/// Fails only where there is nothing to look at: no folder, no segment, no way to read either or `HEAD`.
pub fn survey(dir: &Path, each: &mut dyn FnMut(Item<'_>)) -> Result<Survey, JournalError> {
    survey_on(&RealDisk::new(dir), each)
}

/// [`survey`] on any disk.
pub fn survey_on(disk: &dyn Disk, each: &mut dyn FnMut(Item<'_>)) -> Result<Survey, JournalError> {
    survey_as(disk, |disk| disk.is_locked(head::NAME), each)
}

/// The same for whoever has the lock and does not write.
pub(crate) fn survey_locked(disk: &dyn Disk, each: &mut dyn FnMut(Item<'_>)) -> Result<Survey, JournalError> {
    survey_as(disk, |_| false, each)
}

fn survey_as(
    disk: &dyn Disk,
    is_live: impl Fn(&dyn Disk) -> bool,
    each: &mut dyn FnMut(Item<'_>),
) -> Result<Survey, JournalError> {
    // The order matters as it does to `replay_on`, for the same reason.
    let head = Head::read(disk)?;
    let segments = segments(disk)?;
    let live = is_live(disk);
    let mut recovery = Recovery::new(disk, head, each).hashing();
    let mut headers = Vec::new();
    let outcome = match recovery.headers(&segments, &mut headers) {
        Ok(()) => recovery.all(&headers, live).map(|recovered| recovered.note),
        Err(error) => recovery.up_to_broken_header(&headers, error).map(|()| None),
    };
    let (note, refusal) = match outcome {
        Ok(note) => (note, None),
        Err(missing @ JournalError::Missing { .. }) => return Err(missing),
        Err(error) => (None, Some(error)),
    };
    Ok(Survey {
        anchor: recovery.hasher.expect("it was asked for").anchor(),
        stretches: recovery.stretches,
        note,
        head: head.map(|head| head.durable_seq),
        live,
        refusal,
    })
}
