//! What happened: the only thing that is ever stored. An event names its kind by a number that never changes meaning; how it becomes bytes is the journal's business.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::fact::{Cap, Cause, Cost, Ending, Outcome, Request, Site, Start, Stop, Usage, Verdict};
use crate::plan::{Settings, TaskSpec};
use crate::{Oid, TaskId, Usd};

/// How payloads become bytes and back. The core knows no encoding.
pub trait Codec {
    /// Why bytes are not a payload.
    type Error;
    /// The bytes of a payload.
    fn encode<T: Serialize>(&self, payload: &T) -> Result<Vec<u8>, Self::Error>;
    /// A payload from its bytes, all of them.
    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Self::Error>;
}

/// Why a record is not an event of this version.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError<E> {
    /// A kind or schema that this version does not know.
    #[error("event kind {kind} schema {schema} is unknown to this version; use a newer swarm")]
    Unknown {
        /// The kind that was found.
        kind: u16,
        /// Its schema.
        schema: u8,
    },
    /// The payload does not decode.
    #[error("the payload of event kind {kind} does not decode: {error}")]
    Payload {
        /// The kind that was found.
        kind: u16,
        /// What the codec said.
        error: E,
    },
}

macro_rules! events {
    ($( $(#[$doc:meta])* $kind:literal $name:literal $Name:ident {
        $( $(#[$field_doc:meta])* $field:ident : $ty:ty ),* $(,)?
    } )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            pub struct $Name { $( $(#[$field_doc])* pub $field: $ty ),* }

            impl From<$Name> for Event {
                fn from(event: $Name) -> Self {
                    Self::$Name(event)
                }
            }
        )*

        /// Everything that can happen in a run.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Event { $( $(#[$doc])* $Name($Name) ),* }

        impl Event {
            /// Every kind with its public name, in numeric order.
            pub const KINDS: &'static [(u16, &'static str)] = &[$( ($kind, $name) ),*];

            /// The number that stands for the kind on disk.
            pub const fn kind(&self) -> u16 {
                match self { $( Self::$Name(_) => $kind ),* }
            }

            /// The public name of the kind.
            pub const fn name(&self) -> &'static str {
                match self { $( Self::$Name(_) => $name ),* }
            }

            /// The version of the payload that this build writes.
            pub const fn schema(&self) -> u8 {
                1
            }

            /// The payload's bytes.
            pub fn encode<C: Codec>(&self, codec: &C) -> Result<Vec<u8>, C::Error> {
                match self { $( Self::$Name(event) => codec.encode(event) ),* }
            }

            /// The event of a stored record.
            pub fn decode<C: Codec>(codec: &C, kind: u16, schema: u8, bytes: &[u8]) -> Result<Self, DecodeError<C::Error>> {
                match (kind, schema) {
                    $( ($kind, 1) => codec
                        .decode::<$Name>(bytes)
                        .map(Self::$Name)
                        .map_err(|error| DecodeError::Payload { kind, error }), )*
                    _ => Err(DecodeError::Unknown { kind, schema }),
                }
            }
        }
    };
}

events! {
    /// The run exists. Followed in the same batch by its tasks.
    1 "run.planned" RunPlanned {
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
    2 "task.planned" TaskPlanned {
        /// What is to be done.
        spec: Box<TaskSpec>,
        /// The commit by which a parent run landed it, if it is carried over.
        carried: Option<Oid>,
    }
    /// A process took the run over.
    3 "run.opened" Opened {
        /// Counts the openings, from 1.
        epoch: u64,
        /// The process.
        pid: u32,
        /// The version of swarm.
        version: String,
        /// When, in milliseconds since 1970.
        at_ms: u64,
    }
    /// The target was read, at the opening or when it was not where it should be.
    4 "target.seen" TargetSeen {
        /// Where it stands; none: it does not exist.
        found: Option<Oid>,
        /// Whether everything this run landed is still in it.
        keeps: bool,
    }
    /// The target is checked out somewhere, so nothing can land.
    5 "target.held" TargetHeld {
        /// The worktree that has it.
        path: String,
    }
    /// The target is free again.
    6 "target.freed" TargetFreed {}
    /// A setup or a gate starts on a commit.
    7 "gate.started" GateStarted {
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
    8 "gate.ended" GateEnded {
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
    9 "preflight.passed" PreflightPassed {}
    /// Setup or a gate is red on the base: nothing starts.
    10 "preflight.failed" PreflightFailed {
        /// Which one.
        name: String,
        /// The gate run that failed.
        n: u32,
    }
    /// An attempt starts: its money is reserved and its slot is taken.
    11 "attempt.started" AttemptStarted {
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
    12 "worktree.made" WorktreeMade {
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
    13 "worktree.failed" WorktreeFailed {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Why.
        error: String,
    }
    /// The program of an attempt runs.
    14 "agent.started" AgentStarted {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Its process.
        pid: u32,
    }
    /// What an attempt has used so far. Totals, not differences.
    15 "usage.reported" UsageReported {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// The totals.
        usage: Usage,
    }
    /// An attempt may spend more.
    16 "grant.raised" GrantRaised {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// What it may spend in all.
        grant: Usd,
    }
    /// An attempt may not spend more than it was granted.
    17 "grant.refused" RaiseRefused {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Which cap refused.
        cap: Cap,
    }
    /// An attempt is to be stopped.
    18 "attempt.stopping" StopAsked {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Why.
        why: Stop,
    }
    /// The program of an attempt ended and nothing of its tree is left; its money is settled.
    19 "agent.exited" AgentExited {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Identifies the holder whose files say so.
        nonce: String,
        /// How it ended.
        ending: Ending,
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
    20 "attempt.preserved" Preserved {
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
    }
    /// What an attempt wrote could not be made reachable; its worktree stays.
    21 "attempt.unpreserved" PreserveFailed {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Why.
        error: String,
    }
    /// A worktree was removed; all it held is reachable.
    22 "worktree.removed" WorktreeRemoved {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
    }
    /// A worktree stays, because it could not be removed safely.
    23 "worktree.kept" WorktreeKept {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Why.
        error: String,
    }
    /// An attempt came to nothing.
    24 "attempt.failed" AttemptFailed {
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
    /// A task will be tried again.
    25 "task.retrying" RetryScheduled {
        /// Which.
        task: TaskId,
        /// Not before, in milliseconds since 1970.
        at_ms: u64,
    }
    /// The wait before a retry is over.
    26 "task.ready" RetryDue {
        /// Which.
        task: TaskId,
    }
    /// A task's work joins the merge queue.
    27 "task.queued" TaskQueued {
        /// Which.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// What is to land.
        tip: Oid,
    }
    /// A merge is begun: with these fields the commit is the same every time.
    28 "merge.prepared" MergePrepared {
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
    29 "merge.built" MergeBuilt {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// The commit.
        commit: Oid,
        /// Its tree.
        tree: Oid,
    }
    /// The work is in the target already.
    30 "merge.empty" MergeEmpty {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
    }
    /// The work conflicts with the target.
    31 "merge.conflicted" MergeConflicted {
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
    32 "merge.intended" MergeIntended {
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
    33 "task.merged" Merged {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// The commit.
        commit: Oid,
    }
    /// A merge could not be tried, for a reason that is not in the work.
    34 "merge.failed" MergeFailed {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Why.
        error: String,
    }
    /// A task is done with nothing to land.
    35 "task.done" TaskDone {
        /// Which.
        task: TaskId,
        /// Why there is nothing to land.
        reason: String,
    }
    /// A task failed for good.
    36 "task.failed" TaskFailed {
        /// Which.
        task: TaskId,
        /// Why, for machines.
        cause: Cause,
        /// Why, for people.
        reason: String,
    }
    /// A task will not run, because one that it needs did not land.
    37 "task.skipped" TaskSkipped {
        /// Which.
        task: TaskId,
        /// The one it needs.
        because: TaskId,
    }
    /// A task was cancelled.
    38 "task.cancelled" TaskCancelled {
        /// Which.
        task: TaskId,
        /// Why.
        reason: String,
    }
    /// A task waits for a person.
    39 "task.held" TaskHeld {
        /// Which.
        task: TaskId,
        /// Why.
        reason: String,
    }
    /// Somebody asked for something.
    40 "run.requested" Requested {
        /// Makes the request happen once.
        id: String,
        /// Who asked.
        by: String,
        /// What for.
        request: Request,
    }
    /// A failed task pauses the run, as its plan says.
    41 "run.paused" RunPaused {
        /// The task.
        because: TaskId,
    }
    /// The run's time is up.
    42 "run.deadline" DeadlineReached {}
    /// There is no room on the disk: nothing starts and nothing lands.
    43 "disk.full" RoomLost {
        /// What could not be written.
        detail: String,
        /// When, in milliseconds since 1970.
        at_ms: u64,
    }
    /// There is room again.
    44 "disk.freed" RoomBack {}
    /// Something worth knowing that changes no decision.
    45 "run.noted" Noted {
        /// Whose attempt it is about.
        task: Option<TaskId>,
        /// What.
        text: String,
    }
    /// The run stops before it is finished; it can be resumed.
    46 "run.stopped" RunStopped {
        /// Why, for machines.
        outcome: Outcome,
        /// Why, for people.
        detail: String,
    }
    /// Every task is final.
    47 "run.finished" RunFinished {
        /// How it came out.
        outcome: Outcome,
    }
    /// An attempt left good work; its own gates are next.
    48 "attempt.passed" AttemptPassed {
        /// Whose.
        task: TaskId,
        /// Which attempt.
        attempt: u32,
        /// Whether the setup runs before the gates.
        setup: bool,
    }
}

#[cfg(test)]
mod tests {
    use super::Event;

    #[test]
    fn kinds_are_numbered_without_a_gap_and_named_once() {
        let names: std::collections::BTreeSet<_> = Event::KINDS.iter().map(|(_, name)| name).collect();
        assert_eq!(names.len(), Event::KINDS.len());
        for (at, (kind, name)) in Event::KINDS.iter().enumerate() {
            assert_eq!(usize::from(*kind), at + 1, "{name}");
        }
    }
}
