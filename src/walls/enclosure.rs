//! What one process and all that comes of it may write, see and reach; and the step behind which it is so.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{bwrap, landlock, network, powers};

/// What enforces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A mount namespace made by bubblewrap.
    Bwrap,
    /// Landlock's rules.
    Landlock,
    /// Nothing.
    None,
}

impl Kind {
    /// Its name in a plan and in what people read.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bwrap => "bwrap",
            Self::Landlock => "landlock",
            Self::None => "none",
        }
    }
}

/// What a process gets. Paths are absolute and have no symbolic link in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enclosure {
    /// What enforces it.
    pub wall: Kind,
    /// Files, and folders with all below them, that may be written.
    pub write: Vec<PathBuf>,
    /// Folders that are not even to be seen, where the wall can do that…
    pub hide: Vec<PathBuf>,
    /// …but for these in them.
    pub show: Vec<PathBuf>,
    /// Whether it may use the network.
    pub network: bool,
}

impl Enclosure {
    /// No wall at all.
    pub fn none() -> Self {
        Self { wall: Kind::None, write: Vec::new(), hide: Vec::new(), show: Vec::new(), network: true }
    }
}

/// Why a wall could not be put up. Nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum WallError {
    /// Landlock refused.
    #[error("landlock: {0}")]
    Landlock(String),
    /// The network could not be taken away.
    #[error("the network cannot be taken away: {0}")]
    Network(#[source] io::Error),
    /// Bubblewrap is gone since the run began.
    #[error("bwrap is not on the PATH any more")]
    NoBwrap,
    /// Bubblewrap could not be told what to do.
    #[error("bwrap: {0}")]
    Bwrap(#[source] io::Error),
    /// The program itself is not there, which bubblewrap would tell in words of its own.
    #[error("{0}")]
    NoProgram(io::Error),
}

/// Puts the wall up around this process as far as it is its own doing. The answer is what to become: `argv`, or what builds
/// the rest of the wall and then becomes `argv`.
pub fn raise(enclosure: &Enclosure, cwd: &Path, argv: &[OsString]) -> Result<Vec<OsString>, WallError> {
    match enclosure.wall {
        Kind::None => {
            cut_network(enclosure)?;
            Ok(argv.to_vec())
        }
        Kind::Landlock => {
            cut_network(enclosure)?;
            powers::drop_for_good();
            landlock::restrict(&enclosure.write)?;
            Ok(argv.to_vec())
        }
        Kind::Bwrap => {
            let bwrap = bwrap::program().ok_or(WallError::NoBwrap)?;
            bwrap::look_for(&argv[0], cwd).map_err(WallError::NoProgram)?;
            // Abstract sockets know no mounts. A domain without rules for files lets bubblewrap mount.
            landlock::scope()?;
            bwrap::command(&bwrap, enclosure, cwd, argv).map_err(WallError::Bwrap)
        }
    }
}

fn cut_network(enclosure: &Enclosure) -> Result<(), WallError> {
    if enclosure.network { Ok(()) } else { network::cut().map_err(WallError::Network) }
}
