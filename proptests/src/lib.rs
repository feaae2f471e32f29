//! The harness: simulated worlds in which the laws of a run must hold.
//!
//! [`explore`] drives the real core through a world of seeded fates: programs that succeed, fail, spend too much or are
//! lost, merges that conflict, a target that somebody else moves, crashes between any two steps. After every step the
//! laws are checked against what the world knows, never against the state under test.
#![forbid(unsafe_code)]

pub mod conformance;
mod drive;
mod fate;
mod holes;
mod laws;
mod plans;
mod world;

pub use drive::{Explored, explore};
pub use fate::Fates;
pub use holes::tear;
pub use laws::Broken;
pub use plans::Shape;
