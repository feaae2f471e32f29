//! The program that judges: reads a journal after a crash and says what is wrong with it. Does not know what kind
//! of crash it was.
//!
//! The rules: a crash is never taken for damage; every acknowledged record is there; what is there is the plan up
//! to a border between batches; opening for writing changes none of this, however often it is done.

use std::{path::Path, process::ExitCode, sync::Arc};

use swarm_journal::{JournalError, Reading, RealDisk, Record};

use crate::{open::open_or_create, plan, say::Said, writer::say};

/// Checks a journal of which all records up to `acked` were acknowledged; none: not even its creation.
pub(crate) fn run(dir: &Path, acked: Option<u64>) -> ExitCode {
    match check(dir, acked) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn check(dir: &Path, acked: Option<u64>) -> Result<(), String> {
    let before = read(dir, acked.is_none())?;
    if (before.len() as u64) < acked.unwrap_or(0) {
        return Err(format!("{} records were acknowledged, {} are left", acked.unwrap_or(0), before.len()));
    }
    plan::mismatch(&before).map_or(Ok(()), Err)?;
    for _ in 0..2 {
        let disk = Arc::new(RealDisk::new(dir));
        let (log, records) = open_or_create(disk).map_err(|e| format!("refused: {e}"))?;
        // Opening has made durable all that it found.
        say(&Said::Acked(records.len() as u64));
        drop(log);
        if records != before || read(dir, false)? != before {
            return Err("opening changed what is read".to_owned());
        }
    }
    Ok(())
}

fn read(dir: &Path, may_be_missing: bool) -> Result<Vec<Record>, String> {
    match swarm_journal::read(dir) {
        Ok(Reading { records, note, .. }) => {
            if let Some(note) = note {
                say(&Said::Torn(note.bytes));
            }
            Ok(records)
        }
        Err(JournalError::Missing { .. }) if may_be_missing => Ok(Vec::new()),
        Err(error) => Err(format!("refused: {error}")),
    }
}
