//! Proves the laws of swarm: the real core and the real journal, driven through worlds in which everything goes wrong.
//!
//! Everything that swarm does not decide is a named choice, so that a failure reads as what happened. The laws are checked
//! after every event from facts, and never from the state under test.
#![forbid(unsafe_code)]
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test that stops there says where"))]

mod choice;
pub mod conformance;
mod drive;
mod exhaust;
mod holes;
pub mod laws;
mod life;
mod marks;
mod meters;
mod plans;
mod port;
mod sabotage;
mod world;

pub use choice::{Choices, Draw, NoName, Of, Place, Scenario, Site, Values, Who};
pub use drive::{Explored, Setup, run};
pub use exhaust::{Scope, again, exhaust};
pub use holes::tear;
pub use laws::Broken;
pub use marks::{Mark, Marks, Matrix, Tally};
pub use sabotage::Sabotage;
pub use world::SimStage;
