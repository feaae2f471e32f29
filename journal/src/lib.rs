//! Bytes that survive: a framed, checksummed, single-writer log. Deliberately does not know what a task is.
//!
//! A journal is a folder of numbered segments and one small file, `HEAD`, that says how far the log is known
//! to be durable. One [`Log`] writes it; anybody may [`read`] or follow it, also while it is being written.
//! The format is described in `docs/journal-format.md`.
#![deny(unsafe_code)]
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test that stops there says where"))]

mod anchor;
mod bytes;
pub mod codec;
mod disk;
mod error;
mod follow;
mod frame;
mod head;
mod header;
mod log;
mod read;
mod real;
mod record;
mod recover;
mod scan;
mod sealed;
mod segment;
pub mod sim;
mod survey;
mod tear;

pub use anchor::{Anchor, AnchorHasher};
pub use codec::CodecError;
pub use disk::{Disk, File, Mode, Sizes};
pub use error::JournalError;
pub use follow::Follower;
pub use log::{Log, Opened};
pub use read::{Reading, owner, read, read_on};
pub use real::RealDisk;
pub use record::{Entry, FIRST_RESERVED_KIND, MAX_BATCH_BYTES, MAX_PAYLOAD_BYTES, Record, TornNote};
pub use sealed::{Sealed, SealedRecord};
pub use survey::{Stretch, Survey, survey, survey_on};
