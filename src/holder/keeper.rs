//! The holder's own life: claims the attempt, records the start before it happens and the end after everything is gone.

use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Resource, Rlimit, WaitOptions};

use super::error::HolderError;
use super::files::{self, Durable};
use super::gateway::Gateway;
use super::group::Group;
use super::job::{Ended, Exit, Job, MARK, Start};
use super::launch::READY;
use super::output::Pump;
use super::spawn::{self, Main, Spawner};
use super::watch::{Outcome, Watch};
use super::{lock, process, signals};

/// A full disk may get room again; without its last word the attempt would count as lost.
const RECORD_TRIES: u32 = 600;
const RECORD_PAUSE_MS: u64 = 1_000;
/// The largest file that a job may write, in bytes: more than any build makes, and less than a disk has.
const FILE_BYTES_MAX: u64 = 16 << 30;
/// How many processes more than there were may live at once under this user, so that a fork bomb ends. The system counts
/// threads, and holds nobody to it who is root.
const PROCESSES_MORE: u64 = 8_192;

/// The hidden subcommand `__holder DIR`: keeps the job described in `dir` until nothing of it lives; returns the exit code.
pub fn holder_main(dir: &Path) -> i32 {
    match hold(dir) {
        Ok(()) => 0,
        Err(error) => {
            // Heard only until the launcher has what it waits for; the folder tells the rest.
            drop(writeln!(io::stderr(), "{error}"));
            1
        }
    }
}

/// Starts nothing and says nothing if somebody else has, or had, this attempt.
fn hold(dir: &Path) -> Result<(), HolderError> {
    // It fails for the leader of a process group, which no terminal signals together with others anyway.
    let _ = rustix::process::setsid();
    signals::survive();
    let path = dir.join(files::LOCK);
    let Some(_lock) = lock::try_own(&path).map_err(HolderError::file(&path))? else { return Ok(()) };
    let Some(job) = claim(dir)? else { return Ok(()) };
    let tree = spawn::own_tree(dir)?;
    // A launcher that is gone does not need to know.
    drop(io::stdout().write_all(&[READY]).and_then(|()| io::stdout().flush()));
    let started_ms = now_ms();
    match keep(dir, &job, tree) {
        Some(outcome) => record(dir, &exit(job, started_ms, outcome)),
        None => Ok(()),
    }
}

/// The job, unless it was started before or a later launch has replaced it.
fn claim(dir: &Path) -> Result<Option<Job>, HolderError> {
    let taken = |name: &str| dir.join(name).try_exists().map_err(HolderError::file(&dir.join(name)));
    if taken(files::EXIT)? || taken(files::START)? {
        return Ok(None);
    }
    let job = files::read_json::<Job>(dir, files::JOB)?;
    Ok(job.filter(|job| env::var_os(MARK).is_some_and(|nonce| nonce == *job.nonce)))
}

/// `None` if the start was somebody else's.
fn keep(dir: &Path, job: &Job, tree: File) -> Option<Outcome> {
    match begin(dir, job, tree) {
        Ok(watch) => watch.map(Watch::run),
        Err(error) => {
            reap_all();
            Some(Outcome {
                ended: Ended::NotStarted { error },
                reading: None,
                stdout_bytes: 0,
                stderr_bytes: 0,
                killed: 0,
            })
        }
    }
}

/// The job with its start on record. `None` if another start is; the error is for people.
fn begin<'a>(dir: &'a Path, job: &'a Job, tree: File) -> Result<Option<Watch<'a>>, String> {
    let gateway = job.route.as_ref().map(|route| Gateway::start(dir, job, route)).transpose()?;
    let (spawner, main, pumps) = prepare(dir, job, tree, gateway.as_ref())?;
    let group = spawner.group().map(|group| group.dir().to_path_buf());
    let ours = record_start(dir, job, &main, group).map_err(|error| error.to_string())?;
    Ok(ours.then(|| Watch::new(dir, job, spawner, main, pumps, gateway)))
}

type Prepared = (Spawner, Main, [Pump; 2]);

/// Everything up to the job's process waiting for its go. The error is for people.
fn prepare(dir: &Path, job: &Job, tree: File, gateway: Option<&Gateway>) -> Result<Prepared, String> {
    if !job.cwd.is_dir() {
        return Err(format!("the working directory {} does not exist", job.cwd.display()));
    }
    limit_ourselves(job.nice).map_err(|error| format!("cannot adopt the job's processes: {error}"))?;
    let (spawner, [stdout, stderr]) = Spawner::new(tree, Group::make(&job.nonce))
        .map_err(|error| format!("no pipe for the output: {error}"))?;
    let pump = |source, name| Pump::new(source, dir.join(name)).map_err(|error| error.to_string());
    let pumps = [pump(stdout, "stdout")?, pump(stderr, "stderr")?];
    let program = job.main.first().map_or("", String::as_str);
    let main = spawner.main(job, gateway).map_err(|error| {
        spawner.group().into_iter().for_each(Group::remove);
        super::trampoline::cannot_start(program, &error)
    })?;
    Ok((spawner, main, pumps))
}

/// The job inherits the niceness and the limits; as a subreaper we inherit its orphans.
fn limit_ourselves(nice: i32) -> io::Result<()> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    // None of these is worth refusing to run for.
    limit(Resource::Core, 0);
    limit(Resource::Fsize, FILE_BYTES_MAX);
    limit(Resource::Nproc, process::threads().unwrap_or_default() + PROCESSES_MORE);
    if nice != 0 {
        let _ = rustix::process::nice(nice);
    }
    Ok(())
}

/// Lowers a limit, unless it is lower already.
fn limit(resource: Resource, most: u64) {
    let now = rustix::process::getrlimit(resource);
    let current = now.current.map_or(most, |current| current.min(most));
    let maximum = now.maximum.map_or(most, |maximum| maximum.min(most));
    let _ = rustix::process::setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) });
}

/// Says whether the start is ours.
fn record_start(dir: &Path, job: &Job, main: &Main, group: Option<PathBuf>) -> Result<bool, HolderError> {
    let pid = main.child.pid;
    let boot_id = process::boot_id().map_err(HolderError::Processes)?;
    let gone = || HolderError::Processes(io::Error::from(io::ErrorKind::NotFound));
    let start_ticks = process::one(pid.as_raw_nonzero().get()).ok_or_else(gone)?.start_ticks;
    let pid = Pid::as_raw(Some(pid)).unsigned_abs();
    let start = Start { nonce: job.nonce.clone(), pid, start_ticks, boot_id, epoch: job.epoch, group };
    files::link_new(dir, files::START, &files::to_json(&start))
}

/// The job's process ends by itself when nobody can tell it to go any more.
fn reap_all() {
    while !matches!(rustix::process::wait(WaitOptions::empty()), Err(rustix::io::Errno::CHILD)) {}
}

fn exit(job: Job, started_ms: u64, outcome: Outcome) -> Exit {
    let Outcome { ended, reading, stdout_bytes, stderr_bytes, killed } = outcome;
    Exit {
        nonce: job.nonce,
        ended,
        started_ms,
        ended_ms: now_ms(),
        stdout_bytes,
        stderr_bytes,
        killed,
        reading: reading.map(Box::new),
    }
}

fn record(dir: &Path, exit: &Exit) -> Result<(), HolderError> {
    let mut tries = RECORD_TRIES;
    loop {
        tries -= 1;
        match files::replace_json(dir, files::EXIT, exit, Durable::ContentAndName) {
            Err(_) if tries > 0 && dir.is_dir() => thread::sleep(Duration::from_millis(RECORD_PAUSE_MS)),
            done => return done,
        }
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
