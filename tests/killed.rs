//! The main job through kill -9: whatever is killed at whatever moment, the run ends as if nothing had happened.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

#[path = "killed/adopted.rs"]
mod adopted;
mod common;
#[path = "killed/headline.rs"]
mod headline;
