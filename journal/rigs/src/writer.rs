//! The program that dies: appends the plan to a journal, syncs, and says on its standard output what was
//! acknowledged. Does not know when or how it will be killed.
//!
//! What it says goes somewhere outside the disk under test, one line with one system call, only after the sync.

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use swarm_journal::{JournalError, Log, RealDisk};

use crate::{
    open::open_or_create,
    plan,
    say::Said,
    twist::{self, Twist},
};

/// How a writer ends that was told by the journal that it failed.
pub(crate) const STOPPED: u8 = 3;

/// Writes until the journal holds this many records. An even number is closed, an odd one left as by a death.
pub(crate) fn run(dir: &Path, records: u64, twist: Option<Twist>) -> ExitCode {
    match write(dir, records, twist) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("writer: {error}");
            ExitCode::from(STOPPED)
        }
    }
}

fn write(dir: &Path, records: u64, twist: Option<Twist>) -> Result<(), JournalError> {
    let (mut log, found) = open_or_create(twist::disk(RealDisk::new(dir), twist))?;
    let last = found.len() as u64;
    say(&Said::Acked(last));
    if let Err(error) = append(&mut log, last, records, twist == Some(Twist::AckEarly)) {
        insist(&mut log);
        return Err(error);
    }
    if records.is_multiple_of(2) { log.close() } else { Ok(()) }
}

fn append(log: &mut Log, mut last: u64, records: u64, early: bool) -> Result<(), JournalError> {
    while last < records {
        let first = last + 1;
        last = log.append(&plan::batch(first))?;
        if early {
            say(&Said::Acked(last));
        }
        if plan::syncs_after(first) || last >= records {
            log.sync()?;
            say(&Said::Acked(last));
        }
    }
    Ok(())
}

/// After a failure the journal must never say again that something is durable.
fn insist(log: &mut Log) {
    for _ in 0..3 {
        if log.sync().is_ok() || log.append(&plan::batch(1)).is_ok() {
            say(&Said::Lied);
        }
    }
}

/// One line, one write. If nobody listens any more there is nothing left to do.
pub(crate) fn say(said: &Said) {
    let line = format!("{said}\n");
    if io::stdout().write_all(line.as_bytes()).and_then(|()| io::stdout().flush()).is_err() {
        std::process::exit(0);
    }
}
