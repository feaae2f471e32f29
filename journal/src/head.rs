//! The file `HEAD`: how far the log is known to be durable, who writes it, and the lock of the whole journal.
//!
//! Two slots are written in turn, each after a sync of the log has succeeded, and are not synced themselves
//! each time: a slot that survives never claims too much, at worst it is old. Does not know what records are.

use std::{io, path::Path};

use crate::{
    bytes::{array_at, counter_at, put, u16_at, u32_at},
    disk::{Disk, File, Mode, read_full, write_all},
    error::JournalError,
    header::MAJOR,
};

/// The name of the file.
pub(crate) const NAME: &str = "HEAD";
const SLOT_DISTANCE: usize = 4096;
const SLOT_BYTES: usize = 128;
const CRC_AT: usize = SLOT_BYTES - 4;
/// Behind the slots: the writer's process id and a checksum of it. For messages only.
const OWNER_AT: usize = 2 * SLOT_DISTANCE;
const MAGIC: [u8; 8] = *b"\x89SWJHEAD";

/// What a slot says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Head {
    pub(crate) run: [u8; 16],
    pub(crate) journal: [u8; 16],
    /// The slot with the higher one is newer.
    pub(crate) generation: u64,
    pub(crate) epoch: u64,
    /// The segment that holds the end of the durable part.
    pub(crate) segment: u64,
    /// Where in that segment the durable part ends, in bytes.
    pub(crate) end: u64,
    /// The last durable record.
    pub(crate) durable_seq: u64,
}

impl Head {
    fn to_slot(self) -> [u8; SLOT_BYTES] {
        let mut slot = [0; SLOT_BYTES];
        put(&mut slot, 0, &MAGIC);
        put(&mut slot, 8, &MAJOR.to_le_bytes());
        put(&mut slot, 16, &self.run);
        put(&mut slot, 32, &self.generation.to_le_bytes());
        put(&mut slot, 40, &self.epoch.to_le_bytes());
        put(&mut slot, 48, &self.segment.to_le_bytes());
        put(&mut slot, 56, &self.end.to_le_bytes());
        put(&mut slot, 64, &self.durable_seq.to_le_bytes());
        put(&mut slot, 72, &self.journal);
        let crc = crc32fast::hash(&slot[..CRC_AT]);
        put(&mut slot, CRC_AT, &crc.to_le_bytes());
        slot
    }

    /// `None` if this is no slot; `Some(Err(version))` if it is one of a later version.
    fn parse(slot: &[u8]) -> Option<Result<Self, u16>> {
        if slot[..8] != MAGIC || crc32fast::hash(&slot[..CRC_AT]) != u32_at(slot, CRC_AT) {
            return None;
        }
        match u16_at(slot, 8) {
            MAJOR => Self::fields(slot).map(Ok),
            found => Some(Err(found)),
        }
    }

    fn fields(slot: &[u8]) -> Option<Self> {
        Some(Self {
            run: array_at(slot, 16),
            generation: counter_at(slot, 32)?,
            epoch: counter_at(slot, 40)?,
            segment: counter_at(slot, 48)?,
            end: counter_at(slot, 56)?,
            durable_seq: counter_at(slot, 64)?,
            journal: array_at(slot, 72),
        })
    }

    /// The newest valid slot. None if there is no such file, or nothing valid in it: then nothing is known.
    pub(crate) fn read(disk: &dyn Disk) -> Result<Option<Self>, JournalError> {
        let path = disk.path(NAME);
        match open(disk).map_err(|e| JournalError::io("open", &path, e))? {
            Some(file) => Self::read_from(&*file, &path),
            None => Ok(None),
        }
    }

