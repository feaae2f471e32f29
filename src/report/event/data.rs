//! The `data` of each kind of event, written out by hand: a field of the journal becomes public only where it is named here.

use serde_json::{Value, json};
use swarm_domain::Caps;
use swarm_domain::event::{
    AgentExited, AgentHeld, AttemptFailed, AttemptStarted, BudgetWarned, DaySeen, GateEnded, GateStarted,
    MergeBuilt, MergePrepared, Opened, Preserved, Requested, UsageReported,
};
use swarm_domain::fact::{Ending, Leak, Outcome, Report, Request, Site, Start, Stop, TroubleKind, Verdict};
use swarm_domain::{Event, Hazard, Usd};

use super::super::text::{cost_word, rfc3339};
use super::super::words::cause;
use super::plan;

/// What an event of its kind says.
pub(super) fn of(event: &Event) -> Value {
    match event {
        Event::RunPlanned(event) => plan::run(event),
        Event::TaskPlanned(event) => plan::task(event),
        Event::Opened(event) => opened(event),
        Event::TargetSeen(event) => json!({"head": event.found, "keeps": event.keeps}),
        Event::TargetHeld(event) => json!({"path": event.path}),
        Event::GateStarted(event) => gate_started(event),
        Event::GateEnded(event) => gate_ended(event),
        Event::PreflightFailed(event) => json!({"name": event.name, "n": event.n}),
        Event::AttemptStarted(event) => attempt_started(event),
        Event::WorktreeMade(event) => {
            json!({"path": event.path, "head": event.start, "conflicts": event.conflicts})
        }
        Event::WorktreeFailed(event) => json!({"error": event.error}),
        Event::AgentStarted(event) => json!({"pid": event.pid}),
        Event::UsageReported(event) => usage(event),
        Event::GrantRaised(event) => json!({"usd": event.grant.decimal()}),
        Event::RaiseRefused(event) => json!({"cap": event.cap.word()}),
        Event::StopAsked(event) => stopping(event.why),
        Event::BudgetWarned(event) => warned(event),
        Event::DaySeen(event) => day(event),
        Event::AgentExited(event) => exited(event),
        Event::Preserved(event) => preserved(event),
        Event::PreserveFailed(event) => json!({"error": event.error}),
        Event::WorktreeKept(event) => json!({"error": event.error}),
        Event::AttemptFailed(event) => attempt_failed(event),
        Event::RetryScheduled(event) => json!({"at": rfc3339(event.at_ms)}),
        Event::AttemptPassed(event) => json!({"setup": event.setup}),
        Event::TaskQueued(event) => json!({"tip": event.tip}),
        Event::MergePrepared(event) => merge_prepared(event),
        Event::MergeBuilt(event) => built(event),
        Event::MergeConflicted(event) => json!({"paths": event.paths, "detail": event.detail}),
        Event::MergeRefused(event) => json!({"hazards": hazards(&event.hazards)}),
        Event::MergeIntended(event) => json!({"old": event.old, "commit": event.commit}),
        Event::Merged(event) => json!({"commit": event.commit}),
        Event::MergeFailed(event) => json!({"error": event.error}),
        Event::TaskDone(event) => json!({"reason": event.reason}),
        Event::TaskFailed(event) => json!({"kind": cause(event.cause), "reason": event.reason}),
        Event::TaskSkipped(event) => json!({"because": event.because}),
        Event::TaskCancelled(event) => json!({"reason": event.reason}),
        Event::TaskHeld(event) => json!({"reason": event.reason}),
        Event::Requested(event) => requested(event),
        Event::RunPaused(event) => json!({"because": event.because}),
        Event::RoomLost(event) => json!({"detail": event.detail}),
        Event::Noted(event) => json!({"text": event.text}),
        Event::RunStopped(event) => ended(event.outcome, Some(&event.detail)),
        Event::RunFinished(event) => ended(event.outcome, None),
        Event::RecordsLost(event) => json!({"from": event.from, "to": event.to}),
        Event::AgentHeld(event) => held(event),
        Event::AgentFreed(event) => json!({"agent": event.agent}),
        Event::TargetFreed(_)
        | Event::PreflightPassed(_)
        | Event::WorktreeRemoved(_)
        | Event::RetryDue(_)
        | Event::MergeEmpty(_)
        | Event::DeadlineReached(_)
        | Event::RoomBack(_) => json!({}),
    }
}

