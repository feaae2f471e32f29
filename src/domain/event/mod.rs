//! What happened: the only thing that is ever stored. An event names its kind by a number that never changes meaning; how it becomes bytes is the journal's business.

mod attempt;
mod landing;
mod run;
mod schema;

pub use attempt::*;
pub use landing::*;
pub use run::*;
pub use schema::{Codec, DecodeError};

use schema::{Payload, events, history, payloads};

events! {
    /// Everything that can happen in a run.
    pub enum Event;

    1 "run.planned" RunPlanned "The run exists. Followed in the same batch by its tasks.";
    2 "task.planned" TaskPlanned "A task of the plan.";
    3 "run.opened" Opened "A process took the run over.";
    4 "target.seen" TargetSeen "The target was read, at the opening or when it was not where it should be.";
    5 "target.held" TargetHeld "The target is checked out somewhere, so nothing can land.";
    6 "target.freed" TargetFreed "The target is free again.";
    7 "gate.started" GateStarted "A setup or a gate starts on a commit.";
    8 "gate.ended" GateEnded "A gate ended.";
    9 "preflight.passed" PreflightPassed "Setup and gates are green on the base.";
    10 "preflight.failed" PreflightFailed "Setup or a gate is red on the base: nothing starts.";
    11 "attempt.started" AttemptStarted "An attempt starts: its money is reserved and its slot is taken.";
    12 "worktree.made" WorktreeMade "The worktree of an attempt is there.";
    13 "worktree.failed" WorktreeFailed "The worktree of an attempt could not be made.";
    14 "agent.started" AgentStarted "The program of an attempt runs.";
    15 "usage.reported" UsageReported "What an attempt has used so far. Totals, not differences.";
    16 "grant.raised" GrantRaised "An attempt may spend more.";
    17 "grant.refused" RaiseRefused "An attempt may not spend more than it was granted.";
    18 "attempt.stopping" StopAsked "An attempt is to be stopped.";
    19 "agent.exited" AgentExited "The program of an attempt ended and nothing of its tree is left; its money is settled.";
    20 "attempt.preserved" Preserved "What an attempt wrote is reachable from its ref.";
    21 "attempt.unpreserved" PreserveFailed "What an attempt wrote could not be made reachable; its worktree stays.";
    22 "worktree.removed" WorktreeRemoved "A worktree was removed; all it held is reachable.";
    23 "worktree.kept" WorktreeKept "A worktree stays, because it could not be removed safely.";
    24 "attempt.failed" AttemptFailed "An attempt came to nothing.";
    25 "task.retrying" RetryScheduled "A task will be tried again.";
    26 "task.ready" RetryDue "The wait before a retry is over.";
    27 "task.queued" TaskQueued "A task's work joins the merge queue.";
    28 "merge.prepared" MergePrepared "A merge is begun: with these fields the commit is the same every time.";
    29 "merge.built" MergeBuilt "The commit that is to land exists; the target knows nothing of it.";
    30 "merge.empty" MergeEmpty "The work is in the target already.";
    31 "merge.conflicted" MergeConflicted "The work conflicts with the target.";
    32 "merge.intended" MergeIntended "The target is about to be moved to the commit.";
    33 "task.merged" Merged "The target has the commit.";
    34 "merge.failed" MergeFailed "A merge could not be tried, for a reason that is not in the work.";
    35 "task.done" TaskDone "A task is done with nothing to land.";
    36 "task.failed" TaskFailed "A task failed for good.";
    37 "task.skipped" TaskSkipped "A task will not run, because one that it needs did not land.";
    38 "task.cancelled" TaskCancelled "A task was cancelled.";
    39 "task.held" TaskHeld "A task waits for a person.";
    40 "run.requested" Requested "Somebody asked for something.";
    41 "run.paused" RunPaused "A failed task pauses the run, as its plan says.";
    42 "run.deadline" DeadlineReached "The run's time is up.";
    43 "disk.full" RoomLost "There is no room on the disk: nothing starts and nothing lands.";
    44 "disk.freed" RoomBack "There is room again.";
    45 "run.noted" Noted "Something worth knowing that changes no decision.";
    46 "run.stopped" RunStopped "The run stops before it is finished; it can be resumed.";
    47 "run.finished" RunFinished "Every task is final.";
    48 "attempt.passed" AttemptPassed "An attempt left good work; its own gates are next.";
    49 "records.lost" RecordsLost "Records were destroyed, and a repair left a hole in their place. What they said is not known.";
    50 "agent.held" AgentHeld "No attempt of an agent program starts for now: its provider takes no more, or refuses its login.";
    51 "agent.freed" AgentFreed "Attempts of an agent program may start again.";
    52 "merge.refused" MergeRefused "What would land holds something that must not.";
    53 "budget.warned" BudgetWarned "So much of a cap is used that people are to be told.";
    54 "budget.day" DaySeen "What this run may spend on a calendar day beside the other runs of its repository.";
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
