//! The words of a plan: what a user asked for, normalised. Files and syntaxes are not known here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use crate::caps::{AtCap, Caps};
pub use crate::graph::{Plan, PlanError, topological};
use crate::hazard::HazardKind;
use crate::{Oid, TaskId, Usd};

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

/// How each worktree is made ready.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Commands run in it before anything else.
    pub setup: Vec<Command>,
    /// Ignored files copied in from the user's checkout.
    pub copy: Vec<String>,
    /// The same by symbolic link.
    pub link: Vec<String>,
    /// How long setup may take, in milliseconds.
    pub timeout_ms: u64,
}

/// What a failed task does to the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnFailure {
    /// Everything that does not depend on it goes on.
    Continue,
    /// Nothing new starts; what runs finishes; the rest is cancelled.
    Stop,
    /// Nothing new starts until `unpause`.
    Pause,
}

/// How a task's commits land.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strategy {
    /// One task, one commit.
    Squash,
    /// A merge commit that keeps the task's own.
    Merge,
}

/// In which order finished tasks land.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MergeOrder {
    /// As they become ready.
    Ready,
    /// In topological order, plan position as the tie-break.
    Plan,
}

/// What a conflict with the target means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnConflict {
    /// Another attempt on the new head, the conflict in its files and prompt.
    Retry,
    /// The same, and the agent is told to resolve the conflict only.
    Agent,
    /// The task is held for a person.
    Hold,
    /// The task fails.
    Fail,
}

/// What an attempt works in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tree {
    /// A linked worktree: it shares refs, stash and configuration with the user's repository.
    Worktree,
    /// A repository of its own that borrows the user's objects.
    Clone,
}

/// What may land although it is a hazard: globs of paths, by kind.
pub type Allowed = BTreeMap<HazardKind, Vec<String>>;

/// How finished work lands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergePolicy {
    /// One commit a task, or its own commits under a merge.
    pub strategy: Strategy,
    /// Who goes first.
    pub order: MergeOrder,
    /// What a conflict means.
    pub on_conflict: OnConflict,
}

/// What an unknown cost settles at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnUnknownCost {
    /// Refused when the plan is checked.
    Refuse,
    /// At the reservation.
    Estimate,
    /// At what is known; the run's cost is marked unknown.
    Allow,
}

/// Who says what agents use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Meter {
    /// A proxy between a program and its provider, where the program and its login allow that; else its own word.
    Proxy,
    /// The program's own word.
    Reported,
}

/// What a rate limit of an agent's provider means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnLimit {
    /// Nothing of that agent starts until the limit is over; no retry is used up.
    Wait,
    /// It is a failure like another.
    Fail,
}

/// How secrets are kept out of prompts and of what lands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// Whether rules are tried. Values of variables that are passed through are looked for in any case.
    pub scan: bool,
    /// What is no secret, or may be one.
    pub allow: Vec<AllowedSecret>,
}

impl Default for Secrets {
    fn default() -> Self {
        Self { scan: true, allow: Vec::new() }
    }
}

/// Findings that are none: of a rule or of a variable, in certain files, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowedSecret {
    /// The rule, or the variable; none: any.
    pub rule: Option<String>,
    /// The files, as a gitignore glob; none: everywhere.
    pub path: Option<String>,
}

/// Which wall is to stand around everything that a run starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wall {
    /// The strongest that the machine offers.
    #[default]
    Auto,
    /// A mount namespace of its own, made by bubblewrap.
    Bwrap,
    /// The kernel's own rules for a process and all that comes of it.
    Landlock,
    /// None: whatever the user may do.
    None,
}

/// How far attempts and gates are kept apart from the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Isolation {
    /// The wall that was asked for.
    pub wall: Wall,
    /// Folders and files that may be written besides the usual ones, as the plan has them.
    pub write: Vec<String>,
}

/// What holds for the whole run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The plan's name.
    pub name: String,
    /// The commit the run is based on.
    pub base: Oid,
    /// The branch that finished work lands on, without `refs/heads/`.
    pub target: String,
    /// Where the target stood when the run was planned; none: it did not exist.
    pub target_at: Option<Oid>,
    /// What the run may use. No cap on money: the user spelled out that it is unlimited. Time is the wall clock.
    pub caps: Caps,
    /// What all attempts of an agent of the plan may use together, by the agent's name. Time is the sum of theirs.
    pub agent_caps: BTreeMap<String, Caps>,
    /// What all runs of the repository may spend on one day.
    pub per_day: Option<Usd>,
    /// Shares of a cap at which a warning is due, in percent, rising.
    pub warn: Vec<u32>,
    /// What happens to running attempts when a cap of the run, of an agent or of the day is reached.
    pub at_cap: AtCap,
    /// What an unknown cost settles at.
    pub on_unknown_cost: OnUnknownCost,
    /// Who says what agents use.
    pub meter: Meter,
    /// Attempts at once.
    pub concurrency: u32,
    /// Gates at once.
    pub gate_slots: u32,
    /// What a failed task does to the rest.
    pub on_failure: OnFailure,
    /// What a rate limit of an agent's provider means.
    pub on_limit: OnLimit,
    /// Put before every prompt.
    pub instructions: String,
    /// How worktrees are made ready.
    pub workspace: Workspace,
    /// Globs outside all claims, left to the merge.
    pub shared: Vec<String>,
    /// Names of variables passed through to everything.
    pub pass_env: Vec<String>,
    /// How finished work lands.
    pub merge: MergePolicy,
    /// Whether setup and gates run on the base before the first start.
    pub preflight: bool,
    /// Who the landed commits are by: name and address.
    pub identity: (String, String),
    /// What may land although it is a hazard.
    pub allow: Allowed,
    /// What attempts work in.
    pub tree: Tree,
    /// How secrets are kept out.
    pub secrets: Secrets,
    /// How far attempts and gates are kept apart from the machine.
    pub isolation: Isolation,
}
