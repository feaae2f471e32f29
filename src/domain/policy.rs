//! What a scheduler may choose: who starts, who lands, whether what failed is tried again. It knows no rule that it could break.
//!
//! Law 15: a policy may choose badly, never unsafely. It is asked only where every answer is allowed, and its answers are
//! looked at before they count: a name that was not among the offers is as no answer, and a wait that is longer than the
//! plan's longest is the plan's longest. It cannot keep a slot empty, for whoever names nobody gets the plan's own order. What it
//! chose is recorded like every decision, so a replay asks no policy.

use crate::TaskId;
use crate::fact::Cause;
use crate::state::Parts;
use crate::task::Task;
use crate::train::Waiting;

/// Chooses among what is allowed. It is asked while the run waits, so it is to be quick; and the same question is to have
/// the same answer, or law 10 holds only for what was recorded.
///
/// The offers come in the plan's own order and are made as they are taken: a policy that looks at none costs nothing.
pub trait Policy: Send + Sync {
    /// Which of the tasks that could start now does. `None`, or one that is not among them: the first of them, which is
    /// the one with the highest priority, then the longest remaining path, then the earliest place in the plan.
    fn start(&self, run: &Parts, ready: &mut dyn Iterator<Item = &Task>) -> Option<TaskId> {
        let _ = (run, ready);
        None
    }

    /// Which of the tasks that wait in line lands next. `None`, or one that is not among them: who came first.
    /// Not asked where the plan says `order: plan`.
    fn land(&self, run: &Parts, line: &mut dyn Iterator<Item = &Waiting>) -> Option<TaskId> {
        let _ = (run, line);
        None
    }

    /// Whether an attempt that failed is followed by another, and when. Asked only where the plan allows another; not
    /// about failures that are nobody's fault and use up no retry.
    fn retry(&self, run: &Parts, task: &Task, cause: Cause) -> Again {
        let _ = (run, task, cause);
        Again::AsPlanned
    }
}

/// What follows a failed attempt where the plan allows another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// The next, after the plan's delay.
    AsPlanned,
    /// The next, after this delay or the plan's longest, whichever is shorter.
    After {
        /// How long, in milliseconds.
        delay_ms: u64,
    },
    /// None: the task failed, and its reason says who gave up. Law 11.
    GiveUp,
}

/// The plan's own order and delays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AsPlanned;

impl Policy for AsPlanned {}
