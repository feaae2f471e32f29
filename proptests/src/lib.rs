//! Proves the laws of swarm: the real core and the real journal, driven through worlds in which everything goes wrong.
//!
//! Everything that swarm does not decide is a named choice, so that a failure reads as what happened. The laws are checked
//! after every event from facts, and never from the state under test.
#![forbid(unsafe_code)]
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test that stops there says where"))]

mod choice;
pub mod conformance;
mod drive;
mod each;
mod exhaust;
mod explore;
mod holes;
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
pub use what_if::{Failed, Tried, WhatIf, Why};
pub use world::SimStage;
