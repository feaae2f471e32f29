//! An event of each kind about one attempt, as short as its type allows.

use crate::event::{
    AgentExited, AgentStarted, AttemptFailed, AttemptPassed, AttemptStarted, GateEnded, GateStarted,
    GrantRaised, MergeBuilt, MergeConflicted, MergeEmpty, MergeFailed, MergeIntended, MergePrepared,
    MergeRefused, Merged, PreserveFailed, Preserved, RaiseRefused, RetryDue, RetryScheduled, StopAsked,
    TaskCancelled, TaskDone, TaskFailed, TaskHeld, TaskQueued, TaskSkipped, UsageReported, WorktreeFailed,
    WorktreeKept, WorktreeMade, WorktreeRemoved,
};
use crate::fact::{Cap, Cause, Cost, Ending, Leak, Site, Start, Stop, Usage, Verdict};
use crate::{Event, Oid, TaskId, Usd};

pub(super) fn id(name: &str) -> TaskId {
    TaskId::new(name).unwrap()
}

fn none() -> String {
    String::new()
}

pub(super) fn usage(micros: u64) -> Usage {
    Usage { usd: Some(Usd::from_micros(micros)), ..Usage::default() }
}

/// The holder of an attempt.
pub(super) fn nonce(attempt: u32) -> String {
    format!("holder {attempt}")
}

pub(super) fn tip(attempt: u32) -> Oid {
    Oid::new(&format!("tip {attempt}"))
}

pub(super) fn started(task: &TaskId, attempt: u32) -> Event {
    let (onto, from) = (Oid::new("base"), Start::Head);
    let (task, reserve) = (task.clone(), Usd::from_micros(40));
    AttemptStarted { task, attempt, nonce: nonce(attempt), reserve, onto, from, at_ms: 1 }.into()
}

pub(super) fn exited(task: &TaskId, attempt: u32, nonce: String) -> Event {
    AgentExited {
        task: task.clone(),
        attempt,
        nonce,
        ending: Ending::Exited { code: 0 },
        report: None,
        usage: usage(30),
        charge: Usd::from_micros(30),
        cost: Cost::Metered,
        tail: none(),
        stragglers: 0,
        at_ms: 2,
    }
    .into()
}

/// What happens while an attempt has its slot, and right after.
pub(super) fn of_the_slot(task: &TaskId, attempt: u32) -> Vec<Event> {
    let task = || task.clone();
    let path = || format!("/w/{attempt}");
    let start = Oid::new("base");
    vec![
        WorktreeMade { task: task(), attempt, start, path: path(), git_dir: path(), conflicts: vec![] }
            .into(),
        WorktreeFailed { task: task(), attempt, error: none() }.into(),
        StopAsked { task: task(), attempt, why: Stop::Cancelled }.into(),
        AgentStarted { task: task(), attempt, pid: 7 }.into(),
        UsageReported { task: task(), attempt, usage: usage(20) }.into(),
        GrantRaised { task: task(), attempt, grant: Usd::from_micros(80) }.into(),
        RaiseRefused { task: task(), attempt, cap: Cap::Run }.into(),
        kept(&task(), attempt),
        PreserveFailed { task: task(), attempt, error: none() }.into(),
        AttemptPassed { task: task(), attempt, setup: false }.into(),
        failed(&task(), attempt, Cause::Crash, true),
    ]
}

fn kept(task: &TaskId, attempt: u32) -> Event {
    Preserved {
        task: task.clone(),
        attempt,
        tip: tip(attempt),
        changed: true,
        descends: true,
        missing: false,
        strays: vec![],
        markers: vec![],
        subjects: vec![],
        hazards: vec![],
        secrets: vec![],
    }
    .into()
}

pub(super) fn failed(task: &TaskId, attempt: u32, cause: Cause, counts: bool) -> Event {
    let (reason, tail, hint) = (none(), none(), none());
    AttemptFailed { task: task.clone(), attempt, cause, reason, counts, tail, hint }.into()
}

/// What happens to an attempt's work on its way into the target.
pub(super) fn of_the_landing(task: &TaskId, attempt: u32, commit: &Oid) -> Vec<Event> {
    let (task, commit) = (|| task.clone(), || commit.clone());
    vec![
        TaskQueued { task: task(), attempt, tip: tip(attempt) }.into(),
        prepared(&task(), attempt),
        MergeBuilt { task: task(), attempt, commit: commit(), tree: commit(), secrets: vec![] }.into(),
        MergeEmpty { task: task(), attempt }.into(),
        MergeConflicted { task: task(), attempt, paths: vec![], detail: none() }.into(),
        MergeRefused { task: task(), attempt, hazards: vec![] }.into(),
        MergeFailed { task: task(), attempt, error: none() }.into(),
        MergeIntended { task: task(), attempt, old: None, commit: commit() }.into(),
        Merged { task: task(), attempt, commit: commit() }.into(),
    ]
}

pub(super) fn prepared(task: &TaskId, attempt: u32) -> Event {
    MergePrepared {
        task: task.clone(),
        attempt,
        old: None,
        onto: Oid::new("base"),
        tip: tip(attempt),
        at_s: 1,
        anchor_seq: 0,
        anchor_hash: none(),
    }
    .into()
}

/// What happens to a task between its attempts and at its end.
pub(super) fn of_the_task(task: &TaskId) -> Vec<Event> {
    let task = || task.clone();
    vec![
        RetryScheduled { task: task(), at_ms: 3 }.into(),
        RetryDue { task: task() }.into(),
        TaskDone { task: task(), reason: none() }.into(),
        TaskFailed { task: task(), cause: Cause::Crash, reason: none() }.into(),
        TaskSkipped { task: task(), because: id("needed") }.into(),
        TaskCancelled { task: task(), reason: none() }.into(),
        TaskHeld { task: task(), reason: none() }.into(),
    ]
}

/// What becomes of a worktree.
pub(super) fn of_the_worktree(task: &TaskId, attempt: u32) -> Vec<Event> {
    vec![
        WorktreeRemoved { task: task.clone(), attempt }.into(),
        WorktreeKept { task: task.clone(), attempt, error: none() }.into(),
    ]
}

pub(super) fn gate_started(site: Site, n: u32, index: Option<u32>) -> Event {
    GateStarted { n, site, index, name: none(), commit: Oid::new("c"), nonce: none(), slot: 0 }.into()
}

pub(super) fn gate_ended(n: u32, verdict: Verdict) -> Event {
    GateEnded { n, verdict, tail: none(), took_ms: 1 }.into()
}

pub(super) fn red() -> Verdict {
    Verdict::Red { detail: none() }
}

pub(super) fn no_verdict() -> Verdict {
    Verdict::None { detail: none() }
}

pub(super) fn leak() -> Leak {
    Leak { rule: "github-pat".to_owned(), path: "a.txt".to_owned(), line: 3 }
}
