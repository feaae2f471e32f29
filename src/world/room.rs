//! Room on the disk: what to do while there is none. Knows nothing of what needs it.

use std::path::Path;
use std::time::Duration;

use swarm_actors::Tell;
use swarm_domain::Event;
use swarm_domain::event::{RoomBack, RoomLost};

use crate::git::GitError;

/// Free space that counts as room, in bytes: enough for the final records of a run and a small checkout.
const ROOM_BYTES: u64 = 64 << 20;
const POLL: Duration = Duration::from_millis(500);

/// Does something that writes. While it fails for want of room, the run is told and it is tried again.
pub(crate) fn patiently<T>(
    dir: &Path,
    tell: &Tell,
    mut act: impl FnMut() -> Result<T, GitError>,
) -> Result<T, GitError> {
    loop {
        match act() {
            Err(GitError::NoSpace { args }) => {
                tell(RoomLost { detail: args, at_ms: 0 }.into());
                wait(dir);
            }
            other => return other,
        }
    }
}

/// Waits until there is room, and says so.
pub(crate) fn watch(dir: &Path) -> Event {
    wait(dir);
    RoomBack {}.into()
}

fn wait(dir: &Path) {
    loop {
        std::thread::sleep(POLL);
        if has_room(dir) {
            return;
        }
    }
}

/// Whether the disk of a folder has room. A disk that cannot be asked is taken to have some: the next write will tell.
pub(crate) fn has_room(dir: &Path) -> bool {
    rustix::fs::statvfs(dir).map_or(true, |stat| stat.f_bavail.saturating_mul(stat.f_frsize) >= ROOM_BYTES)
}
