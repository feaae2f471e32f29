//! Running an attempt's program under its holder, or finding the one that runs, and telling how it ended.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use swarm_actors::Tell;
use swarm_domain::effect::RunAttempt;
use swarm_domain::event::{AgentExited, AgentStarted};
use swarm_domain::fact::{Cost, Ending, Stop};
use swarm_domain::{Event, Program, TaskId, Usd, Work};

use super::agent::{self, Agent};
use super::program::{self, Blanks};
use super::targets::taken_since;
use super::{GRACE_MS, NICE, Site, environment, note};
use crate::git::Snapshot;
use crate::holder::{self, Ended, HolderError, Job, Probe};

/// The end of an output that is recorded with the end of an attempt, in bytes.
pub(super) const TAIL_BYTES: usize = 4096;

/// Places of secrets that are written out in a sentence.
const PLACES_SHOWN: usize = 3;

/// How often a holder that was just started is asked for its program's process. Setup may take its time.
const START_POLL: std::time::Duration = std::time::Duration::from_millis(3);

/// How long to wait before a holder that could not be asked is asked again.
const TRY_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

/// Runs a program to its end. After a crash the same call finds the program that runs, or how it ended.
pub(super) fn run(site: &Site, run: &RunAttempt, tell: &Tell) -> Event {
    // Law 18: the plan's own words were checked before the start. What else an agent is told, such as the end of an
    // output, is not its task's fault, so it is told without the secret.
    let (prompt, left_out) = site.guard.prompt(&run.prompt);
    let run = &RunAttempt { prompt, ..run.clone() };
    let dir = site.places.attempt(&run.task, run.attempt);
    if !left_out.is_empty() && matches!(holder::probe(&dir), Ok(Probe::Absent)) {
        note(tell, Some(&run.task), not_told(run.attempt, &left_out));
    }
    let before = Before::now(site);
    let (ending, stragglers) = to_its_end(site, run, &dir, tell);
    if let Some(before) = before {
        name_changes(site, run, before, tell);
    }
    let reading = agent::reading(run, &dir, &ending);
    let usage = agent::usage(run, &dir, reading.as_ref());
    if agent::went_around(&dir, &usage) {
        let text = format!(
            "attempt {} sent no call through swarm's meter, so what its program says that it cost counts",
            run.attempt
        );
        note(tell, Some(&run.task), text);
    }
    AgentExited {
        task: run.task.clone(),
        attempt: run.attempt,
        nonce: run.nonce.clone(),
        ending,
        usage,
        report: reading.map(|reading| Box::new(reading.report)),
        charge: Usd::ZERO,
        cost: Cost::Metered,
        tail: agent::tail(&dir).unwrap_or_else(|| tail(&dir)),
        stragglers,
        at_ms: 0,
    }
    .into()
}

/// What an agent is not told: by place and name.
fn not_told(attempt: u32, left_out: &[(u32, String)]) -> String {
    let places: Vec<String> =
        left_out.iter().map(|(line, name)| format!("line {line} ({name})")).take(PLACES_SHOWN).collect();
    let more = if left_out.len() > PLACES_SHOWN { " and more" } else { "" };
    format!(
        "attempt {attempt} is not told what looks like a secret in its prompt: {}{more}",
        places.join(", ")
    )
}

/// Law 5: as long as something of the attempt may live, it has not ended. What cannot be seen or killed is tried again.
fn to_its_end(site: &Site, run: &RunAttempt, dir: &Path, tell: &Tell) -> (Ending, u32) {
    let mut told = false;
    loop {
        let error = match begin(site, run, dir, tell).and_then(|begun| follow(run, dir, begun, tell)) {
            Ok(end) => return end,
            Err(error) => error,
        };
        if matches!(holder::probe(dir), Ok(Probe::Absent)) {
            return (Ending::NotStarted { error: error.to_string() }, 0);
        }
        if !std::mem::replace(&mut told, true) {
            note(tell, Some(&run.task), format!("attempt {}: {error}; trying again", run.attempt));
        }
        std::thread::sleep(TRY_AGAIN);
    }
}

/// Whether there is a holder to wait for.
#[derive(Clone, Copy)]
enum Begun {
    Yes,
    NotWanted,
}

