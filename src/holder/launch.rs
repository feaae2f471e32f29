//! Starts the holder of an attempt and knows when it is in charge. Knows not what the job does.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};

use super::error::HolderError;
use super::files::{self, Durable};
use super::job::{Job, MARK};
use super::lock;
use super::probe::{Probe, probe};
use super::stop;

/// What the holder says when it has its lock.
pub(super) const READY: u8 = b'+';
/// The hidden subcommand.
const SUBCOMMAND: &str = "__holder";
/// A holder can be hit by a terminal's Ctrl-C in the instant before it has its own session, or lose against a
/// holder of an earlier launch that then starts nothing. Neither happens many times in a row.
const TRIES: u32 = 5;

/// Holders that this process started, to be reaped when they end: they outlive us if we end first.
static HOLDERS: Mutex<BTreeMap<PathBuf, Child>> = Mutex::new(BTreeMap::new());

/// Starts `job` in `dir`, made if absent, under a holder that is `exe` and has exactly the environment `env` plus the mark.
///
/// Returns when the holder has its lock or has already ended. If the attempt was ever started it changes nothing.
/// `grant` is to be written before. If a `stop` was, nothing is started, and the answer is no.
pub fn launch(dir: &Path, job: &Job, exe: &Path, env: &[(OsString, OsString)]) -> Result<bool, HolderError> {
    reap_ended();
    fs::create_dir_all(dir).map_err(HolderError::file(dir))?;
    let dir = &fs::canonicalize(dir).map_err(HolderError::file(dir))?;
    // Launches of one attempt take turns, so that no other job is written between this job and its holder.
    let _turn = lock::own_in_turn(dir).map_err(HolderError::file(dir))?;
    for _ in 0..TRIES {
        if probe(dir)? != Probe::Absent {
            return Ok(true);
        }
        // One that comes later is seen by the holder: none is ever lost.
        if stop::read(dir, 0).is_some() {
            return Ok(false);
        }
        files::replace_json(dir, files::JOB, job, Durable::Content)?;
        if start(dir, job, exe, env)? {
            return Ok(true);
        }
    }
    Err(HolderError::GaveUp {
        dir: dir.clone(),
        said: format!("it was interrupted {TRIES} times before it began"),
    })
}

/// Says whether the holder took charge. If not, and without an error, somebody else may have, or a signal hit it.
fn start(dir: &Path, job: &Job, exe: &Path, env: &[(OsString, OsString)]) -> Result<bool, HolderError> {
    let failed = |source| HolderError::Spawn { exe: exe.to_path_buf(), source };
    let exe = &std::path::absolute(exe).map_err(failed)?;
    let (mut said, ours) = io::pipe().map_err(failed)?;
    let mut command = Command::new(exe);
    command.arg(SUBCOMMAND).arg(dir).env_clear().envs(env.iter().cloned()).env(MARK, &job.nonce);
    // It must pin neither our folder nor our terminal.
    command.current_dir("/").stdin(Stdio::null());
    command.stdout(ours.try_clone().map_err(failed)?).stderr(ours);
    let mut child = command.spawn().map_err(failed)?;
    // The command still holds the pipe's other end, and we wait for the end of it.
    drop(command);
    let mut text = Vec::new();
    let mut first = [0];
    if said.read_exact(&mut first).is_ok() {
        if first[0] == READY {
            remember(dir, child);
            return Ok(true);
        }
        text.push(first[0]);
        drop(said.read_to_end(&mut text));
    }
    let status = child.wait().map_err(failed)?;
    gave_up(dir, status, &text).map_or(Ok(false), Err)
}

/// An error only if a further try would end the same way.
fn gave_up(dir: &Path, status: ExitStatus, text: &[u8]) -> Option<HolderError> {
    if status.success() || status.code().is_none() {
        return None;
    }
    let said = match String::from_utf8_lossy(text).trim() {
        "" => status.to_string(),
        text => text.to_owned(),
    };
    Some(HolderError::GaveUp { dir: dir.to_path_buf(), said })
}

fn remember(dir: &Path, holder: Child) {
    let mut holders = HOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(mut earlier) = holders.insert(dir.to_path_buf(), holder) {
        // The new one has the lock, so this one is at its very end.
        drop(earlier.wait());
    }
}

/// Takes the holder of `dir`, which has given up its lock, out of the process table if it is a child of ours.
pub(super) fn reap(dir: &Path) {
    let Ok(dir) = fs::canonicalize(dir) else { return };
    let holder = HOLDERS.lock().unwrap_or_else(PoisonError::into_inner).remove(&dir);
    if let Some(mut holder) = holder {
        drop(holder.wait());
    }
}

fn reap_ended() {
    let mut holders = HOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    holders.retain(|_, holder| matches!(holder.try_wait(), Ok(None)));
}
