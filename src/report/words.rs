//! What each event says, in a few words. Knows one event and nothing that came before it.

use swarm_domain::Caps;
use swarm_domain::event::{
    AgentExited, AgentHeld, AttemptFailed, AttemptStarted, DaySeen, GateEnded, GateStarted, MergePrepared,
    Opened, PreflightFailed, Preserved, RecordsLost, RunPlanned, TargetSeen, TaskPlanned, UsageReported,
};
use swarm_domain::fact::{Cap, Cause, Ending, Outcome, Request, Site, Standing, Start, Stop, Verdict};
use swarm_domain::{Event, Usd, hazard};

use super::caps;
use super::text::{clean, count, dollars, duration, few, money, rfc3339};

/// The event in a few words, on one line.
pub(super) fn say(event: &Event) -> String {
    match event {
        Event::RunPlanned(event) => run_planned(event),
        Event::TaskPlanned(event) => task_planned(event),
        Event::Opened(event) => opened(event),
        Event::TargetSeen(event) => target_seen(event),
        Event::TargetHeld(event) => format!("the target is checked out in {}", clean(&event.path)),
        Event::TargetFreed(_) => "the target is free again".to_owned(),
        Event::GateStarted(event) => gate_started(event),
        Event::GateEnded(event) => gate_ended(event),
        Event::PreflightPassed(_) => "setup and gates are green on the base".to_owned(),
        Event::PreflightFailed(event) => preflight_failed(event),
        Event::AttemptStarted(event) => attempt_started(event),
        Event::WorktreeMade(event) if event.conflicts.is_empty() => "its worktree is ready".to_owned(),
        Event::WorktreeMade(event) => format!("finds conflicts with the target in {}", few(&event.conflicts)),
        Event::WorktreeFailed(event) => format!("got no worktree: {}", clean(&event.error)),
        Event::AgentStarted(event) => format!("its program runs as process {}", event.pid),
        Event::UsageReported(event) => usage(event),
        Event::GrantRaised(event) => format!("may spend {}", dollars(event.grant)),
        Event::RaiseRefused(event) => format!("may not spend more: {}", cap(event.cap)),
        Event::StopAsked(event) => format!("is being stopped: {}", stop(event.why)),
        Event::AgentExited(event) => exited(event),
        Event::Preserved(event) => preserved(event),
        Event::PreserveFailed(event) => format!("its work could not be kept: {}", clean(&event.error)),
        Event::WorktreeRemoved(event) => format!("the worktree of attempt {} is removed", event.attempt),
        Event::WorktreeKept(event) => {
            format!("the worktree of attempt {} stays: {}", event.attempt, clean(&event.error))
        }
        Event::AttemptFailed(event) => attempt_failed(event),
        Event::RetryScheduled(_) => "is tried again".to_owned(),
        Event::RetryDue(_) => "is ready again".to_owned(),
        Event::AttemptPassed(event) => attempt_passed(event.attempt),
        Event::TaskQueued(event) => format!("queued to land  attempt {}", event.attempt),
        Event::MergePrepared(event) => merge_prepared(event),
        Event::MergeBuilt(event) => format!("merged in memory as {}", event.commit.short()),
        Event::MergeEmpty(_) => "is in the target already".to_owned(),
        Event::MergeConflicted(event) => format!("conflicts with the target in {}", few(&event.paths)),
        Event::MergeRefused(event) => format!("may not land: {}", clean(&hazard::reason(&event.hazards))),
        Event::MergeIntended(event) => format!("the target moves to {}", event.commit.short()),
        Event::Merged(event) => format!("landed {}  attempt {}", event.commit.short(), event.attempt),
        Event::MergeFailed(event) => format!("could not be merged: {}", clean(&event.error)),
        Event::TaskDone(event) => format!("done, nothing to land: {}", clean(&event.reason)),
        Event::TaskFailed(event) => format!("failed for good: {}", clean(&event.reason)),
        Event::TaskSkipped(event) => format!("skipped: it needs {}, which did not land", event.because),
        Event::TaskCancelled(event) => format!("cancelled: {}", clean(&event.reason)),
        Event::TaskHeld(event) => format!("held for a person: {}", clean(&event.reason)),
        Event::Requested(event) => format!("{} asked to {}", clean(&event.by), request(&event.request)),
        Event::RunPaused(event) => format!("paused, because {} failed", event.because),
        Event::DeadlineReached(_) => "the run's time is up".to_owned(),
        Event::RoomLost(event) => format!("no room on the disk: {}", clean(&event.detail)),
        Event::RoomBack(_) => "the disk has room again".to_owned(),
        Event::Noted(event) => clean(&event.text),
        Event::RunStopped(event) => format!("stopped: {}", clean(&event.detail)),
        Event::RunFinished(event) => format!("finished: {}", event.outcome.word()),
        Event::RecordsLost(event) => records_lost(event),
        Event::AgentHeld(event) => agent_held(event),
        Event::AgentFreed(event) => format!("`{}` may start again", clean(&event.agent)),
        Event::BudgetWarned(event) => caps::warned(event),
        Event::DaySeen(event) => day_seen(event),
    }
}

