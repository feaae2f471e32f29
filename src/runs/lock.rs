//! One live run per target: a lock file beside the runs, held as long as the process that drives one.

use std::fs::{File, TryLockError};
use std::io;

use crate::git::Repo;

/// The right to land on a branch. It ends with the process, however that ends.
#[derive(Debug)]
pub struct TargetLock {
    _file: File,
}

impl TargetLock {
    /// Takes the lock of a branch; none if another live process has it.
    pub fn take(repo: &Repo, branch: &str) -> io::Result<Option<Self>> {
        let dir = repo.common_dir().join("swarm").join("targets");
        std::fs::create_dir_all(&dir)?;
        let name = branch.replace('%', "%25").replace('/', "%2F");
        // Rust opens files close-on-exec, so that no agent inherits the lock.
        let file = File::options().create(true).append(true).open(dir.join(name))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
