//! Landing: one at a time, on a branch that belongs to nobody else, and what happens when it does not go smoothly.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

#[path = "merging/afterwards.rs"]
mod afterwards;
#[path = "merging/commits.rs"]
mod commits;
mod common;
#[path = "merging/conflicts.rs"]
mod conflicts;
#[path = "merging/gates.rs"]
mod gates;
#[path = "merging/retries.rs"]
mod retries;
#[path = "merging/targets.rs"]
mod targets;