fn attempt_passed(attempt: u32) -> String {
    format!("attempt {attempt} left good work; its own gates are next")
}

fn preflight_failed(event: &PreflightFailed) -> String {
    format!("`{}` fails on the base; no agent is started", clean(&event.name))
}

fn agent_held(event: &AgentHeld) -> String {
    let (agent, said) = (clean(&event.agent), clean(&event.said));
    match event.until_ms {
        Some(at_ms) => format!("`{agent}` waits until {}: {said}", rfc3339(at_ms)),
        None => format!("`{agent}` cannot be used until somebody has seen to it: {said}"),
    }
}

fn records_lost(RecordsLost { from, to }: &RecordsLost) -> String {
    let many = if from == to { format!("record {from} was") } else { format!("records {from} to {to} were") };
    format!("{many} destroyed; what was said there is not known")
}

fn run_planned(event: &RunPlanned) -> String {
    let settings = &event.settings;
    let cap = settings.caps.usd.map_or_else(|| "no cap".to_owned(), dollars);
    format!(
        "{} for {} on {}, from {}, budget {cap}",
        count(event.tasks as usize, "task"),
        clean(&settings.name),
        clean(&settings.target),
        settings.base.short()
    )
}

fn task_planned(event: &TaskPlanned) -> String {
    match &event.carried {
        Some(commit) => format!("carried over: landed as {} before", commit.short()),
        None => clean(&event.spec.title),
    }
}

fn opened(event: &Opened) -> String {
    let who = match event.epoch {
        0 | 1 => format!("driven by process {}", event.pid),
        epoch => format!("taken up again by process {}, the {} that drives it", event.pid, ordinal(epoch)),
    };
    match event.wall.wall.as_str() {
        "" => who,
        "none" => format!("{who}, without a wall"),
        wall => format!("{who}, all it starts behind {}", clean(wall)),
    }
}

fn ordinal(n: u64) -> String {
    let ending = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

fn target_seen(event: &TargetSeen) -> String {
    match (&event.found, event.keeps) {
        (_, false) => "the target was moved and no longer holds what this run landed".to_owned(),
        (Some(head), true) => format!("the target is at {}", head.short()),
        (None, true) => "the target does not exist yet".to_owned(),
    }
}

fn gate_started(event: &GateStarted) -> String {
    format!("{} checks {}", gate_name(&event.name, event.index), site(&event.site, event.commit.short()))
}

/// A gate by its name; setup before the gates has none of its own.
pub(super) fn gate_name(name: &str, index: Option<u32>) -> String {
    if index.is_none() { "setup".to_owned() } else { format!("gate `{}`", clean(name)) }
}

/// What a gate checks.
pub(super) fn site(site: &Site, commit: &str) -> String {
    match site {
        Site::Preflight => format!("the base {commit}"),
        Site::Task { attempt, .. } => format!("attempt {attempt}, {commit}"),
        Site::Train { attempt, .. } => format!("attempt {attempt} merged with the target, {commit}"),
    }
}

fn gate_ended(event: &GateEnded) -> String {
    format!("gate run {} {} after {}", event.n, verdict(&event.verdict), duration(event.took_ms))
}

/// A verdict with its detail.
pub(super) fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Green => "is green".to_owned(),
        Verdict::Red { detail } => format!("is red: {}", clean(detail)),
        Verdict::None { detail } => format!("came to no verdict: {}", clean(detail)),
    }
}

fn attempt_started(event: &AttemptStarted) -> String {
    let from = match &event.from {
        Start::Head => format!("on {}", event.onto.short()),
        Start::Tip { attempt, .. } => format!("from attempt {attempt}, on {}", event.onto.short()),
    };
    let reserved = match event.reserve {
        Usd::ZERO => String::new(),
        reserve => format!(", {} reserved", dollars(reserve)),
    };
    format!("attempt {} starts {from}{reserved}", event.attempt)
}

fn usage(event: &UsageReported) -> String {
    let usd = event.usage.usd.map_or_else(|| "cost unknown".to_owned(), dollars);
    format!("used {usd} and {} tokens so far", event.usage.tokens())
}

fn day_seen(event: &DaySeen) -> String {
    let (allowed, elsewhere) = (dollars(event.allowed), dollars(event.elsewhere));
    format!("may spend {allowed} on {}; other runs have {elsewhere} of that day", clean(&event.date))
}

/// Which cap refused money.
pub(super) fn cap(cap: Cap) -> String {
    format!("{} has no more", caps::whose(cap, None))
}

/// Why something is stopped.
pub(super) fn stop(stop: Stop) -> String {
    match stop {
        Stop::Cancelled => "its task was cancelled".to_owned(),
        Stop::Interrupted => "the run is interrupted".to_owned(),
        Stop::Deadline => "the run's time is up".to_owned(),
        Stop::Capped { cap, measure } => {
            format!("{} ({}) is used up", caps::whose(cap, None), measure.word())
        }
    }
}

