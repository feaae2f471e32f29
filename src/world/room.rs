//! Room on the disks that a run writes to: what to do while there is none. Knows nothing of what needs it.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use swarm_actors::Tell;
use swarm_domain::Event;
use swarm_domain::event::{RoomBack, RoomLost};

use super::{Places, Site};
use crate::git::GitError;

/// Less than this is no room, in bytes: what is left is for the final records of the run and of its holders.
const LOW_BYTES: u64 = 8 << 20;
/// This much is room again, in bytes. More than the low mark, so that the two do not take turns.
const BACK_BYTES: u64 = 16 << 20;
/// How long something that writes is tried again. Longer than the run waits, which then stops with the effect still owed:
/// what is given up here fails for good.
const PATIENCE: Duration = Duration::from_mins(15);
const POLL: Duration = Duration::from_millis(500);

/// Does something that writes. While it fails for want of room, the run is told and it is tried again.
pub(super) fn patiently<T>(
    site: &Site,
    tell: &Tell,
    mut act: impl FnMut() -> Result<T, GitError>,
) -> Result<T, GitError> {
    let begun = Instant::now();
    let mut refused = None;
    loop {
        let error = match act() {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        // Git's short writes say nothing of room: any failure on a full disk is taken for want of it.
        let for_want_of_room = matches!(error, GitError::NoSpace { .. }) || lacking(&site.places).is_some();
        if !for_want_of_room || begun.elapsed() >= PATIENCE {
            return Err(error);
        }
        refused.get_or_insert_with(|| Refused::new(&site.refused));
        // It is no news while the run knows.
        tell(RoomLost { detail: error.to_string(), at_ms: 0 }.into());
        std::thread::sleep(POLL);
    }
}

/// One that waits because there was no room for what it writes.
struct Refused<'a>(&'a AtomicU32);

impl<'a> Refused<'a> {
    fn new(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Refused<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Waits until there is room, and says so. Whoever was refused must have got it, whatever the disk counts as free: it may
/// be a quota that is used up, or a checkout that is larger than what is free.
pub(super) fn watch(site: &Site) -> Event {
    let low = || site.places.disks().any(|dir| free_bytes(dir) < BACK_BYTES);
    while site.refused.load(Ordering::Relaxed) > 0 || low() {
        std::thread::sleep(POLL);
    }
    RoomBack {}.into()
}

/// The folder whose disk is running out of room, if any is.
pub fn lacking(places: &Places) -> Option<&Path> {
    places.disks().find(|dir| free_bytes(dir) < LOW_BYTES)
}

/// What an ordinary user may still write. A disk that cannot be asked is taken to have room: the next write will tell.
fn free_bytes(dir: &Path) -> u64 {
    rustix::fs::statvfs(dir).map_or(u64::MAX, |stat| stat.f_bavail.saturating_mul(stat.f_frsize))
}
