//! Steering a run while it lives and after: signals, requests, watching, limits, and what a plan says about failures.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod common;
#[path = "control/environment.rs"]
mod environment;
#[path = "control/failures.rs"]
mod failures;
#[path = "control/limits.rs"]
mod limits;
#[path = "control/requests.rs"]
mod requests;
#[path = "control/signals.rs"]
mod signals;
#[path = "control/watching.rs"]
mod watching;
