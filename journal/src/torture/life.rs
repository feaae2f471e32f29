//! A writer's life on a failing disk, and the truth that its journal is held against.

use std::sync::Arc;

use super::{RUN, entry, number_of};
use crate::{
    anchor::AnchorHasher,
    disk::Disk,
    error::JournalError,
    log::Log,
    read::{read_on, replay_on},
    record::{Entry, Item},
    sim::{Fault, SimDisk},
};

/// What the writers of a journal did.
#[derive(Default, Clone)]
pub struct Truth {
    /// What they wanted to write, or what came back of it.
    pub submitted: Vec<Entry>,
    /// How many entries there are after each batch.
    batches: Vec<usize>,
    /// How many of them were acknowledged.
    pub acknowledged: usize,
}

/// Why a writer stopped early.
#[derive(Debug)]
pub enum Stopped {
    /// The journal said so.
    Journal(JournalError),
    /// The journal did not hold what it should.
    Wrong(String),
}

impl From<JournalError> for Stopped {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl Truth {
    /// Opens or creates, then writes so many rounds of up to three batches of one to four entries.
    pub fn write(&mut self, disk: &Arc<dyn Disk>, rounds: usize) -> Result<(), Stopped> {
        let mut log = if exists(&**disk) { self.reopen(disk)? } else { Log::create_on(disk.clone(), RUN)? };
        for round in 0..rounds {
            for _ in 0..=round % 3 {
                let first = self.submitted.len();
                let batch: Vec<Entry> =
                    (first..=first + round * 7 % 4).map(|n| entry(number_of(n))).collect();
                self.submitted.extend(batch.iter().cloned());
                self.batches.push(self.submitted.len());
                log.append(&batch)?;
                // A full segment syncs by itself.
                self.acknowledged = count(log.durable_seq());
            }
            log.sync()?;
            self.acknowledged = count(log.durable_seq());
            if self.acknowledged != self.submitted.len() {
                return Err(Stopped::Wrong("a sync left something behind".to_owned()));
            }
        }
        if rounds.is_multiple_of(2) { Ok(log.close()?) } else { Ok(()) }
    }

    /// Opens, checks what came back, and takes that for the truth from now on.
    fn reopen(&mut self, disk: &Arc<dyn Disk>) -> Result<Log, Stopped> {
        let (mut held, mut hasher) = (Vec::new(), AnchorHasher::new());
        let opened = Log::open_on(disk.clone(), &mut |item| {
            hasher.feed(&item);
            held.extend(entry_in(&item));
        })?;
        self.check(&held).map_err(Stopped::Wrong)?;
        if opened.log.anchor() != hasher.anchor() {
            return Err(Stopped::Wrong("the anchor is not that of the records".to_owned()));
        }
        self.submitted.truncate(held.len());
        self.batches.retain(|end| *end <= held.len());
        self.acknowledged = held.len();
        Ok(opened.log)
    }

    /// Whether a journal may hold these entries.
    pub fn check(&self, held: &[Entry]) -> Result<(), String> {
        let count = held.len();
        if count < self.acknowledged {
            return Err(format!("{} records were acknowledged, {count} are left", self.acknowledged));
        }
        if !self.submitted.starts_with(held) {
            return Err("something came back that was never written".to_owned());
        }
        if count > 0 && !self.batches.contains(&count) {
            return Err(format!("half a batch came back: {count} of {:?}", self.batches));
        }
        Ok(())
    }

    /// Whether the journal on this disk is what may be left after a crash; then whether it has a torn end.
    pub fn check_disk(&self, disk: &dyn Disk) -> Result<bool, String> {
        let mut held = Vec::new();
        match replay_on(disk, &mut |item| held.extend(entry_in(&item))) {
            Ok(replayed) => self.check(&held).map(|()| replayed.note.is_some()),
            Err(JournalError::Missing { .. }) if self.acknowledged == 0 => Ok(false),
            Err(error) => Err(format!("refused: {error}")),
        }
    }
}

/// Lets a journal live through writers that each die at some change; says what went wrong. `disk` is `sim`, perhaps
/// behind something else. Returns also how many torn ends there were.
pub fn live(seed: u64, sim: &SimDisk, disk: &Arc<dyn Disk>, lives: u64) -> Result<(Truth, u64), String> {
    let mut truth = Truth::default();
    let mut torn = 0;
    for life in 0..lives {
        let mixed = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ life.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        sim.fail_after((mixed >> 33) % 60, Fault::PowerCut);
        match truth.write(disk, count(mixed % 9)) {
            Err(Stopped::Wrong(why)) => return Err(why),
            Err(Stopped::Journal(error)) if !sim.is_off() => return Err(format!("no cause: {error}")),
            Ok(()) | Err(Stopped::Journal(_)) => {}
        }
        // One death in four is that of the process only; what it wrote is then there, but not durable yet.
        if life % 4 == 2 {
            sim.kill();
        } else {
            sim.restart();
        }
        torn += u64::from(truth.check_disk(&**disk)?);
    }
    Ok((truth, torn))
}

fn exists(disk: &dyn Disk) -> bool {
    !matches!(read_on(disk), Err(JournalError::Missing { .. }))
}

fn count(seq: u64) -> usize {
    usize::try_from(seq).unwrap_or(usize::MAX)
}

/// What was appended, of a record.
fn entry_in(item: &Item<'_>) -> Option<Entry> {
    let Item::Record(record) = item else { return None };
    let (kind, schema, time_ms, payload) =
        (record.kind, record.schema, record.time_ms, record.payload.to_vec());
    Some(Entry { kind, schema, time_ms, payload })
}
