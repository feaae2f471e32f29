//! The JSON Schema of the status document. Open on purpose: a reader must accept states and fields that it does not know.

use serde_json::{Value, json};

use super::json::SCHEMA;

/// The JSON Schema (2020-12) of the document that `status` and `replay` print.
pub fn schema_status() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The state of a run of swarm",
        "description": "Additive only: states and fields may be added, and none changes its meaning.",
        "type": "object",
        "required": ["schema", "run", "parent", "plan", "state", "outcome", "target", "budget", "seq", "digest", "tasks", "queue", "warnings", "kept", "next"],
        "properties": {
            "schema": {"const": SCHEMA},
            "run": text_or_null("Its id; null while nothing is planned."),
            "parent": text_or_null("The run that it retries."),
            "plan": text_or_null("The name of its plan."),
            "state": {"enum": ["running", "paused", "interrupted", "finished"]},
            "outcome": text_or_null("How it came out, once it came to rest: landed, partial, failed, budget, deadline, cancelled, merge, environment, paused or interrupted."),
            "exit_code": {"type": ["integer", "null"]},
            "target": target(),
            "budget": budget(),
            "wall": {"type": "object", "required": ["name", "lacks"], "properties": {"name": {"type": "string", "examples": ["bwrap", "landlock", "none"]}, "lacks": texts("What it does not hold on this machine.")}},
            "seq": {"type": "integer", "minimum": 0, "description": "The last event that is in it."},
            "digest": {"type": "string", "description": "Two states with one digest are the same state."},
            "tasks": {"type": "object", "additionalProperties": task()},
            "queue": {"type": "array", "items": {"type": "object", "required": ["task", "state"]}, "description": "Who lands, in order."},
            "needs_you": texts("What waits for a person."),
            "warnings": texts("What somebody should know."),
            "kept": {"type": "array", "items": kept(), "description": "Worktrees that stay."},
            "next": texts("Commands to type."),
        },
    })
}

fn text_or_null(description: &str) -> Value {
    json!({"type": ["string", "null"], "description": description})
}

fn texts(description: &str) -> Value {
    json!({"type": "array", "items": {"type": "string"}, "description": description})
}

fn dollars() -> Value {
    json!({"type": "string", "pattern": "^[0-9]+\\.[0-9]{2,6}$"})
}

fn dollars_of(what: &str) -> Value {
    let mut value = dollars();
    value["description"] = json!(what);
    value
}

fn target() -> Value {
    json!({
        "type": "object",
        "required": ["branch", "base", "head"],
        "properties": {
            "branch": {"type": ["string", "null"]},
            "base": {"type": ["string", "null"]},
            "head": text_or_null("Where it stands; null: it does not exist yet."),
            "held": text_or_null("The worktree that has it checked out."),
            "lost": {"type": "boolean"},
            "broken": text_or_null("Why git cannot merge."),
        },
    })
}

fn budget() -> Value {
    json!({
        "type": "object",
        "required": ["cap_usd", "spent_usd", "reserved_usd", "cost"],
        "properties": {
            "cap_usd": {"type": ["string", "null"], "pattern": "^[0-9]+\\.[0-9]{2,6}$", "description": "null: no cap."},
            "spent_usd": dollars_of("What ended attempts cost. What running ones have used so far is in `used`."),
            "reserved_usd": dollars_of("What is held for running attempts: all of their grants, used or not."),
            "cost": {"enum": ["metered", "estimated", "unknown"], "description": "How well spent_usd is known. What is unknown is not 0."},
            "tokens": {"type": "integer", "minimum": 0},
            "caps": {"type": "object", "description": "The run's caps, by measure: usd, tokens, calls, turns, time_ms."},
            "used": {"type": "object", "description": "What ended and running attempts are known to have used, by measure; `usd` is what is told as spent. `at_least` names those that some attempt did not tell."},
            "agents": {"type": "object", "description": "Of each agent that has caps: `caps` and `used`."},
            "day": {"type": ["object", "null"], "description": "The budget of the day, if there is one: `cap_usd`, `date`, `used_usd`, `allowed_usd`."},
            "burn": {"type": ["object", "null"], "description": "How fast it spends: `usd_per_hour` over `window_ms`, and how long its money `lasts_ms` at that pace. null: nobody drives it."},
        },
    })
}

fn task() -> Value {
    json!({
        "type": "object",
        "required": ["state", "final", "attempts", "spent_usd", "commit", "reason"],
        "properties": {
            "state": {"type": "string", "examples": ["waiting", "ready", "running", "retrying", "gating", "queued", "merging", "held", "merged", "done", "failed", "skipped", "cancelled"]},
            "final": {"type": "boolean", "description": "Whether the state can still change. Look at this, not at the word."},
            "attempts": {"type": "integer", "minimum": 0},
            "spent_usd": dollars(),
            "commit": text_or_null("The commit by which it landed."),
            "reason": text_or_null("Why it is where it is."),
            "ref": text_or_null("The ref that keeps its last attempt's work."),
        },
    })
}

fn kept() -> Value {
    json!({"type": "object", "required": ["task", "attempt", "path", "reason"]})
}
