//! Where stores are made: beside the program, on the disk that it was built on. Never a file system in memory.

use tempfile::TempDir;

use crate::failure::{Failure, Result};

/// An empty folder that goes away with this value.
pub(crate) fn folder() -> Result<TempDir> {
    let program = std::env::current_exe()?;
    let beside = program.parent().ok_or_else(|| Failure::new("the program is in no folder"))?;
    Ok(tempfile::Builder::new().prefix("peers-").tempdir_in(beside)?)
}
