//! The words of a plan: what a user asked for, normalised. Files and syntaxes are not known here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use crate::caps::{AtCap, Caps};
pub use crate::graph::{Plan, PlanError, topological};
pub use crate::settings::{
    Allowed, AllowedSecret, Isolation, MergeOrder, MergePolicy, Meter, OnConflict, OnFailure, OnLimit,
    OnUnknownCost, Secrets, Settings, Strategy, Tree, Wall, Workspace,
};
use crate::{TaskId, Usd};

/// A program to run: one shell string, or an argument list that no shell sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Run by `bash --noprofile --norc -eo pipefail -c`, or `sh -e -c` where there is no bash.
    Shell(String),
    /// Run as it stands.
    Argv(Vec<String>),
}

/// What a task does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// Any command.
    Run(Command),
    /// An agent program that is given a prompt.
    Agent {
        /// The agent's name in the plan.
        agent: String,
        /// The adapter that knows how to start the program.
        adapter: String,
        /// The command template of the `shell` adapter: `{prompt_file}`, `{prompt}`, `{model}` and `{worktree}` are replaced.
        command: Option<Command>,
        /// The model to ask for.
        model: Option<String>,
        /// What the agent may do without asking.
        permission: String,
        /// More arguments for the program.
        args: Vec<String>,
        /// The agent's own instructions, put before every prompt.
        instructions: String,
        /// The prompt, with the contents of a prompt file read in.
        prompt: String,
    },
}

/// When a need counts as met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NeedWhen {
    /// The needed task is merged, or done with nothing to merge.
    Merged,
    /// The needed task is in any final state.
    Ended,
}

/// When a gate runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GateScope {
    /// On the attempt's own tip, before it joins the merge queue.
    Task,
    /// On the merged commit, before it lands.
    Merge,
    /// On both.
    Both,
}

/// A check by the user's own command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a key of the plan, and any of them goes with any other"
)]
pub struct Gate {
    /// The name it is shown by.
    pub name: String,
    /// What runs. Exit status 0 is green.
    pub run: Command,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
    /// A red advisory gate is shown and does not stop a landing.
    pub advisory: bool,
    /// A hint for the next attempt, put into its prompt when the gate is red.
    pub hint: String,
    /// When it runs.
    pub scope: GateScope,
    /// The folder it runs in, relative to the worktree.
    pub dir: String,
    /// It runs only when a changed path matches one of these globs; empty means always.
    pub paths: Vec<String>,
    /// Start from a tree without ignored files.
    pub clean: bool,
    /// Leave it out of the preflight: a task is there to make it green.
    pub baseline_skip: bool,
    /// Names of variables passed through from the caller's environment.
    pub pass_env: Vec<String>,
    /// Whether it may use the network.
    pub network: bool,
}

/// What makes a failed attempt worth another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RetryOn {
    /// The program ended with another status than 0, was killed by a signal, or changed nothing where a change was due.
    Crash,
    /// A timeout or an idle timeout.
    Timeout,
    /// A red gate.
    Gate,
    /// A merge conflict.
    Conflict,
}

/// What a retry starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetryFrom {
    /// The last attempt's kept tip, rebuilt on the target's head.
    Previous,
    /// The target's head alone.
    Base,
}

/// How often and when a failed attempt is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retries {
    /// Attempts after the first.
    pub max: u32,
    /// What the next attempt starts from.
    pub from: RetryFrom,
    /// Which failures are tried again.
    pub after: BTreeSet<RetryOn>,
    /// The wait before the first retry, in milliseconds.
    pub delay_ms: u64,
    /// What the wait is multiplied with after each retry, in percent (200 doubles it).
    pub factor_percent: u32,
    /// The longest wait, in milliseconds.
    pub delay_max_ms: u64,
}

/// What an attempt without changes means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnChangeless {
    /// It failed: an agent was paid for nothing.
    Fail,
    /// It is done.
    Ok,
}

/// What a write outside the claims means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnStray {
    /// It is shown.
    Warn,
    /// The attempt fails.
    Fail,
}

/// The files a task claims, as gitignore globs: `!` excludes, a final `/` is a folder. Empty claims nothing and is not checked.
pub type Claims = Vec<String>;

/// What attempts of earlier runs cost that were like those of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    /// Half of them cost at most this: what one is expected to cost.
    pub median: Usd,
    /// Nine of ten cost at most this: what one reserves.
    pub p90: Usd,
    /// How many there were.
    pub attempts: u32,
    /// Whose they were, for people: `claude/sonnet, label docs`.
    pub of: String,
}

/// One task, normalised: every default is written out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// Its id.
    pub id: TaskId,
    /// The subject of its commit.
    pub title: String,
    /// What it does.
    pub work: Work,
    /// What must have happened to other tasks before it starts.
    pub needs: Vec<(TaskId, NeedWhen)>,
    /// What it claims to write.
    pub files: Claims,
    /// What all its attempts together may use.
    pub caps: Caps,
    /// What one attempt reserves.
    pub estimate: Option<Usd>,
    /// What attempts like its own cost before; looked up once, when the run was planned.
    pub learned: Option<Learned>,
    /// How long one attempt may take, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// How long an attempt may be silent, in milliseconds.
    pub idle_timeout_ms: Option<u64>,
    /// When it is tried again.
    pub retries: Retries,
    /// Its gates, in order.
    pub gates: Vec<Gate>,
    /// What an attempt without changes means.
    pub if_no_changes: OnChangeless,
    /// What a write outside its claims means.
    pub on_claim_violation: OnStray,
    /// Variables set for it.
    pub env: BTreeMap<String, String>,
    /// Names (`NPM_TOKEN`, `AWS_*`) of variables passed through from the caller's environment. Values are never recorded.
    pub pass_env: Vec<String>,
    /// Setup commands after the workspace's own.
    pub setup: Vec<Command>,
    /// Higher starts first among ready tasks.
    pub priority: i32,
    /// Its failure does not change the exit code.
    pub optional: bool,
    /// Free labels.
    pub labels: Vec<String>,
}

impl TaskSpec {
    /// Whether an agent program does the work.
    pub fn is_agent(&self) -> bool {
        matches!(self.work, Work::Agent { .. })
    }

    /// The agent of the plan that does the work.
    pub fn agent(&self) -> Option<&str> {
        match &self.work {
            Work::Agent { agent, .. } => Some(agent),
            Work::Run(_) => None,
        }
    }

    /// The adapter of the agent program that does the work.
    pub fn adapter(&self) -> Option<&str> {
        match &self.work {
            Work::Agent { adapter, .. } => Some(adapter),
            Work::Run(_) => None,
        }
    }
}