fn exited(event: &AgentExited) -> String {
    format!("{}, {}", ending(&event.ending), money(event.charge, event.cost))
}

/// How a program ended.
pub(super) fn ending(ending: &Ending) -> String {
    match ending {
        Ending::Exited { code } => format!("exited with status {code}"),
        Ending::Signaled { signal } => format!("was killed by signal {signal}"),
        Ending::TimedOut => "took longer than its timeout".to_owned(),
        Ending::Idle => "was silent for longer than its idle timeout".to_owned(),
        Ending::Spent => "reached what it may spend".to_owned(),
        Ending::Stopped => "was stopped on request".to_owned(),
        Ending::SetupFailed { step, detail } => format!("setup command {step} failed: {}", clean(detail)),
        Ending::NotStarted { error } => format!("could not be started: {}", clean(error)),
        Ending::Unknown => "ended unseen: its holder is gone".to_owned(),
        Ending::Overstayed => "said its last word and stayed, and was ended".to_owned(),
    }
}

fn preserved(event: &Preserved) -> String {
    let tip = event.tip.short();
    if !event.secrets.is_empty() {
        let places: Vec<String> =
            event.secrets.iter().map(|leak| format!("{}:{}", leak.path, leak.line)).collect();
        return format!("kept as {tip}; holds what looks like a secret: {}", few(&places));
    }
    match (event.changed, event.strays.is_empty()) {
        (_, false) => format!("kept as {tip}; wrote outside its claims: {}", few(&event.strays)),
        (true, true) => format!("kept as {tip}"),
        (false, true) => format!("changed nothing, kept as {tip}"),
    }
}

fn attempt_failed(event: &AttemptFailed) -> String {
    let reason = clean(&event.reason);
    match event.cause {
        Cause::Interrupted => format!("attempt {} interrupted, no retry used up: {reason}", event.attempt),
        Cause::Limit => format!("attempt {} met a limit, no retry used up: {reason}", event.attempt),
        _ if event.counts => format!("attempt {} failed: {reason}", event.attempt),
        _ => format!("attempt {} came to nothing, no retry used up: {reason}", event.attempt),
    }
}

fn merge_prepared(event: &MergePrepared) -> String {
    format!("attempt {} is merged onto {}", event.attempt, event.onto.short())
}

/// What somebody asked for, as the end of a sentence.
pub(super) fn request(request: &Request) -> String {
    match request {
        Request::Cancel { tasks } if tasks.is_empty() => "cancel the run".to_owned(),
        Request::Cancel { tasks } => {
            format!("cancel {}", few(&tasks.iter().map(swarm_domain::TaskId::as_str).collect::<Vec<_>>()))
        }
        Request::Pause => "pause".to_owned(),
        Request::Unpause => "go on".to_owned(),
        Request::AddBudget { caps } => format!("add {} to the budget", amounts(caps)),
        Request::SetBudget { caps } => format!("set the budget to {}", amounts(caps)),
        Request::SetConcurrency { slots } => format!("run {} at once", count(*slots as usize, "attempt")),
        Request::Drain { .. } => "finish what runs, then stop".to_owned(),
        Request::Interrupt { .. } => "stop what runs now and keep its work".to_owned(),
    }
}

fn amounts(asked: &Caps) -> String {
    asked.iter().map(|(measure, cap)| caps::amount(measure, cap)).collect::<Vec<_>>().join(", ")
}

/// How a run came out, for people.
pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Landed => "every required task landed",
        Outcome::Partial => "some required tasks did not land",
        Outcome::Failed => "nothing landed",
        Outcome::Budget => "a budget is used up",
        Outcome::Deadline => "the time is up",
        Outcome::Cancelled => "it was cancelled",
        Outcome::Merge => "the target needs a person",
        Outcome::Environment => "the surroundings are not fit",
        Outcome::Paused => "a person's decision is pending",
        Outcome::Interrupted { .. } => "it was interrupted; its work is kept",
    }
}

/// The name of a cause, for machines.
pub(super) fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Crash => "crash",
        Cause::Timeout => "timeout",
        Cause::Gate => "gate",
        Cause::Conflict => "conflict",
        Cause::Claims => "claims",
        Cause::Budget => "budget",
        Cause::Environment => "environment",
        Cause::Lost => "lost",
        Cause::Interrupted => "interrupted",
        Cause::Limit => "limit",
        Cause::Login => "login",
        Cause::Hazard => "hazard",
        Cause::Secret => "secret",
    }
}

/// The wall around what a run starts.
pub fn wall(wall: &Standing) -> String {
    let lacks = wall.lacks.iter().map(|lack| clean(lack)).collect::<Vec<_>>().join("; ");
    if lacks.is_empty() { clean(&wall.wall) } else { format!("{}: {lacks}", clean(&wall.wall)) }
}
