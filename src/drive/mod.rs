//! Driving a run in this process: opens its journal, starts the actors, listens to people, shows what happens, until it ends.

mod day;
mod hushed;
mod listen;
mod show;

pub use show::{Show, Ui, colour, colour_of, width};

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use swarm_actors::run::RunError;
use swarm_actors::{Recorded, Start, TurnsOn, World, digest};
use swarm_domain::Command;
use swarm_domain::Isolation;
use swarm_domain::decide::Refusal;
use swarm_domain::fact::{Request, Standing};
use swarm_domain::state::State;

use self::hushed::Hushed;
use crate::git::Repo;
use crate::holder;
use crate::runs::{self, DayBook, OpenError, RunFolder, TargetLock};
use crate::walls::{self, NoWall};
use crate::world::guard::Guard;
use crate::world::{GRACE_MS, Places, RealWorld, Wall};

/// The version that is recorded with a run.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How a run is to be driven.
pub struct Options {
    /// How people see it.
    pub ui: Ui,
    /// Where the event stream goes.
    pub events: Option<Box<dyn Write + Send>>,
    /// What is asked of the run before it goes on.
    pub requests: Vec<Request>,
    /// Who asks.
    pub by: String,
}

/// Why a run could not be driven.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// Its journal cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Another run lands on the same branch.
    #[error("another live run lands on `{0}`; wait for it, or choose another branch with --target")]
    TargetBusy(String),
    /// The wall that its plan asks for is not to be had.
    #[error(transparent)]
    NoWall(#[from] NoWall),
    /// What was asked of it makes no sense.
    #[error("{0}")]
    Refused(Refusal),
    /// It broke down while it ran.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A file or a thread of our own.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Drives a run until it ends or stops, and answers with its state.
pub fn drive(repo: &Repo, run: &RunFolder, options: Options) -> Result<State, DriveError> {
    let places = run.places(repo)?;
    log_to(&run.dir)?;
    let isolation = isolation(&runs::read_state(&run.journal())?);
    let found = walls::find(isolation.wall)?;
    let wall = Wall::new(found.kind, isolation.write);
    let mut world: Option<Arc<dyn World>> = None;
    let (mut writer, torn) = runs::open_writer(&run.journal(), |state, epoch| {
        let made = real_world(repo, &places, state, epoch, wall.clone());
        world = Some(made.clone());
        made
    })?;
    if let Some(torn) = torn {
        tracing::warn!(
            ?torn,
            "the journal ended in a torn record, as after a crash; it was never acknowledged"
        );
    }
    let target = writer.state().run().run.settings.target.clone();
    let Some(_lock) = TargetLock::take(repo, &target)? else { return Err(DriveError::TargetBusy(target)) };
    for request in &options.requests {
        ask_first(&mut writer, &options.by, request)?;
    }
    let book = day::begin(repo, run, &mut writer)?;
    stop_strays(run, writer.state());
    let world = world.expect("opening a journal makes a world");
    std::fs::create_dir_all(&places.worktrees)?;
    let history = runs::read(&run.journal())?.events;
    let state = run_actors(run, places, (writer, world, book), (options, found.standing()), &history)?;
    conclude(repo, run, &state);
    Ok(state)
}

/// What is left to do when nothing drives a run any more. Whoever was killed before it is not missed: it can be done again.
pub fn conclude(repo: &Repo, run: &RunFolder, state: &State) {
    write_summary(run, state);
    if state.run().run.stopped.is_some() {
        stop_gates(run, state);
    }
    if state.run().run.finished.is_some() {
        tidy(repo, &run.worktrees(repo));
        run.leave_worktrees(repo);
    }
}

/// Gates that still run when a run stops: they gave no verdict, and run again when it is resumed.
fn stop_gates(run: &RunFolder, state: &State) {
    for (n, gate) in state.run().gates.iter() {
        let dir = run.gate(n);
        let stopped = holder::stop(&dir, "the run stopped", GRACE_MS).and_then(|()| holder::wait(&dir));
        if let Err(error) = stopped {
            tracing::warn!(%error, gate = %gate.name, "a gate could not be stopped");
        }
    }
}

/// Agents and gates that run although the journal, of which records are lost, knows nothing of them. What agents wrote
/// stays in their worktrees; a gate works where another one is about to.
fn stop_strays(run: &RunFolder, state: &State) {
    let parts = state.run();
    if parts.run.lost == 0 {
        return;
    }
    let attempts = parts.tasks.in_slots().map(|task| run.attempt(task.spec.id.as_str(), task.attempt_no()));
    let gates = parts.gates.iter().map(|(n, _)| run.gate(n));
    let known: Vec<PathBuf> = attempts.chain(gates).collect();
    let dirs =
        |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let attempts = dirs(&run.dir.join("attempts")).flat_map(|task| dirs(&task));
    for dir in attempts.chain(dirs(&run.dir.join("gates"))).filter(|dir| !known.contains(dir)) {
        if !matches!(holder::probe(&dir), Ok(holder::Probe::Running { .. })) {
            continue;
        }
        let stopped = holder::stop(&dir, "the journal lost it", GRACE_MS).and_then(|()| holder::wait(&dir));
        match stopped {
            Ok(_) => tracing::warn!(dir = %dir.display(), "a program that lost records told of was stopped"),
            Err(error) => tracing::warn!(%error, dir = %dir.display(), "a program of lost records lives on"),
        }
    }
}

/// Worktrees of gates, and those that wait to be used again, hold nothing of their own. One of an attempt that is
/// still there stays for a reason, and its name begins with its task's id, which no `_` begins.
fn tidy(repo: &Repo, worktrees: &Path) {
    let spare = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("_gate-") || name.starts_with("_pool-")
    };
    let entries = std::fs::read_dir(worktrees).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()).filter(|path| spare(path)) {
        if let Err(error) = repo.remove_worktree_at(&path) {
            tracing::warn!(%error, path = %path.display(), "a worktree could not be removed; `swarm clean` tries again");
        }
    }
    if let Err(error) = repo.forget_worktrees(worktrees) {
        tracing::warn!(%error, "git's records of worktrees that are gone could not be removed");
    }
}

