//! What a holder is asked to run and what it says about it: the JSON documents of an attempt's folder. Knows no file and no process.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::agents::Reading;
use crate::walls::Enclosure;

/// The environment variable that marks every process of an attempt; its value is the attempt's nonce.
pub const MARK: &str = "SWARM_HOLDER";

/// What to run and within which limits. Paths are absolute. It holds no environment: the holder hands on its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Names this attempt among all of all runs; every process of its tree carries it as [`MARK`].
    pub nonce: String,
    /// The orchestrator's epoch at the start, copied to [`Start`].
    pub epoch: u64,
    /// Where setup and main run.
    pub cwd: PathBuf,
    /// Commands that run before main, one after the other, in the same tree and with the same output.
    pub setup: Vec<Vec<String>>,
    /// What all of `setup` together may take.
    pub setup_timeout_ms: u64,
    /// The command itself: a program and its arguments.
    pub main: Vec<String>,
    /// What main reads; `None` is an empty input.
    pub stdin: Option<PathBuf>,
    /// What main may take.
    pub timeout_ms: Option<u64>,
    /// How long main may print nothing.
    pub idle_timeout_ms: Option<u64>,
    /// The time between SIGTERM and SIGKILL.
    pub grace_ms: u64,
    /// Whether what `usage` reports is held against `grant`.
    pub metered: bool,
    /// The journal's lock file: if nobody holds its flock, the owner is dead and nobody will raise a grant. `None`: nobody ever will.
    pub owner_lock: Option<PathBuf>,
    /// Added to the niceness of the holder and its tree.
    pub nice: i32,
    /// An agent program's output is understood as it comes.
    #[serde(default)]
    pub listen: Option<Listen>,
    /// What setup and main may write, see and reach; none: whatever the user may.
    #[serde(default)]
    pub enclosure: Option<Enclosure>,
    /// Its calls go through a proxy of the holder's, which holds them to `grant`.
    #[serde(default)]
    pub route: Option<Route>,
    /// Variables whose values are taken out of what is printed. The holder finds the values in its own environment.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Variables that main gets, and no setup command.
    #[serde(default)]
    pub main_only: Vec<String>,
}

/// Where the calls of a job go through its proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The base URL of the provider's API.
    pub upstream: String,
    /// Whether calls to models without a price are refused, rather than let through and not known.
    pub refuse_unpriced: bool,
}

/// Who understands a job's output, and what it has to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listen {
    /// The adapter's name.
    pub adapter: String,
    /// The model that was asked for.
    pub model: Option<String>,
    /// The program's own folder of state.
    pub state: PathBuf,
    /// Where the conversation stopped that is taken up.
    pub bookmark: Option<String>,
    /// The user's own table of prices.
    pub prices: Option<PathBuf>,
    /// How long the program may stay, silent, after its final record.
    pub overstay_ms: u64,
    /// How long it may go on trying while its provider takes no more or refuses its login. Nobody is served by that, and
    /// its slot is taken.
    pub patience_ms: u64,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Ended {
    /// It exited by itself.
    Exited {
        /// Its exit code.
        code: i32,
    },
    /// A signal that the holder did not send ended it.
    Signaled {
        /// The signal's number.
        signal: i32,
    },
    /// It ran longer than [`Job::timeout_ms`].
    TimedOut,
    /// It printed nothing for [`Job::idle_timeout_ms`], or told of nothing but a limit or a refused login for
    /// [`Listen::patience_ms`].
    Idle,
    /// It spent its grant and no raise came.
    Grant,
    /// It printed its final record and stayed, silent, for [`Listen::overstay_ms`].
    Overstayed,
    /// It was asked to stop.
    Stopped {
        /// Who asked, or why.
        reason: String,
    },
    /// A setup command failed; main never ran.
    SetupFailed {
        /// Its position in [`Job::setup`], from 0.
        step: usize,
        /// Its exit code; 127 if it could not be started, `None` if a signal or the time limit ended it.
        code: Option<i32>,
        /// Whether [`Job::setup_timeout_ms`] was over.
        timed_out: bool,
    },
    /// Main could not be started at all.
    NotStarted {
        /// Why, for people.
        error: String,
    },
    /// The holder was gone without a word. Never in `exit.json`; for callers that turn an orphan into an end.
    Unknown,
}

/// The end of an attempt, as the holder recorded it. Nothing of the attempt lives any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// The attempt's nonce.
    pub nonce: String,
    /// How it ended.
    pub ended: Ended,
    /// When the holder began, in milliseconds since 1970.
    pub started_ms: u64,
    /// When the last process of the tree was gone.
    pub ended_ms: u64,
    /// What the job printed on its standard output, kept or not.
    pub stdout_bytes: u64,
    /// What it printed on its standard error.
    pub stderr_bytes: u64,
    /// How many processes besides main the holder had to signal.
    pub killed: u32,
    /// What an agent program said, as its adapter understood it.
    #[serde(default)]
    pub reading: Option<Box<Reading>>,
}

/// The job's own process, recorded before it executes anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The attempt's nonce.
    pub nonce: String,
    /// Its process id.
    pub pid: u32,
    /// When it was created, in clock ticks since boot: with the boot it tells a process from a later one of the same id.
    pub start_ticks: u64,
    /// The boot it belongs to.
    pub boot_id: String,
    /// The orchestrator's epoch at the start.
    pub epoch: u64,
    /// The control group that its tree is in, where there is one.
    #[serde(default)]
    pub group: Option<PathBuf>,
}

/// What an attempt has reported to have spent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Micro-dollars; `None` if nothing was reported.
    pub usd_micros: Option<u64>,
    /// Tokens sent.
    pub input_tokens: u64,
    /// Tokens received.
    pub output_tokens: u64,
    /// Calls of the model; `None` if nothing was reported.
    #[serde(default)]
    pub calls: Option<u64>,
    /// Turns of the conversation; `None` if nothing was reported.
    #[serde(default)]
    pub turns: Option<u64>,
    /// Lines that are not usage or hold an impossible figure.
    pub skipped_lines: u32,
}
