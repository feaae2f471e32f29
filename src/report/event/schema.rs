//! The JSON Schema of a line of the event stream. Open on purpose: a reader must accept types and fields that it does not know.

use serde_json::{Value, json};
use swarm_domain::Event;

use super::SCHEMA;

/// The JSON Schema (2020-12) of one line of the public event stream.
pub fn schema_event() -> Value {
    let types: Vec<&str> = Event::KINDS.iter().map(|(_, name)| *name).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One line of the event stream of swarm",
        "description": "Additive only: types and fields may be added, and none changes its meaning. The first line is run.planned and names every task; run.stopped and run.finished are marked final. A run that stopped and is resumed goes on after such a line.",
        "type": "object",
        "required": ["schema", "seq", "time", "run", "type", "by", "data"],
        "properties": {
            "schema": {"const": SCHEMA},
            "seq": {"type": "integer", "minimum": 1, "description": "Its place in the run, from 1, without a gap."},
            "time": {"type": "string", "format": "date-time", "description": "When it was recorded, in UTC."},
            "run": {"type": "string"},
            "type": {"type": "string", "examples": types},
            "task": {"type": "string", "description": "The task that it is about."},
            "attempt": {"type": "integer", "minimum": 1, "description": "The attempt that it is about."},
            "by": {"enum": ["user", "policy", "timer", "recovery", "world"], "description": "Who it comes from."},
            "cause": {"type": "integer", "minimum": 1, "description": "The seq of the event that led to it, where that can be told."},
            "final": {"const": true, "description": "The run came to rest."},
            "data": {"type": "object", "description": "What is particular to the type. Money is written as decimal strings."},
        },
        "allOf": [
            when("run.planned", &["plan", "source", "base", "target", "task_count", "tasks"]),
            when("task.planned", &["title", "kind", "needs"]),
            when("attempt.started", &["reserved_usd", "onto", "from"]),
            when("agent.exited", &["ending", "usd", "cost", "tail"]),
            when("gate.ended", &["n", "verdict", "detail", "tail", "took_ms"]),
            when("attempt.failed", &["kind", "reason", "uses_retry"]),
            when("task.merged", &["commit"]),
            when("task.failed", &["kind", "reason"]),
            when("run.stopped", &["outcome", "exit_code", "detail"]),
            when("run.finished", &["outcome", "exit_code"]),
        ],
    })
}

/// What the data of one type always has.
fn when(name: &str, fields: &[&str]) -> Value {
    json!({
        "if": {"properties": {"type": {"const": name}}},
        "then": {"properties": {"data": {"required": fields}}},
    })
}
