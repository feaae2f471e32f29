//! Which events people should see as they happen, and with what beside them. An event that needs no attention has no line.

use swarm_domain::Event;
use swarm_domain::TaskId;
use swarm_domain::event::{AgentExited, AttemptFailed, GateEnded, Merged, TaskFailed, TaskQueued};
use swarm_domain::fact::{Cause, Outcome, Site, Verdict};
use swarm_domain::gates::GateRun;
use swarm_domain::state::Parts;
use swarm_domain::task::Task;

use super::counts::task_cost;
use super::event::about;
use super::paint::Mark;
use super::status::kept_ref;
use super::text::{clean, count, duration, few, last_lines, money};
use super::words::{gate_name, say, site, verdict};

/// The last lines of an output that are shown with a failure.
const TAIL_LINES: usize = 20;

/// What is told of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// What it means.
    pub(super) mark: Mark,
    /// What it is about: a task, or the run.
    pub(super) subject: String,
    /// What happened.
    pub(super) text: String,
    /// The output that shows it.
    pub(super) tail: String,
}

impl Told {
    /// A line without output below it.
    pub(super) fn new(mark: Mark, subject: &str, text: String) -> Self {
        Self { mark, subject: subject.to_owned(), text, tail: String::new() }
    }

    fn with_tail(mut self, tail: &str) -> Self {
        tail.clone_into(&mut self.tail);
        self
    }
}

/// An output as it stands below a line.
pub(super) fn indented(tail: &str) -> impl Iterator<Item = String> {
    last_lines(tail, TAIL_LINES).into_iter().map(|line| format!("           | {line}").trim_end().to_owned())
}

/// What is told of an event of some moment, in the state that it led to. `gate` is the gate that it ended.
pub(super) fn of(parts: &Parts, now_ms: u64, event: &Event, gate: Option<&GateRun>) -> Option<Told> {
    let plain = |mark| Some(Told::new(mark, about(event).map_or("run", TaskId::as_str), say(event)));
    match event {
        Event::RunPlanned(_) | Event::RoomBack(_) | Event::TargetFreed(_) => plain(Mark::Note),
        Event::TaskPlanned(event) => event.carried.as_ref().and_then(|_| plain(Mark::Good)),
        Event::Opened(_) | Event::Requested(_) | Event::StopAsked(_) => plain(Mark::Note),
        Event::TargetSeen(event) if event.keeps => None,
        Event::TargetSeen(_) | Event::TargetHeld(_) | Event::RoomLost(_) => plain(Mark::Warn),
        Event::DeadlineReached(_) | Event::RunPaused(_) | Event::Noted(_) => plain(Mark::Warn),
        Event::GateEnded(event) => gate.and_then(|gate| gate_ended(parts, event, gate)),
        Event::PreflightPassed(_) => plain(Mark::Good),
        Event::PreflightFailed(_) => plain(Mark::Bad),
        Event::AttemptStarted(_) => plain(Mark::Busy),
        Event::WorktreeMade(event) if event.conflicts.is_empty() => None,
        Event::WorktreeMade(_) | Event::WorktreeFailed(_) | Event::WorktreeKept(_) => plain(Mark::Warn),
        Event::RaiseRefused(_) | Event::PreserveFailed(_) | Event::MergeFailed(_) => plain(Mark::Warn),
        Event::AgentExited(event) => stragglers(event),
        Event::Preserved(event) if event.strays.is_empty() => None,
        Event::Preserved(event) => {
            let text = format!("wrote outside its claims: {}", few(&event.strays));
            Some(Told::new(Mark::Warn, event.task.as_str(), text))
        }
        Event::AttemptFailed(event) => Some(attempt_failed(parts, event)),
        Event::RetryScheduled(event) => Some(retry(parts, &event.task, event.at_ms.saturating_sub(now_ms))),
        Event::TaskQueued(event) => Some(queued(parts, event)),
        Event::Merged(event) => Some(merged(parts, event)),
        Event::TaskDone(_) => plain(Mark::Good),
        Event::TaskFailed(event) => Some(failed(parts, event)),
        Event::TaskSkipped(_) | Event::TaskCancelled(_) => plain(Mark::Skip),
        Event::TaskHeld(_) | Event::RunStopped(_) => plain(Mark::Warn),
        Event::RunFinished(event) => {
            plain(if event.outcome == Outcome::Landed { Mark::Good } else { Mark::Bad })
        }
        Event::GateStarted(_)
        | Event::AgentStarted(_)
        | Event::UsageReported(_)
        | Event::GrantRaised(_)
        | Event::WorktreeRemoved(_)
        | Event::RetryDue(_)
        | Event::AttemptPassed(_)
        | Event::MergePrepared(_)
        | Event::MergeBuilt(_)
        | Event::MergeEmpty(_)
        | Event::MergeConflicted(_)
        | Event::MergeIntended(_) => None,
    }
}