    /// The same of a file that is open already.
    pub(crate) fn read_from(file: &dyn File, path: &Path) -> Result<Option<Self>, JournalError> {
        let mut bytes = [0; SLOT_DISTANCE + SLOT_BYTES];
        read_full(file, &mut bytes, 0).map_err(|e| JournalError::io("read", path, e))?;
        let mut newest: Option<Self> = None;
        for slot in [0, SLOT_DISTANCE].iter().filter_map(|at| Self::parse(&bytes[*at..at + SLOT_BYTES])) {
            let slot = slot.map_err(|found| JournalError::NewerVersion {
                found,
                supported: MAJOR,
                path: path.to_path_buf(),
            })?;
            if newest.is_none_or(|other| other.generation < slot.generation) {
                newest = Some(slot);
            }
        }
        Ok(newest)
    }
}

/// The process that wrote its id last, if that is readable.
pub(crate) fn owner_pid(disk: &dyn Disk) -> Option<u32> {
    let mut bytes = [0; 8];
    read_full(&*open(disk).ok()??, &mut bytes, crate::bytes::offset(OWNER_AT)).ok()?;
    let pid = u32_at(&bytes, 0);
    (crc32fast::hash(&pid.to_le_bytes()) == u32_at(&bytes, 4)).then_some(pid)
}

/// The file, if there is one.
pub(crate) fn open(disk: &dyn Disk) -> io::Result<Option<Box<dyn File>>> {
    match disk.open(NAME, Mode::Read) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The open file, and with it the lock.
pub(crate) struct HeadFile {
    file: Box<dyn File>,
    path: std::path::PathBuf,
    /// What tells it from any other file of that name.
    id: u64,
    generation: u64,
}

impl HeadFile {
    /// Opens the file, creating it if needed, and takes the lock.
    pub(crate) fn lock(disk: &dyn Disk) -> Result<Self, JournalError> {
        let path = disk.path(NAME);
        let failed = |error| JournalError::io("lock", &path, error);
        loop {
            let file = disk.open(NAME, Mode::Update).map_err(|e| JournalError::io("open", &path, e))?;
            if !file.try_lock().map_err(failed)? {
                return Err(JournalError::Busy { pid: owner_pid(disk), path: disk.path("") });
            }
            // A repair may have put another journal in this one's place meanwhile.
            let id = file.id().map_err(failed)?;
            if disk.id_of(NAME).map_err(failed)? == Some(id) {
                return Ok(Self { file, path, id, generation: 0 });
            }
            file.unlock();
        }
    }

    /// Writes down who has the lock, for messages.
    pub(crate) fn sign(&self, pid: u32) -> Result<(), JournalError> {
        let pid = pid.to_le_bytes();
        let crc = crc32fast::hash(&pid).to_le_bytes();
        let place = crate::bytes::offset(OWNER_AT);
        write_all(&*self.file, &[pid, crc].concat(), place).map_err(|e| self.error("write", e))
    }

    /// Goes on counting where an earlier writer stopped.
    pub(crate) fn continue_after(&mut self, head: Option<Head>) {
        self.generation = head.map_or(0, |head| head.generation);
    }

    /// Fails with `Fenced` if the lock is one no more: somebody deleted or replaced the file, and another writer may be
    /// at work.
    pub(crate) fn check(&self, disk: &dyn Disk) -> Result<(), JournalError> {
        match disk.id_of(NAME) {
            Ok(named) if named == Some(self.id) => Ok(()),
            Ok(_) => Err(JournalError::Fenced { path: self.path.clone() }),
            Err(error) => Err(self.error("look at", error)),
        }
    }

    /// Writes the slot whose turn it is. `generation` is filled in.
    pub(crate) fn write(&mut self, head: Head) -> Result<(), JournalError> {
        self.generation += 1;
        let slot = Head { generation: self.generation, ..head }.to_slot();
        let at = if self.generation.is_multiple_of(2) { SLOT_DISTANCE } else { 0 };
        write_all(&*self.file, &slot, crate::bytes::offset(at)).map_err(|e| self.error("write", e))
    }

    /// Makes the slots durable.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        self.file.sync().map_err(|e| self.error("sync", e))
    }

    fn error(&self, action: &'static str, source: io::Error) -> JournalError {
        JournalError::io(action, &self.path, source)
    }
}

impl Drop for HeadFile {
    fn drop(&mut self) {
        self.file.unlock();
    }
}
