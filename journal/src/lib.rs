//! Bytes that survive: a framed, checksummed, single-writer log. Deliberately does not know what a task is.
//!
//! A journal is a folder of numbered segments and one small file, `HEAD`, that says how far the log is known
//! to be durable. One [`Log`] writes it; anybody may [`read`] or follow it, also while it is being written.
//! The format is described in `docs/journal-format.md`.
#![deny(unsafe_code)]
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test that stops there says where"))]

mod anchor;
mod bytes;
mod chart;
pub mod codec;
mod disk;
mod error;
mod follow;
mod frame;
mod group;
mod head;
mod header;
mod log;
mod read;
mod real;
mod record;
mod recover;
mod repair;
mod salvage;
mod scan;
mod sealed;
mod segment;
pub mod sim;
mod stream;
mod survey;
mod tear;
pub mod torture;

pub use anchor::{Anchor, AnchorHasher};
pub use codec::CodecError;
pub use disk::{Disk, File, Mode, Sizes, Watch};
pub use error::JournalError;
pub use follow::Follower;
pub use group::{Ended, Group, Owner};
pub use log::{Log, Opened};
pub use read::{Reading, Replayed, owner, read, read_on, replay, replay_on};
pub use real::RealDisk;
pub use record::{
    Entry, FIRST_RESERVED_KIND, Gap, Item, MAX_BATCH_BYTES, MAX_PAYLOAD_BYTES, Record, RecordRef, TornNote,
};
pub use repair::{Repaired, copy_sound, plan_repair, plan_repair_on, repair};
pub use salvage::Salvage;
pub use sealed::Sealed;
pub use survey::{Stretch, Survey, survey, survey_on};
