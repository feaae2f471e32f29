//! Proves the laws of swarm: the real core and the real journal, driven through worlds in which everything goes wrong.
//!
//! Everything that swarm does not decide is a named choice, so that a failure reads as what happened. The laws are checked
//! after every event from facts, and never from the state under test.
//!
//! Whole runs are values that shrink, for tests of your own:
//!
//! ```
//! use proptest::prelude::*;
//! use swarm_domain::Event;
//! use swarm_proptests::{Faults, runs};
//!
//! proptest! {
//!     # #![proptest_config(ProptestConfig::with_cases(32))]
//!     # /*
//!     #[test]
//!     # */
//!     fn nobody_is_charged_twice(run in runs().tasks(1..=8).faults(Faults::ALL).crashes(0..=3)) {
//!         run.check()?;
//!         run.always("an attempt is charged once", |at| {
//!             let Event::AgentExited(now) = at.event() else { return true };
//!             let same = |event: &Event| {
//!                 matches!(event, Event::AgentExited(exited) if (&exited.task, exited.attempt) == (&now.task, now.attempt))
//!             };
//!             !at.before().iter().any(|recorded| same(&recorded.event))
//!         })?;
//!     }
//! }
//! # fn main() { nobody_is_charged_twice() }
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test that stops there says where"))]

mod choice;
pub mod conformance;
mod drive;
mod each;
mod exhaust;
mod explore;
mod holes;
pub mod hunt;
pub mod laws;
mod life;
mod line;
mod marks;
mod meters;
mod plans;
mod port;
mod recorded;
pub mod report;
mod sabotage;
mod setup;
mod shell;
mod shrink;
mod strategy;
mod table;
mod what_if;
mod world;

pub use choice::{
    Cause, Choices, Draw, FileError, LoadError, NoName, Of, Place, Scenario, ScenarioFile, Site, Sites,
    Values, Who,
};
pub use drive::run;
pub use exhaust::{Scope, again, exhaust};
pub use explore::{Explore, explore};
pub use holes::tear;
pub use laws::Broken;
pub use line::line;
pub use marks::{Mark, Marks, Matrix, Tally};
pub use recorded::{Checked, Recorded, RecordedError};
pub use report::run_scenario;
pub use sabotage::Sabotage;
pub use setup::{Explored, Setup};
pub use shell::run_actors;
pub use shrink::{Shrunk, shrink};
pub use strategy::{At, Faults, NotAlways, Run, RunTree, Runs, runs};
pub use table::table;
pub use what_if::{Failed, Tried, WhatIf, Why};
pub use world::SimStage;
