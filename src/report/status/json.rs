//! The state of a run as a document. Additive only, as the event stream is; money is written as exact decimals.

use serde_json::{Map, Value, json};
use swarm_actors::Recorded;
use swarm_domain::fact::Outcome;
use swarm_domain::holds::Hold;
use swarm_domain::state::{Parts, State};
use swarm_domain::task::{End, Phase, Task};
use swarm_domain::{Event, Usd, Work};

use super::super::caps;
use super::super::counts::{Counts, landing_order, task_cost};
use super::super::next::{needs_you, steps};
use super::super::scrub::scrub;
use super::super::text::{cost_word, rfc3339};
use super::super::{waits, words};
use super::{Liveness, kept_ref, kept_worktrees, outcome, run_outcome, run_state, warnings};

/// The name and version of the document.
pub(super) const SCHEMA: &str = "swarm.status/1";

/// The state of a run, with the digest of that state.
pub fn status_json(state: &State, live: &Liveness, digest: &str) -> Value {
    let Some(parts) = state.parts() else { return unplanned(state, digest) };
    let run = &parts.run;
    let tasks: Map<String, Value> =
        parts.tasks.iter().map(|one| (one.spec.id.to_string(), task(parts, live, one))).collect();
    let next: Vec<String> = steps(parts, live.owner).into_iter().map(|step| step.command).collect();
    scrub(json!({
        "schema": SCHEMA,
        "run": run.id,
        "parent": run.parent,
        "plan": run.settings.name,
        "source": run.source,
        "state": run_state(parts, live),
        "outcome": run_outcome(parts),
        "exit_code": outcome(parts).map(Outcome::exit_code),
        "detail": run.stopped.as_ref().map(|(_, detail)| detail),
        "pid": live.owner,
        "started": rfc3339(run.started_ms),
        "deadline": run.deadline_ms().map(rfc3339),
        "target": target(parts),
        "budget": budget(parts, live),
        "wall": {"name": run.wall.wall, "lacks": run.wall.lacks},
        "concurrency": run.slots,
        "seq": state.seq(),
        "digest": digest,
        "counts": counts(parts),
        "tasks": tasks,
        "queue": queue(parts),
        "agents_held": held(parts),
        "needs_you": needs_you(parts),
        "warnings": warnings(parts),
        "kept": kept(parts),
        "next": next,
    }))
}

/// A journal in which nothing was planned yet.
fn unplanned(state: &State, digest: &str) -> Value {
    let usd = Usd::ZERO.decimal();
    json!({
        "schema": SCHEMA, "run": null, "parent": null, "plan": null, "state": "interrupted", "outcome": null,
        "target": {"branch": null, "base": null, "head": null},
        "budget": {"cap_usd": null, "spent_usd": usd, "reserved_usd": usd, "cost": "metered"},
        "seq": state.seq(), "digest": digest, "tasks": {}, "queue": [], "needs_you": [], "warnings": [], "kept": [],
        "next": ["swarm run"],
    })
}

/// The document with what the run noted, which its state does not hold.
#[must_use]
pub fn with_notes(mut document: Value, history: &[Recorded]) -> Value {
    let notes = history.iter().filter_map(|recorded| match &recorded.event {
        Event::Noted(noted) => Some(scrub(json!(noted.text))),
        Event::Preserved(kept) if !kept.strays.is_empty() => {
            Some(json!(format!("{}, attempt {}: {}", kept.task, kept.attempt, words::say(&recorded.event))))
        }
        _ => None,
    });
    if let Some(warnings) = document.get_mut("warnings").and_then(Value::as_array_mut) {
        warnings.extend(notes);
    }
    document
}

fn target(parts: &Parts) -> Value {
    let train = &parts.train;
    let head = train.head().cloned().flatten().or_else(|| train.expected());
    json!({
        "branch": parts.run.settings.target,
        "base": parts.run.settings.base,
        "head": head,
        "landed": train.landed(),
        "held": train.held().map(|hold| &hold.path),
        "lost": train.is_lost(),
        "broken": train.broken(),
    })
}

