//! Conformance: what the program relies on of a port, asked of the real side and of the simulated one by the same checks.
//!
//! A simulation proves something only as far as it behaves as the world does. Does not know which side it asks.

mod ask;
mod disk;
pub mod gates;
pub mod process;
pub mod repository;
pub mod stage;
pub mod worktrees;

pub use disk::disk;
