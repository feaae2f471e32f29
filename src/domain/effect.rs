//! What the world still owes a run: each effect is data, has a key, and can be asked for again. How it is done is not known here.

use crate::fact::{Start, Stop};
use crate::plan::{Command, Gate, Meter, OnUnknownCost, Strategy, Work};
use crate::task::Conversation;
use crate::{Oid, TaskId, Usd};

/// Who carries an effect out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    /// The actor of one task.
    Task(TaskId),
    /// The budget's.
    Budget,
    /// The merge queue's, with the gates before a landing and those on the base.
    Merge,
}

/// Two effects with one key are the same effect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// Reading the target, once per opening.
    Target(u64),
    /// A worktree.
    Make(TaskId, u32),
    /// A program with its setup.
    Run(TaskId, u32),
    /// The end of a program.
    Stop(TaskId, u32),
    /// The work of an attempt.
    Preserve(TaskId, u32),
    /// The end of a worktree.
    Remove(TaskId, u32),
    /// A gate run.
    Gate(u32),
    /// A merge in memory, by the seq that prepared it.
    Build(u64),
    /// A landing, by the seq that intended it.
    Land(u64),
    /// The wait for a target that is checked out, by the seq that found it so.
    Watch(u64),
    /// The wait for room on the disk, by the seq that found none.
    Room(u64),
    /// The figures of an attempt.
    Meter(TaskId, u32),
}

/// Something to be done in the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Read the target. Answered by `TargetSeen`.
    ReadTarget {
        /// Grows with each opening.
        epoch: u64,
        /// The branch.
        target: String,
        /// Where this run expects it.
        expected: Option<Oid>,
        /// The last commit that this run landed.
        landed: Option<Oid>,
    },
    /// Make a worktree. Answered by `WorktreeMade` or `WorktreeFailed`.
    MakeWorktree {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// The target's head, which it stands on.
        onto: Oid,
        /// What to start from.
        from: Start,
        /// Whether conflicts are put into the files.
        materialise: bool,
        /// The dates of a rebuilt commit, in seconds since 1970.
        at_s: u64,
    },
    /// Run a program with its setup, or find the one that runs. Answered by `AgentStarted`, then `AgentExited`.
    RunAttempt(Box<RunAttempt>),
    /// Stop a program. Answered by the `AgentExited` of its `RunAttempt`.
    StopAttempt {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Why.
        why: Stop,
    },
    /// Make what an attempt wrote reachable. Answered by `Preserved` or `PreserveFailed`.
    Preserve(Box<Preserve>),
    /// Remove a worktree that holds nothing of its own. Answered by `WorktreeRemoved` or `WorktreeKept`.
    RemoveWorktree {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Its folder.
        path: String,
        /// Its folder in the repository's own data.
        git_dir: String,
    },
    /// Run a gate or a setup on exactly a commit. Answered by `GateEnded`.
    RunGate(Box<RunGate>),
    /// Merge in memory. Answered by `MergeBuilt`, `MergeEmpty`, `MergeConflicted`, `TargetSeen`, `TargetHeld` or `MergeFailed`.
    BuildMerge(Box<BuildMerge>),
    /// Move the target by compare-and-swap. Answered by `Merged`, `TargetSeen`, `TargetHeld` or `MergeFailed`.
    Land {
        /// The seq of the intent.
        seq: u64,
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// The branch.
        target: String,
        /// From here; none: it does not exist yet.
        old: Option<Oid>,
        /// To here.
        commit: Oid,
        /// The last commit that this run landed.
        landed: Option<Oid>,
    },
    /// Wait until the target is checked out nowhere. Answered by `TargetFreed`.
    WatchTarget {
        /// The seq that found it checked out.
        seq: u64,
        /// The branch.
        target: String,
    },
    /// Wait until the disk has room. Answered by `RoomBack`.
    WatchRoom {
        /// The seq that found none.
        seq: u64,
    },
    /// Tell an attempt's holder what it may spend, and report what it used.
    Meter {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// What it may spend.
        grant: Usd,
        /// Whether more was refused.
        refused: bool,
    },
}

/// A program to run in a worktree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunAttempt {
    /// Whose.
    pub task: TaskId,
    /// Which attempt.
    pub attempt: u32,
    /// Identifies the holder.
    pub nonce: String,
    /// The worktree.
    pub path: String,
    /// Its folder in the repository's own data.
    pub git_dir: String,
    /// The program.
    pub work: Work,
    /// What an agent is told.
    pub prompt: String,
    /// The conversation that it takes up.
    pub takes_up: Option<Conversation>,
    /// Setup commands, in order.
    pub setup: Vec<Command>,
    /// How long setup may take, in milliseconds.
    pub setup_timeout_ms: u64,
    /// Ignored files to copy in.
    pub copy: Vec<String>,
    /// Ignored files to link in.
    pub link: Vec<String>,
    /// How long it may take, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// How long it may be silent, in milliseconds.
    pub idle_timeout_ms: Option<u64>,
    /// Variables that are set.
    pub env: Vec<(String, String)>,
    /// Names of variables that are passed through.
    pub pass_env: Vec<String>,
    /// What it may spend.
    pub grant: Usd,
    /// Who says what it spends.
    pub meter: Meter,
    /// What a cost that nobody knows settles at.
    pub on_unknown_cost: OnUnknownCost,
    /// It is to stop: one that runs is waited for, and none is started.
    pub stopping: bool,
    /// The run's id.
    pub run: String,
    /// The user's git identity: name and address.
    pub identity: (String, String),
}

