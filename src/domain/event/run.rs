//! What happens to a run and to its tasks as a whole.

use serde::{Deserialize, Serialize};

use crate::caps::Measure;
use crate::fact::{Cap, Cause, Outcome, Request, Standing};
use crate::plan::{Settings, TaskSpec};
use crate::{Oid, TaskId, Usd};

use super::payloads;

payloads! {
    /// The run exists. Followed in the same batch by its tasks.
    RunPlanned {
        /// The run's id.
        run: String,
        /// The run it retries.
        parent: Option<String>,
        /// The version of swarm that planned it.
        version: String,
        /// The plan file, as the user named it.
        source: String,
        /// When, in milliseconds since 1970.
        at_ms: u64,
        /// How many tasks follow.
        tasks: u32,
        /// What holds for the whole run.
        settings: Box<Settings>,
    }
    /// A task of the plan.
    TaskPlanned {
        /// What is to be done.
        spec: Box<TaskSpec>,
        /// The commit by which a parent run landed it, if it is carried over.
        carried: Option<Oid>,
    }
    /// A process took the run over.
    Opened {
        /// Counts the openings, from 1.
        epoch: u64,
        /// The process.
        pid: u32,
        /// The version of swarm.
        version: String,
        /// When, in milliseconds since 1970.
        at_ms: u64,
        /// The wall around everything that is started from here on.
        wall: Standing,
    }
    /// A task will be tried again.
    RetryScheduled {
        /// Which.
        task: TaskId,
        /// Not before, in milliseconds since 1970.
        at_ms: u64,
    }
    /// The wait before a retry is over.
    RetryDue {
        /// Which.
        task: TaskId,
    }
    /// A task is done with nothing to land.
    TaskDone {
        /// Which.
        task: TaskId,
        /// Why there is nothing to land.
        reason: String,
    }
    /// A task failed for good.
    TaskFailed {
        /// Which.
        task: TaskId,
        /// Why, for machines.
        cause: Cause,
        /// Why, for people.
        reason: String,
    }
    /// A task will not run, because one that it needs did not land.
    TaskSkipped {
        /// Which.
        task: TaskId,
        /// The one it needs.
        because: TaskId,
    }
    /// A task was cancelled.
    TaskCancelled {
        /// Which.
        task: TaskId,
        /// Why.
        reason: String,
    }
    /// A task waits for a person.
    TaskHeld {
        /// Which.
        task: TaskId,
        /// Why.
        reason: String,
    }
    /// Somebody asked for something.
    Requested {
        /// Makes the request happen once.
        id: String,
        /// Who asked.
        by: String,
        /// What for.
        request: Request,
    }
    /// A failed task pauses the run, as its plan says.
    RunPaused {
        /// The task.
        because: TaskId,
    }
    /// The run's time is up.
    DeadlineReached {}
    /// There is no room on the disk: nothing starts and nothing lands.
    RoomLost {
        /// What could not be written.
        detail: String,
        /// When, in milliseconds since 1970.
        at_ms: u64,
    }
    /// There is room again.
    RoomBack {}
    /// Something worth knowing that changes no decision.
    Noted {
        /// Whose attempt it is about.
        task: Option<TaskId>,
        /// What.
        text: String,
    }
    /// The run stops before it is finished; it can be resumed.
    RunStopped {
        /// Why, for machines.
        outcome: Outcome,
        /// Why, for people.
        detail: String,
    }
    /// Every task is final.
    RunFinished {
        /// How it came out.
        outcome: Outcome,
    }
    /// Records were destroyed, and a repair left a hole in their place. No run ever writes this: it is how the hole is read.
    RecordsLost {
        /// The first that is lost.
        from: u64,
        /// The last.
        to: u64,
    }
    /// So much of a cap is used that people are to be told. Told once for each share of each cap.
    BudgetWarned {
        /// Whose cap.
        cap: Cap,
        /// The agent of the plan whose cap it is; empty where it is no agent's.
        agent: String,
        /// Of what.
        measure: Measure,
        /// The share that is reached, in percent.
        percent: u32,
        /// How much is used: micro-dollars, a count, or milliseconds.
        used: u64,
        /// The cap, in the same unit.
        of: u64,
    }
    /// What this run may spend on a calendar day beside the other runs of its repository.
    DaySeen {
        /// The date where swarm runs: `2026-11-21`.
        date: String,
        /// When it is over, in milliseconds since 1970.
        until_ms: u64,
        /// What the other runs have spent and hold back on it.
        elsewhere: Usd,
        /// What this run may spend and hold back on it.
        allowed: Usd,
    }
}
