//! What goes into the log and what comes out of it. Does not know how either is laid out in a file.

use std::{fmt, path::PathBuf};

/// The largest payload of one record, in bytes (16 MiB).
pub const MAX_PAYLOAD_BYTES: usize = 16 << 20;

/// The largest batch, in bytes as framed in the file (256 MiB). A batch never spans two segments.
pub const MAX_BATCH_BYTES: usize = 256 << 20;

/// Kinds from here on belong to the log itself.
pub const FIRST_RESERVED_KIND: u16 = 0xFF00;

/// What is appended: a payload and how to find out what it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What the payload is; below [`FIRST_RESERVED_KIND`].
    pub kind: u16,
    /// Which version of that kind's bytes.
    pub schema: u8,
    /// When it happened, as the caller's clock says, in milliseconds. The log has no clock.
    pub time_ms: u64,
    /// At most [`MAX_PAYLOAD_BYTES`].
    pub payload: Vec<u8>,
}

/// What was appended, and where it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its number in the log; the first is 1, and none is left out but where there is a [`Gap`].
    pub seq: u64,
    /// Which opening of the journal wrote it; the first is 1. A repair is one that writes everything anew.
    pub epoch: u64,
    /// As appended.
    pub kind: u16,
    /// As appended.
    pub schema: u8,
    /// As appended, in milliseconds.
    pub time_ms: u64,
    /// As appended.
    pub payload: Vec<u8>,
    /// Whether a batch ends here. Only whole batches are ever read.
    pub last_of_batch: bool,
    /// The number of the segment that holds it.
    pub segment: u64,
    /// The byte in that segment where its frame starts.
    pub offset: u64,
}

/// A [`Record`] whose payload was not copied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordRef<'a> {
    /// Its number in the log; the first is 1 and none is left out.
    pub seq: u64,
    /// Which opening of the journal wrote it; the first is 1.
    pub epoch: u64,
    /// As appended.
    pub kind: u16,
    /// As appended.
    pub schema: u8,
    /// As appended, in milliseconds.
    pub time_ms: u64,
    /// As appended.
    pub payload: &'a [u8],
    /// Whether a batch ends here. Only whole batches are ever read.
    pub last_of_batch: bool,
    /// The number of the segment that holds it.
    pub segment: u64,
    /// The byte in that segment where its frame starts.
    pub offset: u64,
}

/// What a journal holds, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Item<'a> {
    /// A record.
    Record(RecordRef<'a>),
    /// Records that were lost. Only a repaired journal has such holes, and whoever reads it must face them.
    Gap(Gap),
}

impl Item<'_> {
    /// The number of the record, or of the last one that is lost.
    pub fn seq(&self) -> u64 {
        match self {
            Self::Record(record) => record.seq,
            Self::Gap(gap) => gap.to_seq,
        }
    }
}

/// Records that a repair found destroyed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// The first record that is lost.
    pub from_seq: u64,
    /// The last one.
    pub to_seq: u64,
    /// The segment of the damaged journal in which they began.
    pub segment: u64,
    /// The byte in that segment where the damage began.
    pub offset: u64,
    /// How many bytes of that segment could not be read as records.
    pub bytes: u64,
    /// BLAKE3 of those bytes, so that they can be told apart if the damaged journal is looked at again.
    pub hash: [u8; 32],
}

impl RecordRef<'_> {
    /// The record with a payload of its own.
    pub fn to_record(&self) -> Record {
        let Self { seq, epoch, kind, schema, time_ms, payload, last_of_batch, segment, offset } = *self;
        let payload = payload.to_vec();
        Record { seq, epoch, kind, schema, time_ms, payload, last_of_batch, segment, offset }
    }
}

impl Record {
    /// The record without a copy of its payload.
    pub fn as_ref(&self) -> RecordRef<'_> {
        let Self { seq, epoch, kind, schema, time_ms, ref payload, last_of_batch, segment, offset } = *self;
        RecordRef { seq, epoch, kind, schema, time_ms, payload, last_of_batch, segment, offset }
    }
}

/// The end of a segment that a crash left half written, and that no acknowledged record was part of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TornNote {
    /// The segment.
    pub file: PathBuf,
    /// Where the last whole batch ends, in bytes from the start of the file.
    pub offset: u64,
    /// How many bytes from there on are ignored. They stay in the file.
    pub bytes: u64,
}

impl fmt::Display for TornNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} bytes of an unfinished write from byte {} on are ignored",
            self.file.display(),
            self.bytes,
            self.offset
        )
    }
}
