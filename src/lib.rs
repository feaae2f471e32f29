//! The program: command line, plan files, git, processes and views. A library only so that tests and benchmarks can reach the real ports.
#![forbid(unsafe_code)]

pub mod agents;
pub mod cli;
pub mod drive;
pub mod git;
pub mod holder;
pub mod plan;
pub mod proxy;
pub mod report;
pub mod runs;
pub mod world;
