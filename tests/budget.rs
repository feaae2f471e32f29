//! Money: reserved before it can be spent, never admitted past the cap, charged in full, and settled once, also through a crash.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

#[path = "budget/amounts.rs"]
mod amounts;
#[path = "budget/caps.rs"]
mod caps;
mod common;
#[path = "budget/day.rs"]
mod day;
#[path = "budget/grants.rs"]
mod grants;
#[path = "budget/reservations.rs"]
mod reservations;
#[path = "budget/usage.rs"]
mod usage;
