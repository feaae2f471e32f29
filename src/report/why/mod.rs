//! Why a task is not running, or why it ended as it did, with the events that show it. Judges nothing anew: it retells what was recorded.

mod past;
mod text;

use serde_json::{Value, json};
use swarm_actors::Recorded;
use swarm_domain::TaskId;
use swarm_domain::run::Preflight;
use swarm_domain::state::{Parts, State};
use swarm_domain::task::Task;

use super::event::ending_json;
use super::next::{Step, for_task};
use super::scrub::scrub;
use super::text::cost_word;
use super::waits::{self, Wait};
use past::{Check, Past};

/// The answer, for people and for machines.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    /// For people, without colour.
    pub text: String,
    /// For machines.
    pub json: Value,
}

/// All that an answer is made of.
struct Answer<'a> {
    parts: &'a Parts,
    task: &'a Task,
    waits: Vec<Wait>,
    past: Past,
    /// The check on the base that keeps everything from starting.
    base: Option<Check>,
    next: Vec<Step>,
}

/// Why a task is where it is; nothing if the run has no such task. Who drives the run is not asked here: a run that
/// did not come to rest counts as live.
pub fn why(state: &State, history: &[Recorded], task: &TaskId) -> Option<Why> {
    let parts = state.parts()?;
    let task = parts.tasks.get(task)?;
    let owner = parts.run.is_live().then_some(0);
    let base = match &parts.run.preflight {
        Preflight::Failed { n, .. } if task.end().is_none() => past::check(history, *n),
        Preflight::Failed { .. } | Preflight::Due(_) | Preflight::Passed => None,
    };
    let answer = Answer {
        parts,
        task,
        waits: waits::of(parts, task),
        past: past::of(history, &task.spec.id),
        base,
        next: for_task(parts, task, owner),
    };
    Some(Why { text: text::of(&answer), json: scrub(document(&answer)) })
}

fn document(answer: &Answer<'_>) -> Value {
    let Answer { parts, task, waits, past, base, next } = answer;
    let next: Vec<&str> = next.iter().map(|step| step.command.as_str()).collect();
    let waits: Vec<Value> =
        waits.iter().map(|wait| json!({"kind": wait.kind, "text": wait.text, "data": wait.data})).collect();
    json!({
        "schema": "swarm.why/1",
        "run": parts.run.id,
        "task": task.spec.id,
        "state": task.word(),
        "final": task.end().is_some(),
        "reason": waits::reason(parts, task),
        "seq": past.ended_seq.or(past.last_seq),
        "waits": waits,
        "spent_usd": parts.ledger.spent_by(&task.spec.id).decimal(),
        "budget_usd": task.spec.caps.usd.map(swarm_domain::Usd::decimal),
        "preflight": base.as_ref().map(check),
        "attempts": past.attempts.iter().map(attempt).collect::<Vec<_>>(),
        "next": next,
    })
}

fn attempt(attempt: &past::Attempt) -> Value {
    json!({
        "attempt": attempt.no,
        "seqs": [attempt.first_seq, attempt.last_seq],
        "onto": attempt.onto,
        "took_ms": attempt.took_ms(),
        "ending": attempt.ending.as_ref().map(ending_json),
        "usd": attempt.charge.map(|(usd, _)| usd.decimal()),
        "cost": attempt.charge.map(|(_, cost)| cost_word(cost)),
        "model": attempt.model,
        "checks": attempt.checks.iter().map(check).collect::<Vec<_>>(),
        "notes": attempt.notes.iter().map(|(seq, text)| json!({"seq": seq, "text": text})).collect::<Vec<_>>(),
        "conflicts": attempt.conflicts,
        "outcome": attempt.outcome.as_ref().map(|(seq, text)| json!({"seq": seq, "text": text})),
        "kind": attempt.cause.map(super::words::cause),
        "hint": attempt.hint,
        "tail": attempt.tail,
        "ref": attempt.kept,
    })
}

fn check(check: &Check) -> Value {
    json!({
        "n": check.n,
        "name": check.name,
        "on": check.on,
        "verdict": check.verdict,
        "detail": check.detail,
        "took_ms": check.took_ms,
        "tail": check.tail,
        "seq": check.seq,
    })
}
