//! The actors: who does what a run is owed. The only place that knows ractor.
//!
//! Nothing leaves before its record is durable: no reply, no message, no effect (law 1).
#![forbid(unsafe_code)]

mod budget;
pub mod codec;
mod doing;
mod journal;
mod merge;
pub mod ports;
pub mod run;
mod supervisor;
mod task;
pub mod writer;

pub use codec::{EventError, digest, event_of, recorded};
pub use ports::{Tell, World};
pub use run::{Ended, Handle, Start, TurnsOn, start};
pub use writer::{Committed, Fold, Recorded, Reply, Submit, Writer, WriterError};
