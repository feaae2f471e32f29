//! What happens between finished work and the target: gates, merges, the ref.

use serde::{Deserialize, Serialize};

use crate::fact::{Leak, Site, Verdict};
use crate::hazard::Hazard;
use crate::{Oid, TaskId};

use super::payloads;

payloads! {
    /// The target was read, at the opening or when it was not where it should be.
    TargetSeen {
        /// Where it stands; none: it does not exist.
        found: Option<Oid>,
        /// Whether everything this run landed is still in it.
        keeps: bool,
    }
    /// The target is checked out somewhere, so nothing can land.
    TargetHeld {
        /// The worktree that has it.
        path: String,
    }
    /// The target is free again.
    TargetFreed {}
    /// A setup or a gate starts on a commit.
    GateStarted {
        /// Numbers gate runs from 1.
        n: u32,
        /// Whose commit it is.
        site: Site,
        /// The place in that site's list of gates; none is the setup.
        index: Option<u32>,
        /// Its name.
        name: String,
        /// What is checked.
        commit: Oid,
        /// Identifies the holder.
        nonce: String,
        /// The gate worktree it uses.
        slot: u32,
    }
    /// A gate ended.
    GateEnded {
        /// Which run of a gate.
        n: u32,
        /// What it found.
        verdict: Verdict,
        /// The end of its output.
        tail: String,
        /// How long it took, in milliseconds.
        took_ms: u64,
    }
    /// Setup and gates are green on the base.
    PreflightPassed {}
    /// Setup or a gate is red on the base: nothing starts.
    PreflightFailed {
        /// Which one.
        name: String,
        /// The gate run that failed.
        n: u32,
    }
    /// A task's work joins the merge queue.
    TaskQueued {
        /// Which.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// What is to land.
        tip: Oid,
    }
    /// A merge is begun: with these fields the commit is the same every time.
    MergePrepared {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Where the target stands; none: it does not exist yet.
        old: Option<Oid>,
        /// What the work is merged onto.
        onto: Oid,
        /// The work.
        tip: Oid,
        /// The dates of the commit, in seconds since 1970.
        at_s: u64,
        /// The last durable record when this was decided.
        anchor_seq: u64,
        /// The hash of all records up to it, in hexadecimal.
        anchor_hash: String,
    }
    /// The commit that is to land exists; the target knows nothing of it.
    MergeBuilt {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// The commit.
        commit: Oid,
        /// Its tree.
        tree: Oid,
        /// Secrets in what it would add to the target. With any, it never lands.
        secrets: Vec<Leak>,
    }
    /// The work is in the target already.
    MergeEmpty {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
    }
    /// The work conflicts with the target.
    MergeConflicted {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Where.
        paths: Vec<String>,
        /// What git said.
        detail: String,
    }
    /// The target is about to be moved to the commit.
    MergeIntended {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// From here; none: it does not exist yet.
        old: Option<Oid>,
        /// To here.
        commit: Oid,
    }
    /// The target has the commit.
    Merged {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// The commit.
        commit: Oid,
    }
    /// A merge could not be tried, for a reason that is not in the work.
    MergeFailed {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Why.
        error: String,
    }
    /// What would land holds something that must not.
    MergeRefused {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// What it is.
        hazards: Vec<Hazard>,
    }
}
