//! What happens to an attempt, from its start to what it left.

use serde::{Deserialize, Serialize};

use crate::fact::{Cap, Cause, Cost, Ending, Leak, Report, Start, Stop, Usage};
use crate::hazard::Hazard;
use crate::{Oid, TaskId, Usd};

use super::payloads;

payloads! {
    /// An attempt starts: its money is reserved and its slot is taken.
    AttemptStarted {
        /// Whose.
        task: TaskId,
        /// Its number, from 1.
        attempt: u32,
        /// Identifies the holder.
        nonce: String,
        /// What it may spend at first.
        reserve: Usd,
        /// The target's head of that moment, which it stands on.
        onto: Oid,
        /// What it starts from.
        from: Start,
        /// When, in milliseconds since 1970.
        at_ms: u64,
    }
    /// The worktree of an attempt is there.
    WorktreeMade {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Its HEAD.
        start: Oid,
        /// Its folder.
        path: String,
        /// Its folder in the repository's own data.
        git_dir: String,
        /// Files with conflict markers in them.
        conflicts: Vec<String>,
    }
    /// The worktree of an attempt could not be made.
    WorktreeFailed {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Why.
        error: String,
    }
    /// The program of an attempt runs.
    AgentStarted {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Its process.
        pid: u32,
    }
    /// What an attempt has used so far. Totals, not differences.
    UsageReported {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// The totals.
        usage: Usage,
    }
    /// An attempt may spend more.
    GrantRaised {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// What it may spend in all.
        grant: Usd,
    }
    /// An attempt may not spend more than it was granted.
    RaiseRefused {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Which cap refused.
        cap: Cap,
    }
    /// An attempt is to be stopped.
    StopAsked {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Why.
        why: Stop,
    }
    /// The program of an attempt ended and nothing of its tree is left; its money is settled.
    AgentExited {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Identifies the holder whose files say so.
        nonce: String,
        /// How it ended.
        ending: Ending,
        /// What an agent program said of its own end; none: nobody understands what it says.
        report: Option<Box<Report>>,
        /// What it used in all.
        usage: Usage,
        /// What is charged for it.
        charge: Usd,
        /// How well the charge is known.
        cost: Cost,
        /// The end of its output.
        tail: String,
        /// How many processes it left behind that had to be killed.
        stragglers: u32,
        /// When, in milliseconds since 1970.
        at_ms: u64,
    }
    /// What an attempt wrote is reachable from its ref.
    Preserved {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// The commit that holds it.
        tip: Oid,
        /// Whether its tree differs from the base's.
        changed: bool,
        /// Whether the base is its ancestor.
        descends: bool,
        /// Whether the attempt deleted its worktree.
        missing: bool,
        /// Paths changed outside the claims.
        strays: Vec<String>,
        /// Conflicted files that still have markers.
        markers: Vec<String>,
        /// Subjects of the commits it made.
        subjects: Vec<String>,
        /// What it adds that must not land.
        hazards: Vec<Hazard>,
        /// Secrets in what it adds.
        secrets: Vec<Leak>,
    }
    /// What an attempt wrote could not be made reachable; its worktree stays.
    PreserveFailed {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Why.
        error: String,
    }
    /// A worktree was removed; all it held is reachable.
    WorktreeRemoved {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
    }
    /// A worktree stays, because it could not be removed safely.
    WorktreeKept {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Why.
        error: String,
    }
    /// An attempt came to nothing.
    AttemptFailed {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Why, for machines.
        cause: Cause,
        /// Why, for people and for the next attempt's prompt.
        reason: String,
        /// Whether it uses up a retry.
        counts: bool,
        /// The end of the output that shows it, where that is not the program's own.
        tail: String,
        /// What the red gate's author advises.
        hint: String,
    }
    /// An attempt left good work; its own gates are next.
    AttemptPassed {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Whether the setup runs before the gates.
        setup: bool,
    }
    /// No attempt of an agent program starts for now: its provider takes no more, or refuses its login.
    AgentHeld {
        /// The adapter.
        agent: String,
        /// Until when, in milliseconds since 1970; none: until a person has seen to it.
        until_ms: Option<u64>,
        /// What the program said.
        said: String,
    }
    /// Attempts of an agent program may start again.
    AgentFreed {
        /// The adapter.
        agent: String,
    }
}
