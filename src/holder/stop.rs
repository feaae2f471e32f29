//! The request to end an attempt. Knows not who asks, nor what becomes of it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::HolderError;
use super::files::{self, Durable};

/// What `stop` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stop {
    pub(super) reason: String,
    pub(super) grace_ms: u64,
}

/// Asks the holder to end its tree: SIGTERM, `grace_ms` later SIGKILL. Returns at once; [`super::wait`] for the end.
///
/// A second request can shorten the grace of the first. One to a holder that is gone changes nothing.
pub fn stop(dir: &Path, reason: &str, grace_ms: u64) -> Result<(), HolderError> {
    let stop = Stop { reason: reason.to_owned(), grace_ms };
    files::replace_json(dir, files::STOP, &stop, Durable::No).or_else(|error| {
        // On a full disk a name may still be had where its contents are not; an empty request is a request.
        let path = dir.join(files::STOP);
        std::fs::File::create(&path).map(drop).map_err(|_| error)
    })
}

/// The request, if there is one. One that cannot be read is still a request: `fallback` says with which grace.
pub(super) fn read(dir: &Path, fallback_grace_ms: u64) -> Option<Stop> {
    let bytes = files::read_if_there(&dir.join(files::STOP)).ok().flatten()?;
    let unreadable = || Stop { reason: "stop".to_owned(), grace_ms: fallback_grace_ms };
    Some(serde_json::from_slice(&bytes).unwrap_or_else(|_| unreadable()))
}
