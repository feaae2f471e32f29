//! The schedule, told from the events alone: whatever can run runs, nothing more than the limit, and how it ends does not depend on it.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

#[path = "schedule/audit.rs"]
mod audit;
mod common;
#[path = "schedule/order.rs"]
mod order;
#[path = "schedule/twenty_four.rs"]
mod twenty_four;
