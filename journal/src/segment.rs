//! The segment being written: made whole before it has its name, filled once from front to back, closed with a
//! seal. Does not know what is written.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, mpsc},
};

use crate::{
    bytes::offset,
    disk::{Disk, File, Mode, write_all},
    error::JournalError,
    header::{Header, PAGE, file_name},
};

/// Zeros are written in pieces of this size.
const FILL_BYTES: usize = 1 << 18;

/// An open segment.
pub(crate) struct Segment {
    file: Box<dyn File>,
    path: PathBuf,
    len: u64,
    /// Mixed into the checksum of every record in it.
    pub(crate) salt: u32,
    /// Where the next write goes, in bytes from the start of the file.
    pub(crate) end: u64,
}

impl Segment {
    /// Makes the segment `header` describes, durably and filled with zeros, and only then gives it its name.
    pub(crate) fn create(
        disk: &dyn Disk,
        header: &mut Header,
        spare: Option<Spare>,
    ) -> Result<Self, JournalError> {
        let name = file_name(header.segment);
        let path = disk.path(&name);
        let page = header.page();
        let failed = |error| JournalError::io("create", &path, error);
        let spare = match spare {
            Some(spare) => spare,
            None => Spare::fill(disk, spare_name(header), header.len).map_err(failed)?,
        };
        write_all(&*spare.file, &page, 0).and_then(|()| spare.file.sync()).map_err(failed)?;
        disk.publish(&spare.name, &name).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => JournalError::Fenced { path: path.clone() },
            _ => failed(error),
        })?;
        disk.sync_names().map_err(failed)?;
        Ok(Self { file: spare.file, path, len: header.len, salt: header.salt(), end: offset(PAGE) })
    }

    /// Whether so many bytes still fit.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.end + offset(bytes) <= self.len
    }

    /// Whether it is time to think of the next one.
    pub(crate) fn is_half_full(&self) -> bool {
        self.end >= self.len / 2
    }

    /// Writes at the end and waits until it is durable.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        assert!(self.has_room(bytes.len()), "room is made before anything is framed");
        write_all(&*self.file, bytes, self.end).map_err(|e| self.error("write", e))?;
        self.file.sync().map_err(|e| self.error("sync", e))?;
        self.end += offset(bytes.len());
        Ok(())
    }

    /// Gives back what was not used.
    pub(crate) fn trim(&self) -> Result<(), JournalError> {
        self.file.set_len(self.end).and_then(|()| self.file.sync()).map_err(|e| self.error("trim", e))
    }

    fn error(&self, action: &'static str, source: io::Error) -> JournalError {
        JournalError::io(action, &self.path, source)
    }
}

/// What the names of files end in that are no part of the journal yet.
const UNNAMED: &str = ".tmp";

/// The room for a segment before it has a name: a file of zeros.
pub(crate) struct Spare {
    name: String,
    file: Box<dyn File>,
    pub(crate) len: u64,
}

impl Spare {
    /// Writes the zeros, durably. Real writes, so that later ones change no metadata and need no new room.
    fn fill(disk: &dyn Disk, name: String, len: u64) -> io::Result<Self> {
        let file = disk.open(&name, Mode::CreateNew)?;
        match fill(&*file, len).and_then(|()| file.sync()) {
            Ok(()) => Ok(Self { name, file, len }),
            Err(error) => {
                // Half a spare would only take up the room that is missing already.
                let _ = disk.remove(&name);
                Err(error)
            }
        }
    }

    /// Gives the room back.
    fn discard(self, disk: &dyn Disk) {
        // What is left is swept away when the journal is closed or opened.
        let _ = disk.remove(&self.name);
    }
}

fn fill(file: &dyn File, len: u64) -> io::Result<()> {
    let zeros = vec![0; FILL_BYTES.min(usize::try_from(len).unwrap_or(FILL_BYTES))];
    let mut at = 0;
    while at < len {
        let piece = usize::try_from(len - at).map_or(zeros.len(), |left| left.min(zeros.len()));
        write_all(file, &zeros[..piece], at)?;
        at += offset(piece);
    }
    Ok(())
}

/// A spare that is being made while the segment before it is written.
pub(crate) struct Promise(mpsc::Receiver<io::Result<Spare>>);

impl Promise {
    /// Begins to make the room for the segment behind the one that `header` describes.
    pub(crate) fn of(disk: &Arc<dyn Disk>, header: &Header, len: u64) -> Self {
        let (promised, kept) = mpsc::sync_channel(1);
        // Not the name that the writer itself would give it, in case this one cannot be used.
        let name = format!("spare-{}", spare_name(&Header { segment: header.segment + 1, ..*header }));
        let place = disk.clone();
        disk.aside(Box::new(move || {
            // Whoever asked may be gone; the file is swept away by the next writer.
            let _ = promised.send(Spare::fill(&*place, name, len));
        }));
        Self(kept)
    }

    /// Waits for it. None if it is too small, or could not be made: making it once more then says why.
    pub(crate) fn keep(self, disk: &dyn Disk, needed: u64) -> Option<Spare> {
        let spare = self.0.recv().ok()?.ok()?;
        if spare.len >= needed {
            return Some(spare);
        }
        spare.discard(disk);
        None
    }
}

/// The epoch is in the name so that no writer meets the file of another one.
fn spare_name(header: &Header) -> String {
    format!("{}-{}{UNNAMED}", header.segment, header.epoch)
}

/// Removes what earlier writers prepared and did not use, durably: a name that is used again while its removal is still
/// pending could end up with the wrong file.
pub(crate) fn sweep(disk: &dyn Disk) -> io::Result<()> {
    let unnamed: Vec<String> = disk.names()?.into_iter().filter(|name| name.ends_with(UNNAMED)).collect();
    for name in &unnamed {
        match disk.remove(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    if unnamed.is_empty() { Ok(()) } else { disk.sync_names() }
}
