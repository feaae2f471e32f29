//! Agent programs through the built binary: stand-ins that print what the real ones print, with real processes, real git and
//! real kill -9; and, where they are installed and it is asked for, the real ones against a model server of our own.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod common;
mod model;

#[path = "agents/ends.rs"]
mod ends;
#[path = "agents/held.rs"]
mod held;
#[path = "agents/limits.rs"]
mod limits;
#[path = "agents/money.rs"]
mod money;
#[path = "agents/people.rs"]
mod people;
#[path = "agents/real.rs"]
mod real;
#[path = "agents/stand_in.rs"]
mod stand_in;
#[path = "agents/survivors.rs"]
mod survivors;
