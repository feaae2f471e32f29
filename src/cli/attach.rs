//! `swarm attach`: shows a run that another process drives. Ctrl-C here only detaches.

use std::time::Duration;

use swarm_actors::recorded;
use swarm_journal::Follower;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Context;
use super::exit::{Failure, OK};
use crate::drive::{Show, Ui, colour};
use crate::{report, runs};

/// How often the journal is looked at.
const LOOK: Duration = Duration::from_millis(50);

pub(super) fn attach(context: &Context, run: Option<&str>) -> Result<u8, Failure> {
    let folder = context.find(run)?;
    let mut follower = Follower::new(&folder.journal());
    let mut show = Show::new(&folder.id, &folder.dir, Ui::Auto, None, &[]);
    let mut patience = Patience::new()?;
    eprintln!("run {}; Ctrl-C detaches, the run goes on", folder.id);
    loop {
        let owner = folder.owner();
        let mut events = Vec::new();
        follower.next(&mut |item| events.push(recorded(&item)))?;
        let events = events.into_iter().collect::<Result<Vec<_>, _>>()?;
        let quiet = events.is_empty();
        show.take(&events);
        if owner.is_none() && quiet {
            break;
        }
        if patience.ends() {
            show.end();
            eprintln!("detached from run {0}: `swarm attach {0}` shows it again", folder.id);
            return Ok(OK);
        }
    }
    show.end();
    let state = runs::read_state(&folder.journal())?;
    let over = state.parts().is_some_and(|parts| parts.run.finished.is_some() || parts.run.stopped.is_some());
    eprintln!("{}", report::ending(&state, colour()).trim_end());
    Ok(if over { report::exit_code(&state) } else { OK })
}

/// Waits between two looks, and for Ctrl-C.
struct Patience {
    runtime: Runtime,
    interrupts: Signal,
}

impl Patience {
    fn new() -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let interrupts = runtime.block_on(async { signal(SignalKind::interrupt()) })?;
        Ok(Self { runtime, interrupts })
    }

    /// Whether Ctrl-C came instead of the next look.
    fn ends(&mut self) -> bool {
        let came = async { tokio::time::timeout(LOOK, self.interrupts.recv()).await.is_ok() };
        self.runtime.block_on(came)
    }
}