/// Law 5: an attempt whose folder says that it was started is never started again.
fn begin(site: &Site, run: &RunAttempt, dir: &Path, tell: &Tell) -> Result<Begun, HolderError> {
    match holder::probe(dir)? {
        Probe::Absent if run.stopping => Ok(Begun::NotWanted),
        Probe::Absent => {
            let unready = |source| HolderError::File { path: dir.to_owned(), source };
            prepare(site, run, dir).map_err(unready)?;
            site.grant(dir, run.grant, false)?;
            let mut job = job(site, run, dir);
            job.secrets = site.guard.names();
            let mut env = environment::of_attempt(run, dir);
            if let Some(agent) = Agent::of(run) {
                agent.furnish(run, dir, site.wall.kind(), &mut job, &mut env)?;
            }
            job.enclosure = site.wall.of_attempt(site, run, dir, &mut env).map_err(unready)?;
            // It may have been told to stop meanwhile, and the order to run is older than that.
            let begun = holder::launch(dir, &job, &site.places.exe, &env)?;
            Ok(if begun { Begun::Yes } else { Begun::NotWanted })
        }
        Probe::Running { started } => {
            if started.is_some() {
                note(
                    tell,
                    Some(&run.task),
                    format!("the program of attempt {} still runs; it is adopted", run.attempt),
                );
            }
            Ok(Begun::Yes)
        }
        Probe::Exited(_) | Probe::Orphaned(_) => Ok(Begun::Yes),
    }
}

fn follow(run: &RunAttempt, dir: &Path, begun: Begun, tell: &Tell) -> Result<(Ending, u32), HolderError> {
    if matches!(begun, Begun::NotWanted) {
        // Not `Stopped`: what never ran costs nothing.
        return Ok((Ending::NotStarted { error: "it was stopped before it began".to_owned() }, 0));
    }
    if let Some(pid) = process_of(dir)? {
        tell(AgentStarted { task: run.task.clone(), attempt: run.attempt, pid }.into());
    }
    match holder::wait(dir)? {
        Probe::Exited(exit) => Ok((ending(&exit.ended), exit.killed)),
        Probe::Orphaned(_) | Probe::Running { .. } | Probe::Absent => {
            let killed = holder::sweep(dir, &run.nonce, Some(Path::new(&run.path)), GRACE_MS)?;
            Ok((Ending::Unknown, killed))
        }
    }
}

/// The program's process, which its holder records before it executes anything. None if it has ended by now.
fn process_of(dir: &Path) -> Result<Option<u32>, HolderError> {
    loop {
        match holder::probe(dir)? {
            Probe::Running { started: Some(start) } => return Ok(Some(start.pid)),
            Probe::Running { started: None } => std::thread::sleep(START_POLL),
            Probe::Exited(_) | Probe::Orphaned(_) | Probe::Absent => return Ok(None),
        }
    }
}

/// Tells the holder of an attempt to end it. The effect that waits for the program reports its end.
pub(super) fn stop(site: &Site, task: &TaskId, attempt: u32, why: Stop, tell: &Tell) {
    let reason = match why {
        Stop::Cancelled => "cancelled",
        Stop::Interrupted => "interrupted",
        Stop::Deadline => "deadline",
        Stop::Capped { .. } => "budget",
    };
    let dir = site.places.attempt(task, attempt);
    let stopped = std::fs::create_dir_all(&dir)
        .map_err(|source| HolderError::File { path: dir.clone(), source })
        .and_then(|()| holder::stop(&dir, reason, GRACE_MS));
    if let Err(error) = stopped {
        note(tell, Some(task), format!("attempt {attempt} of {task} could not be told to stop: {error}"));
    }
}

/// The folder of the attempt and what its program needs: the prompt, an empty usage file, ignored files from the checkout.
fn prepare(site: &Site, run: &RunAttempt, dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    if matches!(run.work, Work::Agent { .. }) {
        std::fs::write(dir.join("prompt.md"), &run.prompt)?;
    }
    std::fs::File::create(dir.join("usage"))?;
    bring(site, &run.copy, &run.link, Path::new(&run.path))
}

/// Brings ignored files of the user's checkout into a worktree. A file that is there already stays as it is.
pub(super) fn bring(site: &Site, copy: &[String], link: &[String], into: &Path) -> io::Result<()> {
    let Some(top) = site.repo.top() else { return Ok(()) };
    let mut copied: Vec<String> = copy.to_vec();
    copied.extend(site.repo.worktree_include().map_err(io::Error::other)?);
    for file in site.repo.ignored_files(&copied).map_err(io::Error::other)? {
        place(&file, top, into, |from, to| std::fs::copy(from, to).map(|_| ()))?;
    }
    for file in site.repo.ignored_files(link).map_err(io::Error::other)? {
        place(&file, top, into, |from, to| symlink(from, to))?;
    }
    Ok(())
}