fn opened(event: &Opened) -> Value {
    let wall = json!({"name": event.wall.wall, "lacks": event.wall.lacks});
    json!({"epoch": event.epoch, "pid": event.pid, "version": event.version, "wall": wall})
}

fn built(event: &MergeBuilt) -> Value {
    json!({"commit": event.commit, "tree": event.tree, "secrets": leaks(&event.secrets)})
}

fn held(event: &AgentHeld) -> Value {
    json!({"agent": event.agent, "until": event.until_ms.map(rfc3339), "said": event.said})
}

fn gate_started(event: &GateStarted) -> Value {
    let on = match &event.site {
        Site::Preflight => "base",
        Site::Task { .. } => "attempt",
        Site::Train { .. } => "merge",
    };
    let kind = if event.index.is_none() { "setup" } else { "gate" };
    json!({"n": event.n, "kind": kind, "name": event.name, "on": on, "commit": event.commit})
}

fn gate_ended(event: &GateEnded) -> Value {
    let (verdict, detail) = verdict(&event.verdict);
    json!({"n": event.n, "verdict": verdict, "detail": detail, "tail": event.tail, "took_ms": event.took_ms})
}

/// A verdict: its name and what happened.
pub(in super::super) fn verdict(verdict: &Verdict) -> (&'static str, Option<&str>) {
    match verdict {
        Verdict::Green => ("green", None),
        Verdict::Red { detail } => ("red", Some(detail)),
        Verdict::None { detail } => ("none", Some(detail)),
    }
}

fn attempt_started(event: &AttemptStarted) -> Value {
    json!({"reserved_usd": event.reserve.decimal(), "onto": event.onto, "from": start(&event.from)})
}

/// What an attempt starts from.
pub(in super::super) fn start(from: &Start) -> Value {
    match from {
        Start::Head => json!({"kind": "head"}),
        Start::Tip { attempt, tip, .. } => json!({"kind": "attempt", "attempt": attempt, "tip": tip}),
    }
}

fn usage(event: &UsageReported) -> Value {
    json!({
        "usd": event.usage.usd.map(Usd::decimal),
        "input_tokens": event.usage.input_tokens,
        "output_tokens": event.usage.output_tokens,
        "calls": event.usage.calls,
        "turns": event.usage.turns,
    })
}

fn stopping(stop: Stop) -> Value {
    match stop {
        Stop::Cancelled => json!({"reason": "cancelled"}),
        Stop::Interrupted => json!({"reason": "interrupted"}),
        Stop::Deadline => json!({"reason": "deadline"}),
        Stop::Capped { cap, measure } => {
            json!({"reason": "budget", "cap": cap.word(), "measure": measure.word()})
        }
    }
}

fn warned(event: &BudgetWarned) -> Value {
    json!({
        "cap": event.cap.word(),
        "agent": Some(&event.agent).filter(|agent| !agent.is_empty()),
        "measure": event.measure.word(),
        "percent": event.percent,
        "used": event.used,
        "of": event.of,
    })
}

fn day(event: &DaySeen) -> Value {
    json!({
        "date": event.date,
        "until": rfc3339(event.until_ms),
        "elsewhere_usd": event.elsewhere.decimal(),
        "allowed_usd": event.allowed.decimal(),
    })
}

fn exited(event: &AgentExited) -> Value {
    json!({
        "ending": ending(&event.ending),
        "report": event.report.as_deref().map(report),
        "usd": event.charge.decimal(),
        "cost": cost_word(event.cost),
        "reported_usd": event.usage.usd.map(Usd::decimal),
        "input_tokens": event.usage.input_tokens,
        "output_tokens": event.usage.output_tokens,
        "tail": event.tail,
        "stragglers": event.stragglers,
    })
}

