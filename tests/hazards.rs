//! What an attempt adds that must not land: refused with the reason, and told to the next attempt, by the built binary and real git.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

#[path = "hazards/attempts.rs"]
mod attempts;
mod common;
#[path = "hazards/merges.rs"]
mod merges;
