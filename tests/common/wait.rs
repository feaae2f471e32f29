//! Waiting for something to be so. Nothing in a test depends on how long it takes.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// What is awaited happens in seconds; a machine that needs longer than this is broken, not slow.
pub(super) const LIMIT: Duration = Duration::from_mins(2);
const LOOK_AGAIN: Duration = Duration::from_millis(15);

/// Waits for `look` to see something.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let give_up_at = Instant::now() + LIMIT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < give_up_at, "waited in vain for {what}");
        sleep(LOOK_AGAIN);
    }
}

/// Waits for `look` to be true.
pub(crate) fn until_true(what: &str, mut look: impl FnMut() -> bool) {
    until(what, || look().then_some(()));
}