fn place(
    file: &Path,
    from: &Path,
    into: &Path,
    act: impl Fn(&Path, &Path) -> io::Result<()>,
) -> io::Result<()> {
    let to: PathBuf = into.join(file);
    if to.symlink_metadata().is_ok() {
        return Ok(());
    }
    let parents = file.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty());
    for parent in parents {
        // Whoever wrote the tree may have put a link there, and what is copied would end wherever that leads.
        if into.join(parent).symlink_metadata().is_ok_and(|meta| !meta.is_dir()) {
            return Ok(());
        }
    }
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent)?;
    }
    act(&from.join(file), &to)
}

fn job(site: &Site, run: &RunAttempt, dir: &Path) -> Job {
    let command = match &run.work {
        Work::Run(command) => command.clone(),
        Work::Agent { command, model, .. } => {
            let template = command.clone().unwrap_or_else(|| Program::Argv(Vec::new()));
            let prompt_file = dir.join("prompt.md");
            let blanks = Blanks {
                prompt_file: &prompt_file,
                prompt: &run.prompt,
                model: model.as_deref().unwrap_or_default(),
                worktree: Path::new(&run.path),
            };
            program::fill(&template, &blanks)
        }
    };
    Job {
        nonce: run.nonce.clone(),
        epoch: site.epoch,
        cwd: PathBuf::from(&run.path),
        setup: run.setup.iter().map(program::argv).collect(),
        setup_timeout_ms: run.setup_timeout_ms,
        main: program::argv(&command),
        stdin: None,
        timeout_ms: run.timeout_ms,
        idle_timeout_ms: run.idle_timeout_ms,
        grace_ms: GRACE_MS,
        metered: true,
        owner_lock: Some(site.places.journal().join("HEAD")),
        nice: NICE,
        listen: None,
        enclosure: None,
        route: None,
        secrets: Vec::new(),
        main_only: Vec::new(),
    }
}

fn ending(ended: &Ended) -> Ending {
    match ended {
        Ended::Exited { code } => Ending::Exited { code: *code },
        Ended::Signaled { signal } => Ending::Signaled { signal: *signal },
        Ended::TimedOut => Ending::TimedOut,
        Ended::Idle => Ending::Idle,
        Ended::Grant => Ending::Spent,
        Ended::Overstayed => Ending::Overstayed,
        Ended::Stopped { .. } => Ending::Stopped,
        Ended::SetupFailed { step, code, timed_out } => Ending::SetupFailed {
            step: u32::try_from(*step).unwrap_or(u32::MAX).saturating_add(1),
            detail: setup_detail(*code, *timed_out),
        },
        Ended::NotStarted { error } => Ending::NotStarted { error: error.clone() },
        Ended::Unknown => Ending::Unknown,
    }
}

/// What happened to a setup command, in a few words.
pub(super) fn setup_detail(code: Option<i32>, timed_out: bool) -> String {
    match (code, timed_out) {
        (_, true) => "took longer than the workspace's timeout".to_owned(),
        (Some(code), false) => format!("exit status {code}"),
        (None, false) => "killed by a signal".to_owned(),
    }
}

/// The end of what a program printed: its errors last, because they say most.
pub(super) fn tail(dir: &Path) -> String {
    let (out, err) =
        (holder::tail(&dir.join("stdout"), TAIL_BYTES), holder::tail(&dir.join("stderr"), TAIL_BYTES));
    let both = match (out.trim().is_empty(), err.trim().is_empty()) {
        (_, true) => out,
        (true, false) => err,
        (false, false) => format!("{}\n{}", out.trim_end(), err),
    };
    swarm_domain::prompt::bounded(&both).to_owned()
}

/// What the repository was like when an attempt began.
struct Before {
    at: SystemTime,
    snapshot: Snapshot,
    targets: BTreeSet<String>,
}

impl Before {
    fn now(site: &Site) -> Option<Self> {
        let (at, snapshot) = (SystemTime::now(), site.repo.snapshot(&site.target).ok()?);
        Some(Self { at, snapshot, targets: taken_since(&site.repo, at) })
    }
}

/// Names what changed in the repository outside swarm's own refs while an attempt ran. It is never silently reverted.
/// The targets of other runs that were live meanwhile are swarm's, too: those runs land there.
fn name_changes(site: &Site, run: &RunAttempt, before: Before, tell: &Tell) {
    let Ok(after) = site.repo.snapshot(&site.target) else { return };
    let mut targets = before.targets;
    targets.extend(taken_since(&site.repo, before.at));
    let is_target = |what: &str| what.strip_prefix("refs/heads/").is_some_and(|name| targets.contains(name));
    for change in before.snapshot.diff(&after).into_iter().filter(|change| !is_target(&change.what)) {
        let text = format!(
            "while attempt {} of {} ran, {} changed; if that was not you, undo it with `{}`",
            run.attempt, run.task, change.what, change.undo
        );
        note(tell, Some(&run.task), text);
    }
}
