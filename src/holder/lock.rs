//! Whole-file locks that end with their last descriptor, also under SIGKILL. Knows not what a held lock means.
//!
//! Who owns something holds its lock exclusively; who only asks takes it shared for an instant. So two askers never
//! take each other for an owner, and an owner tells an asker in its way from another owner.

use std::fs::File;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::{Errno, retry_on_intr};

/// How long askers may be in the way of an owner; each holds the lock for some microseconds.
const ASKERS_MS: u64 = 2_000;

/// Takes the lock of the file at `path`, made if absent; `None` if another owner has it.
pub(super) fn try_own(path: &Path) -> io::Result<Option<File>> {
    let file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
    let until = Instant::now() + Duration::from_millis(ASKERS_MS);
    loop {
        if attempt(&file, FlockOperation::NonBlockingLockExclusive)? {
            return Ok(Some(file));
        }
        // A shared lock is refused only by an owner. If it is granted, askers were in the way.
        if !attempt(&file, FlockOperation::NonBlockingLockShared)? || Instant::now() > until {
            return Ok(None);
        }
        retry_on_intr(|| flock(&file, FlockOperation::Unlock))?;
        thread::sleep(Duration::from_micros(200));
    }
}

/// Waits for the exclusive lock of a file or folder that exists.
pub(super) fn own_in_turn(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    retry_on_intr(|| flock(&file, FlockOperation::LockExclusive))?;
    Ok(file)
}

/// Whether an owner holds the lock. A missing file has no owner.
pub(super) fn is_owned(path: &Path) -> io::Result<bool> {
    let Some(file) = open_if_there(path)? else { return Ok(false) };
    Ok(!attempt(&file, FlockOperation::NonBlockingLockShared)?)
}

/// Returns when no owner holds the lock.
pub(super) fn wait_until_free(path: &Path) -> io::Result<()> {
    let Some(file) = open_if_there(path)? else { return Ok(()) };
    Ok(retry_on_intr(|| flock(&file, FlockOperation::LockShared))?)
}

fn attempt(file: &File, operation: FlockOperation) -> io::Result<bool> {
    match retry_on_intr(|| flock(file, operation)) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn open_if_there(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