fn isolation(state: &State) -> Isolation {
    state.parts().map(|parts| parts.run.settings.isolation.clone()).unwrap_or_default()
}

fn real_world(repo: &Repo, places: &Places, state: &State, epoch: u64, wall: Wall) -> Arc<dyn World> {
    let target = state.parts().map(|parts| parts.run.settings.target.clone()).unwrap_or_default();
    let guard = state.parts().map(Guard::of_run).unwrap_or_default();
    Arc::new(RealWorld::guarded(repo.clone(), places.clone(), target, epoch, wall, guard))
}

fn ask_first(writer: &mut swarm_actors::Writer, by: &str, request: &Request) -> Result<(), DriveError> {
    let id = new_request_id();
    let command = Command::Ask { id, by: by.to_owned(), request: request.clone() };
    match writer.record(&command) {
        Ok(_) => Ok(()),
        Err(swarm_actors::WriterError::Refused(refusal)) => Err(DriveError::Refused(refusal)),
        Err(error) => Err(DriveError::Open(error.into())),
    }
}

/// An id that no other request has: the time, this process, and a count.
pub fn new_request_id() -> String {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("{}-{}-{count}", crate::world::now_ms(), std::process::id())
}

fn run_actors(
    run: &RunFolder,
    places: Places,
    (writer, world, book): (swarm_actors::Writer, Arc<dyn World>, Option<DayBook>),
    (options, wall): (Options, Standing),
    history: &[Recorded],
) -> Result<State, DriveError> {
    let (news, inbound) = mpsc::channel();
    let show = Show::new(&run.id, &run.dir, options.ui, options.events, history);
    let shown = std::thread::Builder::new().name("show".to_owned()).spawn(move || show.follow(&inbound))?;
    let (day_news, of_day) = mpsc::channel();
    let day_news = book.is_some().then_some(day_news);
    let state = writer.state().clone();
    let observer = Box::new(move |committed: &swarm_actors::Committed| {
        if let Some(day_news) = &day_news {
            let _ = day_news.send(committed.events.clone());
        }
        // Without a reader there is nobody to tell; the journal has it.
        let _ = news.send(committed.events.clone());
    });
    // Each attempt that runs has a thread that waits for its holder; the rest is for what else is to be done meanwhile.
    let waiting = writer.state().run().run.slots as usize;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(waiting + 512)
        .enable_all()
        .build()?;
    let ended = runtime.block_on(async {
        let start = Start {
            writer,
            world,
            observer,
            pid: std::process::id(),
            version: VERSION.to_owned(),
            wall,
            turns: TurnsOn::Thread,
        };
        let (handle, ended) = swarm_actors::start(start).await?;
        let watching = book.map(|book| tokio::spawn(day::watch(handle.clone(), book, state, of_day)));
        let listening = listen::listen(handle, places);
        let ended = ended.await.unwrap_or(Err(RunError::Gone));
        listening.abort();
        if let Some(watching) = watching {
            watching.abort();
        }
        ended
    });
    // Threads that wait for a holder or for room are of no use any more, and must not hold the end up.
    runtime.shutdown_background();
    if shown.join().is_err() {
        tracing::error!("the display broke down; `swarm status` shows the run");
    }
    Ok(*ended?.state)
}

/// The cache that `swarm ls` reads. It can be rebuilt, so a failure to write it is only noted.
pub fn write_summary(run: &RunFolder, state: &State) {
    let summary = crate::report::summary(state, &digest(state));
    let tmp = run.dir.join("summary.json.tmp");
    let written = std::fs::write(&tmp, summary.to_string())
        .and_then(|()| std::fs::rename(&tmp, run.dir.join("summary.json")));
    if let Err(error) = written {
        tracing::warn!(%error, "summary.json could not be written");
    }
}

/// Sends diagnostics to the run's own log, where they disturb nobody's screen.
fn log_to(run_dir: &Path) -> io::Result<()> {
    let file = File::options().create(true).append(true).open(run_dir.join("swarm.log"))?;
    let filter = tracing_subscriber::EnvFilter::try_from_env("SWARM_LOG").unwrap_or_else(|_| "info".into());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Mutex::new(Hushed::new(file)));
    // A second run in one process, as tests have it, keeps to the first one's log.
    let _ = subscriber.try_init();
    Ok(())
}
