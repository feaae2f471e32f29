//! The scanner against samples of every rule, against a plain reading of the same rules, and against texts without secrets.
#![expect(clippy::unwrap_used, reason = "a test that stops there says where")]

mod allow;
mod captures;
mod data;
mod every_rule;
mod own_sources;
mod properties;
mod reading;
mod redaction;