fn budget(parts: &Parts, live: &Liveness) -> Value {
    let (ledger, now_ms) = (&parts.ledger, live.at_ms);
    let agents = ledger.capped_agents().map(|(agent, capped)| {
        let used = caps::used(&ledger.used_by_agent(agent, now_ms), ledger.silent());
        (agent.to_owned(), json!({"caps": caps::caps(capped), "used": used}))
    });
    let day = ledger.per_day().map(|cap| {
        json!({
            "cap_usd": cap.decimal(),
            "date": ledger.day().map(|day| &day.date),
            "used_usd": ledger.day().map(|day| day.total(ledger.reserved()).decimal()),
            "allowed_usd": ledger.day().map(|day| day.allowed.decimal()),
        })
    });
    json!({
        "cap_usd": ledger.cap().map(Usd::decimal),
        "spent_usd": ledger.spent().decimal(),
        "reserved_usd": ledger.reserved().decimal(),
        "free_usd": ledger.free().map(Usd::decimal),
        "cost": cost_word(ledger.cost()),
        "tokens": ledger.tokens(),
        "cap_tokens": ledger.caps().tokens,
        "caps": caps::caps(ledger.caps()),
        "used": caps::used(&ledger.used(now_ms), ledger.silent()),
        "agents": agents.collect::<serde_json::Map<String, Value>>(),
        "day": day,
        "burn": live.burn.as_ref().map(|burn| burn.json(parts)),
    })
}

fn counts(parts: &Parts) -> Value {
    let counts = Counts::of(parts);
    json!({
        "total": counts.total,
        "done": counts.landed,
        "running": counts.running,
        "landing": counts.queued,
        "waiting": counts.waiting,
        "failed": counts.failed,
        "dropped": counts.dropped,
        "held": counts.held,
    })
}

fn task(parts: &Parts, known: &Liveness, task: &Task) -> Value {
    let attempt = task.attempt.as_ref();
    let line = attempt.and_then(|attempt| parts.ledger.line(&task.spec.id, attempt.no));
    let commit = match task.end() {
        Some(End::Merged { commit }) => Some(commit),
        _ => None,
    };
    let until = match task.phase {
        Phase::Backoff { at_ms } if at_ms > 0 => Some(rfc3339(at_ms)),
        Phase::Ready if task.held => hold(parts, task).and_then(|hold| hold.until_ms).map(rfc3339),
        _ => None,
    };
    let report = attempt.and_then(|attempt| attempt.report.as_deref());
    let heard = known.heard.get(&task.spec.id).filter(|_| task.phase == Phase::Running);
    json!({
        "title": task.spec.title,
        "state": task.word(),
        "final": task.end().is_some(),
        "optional": task.spec.optional,
        "attempts": task.attempts,
        "retries": task.attempts.saturating_sub(1),
        "retries_max": task.spec.retries.max,
        "spent_usd": parts.ledger.spent_by(&task.spec.id).decimal(),
        "reserved_usd": line.map_or(Usd::ZERO, swarm_domain::ledger::Line::held).decimal(),
        "cost": task_cost(parts, task).map(cost_word),
        "commit": commit,
        "reason": waits::reason(parts, task),
        "ref": kept_ref(parts, task),
        "until": until,
        "started": attempt.map(|attempt| rfc3339(attempt.started_ms)),
        "ended": attempt.filter(|attempt| attempt.ended_ms > 0).map(|attempt| rfc3339(attempt.ended_ms)),
        "agent": agent(task),
        "model": report.or(heard.map(|reading| &reading.report)).and_then(|report| report.model.as_ref()),
        "doing": heard.map(|reading| &reading.doing),
        "denials": report.map_or(&[][..], |report| &report.denials),
        "pid": attempt.filter(|_| task.phase == Phase::Running).and_then(|attempt| attempt.pid),
        "worktree": attempt.filter(|_| task.phase == Phase::Running).and_then(|one| one.worktree.as_ref()).map(|one| &one.path),
    })
}

fn agent(task: &Task) -> Option<Value> {
    let Work::Agent { agent, adapter, .. } = &task.spec.work else { return None };
    Some(json!({"name": agent, "adapter": adapter}))
}

fn hold<'a>(parts: &'a Parts, task: &Task) -> Option<&'a Hold> {
    parts.holds.of(task.spec.adapter()?)
}

/// Agent programs of which nothing starts for now.
fn held(parts: &Parts) -> Vec<Value> {
    let one = |(agent, hold): (&str, &Hold)| json!({"agent": agent, "until": hold.until_ms.map(rfc3339), "said": hold.said});
    parts.holds.iter().map(one).collect()
}

/// The merge queue in landing order.
fn queue(parts: &Parts) -> Vec<Value> {
    let landing = parts.train.car().map(|car| car.task.as_str());
    let state = |id| if Some(id) == landing { "merging" } else { "queued" };
    landing_order(parts).into_iter().map(|id| json!({"task": id, "state": state(id)})).collect()
}

fn kept(parts: &Parts) -> Vec<Value> {
    let one = |kept: super::Kept<'_>| json!({"task": kept.task, "attempt": kept.attempt, "path": kept.path, "reason": kept.why});
    kept_worktrees(parts).map(one).collect()
}
