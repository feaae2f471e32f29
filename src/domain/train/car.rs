//! What is being landed, and how far it is. Knows neither who waits behind it nor where the target stands.

use serde::Serialize;

use crate::checks::Checks;
use crate::event::MergePrepared;
use crate::fact::Leak;
use crate::hazard::Hazard;
use crate::{Oid, TaskId};

/// Work that is being landed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Car {
    /// Whose.
    pub task: TaskId,
    /// Which attempt.
    pub attempt: u32,
    /// The commit that holds it.
    pub tip: Oid,
    /// How far it is.
    pub stage: CarStage,
    /// How often merging it failed for a reason that is not in the work.
    pub mishaps: u32,
    /// What that reason was last.
    pub fault: String,
    /// Secrets in what would land, which therefore does not.
    pub secrets: Vec<Leak>,
}

/// How far the landing of a car is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum CarStage {
    /// To be prepared, on the target as it stands now.
    Waiting,
    /// The merge is being made in memory.
    Building(Box<MergePrepared>, u64),
    /// Gates run on the result. Without a commit the work is in the target already.
    Checking {
        /// What it was prepared on.
        old: Option<Oid>,
        /// What is to land.
        commit: Option<Oid>,
        /// The gates.
        checks: Checks,
    },
    /// The conflict is to be judged.
    Conflicted,
    /// What would land holds something that must not; that is to be judged.
    Refused(Vec<Hazard>),
    /// The target is being moved.
    Landing {
        /// The seq of the intent.
        seq: u64,
        /// From here; none: it does not exist yet.
        old: Option<Oid>,
        /// To here.
        commit: Oid,
    },
}

impl CarStage {
    /// Whether nothing is under way: the next step is a decision, which may have to wait for the target, for room, or
    /// for the run to be opened again. What a gate is about, the gate board knows.
    pub(crate) fn waits(&self) -> bool {
        match self {
            Self::Waiting | Self::Checking { .. } => true,
            Self::Building(..) | Self::Conflicted | Self::Refused(_) | Self::Landing { .. } => false,
        }
    }

    /// Whether git is at work for it.
    pub(crate) fn asks_git(&self) -> bool {
        matches!(self, Self::Building(..) | Self::Landing { .. })
    }

    /// The head of the target that this stage rests on.
    pub(super) fn old(&self) -> Option<&Option<Oid>> {
        match self {
            Self::Waiting | Self::Conflicted | Self::Refused(_) => None,
            Self::Building(prepared, _) => Some(&prepared.old),
            Self::Checking { old, .. } | Self::Landing { old, .. } => Some(old),
        }
    }
    /// The commit that may land now: all that was to be checked on it is green.
    pub(super) fn green(&self) -> Option<&Oid> {
        match self {
            Self::Checking { commit, checks, .. } if checks.passed() => commit.as_ref(),
            Self::Checking { .. }
            | Self::Waiting
            | Self::Building(..)
            | Self::Conflicted
            | Self::Refused(_)
            | Self::Landing { .. } => None,
        }
    }

    /// Whether the target has the work already, and all that was to be checked on it is green.
    pub(super) fn is_contained(&self) -> bool {
        matches!(self, Self::Checking { commit: None, checks, .. } if checks.passed())
    }
}
