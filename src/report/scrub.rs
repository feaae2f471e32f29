//! Foreign text in JSON documents, made safe in one place, so that no field can be forgotten.

use serde_json::Value;

use super::text::safe;

/// The document with every text cleaned of escape sequences and control characters. Line breaks stay.
pub(super) fn scrub(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(safe(&text)),
        Value::Array(values) => values.into_iter().map(scrub).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (safe(&name), scrub(value))).collect()
        }
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_)) => plain,
    }
}
