//! Room on the disks that a run writes to: what to do while there is none. Knows nothing of what needs it.

use std::path::Path;
use std::time::{Duration, Instant};

use swarm_actors::Tell;
use swarm_domain::Event;
use swarm_domain::event::{RoomBack, RoomLost};

use super::Places;
use crate::git::GitError;

/// Less than this is no room, in bytes: what is left is for the final records of the run and of its holders.
const LOW_BYTES: u64 = 8 << 20;
/// This much is room again, in bytes. More than the low mark, so that the two do not take turns.
const BACK_BYTES: u64 = 16 << 20;
/// How long something that writes is tried again. The run itself gives up after the same time.
const PATIENCE: Duration = Duration::from_mins(10);
const POLL: Duration = Duration::from_millis(500);

/// Does something that writes. While it fails for want of room, the run is told and it is tried again.
pub(super) fn patiently<T>(tell: &Tell, mut act: impl FnMut() -> Result<T, GitError>) -> Result<T, GitError> {
    let begun = Instant::now();
    let mut told = false;
    loop {
        match act() {
            Err(GitError::NoSpace { args }) if begun.elapsed() < PATIENCE => {
                if !std::mem::replace(&mut told, true) {
                    tell(RoomLost { detail: args, at_ms: 0 }.into());
                }
                // One try a poll, also where the disk has room by our count: it may be a quota that is used up.
                std::thread::sleep(POLL);
            }
            other => return other,
        }
    }
}

/// Waits until there is room, and says so.
pub(super) fn watch(places: &Places) -> Event {
    wait(places);
    RoomBack {}.into()
}

fn wait(places: &Places) {
    while places.disks().any(|dir| free_bytes(dir) < BACK_BYTES) {
        std::thread::sleep(POLL);
    }
}

/// The folder whose disk is running out of room, if any is.
pub fn lacking(places: &Places) -> Option<&Path> {
    places.disks().find(|dir| free_bytes(dir) < LOW_BYTES)
}

/// What an ordinary user may still write. A disk that cannot be asked is taken to have room: the next write will tell.
fn free_bytes(dir: &Path) -> u64 {
    rustix::fs::statvfs(dir).map_or(u64::MAX, |stat| stat.f_bavail.saturating_mul(stat.f_frsize))
}
