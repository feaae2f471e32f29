//! Conformance: what must hold of every world behind a port, so that a theorem about the simulated one is one about the real one.

mod ask;
pub mod gates;
pub mod process;
pub mod repository;
pub mod stage;
pub mod worktrees;
