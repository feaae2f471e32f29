//! `swarm attach`: shows a run that another process drives. Ctrl-C here only detaches.

use std::time::Duration;

use swarm_actors::{Recorded, event_of};
use swarm_journal::Follower;

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
    eprintln!("run {}; Ctrl-C detaches, the run goes on", folder.id);
    loop {
        let owner = folder.owner();
        let mut events = Vec::new();
        for record in follower.next()? {
            let event = event_of(&record).map_err(|error| Failure::new(super::exit::JOURNAL, error))?;
            events.push(Recorded { seq: record.seq, time_ms: record.time_ms, event });
        }
        let quiet = events.is_empty();
        show.take(&events);
        if owner.is_none() && quiet {
            break;
        }
        std::thread::sleep(LOOK);
    }
    show.end();
    let history = runs::read(&folder.journal())?;
    let over = history
        .state
        .parts()
        .is_some_and(|parts| parts.run.finished.is_some() || parts.run.stopped.is_some());
    eprintln!("{}", report::ending(&history.state, colour()).trim_end());
    Ok(if over { report::exit_code(&history.state) } else { OK })
}
