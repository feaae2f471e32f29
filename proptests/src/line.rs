//! One event on one short line, for a report. Knows no single event: it shows what is in each, as far as it is short.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use swarm_actors::Recorded;
use swarm_domain::event::Codec;

/// A line is cut here, in characters.
const WIDTH_MAX: usize = 110;
/// What says nothing about what went wrong.
const DULL: &[&str] = &[
    "at_ms",
    "at_s",
    "nonce",
    "path",
    "git_dir",
    "tail",
    "anchor_seq",
    "anchor_hash",
    "pid",
    "version",
    "source",
    "settings",
    "spec",
];

/// An event on a line: its place, when it was since the beginning, what happened, to whom, and how.
pub fn line(recorded: &Recorded, beginning_ms: u64) -> String {
    let mut fields = fields(recorded);
    let subject = subject(&mut fields);
    let told = fields.iter().filter_map(|(name, value)| Some(format!("{name} {}", short(value)?)));
    let mut told: Vec<_> = told.collect();
    // What is long comes last, where the line is cut.
    told.sort_by_key(String::len);
    let told = told.join(", ");
    let since_ms = i128::from(recorded.time_ms) - i128::from(beginning_ms);
    let seconds = format!("{}.{:03}", since_ms / 1000, since_ms.unsigned_abs() % 1000);
    let (seq, name) = (recorded.seq, recorded.event.name());
    let line = format!("{seq:>5} {seconds:>9} s  {name:<18} {subject:<6} {told}");
    line.trim_end().chars().take(WIDTH_MAX).collect()
}

/// The payload, without what is dull.
fn fields(recorded: &Recorded) -> Map<String, Value> {
    let json = recorded.event.encode(&Json).expect("a payload is plain data");
    let value: Value = serde_json::from_slice(&json).expect("it was written as JSON just now");
    let Value::Object(mut fields) = value else { return Map::new() };
    if let Some(id) = fields.get("spec").and_then(|spec| spec.get("id")).cloned() {
        fields.insert("task".to_owned(), id);
    }
    fields.retain(|name, _| !DULL.contains(&name.as_str()));
    fields
}

fn subject(fields: &mut Map<String, Value>) -> String {
    let task = fields.remove("task").and_then(|task| task.as_str().map(str::to_owned));
    let attempt = fields.remove("attempt").and_then(|attempt| attempt.as_u64());
    match (task, attempt) {
        (Some(task), Some(attempt)) => format!("{task}/{attempt}"),
        (task, _) => task.unwrap_or_else(|| "-".to_owned()),
    }
}

/// None for what is not there, empty or not so.
fn short(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::Bool(true) => Some("yes".to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => (!text.is_empty()).then(|| text.clone()),
        Value::Array(all) => {
            let all: Vec<_> = all.iter().filter_map(short).collect();
            (!all.is_empty()).then(|| all.join("+"))
        }
        Value::Object(fields) => {
            let fields = fields.iter().filter_map(|(name, value)| Some(format!("{name} {}", short(value)?)));
            let fields: Vec<_> = fields.collect();
            (!fields.is_empty()).then(|| format!("({})", fields.join(" ")))
        }
    }
}

/// Payloads as JSON, so that their fields have names.
struct Json;

impl Codec for Json {
    type Error = serde_json::Error;

    fn encode<T: Serialize>(&self, payload: &T) -> Result<Vec<u8>, Self::Error> {
        serde_json::to_vec(payload)
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Self::Error> {
        serde_json::from_slice(bytes)
    }
}
