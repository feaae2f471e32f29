//! Which signals the holder itself survives. Does not touch those of the job, which starts with the defaults.

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// From here on SIGHUP, SIGINT, SIGQUIT and SIGTERM do nothing to this process.
///
/// They are caught, not ignored: what is ignored stays ignored across an exec, what is caught is reset. So the job
/// starts with default dispositions even if swarm runs under `nohup` or in the background of a script.
/// The handlers outlive the runtime that is needed to install them.
pub(super) fn survive() {
    let Ok(runtime) = Builder::new_current_thread().enable_io().build() else { return };
    let _inside = runtime.enter();
    for kind in [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::quit(), SignalKind::terminate()] {
        // Without the handler a stray signal orphans the job, which is then swept: worse, but answered.
        drop(signal(kind));
    }
}
