//! One variant per cause a caller can act on; each text says what, where, and what to do next.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::record::{FIRST_RESERVED_KIND, MAX_BATCH_BYTES, MAX_PAYLOAD_BYTES};

/// Why a journal could not be created, opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another live process is writing this journal.
    #[error(
        "the journal {} is being written by {}: wait for it, or stop it, then try again",
        path.display(), Writer(*pid)
    )]
    Busy {
        /// The writer's process id, if it could be read.
        pid: Option<u32>,
        /// The journal's folder.
        path: PathBuf,
    },
    /// A later version of this program wrote the file.
    #[error(
        "{} has format version {found}, this program reads up to {supported}: use the version that wrote it",
        path.display()
    )]
    NewerVersion {
        /// The version the file states.
        found: u16,
        /// The latest version this program reads.
        supported: u16,
        /// The file.
        path: PathBuf,
    },
    /// A later version of this program wrote the file, in a way that this one cannot read.
    #[error("{} uses {what} number {id}, which this program does not know: use the version that wrote it", path.display())]
    MadeWith {
        /// What it is that is not known.
        what: &'static str,
        /// The number that stands for it.
        id: u8,
        /// The file.
        path: PathBuf,
    },
    /// Bytes that were durable are not what was written.
    #[error(
        "the journal is damaged: {} at byte {offset}: {detail}; records up to {last_good_seq} are good, \
         {proven_seq} were durable: repair it, or restore the folder from a copy; nothing in it was changed",
        file.display()
    )]
    Corrupt {
        /// The damaged file.
        file: PathBuf,
        /// Where in it the first damage is, in bytes.
        offset: u64,
        /// The last record before the damage that is whole.
        last_good_seq: u64,
        /// The last record that is proven to have been durable.
        proven_seq: u64,
        /// What is wrong there.
        detail: String,
    },
    /// There is a journal already where one was to be created.
    #[error("{} holds a journal already: open it, or choose another folder", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// There is no journal where one was to be opened.
    #[error("{} holds no journal: check the path, or create one", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// Another writer has continued this journal meanwhile; this one must stop.
    #[error("{} is another writer's by now, or was deleted: this one stops; open the journal again", path.display())]
    Fenced {
        /// The segment that this writer wanted to create, or the file with its lock.
        path: PathBuf,
    },
    /// The disk or the quota is full.
    #[error("no room to write {}: free some space, then open the journal again", path.display())]
    NoSpace {
        /// The file.
        path: PathBuf,
    },
    /// The operating system failed.
    #[error("cannot {action} {}: {source}; open the journal again when the cause is gone", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// An earlier write or sync failed, so what is on the disk is unknown. Opening again finds out.
    #[error("the journal {} failed earlier and takes no more records: open it again", path.display())]
    Poisoned {
        /// The journal's folder.
        path: PathBuf,
    },
    /// A record or a batch is over its limit. Nothing was appended.
    #[error(
        "{bytes} bytes are too many for one append: a payload holds {MAX_PAYLOAD_BYTES}, a batch \
         {MAX_BATCH_BYTES}: split it"
    )]
    TooLarge {
        /// The size of the payload, or of the framed batch.
        bytes: usize,
    },
    /// The kind of an entry belongs to the log itself. Nothing was appended.
    #[error("kind {kind} belongs to the log itself: use one below {FIRST_RESERVED_KIND}")]
    ReservedKind {
        /// The kind.
        kind: u16,
    },
}

impl JournalError {
    /// The error of one failed operation; a full disk is told from the rest.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { path },
            _ => Self::Io { action, path, source },
        }
    }
}

/// How a message names the writer.
struct Writer(Option<u32>);

impl std::fmt::Display for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(pid) => write!(f, "process {pid}"),
            None => f.write_str("another process"),
        }
    }
}