/// A gate that is not green. Green ones show in what they let through.
fn gate_ended(parts: &Parts, event: &GateEnded, gate: &GateRun) -> Option<Told> {
    let (subject, advisory) = match &gate.site {
        Site::Preflight => {
            ("base", parts.run.base_gates.get(gate.index? as usize).is_some_and(|gate| gate.advisory))
        }
        Site::Task { task, .. } | Site::Train { task, .. } => {
            let advisory =
                gate.index.is_some_and(|at| parts.tasks.get(task).is_some_and(|task| task.is_advisory(at)));
            (task.as_str(), advisory)
        }
    };
    let mark = match event.verdict {
        Verdict::Green => return None,
        Verdict::Red { .. } if advisory => Mark::Warn,
        Verdict::Red { .. } => Mark::Bad,
        Verdict::None { .. } => Mark::Again,
    };
    let name = gate_name(&gate.name, gate.index);
    let on = site(&gate.site, gate.commit.short());
    let kind = if advisory { " (advisory)" } else { "" };
    let text = format!("{name}{kind} {} after {} on {on}", verdict(&event.verdict), duration(event.took_ms));
    Some(Told::new(mark, subject, text).with_tail(&event.tail))
}

fn stragglers(event: &AgentExited) -> Option<Told> {
    let left = count(event.stragglers as usize, "process");
    let text = format!("left {left} behind, which had to be killed");
    (event.stragglers > 0).then(|| Told::new(Mark::Warn, event.task.as_str(), text))
}

/// How long the last attempt took and what it cost, as far as that is known.
fn figures(task: Option<&Task>) -> String {
    let Some(attempt) = task.and_then(|task| task.attempt.as_ref()) else { return String::new() };
    let took_ms = attempt.ended_ms.saturating_sub(attempt.started_ms);
    match attempt.cost {
        Some(cost) => format!("  {}  {}", duration(took_ms), money(attempt.charge, cost)),
        None => String::new(),
    }
}

fn attempt_failed(parts: &Parts, event: &AttemptFailed) -> Told {
    let task = parts.tasks.get(&event.task);
    let mut text = format!("{}{}", say(&event.clone().into()), figures(task));
    if !event.hint.is_empty() {
        text.push_str("  hint: ");
        text.push_str(&clean(&event.hint));
    }
    let mark = if event.cause == Cause::Interrupted { Mark::Note } else { Mark::Bad };
    let tail =
        task.and_then(|task| task.failure.as_ref()).map(|failure| failure.tail.clone()).unwrap_or_default();
    let told = Told::new(mark, event.task.as_str(), text);
    if event.cause == Cause::Interrupted { told } else { told.with_tail(&tail) }
}

fn retry(parts: &Parts, id: &TaskId, wait_ms: u64) -> Told {
    let next = parts.tasks.get(id).map_or(1, |task| task.attempts + 1);
    let when =
        if wait_ms == 0 { "as soon as it can start".to_owned() } else { format!("in {}", duration(wait_ms)) };
    Told::new(Mark::Again, id.as_str(), format!("attempt {next} follows {when}"))
}

fn queued(parts: &Parts, event: &TaskQueued) -> Told {
    let figures = figures(parts.tasks.get(&event.task));
    Told::new(Mark::Wait, event.task.as_str(), format!("{}{figures}", say(&event.clone().into())))
}

fn merged(parts: &Parts, event: &Merged) -> Told {
    let spent = parts.ledger.spent_by(&event.task);
    let cost = parts
        .tasks
        .get(&event.task)
        .and_then(|task| task_cost(parts, task))
        .map(|cost| format!("  {}", money(spent, cost)))
        .unwrap_or_default();
    Told::new(Mark::Good, event.task.as_str(), format!("{}{cost}", say(&event.clone().into())))
}

fn failed(parts: &Parts, event: &TaskFailed) -> Told {
    let task = parts.tasks.get(&event.task);
    let attempts = task.map_or(0, |task| task.attempts);
    let mut text = format!("failed for good after {}", count(attempts as usize, "attempt"));
    if attempts == 0 || event.cause == Cause::Budget {
        text = format!("{text}: {}", clean(&event.reason));
    }
    let spent = parts.ledger.spent_by(&event.task);
    if let Some(cost) = task.and_then(|task| task_cost(parts, task)) {
        text = format!("{text}  {}", money(spent, cost));
    }
    if let Some(kept) = task.and_then(|task| kept_ref(parts, task)) {
        text = format!("{text}  kept as {kept}");
    }
    Told::new(Mark::Bad, event.task.as_str(), text)
}
