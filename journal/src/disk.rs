//! The seam between the log and the machine: everything the log asks of a disk, and nothing else.
//!
//! A disk is one folder. A conforming disk may lose any write that was not followed by a successful sync of its
//! file, and any change of names that was not followed by a successful sync of the names; it may lose them in
//! part and in any order. It must not lose anything else.

use std::{io, path::PathBuf, time::Duration};

/// How a file is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// It exists; it is only read.
    Read,
    /// It is read and written, and created if it does not exist.
    Update,
    /// It must not exist; it is created.
    CreateNew,
}

/// The sizes of the segments that a writer fills with zeros ahead of its records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sizes {
    /// The first segment after each opening, in bytes. Each further one is twice as large as the one before.
    pub first_bytes: u64,
    /// No segment is larger, unless a single batch needs it.
    pub max_bytes: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { first_bytes: 1 << 20, max_bytes: 32 << 20 }
    }
}

/// One folder and the files in it.
pub trait Disk: Send + Sync {
    /// Makes the folder, durably, unless it exists.
    fn make_folder(&self) -> io::Result<()>;
    /// The names of the files, in any order. No folder is an error of kind `NotFound`.
    fn names(&self) -> io::Result<Vec<String>>;
    /// Opens one file. The descriptor is not inherited by child processes.
    fn open(&self, name: &str, mode: Mode) -> io::Result<Box<dyn File>>;
    /// Renames, and fails with `AlreadyExists` instead of replacing.
    fn publish(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// The [`File::id`] of the file that has this name now, if one has.
    fn id_of(&self, _name: &str) -> io::Result<Option<u64>> {
        Ok(Some(0))
    }
    /// Makes all names durable.
    fn sync_names(&self) -> io::Result<()>;
    /// Whether a live process holds the lock of this file. Writes nothing; whoever takes the lock is not disturbed.
    fn is_locked(&self, name: &str) -> bool;
    /// Where a file is, for messages; an empty name gives the folder.
    fn path(&self, name: &str) -> PathBuf;
    /// The id of the process that writes, for messages.
    fn pid(&self) -> u32;
    /// Bytes that nobody can foresee: what tells one journal from all others.
    fn entropy(&self) -> [u8; 16];
    /// Does something beside the writer's own work, at once or in a while, or drops it.
    fn aside(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }
    /// Begins to watch a file that exists.
    fn watch(&self, name: &str) -> io::Result<Box<dyn Watch>>;
    /// How large segments are on this disk.
    fn sizes(&self) -> Sizes {
        Sizes::default()
    }
}

/// One open file.
pub trait File: Send + Sync {
    /// Reads at most `buffer.len()` bytes from `offset`; 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes at least one byte of `bytes` at `offset`, and says how many.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Makes contents and length durable. After a failure nothing may be assumed about what was written before.
    fn sync(&self) -> io::Result<()>;
    /// Forgets what is cached and durable, so that the next read asks the disk itself. May do nothing.
    fn drop_cache(&self) -> io::Result<()>;
    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Whether there is nothing in it.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Cuts or extends with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// What tells this file from all others of its disk, whatever its name is by now.
    fn id(&self) -> io::Result<u64> {
        Ok(0)
    }
    /// Takes the exclusive lock for as long as this file is open; `false` if somebody else has it.
    fn try_lock(&self) -> io::Result<bool>;
    /// Gives the lock back, also if a child process that is just being started has a copy of this descriptor.
    fn unlock(&self);
}

/// Waits for the changes of one file.
pub trait Watch: Send {
    /// Returns after the file was written to since the last call, or after so long; may return early.
    fn wait(&mut self, at_most: Duration) -> io::Result<()>;
}

/// Writes all of it; a short write is continued, an interrupted one repeated.
pub(crate) fn write_all(file: &dyn File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                offset += crate::bytes::offset(written);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads until `buffer` is full or the file ends; returns how much.
pub(crate) fn read_full(file: &dyn File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + crate::bytes::offset(filled)) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
