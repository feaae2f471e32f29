//! The life of one task against its table.

use std::sync::Arc;

use super::samples::{
    exited, gate_ended, gate_started, id, no_verdict, nonce, of_the_landing, of_the_slot, of_the_task,
    of_the_worktree, red, started,
};
use super::{Machine, row};
use crate::fact::{Site, Verdict};
use crate::sim;
use crate::task::{End, Finding, Illegal, Phase, Task};
use crate::{Event, GateScope, Oid, TaskSpec};

/// What a task is told: an event, or that another process has the run now.
#[derive(Debug)]
enum Told {
    Event(Box<Event>),
    Opened,
}

/// A task with two gates of its own.
fn spec() -> Arc<TaskSpec> {
    let gates = [GateScope::Task, GateScope::Both].map(sim::gate).to_vec();
    Arc::new(TaskSpec { gates, ..sim::task("a") })
}

/// Every event that can come up about a task, under the name of its row.
fn events(task: &Task) -> Vec<(String, Told)> {
    let no = task.attempt_no();
    let mut found: Vec<(String, Event)> =
        of_attempt(task, no).into_iter().map(|event| (row(&event, ""), event)).collect();
    let others = [no.wrapping_sub(1), no + 1].into_iter().flat_map(|other| of_attempt(task, other));
    found.extend(others.map(|event| ("any of another attempt".to_owned(), event)));
    found.extend(of_the_task(&task.spec.id).into_iter().map(|event| (row(&event, ""), event)));
    found.extend(starts(task));
    found.extend(gates(task));
    found.extend(worktrees(task));
    let stranger = exited(&task.spec.id, no, "another holder".to_owned());
    found.push((row(&stranger, "of another holder"), stranger));
    let told = found.into_iter().map(|(row, event)| (row, Told::Event(Box::new(event))));
    told.chain([("`run.opened`".to_owned(), Told::Opened)]).collect()
}

/// The same, without the names.
pub(super) fn told(task: &Task) -> Vec<Event> {
    let event = |told| if let Told::Event(event) = told { Some(*event) } else { None };
    events(task).into_iter().filter_map(|(_, told)| event(told)).collect()
}

fn of_attempt(task: &Task, no: u32) -> Vec<Event> {
    let id = &task.spec.id;
    let mut events = of_the_slot(id, no);
    events.extend(of_the_landing(id, no, &Oid::new("c")));
    events.push(exited(id, no, nonce(no)));
    events
}

fn starts(task: &Task) -> Vec<(String, Event)> {
    let used = (0..=task.attempts).map(|no| ("under a number that was used", no));
    let new = [1, 3].map(|more| ("", task.attempts + more));
    let start = |(which, no)| {
        let event = started(&task.spec.id, no);
        (row(&event, which), event)
    };
    used.chain(new).map(start).collect()
}

fn gates(task: &Task) -> Vec<(String, Event)> {
    let attempt = task.attempt_no();
    let site = || Site::Task { task: task.spec.id.clone(), attempt };
    let checks = if let Phase::Gating(checks) = &task.phase { Some(checks) } else { None };
    let due = checks.and_then(crate::checks::Checks::due);
    let mut found: Vec<_> = [None, Some(0), Some(1), Some(2)]
        .map(|index| {
            let event = gate_started(site(), 1 + index.unwrap_or(8), index);
            (
                row(
                    &event,
                    if due == Some(index) { "of the check that is due" } else { "of any other check" },
                ),
                event,
            )
        })
        .into();
    let mut ended = |n, verdict, which: &str| {
        let event = gate_ended(n, verdict);
        found.push((row(&event, which), event));
    };
    for verdict in [Verdict::Green, red(), no_verdict()] {
        ended(99, verdict, "of no check that runs");
    }
    if let Some((n, index)) = checks.and_then(crate::checks::Checks::running) {
        let last = index == Some(1);
        ended(n, Verdict::Green, if last { "green, the last" } else { "green, others follow" });
        ended(n, red(), "red, or without a verdict");
        ended(n, no_verdict(), "red, or without a verdict");
    }
    let other = gate_started(Site::Task { task: task.spec.id.clone(), attempt: attempt + 1 }, 1, Some(0));
    found.push(("any of another attempt".to_owned(), other));
    found
}

fn worktrees(task: &Task) -> Vec<(String, Event)> {
    let leftover = |no: u32| task.leftovers.contains_key(&no);
    let which = |no| if leftover(no) { "of one that is to be removed" } else { "of any other" };
    let events = |no| of_the_worktree(&task.spec.id, no).into_iter().map(move |event| (no, event));
    (0..=task.attempts + 1).flat_map(events).map(|(no, event)| (row(&event, which(no)), event)).collect()
}

fn take(task: &mut Task, told: &Told) -> Result<(), Illegal> {
    match told {
        Told::Event(event) => task.apply(event),
        Told::Opened => {
            task.opened();
            Ok(())
        }
    }
}

fn word(task: &Task) -> &'static str {
    match &task.phase {
        Phase::Waiting => "waiting",
        Phase::Ready => "ready",
        Phase::Backoff { .. } => "backoff",
        Phase::Making => "making",
        Phase::Running => "running",
        Phase::Saving => "saving",
        Phase::Judging(Finding::Kept(_)) => "kept",
        Phase::Judging(Finding::NoWorktree(_) | Finding::Unkept(_)) => "unkept",
        Phase::Gating(checks) if checks.passed() => "green",
        Phase::Gating(_) => "gating",
        Phase::Queued => "queued",
        Phase::Merging => "merging",
        Phase::Failing { .. } => "failing",
        Phase::Held { .. } => "held",
        Phase::Ended(End::Merged { .. }) => "merged",
        Phase::Ended(End::Done { .. }) => "done",
        Phase::Ended(End::Failed { .. }) => "failed",
        Phase::Ended(End::Skipped { .. }) => "skipped",
        Phase::Ended(End::Cancelled { .. }) => "cancelled",
    }
}

fn column(word: &'static str) -> &'static str {
    match word {
        "merged" | "done" | "failed" | "skipped" | "cancelled" => "ended",
        open => open,
    }
}

/// A task after an attempt that failed, whose worktree is still there.
fn tried(mut task: Task) -> Task {
    let (id, path) = (task.spec.id.clone(), ["worktree.made", "agent.exited", "attempt.preserved"]);
    let ends = ["attempt.failed", "task.retrying", "task.ready"];
    task.apply(&started(&id, 1)).unwrap();
    for name in path.into_iter().chain(ends) {
        let event =
            told(&task).into_iter().find(|event| event.name() == name && task.clone().apply(event).is_ok());
        task.apply(&event.unwrap()).unwrap();
    }
    task
}

/// Tasks before their first attempt, and one after it. What makes a waiting task ready is an event of another task.
fn roots() -> Vec<Task> {
    let waiting = Task::new(spec(), None);
    let ready = Task { phase: Phase::Ready, ..waiting.clone() };
    let doomed = Task { doomed: Some(id("needed")), ..waiting.clone() };
    let to_be_cancelled = Task { cancel: true, ..ready.clone() };
    vec![
        waiting,
        tried(ready.clone()),
        ready,
        doomed,
        to_be_cancelled,
        Task::new(spec(), Some(Oid::new("carried"))),
    ]
}

#[test]
fn a_task_lives_as_the_page_says() {
    Machine { title: "The life of a task", events, take, word, column, follow: true }
        .matches_the_page(roots());
}
