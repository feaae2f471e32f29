//! Which events people should see as they happen, and with what beside them. An event that needs no attention has no line.

use swarm_domain::Event;
use swarm_domain::TaskId;
use swarm_domain::event::{
    AgentExited, AttemptFailed, AttemptStarted, GateEnded, Merged, TaskFailed, TaskQueued,
};
use swarm_domain::fact::{Cause, Ending, Outcome, Request, Site, Verdict};
use swarm_domain::gates::GateRun;
use swarm_domain::state::Parts;
use swarm_domain::task::Task;

use super::agents;
use super::counts::{Counts, task_cost};
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
    match event {
        Event::GateEnded(event) => gate.and_then(|gate| gate_ended(parts, event, gate)),
        Event::PreserveFailed(kept) => Some(stays(parts, event, &kept.task, kept.attempt)),
        Event::WorktreeKept(kept) => Some(stays(parts, event, &kept.task, kept.attempt)),
        Event::AttemptStarted(event) => Some(attempt_started(parts, event)),
        Event::AgentExited(event) => refusals(event).or_else(|| stragglers(event)),
        Event::Preserved(event) if !event.strays.is_empty() => {
            let text = format!("wrote outside its claims: {}", few(&event.strays));
            Some(Told::new(Mark::Warn, event.task.as_str(), text))
        }
        Event::AttemptFailed(event) => Some(attempt_failed(parts, event)),
        Event::RetryScheduled(event) => Some(retry(parts, &event.task, event.at_ms.saturating_sub(now_ms))),
        Event::TaskQueued(event) => Some(queued(parts, event)),
        Event::Merged(event) => Some(merged(parts, event)),
        Event::TaskFailed(event) => Some(failed(parts, event)),
        Event::Requested(event) if matches!(event.request, Request::Drain { .. }) => Some(draining(parts)),
        event => {
            let subject = about(event).map_or("run", TaskId::as_str);
            plain(event).map(|mark| Told::new(mark, subject, say(event)))
        }
    }
}

/// The first Ctrl-C: what is waited for, and what the second one does.
fn draining(parts: &Parts) -> Told {
    let counts = Counts::of(parts);
    let text = match counts.running + counts.queued {
        0 if !parts.gates.is_idle() => {
            "interrupted: waiting for what checks the base; again to stop it now".to_owned()
        }
        0 => "interrupted: nothing runs, so the run stops".to_owned(),
        left => format!("interrupted: waiting for {}; again to stop them now", count(left, "task")),
    };
    Told::new(Mark::Warn, "run", text)
}

/// The sign of an event that is told in its own words; none for one that is not told.
fn plain(event: &Event) -> Option<Mark> {
    let mark = match event {
        Event::PreflightPassed(_) | Event::TaskDone(_) => Mark::Good,
        Event::TaskPlanned(event) if event.carried.is_some() => Mark::Good,
        Event::RunFinished(event) if event.outcome == Outcome::Landed => Mark::Good,
        Event::PreflightFailed(_) | Event::RunFinished(_) | Event::RecordsLost(_) => Mark::Bad,
        Event::TaskSkipped(_) | Event::TaskCancelled(_) => Mark::Skip,
        Event::TargetSeen(event) if event.keeps => return None,
        Event::WorktreeMade(event) if event.conflicts.is_empty() => return None,
        Event::RunPlanned(_)
        | Event::Opened(_)
        | Event::Requested(_)
        | Event::StopAsked(_)
        | Event::TargetFreed(_)
        | Event::AgentFreed(_)
        | Event::RoomBack(_) => Mark::Note,
        Event::TargetSeen(_)
        | Event::TargetHeld(_)
        | Event::WorktreeMade(_)
        | Event::WorktreeFailed(_)
        | Event::RaiseRefused(_)
        | Event::AgentHeld(_)
        | Event::MergeFailed(_)
        | Event::TaskHeld(_)
        | Event::RunPaused(_)
        | Event::DeadlineReached(_)
        | Event::RoomLost(_)
        | Event::BudgetWarned(_)
        | Event::Noted(_)
        | Event::RunStopped(_) => Mark::Warn,
        _ => return None,
    };
    Some(mark)
}

/// A gate that is not green. Green ones show in what they let through.
fn gate_ended(parts: &Parts, event: &GateEnded, gate: &GateRun) -> Option<Told> {
    let (subject, advisory) = match &gate.site {
        Site::Preflight => {
            // The setup has no index, and is never advisory.
            let gate = gate.index.and_then(|at| parts.run.base_gates.get(at as usize));
            ("base", gate.is_some_and(|gate| gate.advisory))
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

/// A worktree stays, and where.
fn stays(parts: &Parts, event: &Event, task: &TaskId, attempt: u32) -> Told {
    let path = parts.tasks.get(task).and_then(|task| task.kept.get(&attempt)).map(|(path, _)| clean(path));
    let place = path.map(|path| format!("; it stays at {path}")).unwrap_or_default();
    Told::new(Mark::Warn, task.as_str(), format!("{}{place}", say(event)))
}

fn attempt_started(parts: &Parts, event: &AttemptStarted) -> Told {
    let agent = parts.tasks.get(&event.task).and_then(agents::name);
    let by = agent.map(|agent| format!(", by {agent}")).unwrap_or_default();
    Told::new(Mark::Busy, event.task.as_str(), format!("{}{by}", say(&event.clone().into())))
}

/// An agent that may not do what it wants goes on as if nothing had happened.
fn refusals(event: &AgentExited) -> Option<Told> {
    let denials = &event.report.as_ref()?.denials;
    let text = format!("its agent was refused {}", few(denials));
    (!denials.is_empty()).then(|| Told::new(Mark::Warn, event.task.as_str(), text))
}

fn stragglers(event: &AgentExited) -> Option<Told> {
    let left = count(event.stragglers as usize, "process");
    let text = format!("left {left} behind, which had to be killed");
    // Of a program that we ended ourselves, every process had to be.
    let by_itself = matches!(event.ending, Ending::Exited { .. } | Ending::Signaled { .. });
    (event.stragglers > 0 && by_itself).then(|| Told::new(Mark::Warn, event.task.as_str(), text))
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
    let mark = match event.cause {
        Cause::Interrupted | Cause::Limit => Mark::Note,
        _ => Mark::Bad,
    };
    let kept = task.and_then(|task| task.failure.as_ref()).map_or("", |failure| failure.tail.as_str());
    let tail = match event.cause {
        Cause::Interrupted | Cause::Limit | Cause::Login => "",
        // A silent gate has nothing to show: what the program printed is not why it is red.
        Cause::Gate => &event.tail,
        _ => kept,
    };
    Told::new(mark, event.task.as_str(), text).with_tail(tail)
}

fn retry(parts: &Parts, id: &TaskId, wait_ms: u64) -> Told {
    let next = parts.tasks.get(id).map_or(1, Task::next_attempt);
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
