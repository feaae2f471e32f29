//! What can go wrong when a proxy is started, used or read. What goes wrong with a call is told to who made it instead.

use std::io;
use std::path::{Path, PathBuf};

/// Why a proxy cannot be had, or its figures cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The file of the calls cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// No port of 127.0.0.1, no thread or no runtime can be had.
    #[error("the metering proxy cannot be started: {0}")]
    Start(#[source] io::Error),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(#[source] io::Error),
    /// The system's certificates cannot be read, so no server could be trusted.
    #[error("the system's certificates cannot be read: {0}")]
    Certificates(#[source] io::Error),
    /// The upstream is no base URL that calls can be sent to.
    #[error("{url} is no base URL of a model's API: {said}")]
    Upstream {
        /// What was given.
        url: String,
        /// What is wrong with it.
        said: &'static str,
    },
}

impl ProxyError {
    /// For `map_err` on an operation on `path`.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { path, source }
    }
}