/// What an agent program said of its own end.
fn report(report: &Report) -> Value {
    let trouble = report.trouble.as_ref().map(|trouble| {
        let kind = match trouble.kind {
            TroubleKind::Error => "error",
            TroubleKind::Limit => "limit",
            TroubleKind::Login => "login",
        };
        json!({"kind": kind, "said": trouble.said, "until": trouble.until_ms.map(rfc3339)})
    });
    json!({
        "finished": report.finished,
        "trouble": trouble,
        "model": report.model,
        "denials": report.denials,
        "conversation": report.bookmark,
    })
}

/// How a program ended.
pub(in super::super) fn ending(ending: &Ending) -> Value {
    match ending {
        Ending::Exited { code } => json!({"kind": "exited", "code": code}),
        Ending::Signaled { signal } => json!({"kind": "signaled", "signal": signal}),
        Ending::TimedOut => json!({"kind": "timed_out"}),
        Ending::Idle => json!({"kind": "idle"}),
        Ending::Spent => json!({"kind": "spent"}),
        Ending::Stopped => json!({"kind": "stopped"}),
        Ending::SetupFailed { step, detail } => {
            json!({"kind": "setup_failed", "step": step, "detail": detail})
        }
        Ending::NotStarted { error } => json!({"kind": "not_started", "error": error}),
        Ending::Unknown => json!({"kind": "unknown"}),
        Ending::Overstayed => json!({"kind": "overstayed"}),
    }
}

fn preserved(event: &Preserved) -> Value {
    json!({
        "tip": event.tip,
        "changed": event.changed,
        "descends": event.descends,
        "missing": event.missing,
        "outside_claims": event.strays,
        "conflict_markers": event.markers,
        "subjects": event.subjects,
        "hazards": hazards(&event.hazards),
        "secrets": leaks(&event.secrets),
    })
}

/// Where secrets are: a rule and a place, and no value.
fn leaks(secrets: &[Leak]) -> Vec<Value> {
    let leak = |leak: &Leak| json!({"rule": leak.rule, "path": leak.path, "line": leak.line});
    secrets.iter().map(leak).collect()
}

/// What may not land.
fn hazards(hazards: &[Hazard]) -> Value {
    let one =
        |hazard: &Hazard| json!({"kind": hazard.kind.word(), "path": hazard.path, "detail": hazard.detail});
    hazards.iter().map(one).collect()
}

fn attempt_failed(event: &AttemptFailed) -> Value {
    json!({
        "kind": cause(event.cause),
        "reason": event.reason,
        "uses_retry": event.counts,
        "tail": event.tail,
        "hint": event.hint,
    })
}

fn merge_prepared(event: &MergePrepared) -> Value {
    json!({
        "old": event.old,
        "onto": event.onto,
        "tip": event.tip,
        "anchor": {"seq": event.anchor_seq, "hash": event.anchor_hash},
    })
}

fn budget(request: &str, caps: &Caps) -> Value {
    let mut data = super::super::caps::caps(caps);
    data["request"] = json!(request);
    data
}

fn requested(event: &Requested) -> Value {
    let mut data = match &event.request {
        Request::Cancel { tasks } => json!({"request": "cancel", "tasks": tasks}),
        Request::Pause => json!({"request": "pause"}),
        Request::Unpause => json!({"request": "unpause"}),
        Request::AddBudget { caps } => budget("budget_add", caps),
        Request::SetBudget { caps } => budget("budget_set", caps),
        Request::SetConcurrency { slots } => json!({"request": "concurrency", "slots": slots}),
        Request::Drain { signal } => json!({"request": "drain", "signal": signal}),
        Request::Interrupt { signal } => json!({"request": "interrupt", "signal": signal}),
    };
    data["id"] = json!(event.id);
    data["asker"] = json!(event.by);
    data
}

fn ended(outcome: Outcome, detail: Option<&str>) -> Value {
    json!({"outcome": outcome.word(), "exit_code": outcome.exit_code(), "detail": detail})
}
