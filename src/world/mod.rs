//! The real world: git, holders, clock and disk behind the one port that the actors know. Decides nothing; every answer is a fact.

pub mod agent;
mod attempt;
pub mod environment;
mod filters;
mod gate;
pub mod guard;
mod hazards;
mod keep;
mod land;
mod leaks;
mod pool;
pub mod program;
pub mod room;
mod targets;
mod trees;
mod walls;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use swarm_actors::ports::Doing;
use swarm_actors::{Tell, World};
use swarm_domain::event::Noted;
use swarm_domain::fact::Usage;
use swarm_domain::{Effect, Event, Key, TaskId, Usd};

use self::guard::Guard;
use self::pool::Pool;
pub use self::targets::lock_file;
pub use self::walls::Wall;
use crate::agents::{Spent, Tokens};
use crate::git::{Identity, Repo};
use crate::holder::{self, HolderError};
use crate::proxy::{self, Totals};

/// The time between SIGTERM and SIGKILL for an attempt or a gate that is to end, in milliseconds.
pub const GRACE_MS: u64 = 5_000;
/// Added to the niceness of agents and gates, so that the journal's thread gets the processor when it needs it.
const NICE: i32 = 10;

/// Where a run's things are.
#[derive(Clone, Debug)]
pub struct Places {
    /// The run's folder: journal, attempts, gates, inbox.
    pub run_dir: PathBuf,
    /// The folder of the run's worktrees, outside the repository.
    pub worktrees: PathBuf,
    /// The program itself, to start holders with.
    pub exe: PathBuf,
}

impl Places {
    /// The folder of an attempt.
    pub fn attempt(&self, task: &TaskId, attempt: u32) -> PathBuf {
        self.run_dir.join("attempts").join(task.as_str()).join(attempt.to_string())
    }

    /// A folder on each disk that the run writes to.
    pub fn disks(&self) -> impl Iterator<Item = &Path> {
        [self.run_dir.as_path(), self.worktrees.as_path()].into_iter()
    }

    /// The folder of a gate run.
    pub fn gate(&self, n: u32) -> PathBuf {
        self.run_dir.join("gates").join(n.to_string())
    }

    /// The folder of the journal.
    pub fn journal(&self) -> PathBuf {
        self.run_dir.join("journal")
    }
}

/// What every effect is done with.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) repo: Repo,
    pub(crate) places: Places,
    pub(crate) target: String,
    pub(crate) epoch: u64,
    pub(crate) pool: Pool,
    pub(crate) guard: Guard,
    /// `git worktree add` fails when it meets another: one at a time.
    worktrees: Mutex<()>,
    /// How many effects wait because there was no room for what they write.
    refused: AtomicU32,
    /// Effects under way.
    turns: Mutex<BTreeMap<Key, Arc<Mutex<()>>>>,
    /// Two threads that replace one file share its temporary name.
    grants: Mutex<()>,
    /// What is around everything that is started.
    wall: Wall,
}

impl Site {
    /// The turn of an effect: whoever holds it performs the effect alone.
    fn turn_of(&self, key: Key) -> Arc<Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        turns.entry(key).or_default().clone()
    }

    /// Runs one operation on worktrees, while no other runs.
    pub(crate) fn alone<T>(&self, operation: impl FnOnce() -> T) -> T {
        // Nothing is kept under the lock, so a panic of another holder of it changes nothing.
        let _turn = self.worktrees.lock().unwrap_or_else(PoisonError::into_inner);
        operation()
    }

    /// Lets an attempt spend so much. Whoever starts it and whoever meters it may both say so at once.
    pub(crate) fn grant(&self, dir: &Path, grant: Usd, refused: bool) -> Result<(), HolderError> {
        let _turn = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        holder::write_grant(dir, grant.micros(), refused)
    }
}

/// The real world.
pub struct RealWorld {
    site: Arc<Site>,
    calls: AtomicU64,
    seed: u64,
}

impl RealWorld {
    /// The world of one run in one repository, where nothing is kept secret yet.
    pub fn new(repo: Repo, places: Places, target: String, epoch: u64, wall: Wall) -> Self {
        Self::guarded(repo, places, target, epoch, wall, Guard::default())
    }

    /// The same, with what is to be kept secret.
    pub fn guarded(repo: Repo, places: Places, target: String, epoch: u64, wall: Wall, guard: Guard) -> Self {
        let pool = Pool::new(&places.worktrees);
        let repo = filters::pinned(repo, &places.run_dir);
        let site = Site {
            repo,
            places,
            target,
            epoch,
            pool,
            guard,
            worktrees: Mutex::new(()),
            refused: AtomicU32::new(0),
            turns: Mutex::default(),
            grants: Mutex::new(()),
            wall,
        };
        Self { site: Arc::new(site), calls: AtomicU64::new(0), seed: seed() }
    }
}

/// Bits that no other process has: from the system's generator, or from time and process where there is none.
fn seed() -> u64 {
    let mut bytes = [0_u8; 8];
    let read = std::fs::File::open("/dev/urandom")
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut bytes));
    match read {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => now_ms() << 20 ^ u64::from(std::process::id()),
    }
}

