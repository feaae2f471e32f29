//! What a plan says that holds for its whole run, every default written out. Knows no task.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::caps::{AtCap, Caps};
use crate::hazard::HazardKind;
use crate::plan::Command;
use crate::{Oid, Usd};

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