/// What an attempt leaves, to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preserve {
    /// Whose.
    pub task: TaskId,
    /// Which attempt.
    pub attempt: u32,
    /// The worktree.
    pub path: String,
    /// Its folder in the repository's own data.
    pub git_dir: String,
    /// The target's head it stands on.
    pub base: Oid,
    /// The HEAD it was given.
    pub start: Oid,
    /// The ref that keeps it.
    pub ref_name: String,
    /// The subject of the commit that holds what was left uncommitted.
    pub title: String,
    /// What it may write.
    pub claims: Vec<String>,
    /// Globs outside all claims.
    pub shared: Vec<String>,
    /// Files that had conflict markers at the start.
    pub conflicts: Vec<String>,
    /// Who the commit is by: name and address.
    pub identity: (String, String),
    /// Its dates, in seconds since 1970.
    pub at_s: u64,
}

/// A gate or a setup on a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunGate {
    /// Numbers gate runs from 1.
    pub n: u32,
    /// Identifies the holder.
    pub nonce: String,
    /// Who carries it out.
    pub actor: Actor,
    /// What is checked.
    pub commit: Oid,
    /// What it is checked against, to see which paths changed.
    pub base: Oid,
    /// The gate worktree.
    pub slot: u32,
    /// The gate; none: setup alone.
    pub gate: Option<Gate>,
    /// Setup commands, run when `gate` is none.
    pub setup: Vec<Command>,
    /// How long setup may take, in milliseconds.
    pub setup_timeout_ms: u64,
    /// Ignored files to copy in.
    pub copy: Vec<String>,
    /// Ignored files to link in.
    pub link: Vec<String>,
    /// Names of variables that are passed through.
    pub pass_env: Vec<String>,
    /// The run's id.
    pub run: String,
}

/// A merge in memory. With the same fields it gives the same commit every time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildMerge {
    /// The seq that prepared it.
    pub seq: u64,
    /// Whose.
    pub task: TaskId,
    /// Which attempt.
    pub attempt: u32,
    /// The branch.
    pub target: String,
    /// Where it stands; none: it does not exist yet.
    pub old: Option<Oid>,
    /// What the work is merged onto.
    pub onto: Oid,
    /// The work.
    pub tip: Oid,
    /// One commit a task, or its own commits under a merge.
    pub strategy: Strategy,
    /// The whole commit message, trailers included.
    pub message: String,
    /// Who it is by: name and address.
    pub identity: (String, String),
    /// Its dates, in seconds since 1970.
    pub at_s: u64,
    /// The last commit that this run landed.
    pub landed: Option<Oid>,
}

impl Key {
    /// The task whose actor carries it out; none if it is another actor's, or a gate's.
    pub fn task(&self) -> Option<&TaskId> {
        match self {
            Self::Make(task, _)
            | Self::Run(task, _)
            | Self::Stop(task, _)
            | Self::Preserve(task, _)
            | Self::Remove(task, _) => Some(task),
            Self::Target(_)
            | Self::Gate(_)
            | Self::Build(_)
            | Self::Land(_)
            | Self::Watch(_)
            | Self::Room(_)
            | Self::Meter(..) => None,
        }
    }
}

impl Effect {
    /// What makes it the same effect when it is owed again.
    pub fn key(&self) -> Key {
        match self {
            Self::ReadTarget { epoch, .. } => Key::Target(*epoch),
            Self::MakeWorktree { task, attempt, .. } => Key::Make(task.clone(), *attempt),
            Self::RunAttempt(run) => Key::Run(run.task.clone(), run.attempt),
            Self::StopAttempt { task, attempt, .. } => Key::Stop(task.clone(), *attempt),
            Self::Preserve(keep) => Key::Preserve(keep.task.clone(), keep.attempt),
            Self::RemoveWorktree { task, attempt, .. } => Key::Remove(task.clone(), *attempt),
            Self::RunGate(gate) => Key::Gate(gate.n),
            Self::BuildMerge(merge) => Key::Build(merge.seq),
            Self::Land { seq, .. } => Key::Land(*seq),
            Self::WatchTarget { seq, .. } => Key::Watch(*seq),
            Self::WatchRoom { seq } => Key::Room(*seq),
            Self::Meter { task, attempt, .. } => Key::Meter(task.clone(), *attempt),
        }
    }

    /// Who carries it out.
    pub fn actor(&self) -> Actor {
        match self {
            Self::MakeWorktree { task, .. }
            | Self::StopAttempt { task, .. }
            | Self::RemoveWorktree { task, .. } => Actor::Task(task.clone()),
            Self::RunAttempt(run) => Actor::Task(run.task.clone()),
            Self::Preserve(keep) => Actor::Task(keep.task.clone()),
            Self::RunGate(gate) => gate.actor.clone(),
            Self::ReadTarget { .. }
            | Self::BuildMerge(_)
            | Self::Land { .. }
            | Self::WatchTarget { .. }
            | Self::WatchRoom { .. } => Actor::Merge,
            Self::Meter { .. } => Actor::Budget,
        }
    }
}