/// The time, in milliseconds since 1970; a clock before 1970 reads 0.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl World for RealWorld {
    fn now_ms(&self) -> u64 {
        now_ms()
    }

    /// `SplitMix64` over a random seed (Steele, Lea, Flood 2014): distinct for every call of this process.
    fn entropy(&self) -> u64 {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut mixed = self.seed.wrapping_add(calls.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn perform(&self, effect: Effect, tell: Tell) -> Doing<Vec<Event>> {
        let site = self.site.clone();
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || {
                // An actor that was restarted asks again while the thread of its predecessor may still be at work.
                let turn = site.turn_of(effect.key());
                let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
                // Law 18: whatever is recorded passes here.
                let clean = site.clone();
                let tell: Tell = Arc::new(move |event| tell(clean.guard.event(event)));
                let events = perform(&site, effect, &tell);
                events.into_iter().map(|event| site.guard.event(event)).collect()
            });
            let done = done.await;
            done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
        })
    }

    fn set_grant(&self, task: &TaskId, attempt: u32, grant: Usd, refused: bool) -> Doing<()> {
        let dir = self.site.places.attempt(task, attempt);
        let site = self.site.clone();
        Box::pin(async move {
            let write = move || {
                if !dir.exists() {
                    return;
                }
                if let Err(error) = site.grant(&dir, grant, refused) {
                    tracing::warn!(%error, "a grant could not be written; the holder keeps to the old one");
                }
            };
            // The write cannot panic, and without it the holder keeps to what it was granted before.
            let _ = tokio::task::spawn_blocking(write).await;
        })
    }

    fn usage(&self, task: &TaskId, attempt: u32) -> Doing<Usage> {
        let dir = self.site.places.attempt(task, attempt);
        Box::pin(async move { tokio::task::spawn_blocking(move || usage(&dir)).await.unwrap_or_default() })
    }
}

/// What an attempt used so far, and what a call of it waits for.
fn usage(dir: &Path) -> Usage {
    Usage { wants: wants(dir), ..used_in(dir) }
}

/// What its proxy counted; or what its program reported: in its output, if somebody understands that, or else in its file.
fn used_in(dir: &Path) -> Usage {
    let said = said_in(dir);
    let totals = proxy::is_metered(dir).then(|| proxy::read_calls(dir).unwrap_or_default());
    let Some(totals) = totals.filter(|totals| totals.calls > 0) else { return said };
    // That it used nothing so far may change, and would count as said.
    let spent = Some(totals.spent_micros).filter(|micros| *micros > 0).map(Usd::from_micros);
    let counted = counted(&totals);
    if totals.unpriced {
        return Usage { usd: said.usd.max(spent), ..said.max(counted) };
    }
    // What a turn is only the program knows.
    Usage { usd: spent, turns: said.turns, ..counted }
}

fn said_in(dir: &Path) -> Usage {
    if holder::is_heard(dir) {
        let spent = holder::reading(dir).map(|reading| reading.spent);
        let spent = spent.filter(|spent| spent.usd_micros != Some(0));
        return spent.as_ref().map(used).unwrap_or_default();
    }
    let seen = holder::read_usage(dir);
    Usage {
        usd: seen.usd_micros.map(Usd::from_micros),
        priced: false,
        input_tokens: seen.input_tokens,
        output_tokens: seen.output_tokens,
        calls: seen.calls,
        turns: seen.turns,
        wants: Usd::ZERO,
    }
}

fn wants(dir: &Path) -> Usd {
    Usd::from_micros(holder::read_wants(dir))
}

/// What the proxy counted, without its price.
fn counted(totals: &Totals) -> Usage {
    let sum = |count: fn(&Tokens) -> u64| totals.tokens.values().map(count).fold(0, u64::saturating_add);
    Usage {
        input_tokens: sum(|tokens| tokens.sent()),
        output_tokens: sum(|tokens| tokens.output),
        calls: Some(totals.calls),
        ..Usage::default()
    }
}

fn used(spent: &Spent) -> Usage {
    Usage {
        usd: spent.usd_micros.map(Usd::from_micros),
        priced: spent.priced && spent.usd_micros.is_some(),
        input_tokens: spent.tokens.sent(),
        output_tokens: spent.tokens.output,
        calls: spent.calls,
        turns: spent.turns,
        wants: Usd::ZERO,
    }
}

fn perform(site: &Site, effect: Effect, tell: &Tell) -> Vec<Event> {
    match effect {
        Effect::ReadTarget { target, landed, .. } => vec![land::read(site, &target, landed.as_ref())],
        Effect::MakeWorktree { task, attempt, onto, from, materialise, at_s, tree } => {
            let order = trees::Make { task, attempt, onto, from, materialise, at_s, tree };
            vec![trees::make(site, &order, tell)]
        }
        Effect::RunAttempt(run) => vec![attempt::run(site, &run, tell)],
        Effect::StopAttempt { task, attempt, why } => {
            attempt::stop(site, &task, attempt, why, tell);
            Vec::new()
        }
        Effect::Preserve(keep) => vec![keep::preserve(site, &keep, tell)],
        Effect::RemoveWorktree { task, attempt, path, git_dir } => {
            vec![trees::remove(site, task, attempt, &path, &git_dir)]
        }
        Effect::RunGate(gate) => vec![gate::run(site, &gate, tell)],
        Effect::BuildMerge(merge) => vec![land::build(site, &merge, tell)],
        Effect::Land { task, attempt, target, old, commit, landed, .. } => {
            let order = land::Order { task, attempt, target, old, commit, landed };
            vec![land::land(site, &order)]
        }
        Effect::WatchTarget { target, .. } => vec![land::watch(site, &target)],
        Effect::WatchRoom { .. } => vec![room::watch(site)],
        // The budget actor reads meters itself.
        Effect::Meter { .. } => Vec::new(),
    }
}

/// Tells people something that changes no decision.
pub(crate) fn note(tell: &Tell, task: Option<&TaskId>, text: String) {
    tell(Noted { task: task.cloned(), text }.into());
}

/// An identity from its recorded parts.
pub(crate) fn identity(parts: &(String, String)) -> Identity {
    Identity { name: parts.0.clone(), email: parts.1.clone() }
}
