//! Listening to people while a run is driven: signals and the inbox become requests. What a request leads to is decided elsewhere.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use swarm_actors::Handle;
use swarm_domain::decide::Refusal;
use swarm_domain::event::RoomLost;
use swarm_domain::fact::Request;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use super::new_request_id;
use crate::runs::{Inbox, Letter};
use crate::world::{Places, room};

/// How often the room on the disks is looked at.
const LOOK_AT_DISKS: Duration = Duration::from_secs(2);
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

/// Listens until it is aborted.
pub(super) fn listen(handle: Handle, places: Places) -> JoinHandle<()> {
    tokio::spawn(async move {
        let letters = tokio::spawn(take_letters(handle.clone(), places.run_dir.clone()));
        let disks = tokio::spawn(watch_disks(handle.clone(), places));
        let _end = (AbortOnDrop(letters), AbortOnDrop(disks));
        if let Err(error) = take_signals(handle).await {
            tracing::error!(%error, "signals cannot be listened to");
            std::future::pending::<()>().await;
        }
    })
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Ctrl-C once finishes what runs; again, or SIGTERM, stops it. A hang-up changes nothing: the run's log has it all.
async fn take_signals(handle: Handle) -> std::io::Result<()> {
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut terminations = signal(SignalKind::terminate())?;
    let mut hang_ups = signal(SignalKind::hangup())?;
    let mut interrupted = false;
    loop {
        let request = tokio::select! {
            biased;
            _ = terminations.recv() => Request::Interrupt { signal: SIGTERM },
            _ = interrupts.recv() => {
                if interrupted { Request::Interrupt { signal: SIGINT } } else { Request::Drain { signal: SIGINT } }
            }
            _ = hang_ups.recv() => continue,
        };
        interrupted = true;
        if handle.ask(new_request_id(), "signal".to_owned(), request).await.is_err() {
            return Ok(());
        }
    }
}

/// Says when a disk runs out of room. When there is room again, whoever was told to wait for it says so.
async fn watch_disks(handle: Handle, places: Places) {
    loop {
        if let Some(dir) = room::lacking(&places) {
            let detail = format!("the disk of {} is full", dir.display());
            if handle.tell(RoomLost { detail, at_ms: 0 }.into()).is_err() {
                return;
            }
        }
        tokio::time::sleep(LOOK_AT_DISKS).await;
    }
}

/// Carries letters from the inbox to the run. A letter is taken away only after its record is durable.
async fn take_letters(handle: Handle, run_dir: PathBuf) {
    let inbox = Arc::new(Inbox::new(&run_dir));
    loop {
        for letter in inbox.letters() {
            if !carry(&handle, &inbox, letter).await {
                return;
            }
        }
        let waiting = inbox.clone();
        if tokio::task::spawn_blocking(move || waiting.wait()).await.is_err() {
            return;
        }
    }
}

async fn carry(handle: &Handle, inbox: &Inbox, letter: Letter) -> bool {
    match handle.ask(letter.id.clone(), letter.by, letter.request).await {
        Ok(Ok(_) | Err(Refusal::Repeated(_))) => inbox.done(&letter.id),
        Ok(Err(refusal)) => inbox.refuse(&letter.id, &refusal.to_string()),
        Err(_) => return false,
    }
    true
}
