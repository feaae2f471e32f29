//! The segment being written: made whole before it has its name, filled once from front to back, closed with a
//! seal. Does not know what is written.

use std::{io, path::PathBuf};

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
    /// Where the next write goes, in bytes from the start of the file.
    pub(crate) end: u64,
}

impl Segment {
    /// Makes the segment `header` describes, durably and filled with zeros, and only then gives it its name.
    pub(crate) fn create(disk: &dyn Disk, header: &mut Header) -> Result<Self, JournalError> {
        let name = file_name(header.segment);
        let path = disk.path(&name);
        let page = header.page();
        let make = || {
            // Only a writer that died before it could publish leaves such a file.
            let unnamed = format!("{name}.tmp");
            match disk.remove(&unnamed) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let file = disk.open(&unnamed, Mode::CreateNew)?;
            fill(&*file, &page, header.len)?;
            file.sync()?;
            disk.publish(&unnamed, &name)?;
            disk.sync_names()?;
            Ok(file)
        };
        let file = make().map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => JournalError::Fenced { path: path.clone() },
            _ => JournalError::io("create", &path, error),
        })?;
        Ok(Self { file, path, len: header.len, end: offset(PAGE) })
    }

    /// Whether so many bytes still fit.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.end + offset(bytes) <= self.len
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

/// The header and zeros up to `len`. Real writes, so that later ones change no metadata and need no new room.
fn fill(file: &dyn File, page: &[u8; PAGE], len: u64) -> io::Result<()> {
    write_all(file, page, 0)?;
    let zeros = vec![0; FILL_BYTES.min(usize::try_from(len).unwrap_or(FILL_BYTES))];
    let mut at = offset(PAGE);
    while at < len {
        let piece = usize::try_from(len - at).map_or(zeros.len(), |left| left.min(zeros.len()));
        write_all(file, &zeros[..piece], at)?;
        at += offset(piece);
    }
    Ok(())
}
