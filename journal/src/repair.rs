//! Makes a sound journal out of what is whole in a damaged one. The damaged one is kept, byte for byte;
//! where it had no `HEAD`, taking the lock makes an empty one.
//!
//! Does not know what the records mean, nor whether anybody can do something with what is left of them.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::{
    disk::Disk,
    error::JournalError,
    head::{self, Head, HeadFile},
    log::{Carried, Log},
    real::RealDisk,
    record::{Entry, Item},
    recover::segments,
    salvage::{Salvage, salvage},
    survey::{survey_locked, survey_on},
};

/// What is carried over is synced after so many records.
const SYNC_EVERY: u64 = 1024;

/// What a repair came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Repaired {
    /// What was kept, and what is lost.
    pub salvage: Salvage,
    /// Where the damaged journal is now.
    pub original: PathBuf,
}

/// What a repair of this journal would keep, and what is lost. Changes nothing. None if it is not damaged.
///
/// Fails with `Busy` while somebody writes it, with `Missing` if nothing of it tells even whose it is, with
/// `NewerVersion` or `MadeWith` if it is not for this program to judge, and with `Io` where it cannot be read.
pub fn plan_repair(dir: &Path) -> Result<Option<Salvage>, JournalError> {
    plan_repair_on(&RealDisk::new(dir))
}

/// [`plan_repair`] on any disk.
pub fn plan_repair_on(disk: &dyn Disk) -> Result<Option<Salvage>, JournalError> {
    if disk.is_locked(head::NAME) {
        return Err(JournalError::Busy { pid: head::owner_pid(disk), path: disk.path("") });
    }
    damage(disk)
}

/// The same for whoever has the lock.
fn damage(disk: &dyn Disk) -> Result<Option<Salvage>, JournalError> {
    match survey_locked(disk, &mut |_| {})?.refusal {
        Some(JournalError::Corrupt { .. }) => salvage(disk, &mut |_| {}).map(Some),
        Some(other) => Err(other),
        None => Ok(None),
    }
}

/// Puts a sound journal in the place of a damaged one, which is kept beside it under the name `<name>.broken-<n>`.
/// None if there is nothing to repair. A repair that was interrupted is finished, or done again.
///
/// Fails as [`plan_repair`] does, and with `NoSpace` or `Io` if the copy cannot be written. The damaged journal is
/// not touched until the sound one is complete and durable.
pub fn repair(dir: &Path) -> Result<Option<Repaired>, JournalError> {
    let places = Places::of(dir);
    let _alone = places.lock()?;
    if let Some(finished) = places.finish_earlier()? {
        return Ok(Some(finished));
    }
    let disk = RealDisk::new(dir);
    if segments(&disk)?.is_empty() && Head::read(&disk)?.is_none() {
        return Err(JournalError::Missing { path: dir.to_path_buf() });
    }
    let _lock = HeadFile::lock(&disk)?;
    if damage(&disk)?.is_none() {
        return Ok(None);
    }
    let copy: Arc<dyn Disk> = Arc::new(RealDisk::new(&places.copy));
    let salvage = copy_sound(&disk, &copy)?;
    let original = places.exchange()?;
    Ok(Some(Repaired { salvage, original }))
}

/// Writes what is whole to another disk, and checks that it can be read there.
pub fn copy_sound(from: &dyn Disk, to: &Arc<dyn Disk>) -> Result<Salvage, JournalError> {
    // The epoch goes on: who was told one by the damaged journal must never meet it again.
    let before = salvage(from, &mut |_| {})?;
    let mut log = Log::create_copy(to.clone(), before.run, before.epoch + 1)?;
    let mut batch = Vec::new();
    let mut carried = Ok(());
    let after = salvage(from, &mut |item| {
        if carried.is_ok() {
            carried = carry(&mut log, &mut batch, &item);
        }
    })?;
    carried?;
    log.carry(&batch)?;
    log.close()?;
    match survey_on(&**to, &mut |_| {})?.refusal {
        Some(refusal) => Err(refusal),
        None => Ok(after),
    }
}

fn carry(log: &mut Log, batch: &mut Vec<Carried>, item: &Item<'_>) -> Result<(), JournalError> {
    let ends = match item {
        Item::Record(record) => {
            let (kind, schema, time_ms) = (record.kind, record.schema, record.time_ms);
            batch.push(Carried::Entry(Entry { kind, schema, time_ms, payload: record.payload.to_vec() }));
            record.last_of_batch
        }
        Item::Gap(gap) => {
            batch.push(Carried::Gap(*gap));
            true
        }
    };
    if ends {
        log.carry(batch)?;
        batch.clear();
        if log.last_seq() >= log.durable_seq() + SYNC_EVERY {
            log.sync()?;
        }
    }
    Ok(())
}

/// Where the journals are during a repair.
struct Places {
    journal: PathBuf,
    /// The sound one, until it is complete. It is never the only place of anything.
    copy: PathBuf,
}

impl Places {
    fn of(dir: &Path) -> Self {
        Self { journal: dir.to_path_buf(), copy: beside(dir, "repairing") }
    }

    /// One repair at a time: the folder that holds the journal is not moved by any.
    fn lock(&self) -> Result<fs::File, JournalError> {
        let failed = |error| JournalError::io("lock", self.parent(), error);
        let folder = fs::File::open(self.parent()).map_err(failed)?;
        match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Err(JournalError::Busy { pid: None, path: self.journal.clone() }),
            other => other.map(|()| folder).map_err(|error| failed(error.into())),
        }
    }

    /// Without a journal, a copy that is complete only lacks the last step. With one, the copy may be anything.
    fn finish_earlier(&self) -> Result<Option<Repaired>, JournalError> {
        let failed = |error| JournalError::io("finish the repair of", &self.journal, error);
        if !self.copy.exists() {
            return Ok(None);
        }
        if self.journal.exists() {
            fs::remove_dir_all(&self.copy).map_err(failed)?;
            return Ok(None);
        }
        let copy = RealDisk::new(&self.copy);
        let complete = survey_locked(&copy, &mut |_| {}).is_ok_and(|survey| {
            survey.refusal.is_none() && survey.stretches.last().is_some_and(|stretch| stretch.sealed)
        });
        if !complete {
            return Err(JournalError::Missing { path: self.journal.clone() });
        }
        let salvage = salvage(&copy, &mut |_| {})?;
        fs::rename(&self.copy, &self.journal).and_then(|()| self.sync()).map_err(failed)?;
        let original = self.originals().take_while(|path| path.exists()).last();
        Ok(Some(Repaired { salvage, original: original.unwrap_or_else(|| self.journal.clone()) }))
    }

    /// The names that damaged journals are kept under.
    fn originals(&self) -> impl Iterator<Item = PathBuf> {
        (1..).map(|n: u32| beside(&self.journal, &format!("broken-{n}")))
    }

    fn exchange(&self) -> Result<PathBuf, JournalError> {
        let failed =
            |error| JournalError::io("put the repaired journal in the place of", &self.journal, error);
        let original = self.originals().find(|path| !path.exists()).expect("there are names without end");
        let steps = || {
            fs::rename(&self.journal, &original)?;
            fs::rename(&self.copy, &self.journal)?;
            self.sync()
        };
        steps().map_err(failed)?;
        Ok(original)
    }

    fn sync(&self) -> io::Result<()> {
        fs::File::open(self.parent())?.sync_all()
    }

    fn parent(&self) -> &Path {
        let parent = self.journal.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.unwrap_or(Path::new("."))
    }
}

fn beside(dir: &Path, ending: &str) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    dir.with_file_name(name)
}
