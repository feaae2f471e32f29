//! The names in an attempt's folder and the ways to write them so that a crash leaves the old or the new, never half. Knows no meaning.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::HolderError;

pub(super) const JOB: &str = "job.json";
pub(super) const LOCK: &str = "lock";
pub(super) const TREE: &str = "tree";
pub(super) const START: &str = "start.json";
pub(super) const EXIT: &str = "exit.json";
pub(super) const GRANT: &str = "grant";
pub(super) const USAGE: &str = "usage";
pub(super) const WANTS: &str = "wants";
pub(super) const STOP: &str = "stop";
pub(super) const READING: &str = "reading.json";
pub(super) const BEGUN: &str = "begun.json";

/// Whether a replaced file must survive a power cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Durable {
    /// Readers see the old or the new; after a power cut perhaps neither.
    No,
    /// The content is on the disk before the name points to it.
    Content,
    /// The name is on the disk as well when this returns.
    ContentAndName,
}

/// Puts `bytes` at `dir/name`, replacing what was there.
pub(super) fn replace(dir: &Path, name: &str, bytes: &[u8], durable: Durable) -> Result<(), HolderError> {
    let (temporary, path) = (temporary(dir, name), dir.join(name));
    write_temporary(&temporary, bytes, durable != Durable::No)
        .and_then(|()| fs::rename(&temporary, &path))
        .inspect_err(|_| drop(fs::remove_file(&temporary)))
        .map_err(HolderError::file(&path))?;
    if durable == Durable::ContentAndName { sync_dir(dir) } else { Ok(()) }
}

/// Puts `bytes` at `dir/name` durably unless something is there already; says whether it was us.
pub(super) fn link_new(dir: &Path, name: &str, bytes: &[u8]) -> Result<bool, HolderError> {
    let (temporary, path) = (temporary(dir, name), dir.join(name));
    let linked = write_temporary(&temporary, bytes, true).and_then(|()| fs::hard_link(&temporary, &path));
    drop(fs::remove_file(&temporary));
    match linked {
        Ok(()) => sync_dir(dir).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(source) => Err(HolderError::File { path, source }),
    }
}

/// [`replace`] with a JSON document.
pub(super) fn replace_json<T: Serialize>(
    dir: &Path,
    name: &str,
    value: &T,
    durable: Durable,
) -> Result<(), HolderError> {
    replace(dir, name, &to_json(value), durable)
}

/// The document with a final newline, so that a person can `cat` it.
pub(super) fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes =
        serde_json::to_vec(value).expect("our documents have string keys and no failing serializer");
    bytes.push(b'\n');
    bytes
}

/// Reads `dir/name`; `None` if there is no such file.
pub(super) fn read_json<T: DeserializeOwned>(dir: &Path, name: &str) -> Result<Option<T>, HolderError> {
    let path = dir.join(name);
    let Some(bytes) = read_if_there(&path).map_err(HolderError::file(&path))? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|source| HolderError::Damaged { path, source })
}

/// The content, or `None` if there is no such file.
pub(super) fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a file that the job may have replaced: a symlink is not followed, and a FIFO cannot make us wait.
/// `None` if there is no such regular file.
pub(super) fn open_untrusted(path: &Path) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, rustix::fs::Mode::empty()).ok()?);
    file.metadata().is_ok_and(|metadata| metadata.is_file()).then_some(file)
}

/// Two writers of one name, in two processes, must not share a temporary file.
fn temporary(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!(".{name}.{}", std::process::id()))
}

fn write_temporary(path: &Path, bytes: &[u8], sync: bool) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    if sync { file.sync_all() } else { Ok(()) }
}

fn sync_dir(dir: &Path) -> Result<(), HolderError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(HolderError::file(dir))
}
