//! What bad input gets: an exit code of the table, a clear error with what to do next, nothing lost and nothing changed.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

#[path = "bad_input/agents.rs"]
mod agents;
mod common;
#[path = "bad_input/disk.rs"]
mod disk;
#[path = "bad_input/journals.rs"]
mod journals;
#[path = "bad_input/plans.rs"]
mod plans;
#[path = "bad_input/repositories.rs"]
mod repositories;
