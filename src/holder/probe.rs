//! What an attempt's folder says about the attempt, asked from outside and at any time. Changes nothing.

use std::path::Path;

use super::error::HolderError;
use super::job::{Exit, Start};
use super::{files, launch, lock};

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It ended, and the holder saw it.
    Exited(Exit),
    /// The holder lives.
    Running {
        /// The job's process, once it is recorded.
        started: Option<Start>,
    },
    /// The job was started, and its holder is gone without a word: the tree may live, the status is lost.
    Orphaned(Start),
    /// Nothing was ever started here.
    Absent,
}

/// Looks, in this order, at `exit.json`, `lock` and `start.json`.
pub fn probe(dir: &Path) -> Result<Probe, HolderError> {
    if let Some(exit) = files::read_json(dir, files::EXIT)? {
        return Ok(Probe::Exited(exit));
    }
    let path = dir.join(files::LOCK);
    if lock::is_owned(&path).map_err(HolderError::file(&path))? {
        return Ok(Probe::Running { started: files::read_json(dir, files::START)? });
    }
    // The holder may have written its last word between our first look and the lock.
    if let Some(exit) = files::read_json(dir, files::EXIT)? {
        return Ok(Probe::Exited(exit));
    }
    Ok(files::read_json(dir, files::START)?.map_or(Probe::Absent, Probe::Orphaned))
}

/// Blocks until the holder is gone, then probes. A folder without a holder is probed at once.
pub fn wait(dir: &Path) -> Result<Probe, HolderError> {
    let path = dir.join(files::LOCK);
    lock::wait_until_free(&path).map_err(HolderError::file(&path))?;
    launch::reap(dir);
    probe(dir)
}
