//! Events to journal entries and back, and the digest of a state. Knows both sides, and adds nothing of its own.

use serde::Serialize;
use serde::de::DeserializeOwned;
use swarm_domain::event::{Codec, DecodeError, Event, RecordsLost};
use swarm_domain::state::State;
use swarm_journal::codec::CodecError;
use swarm_journal::{Entry, Item, RecordRef};

use crate::writer::{Recorded, WriterError};

/// The journal's own codec, as the core sees it.
#[derive(Clone, Copy, Debug, Default)]
pub struct JournalCodec;

impl Codec for JournalCodec {
    type Error = CodecError;

    fn encode<T: Serialize>(&self, payload: &T) -> Result<Vec<u8>, CodecError> {
        swarm_journal::codec::encode(payload)
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, CodecError> {
        swarm_journal::codec::decode(bytes)
    }
}

/// Why a record is not an event.
pub type EventError = DecodeError<CodecError>;

/// The event of a record.
pub fn event_of(record: &RecordRef<'_>) -> Result<Event, EventError> {
    Event::decode(&JournalCodec, record.kind, record.schema, record.payload)
}

/// What an item of a journal tells: an event, with its place. A hole tells that records are lost.
pub fn recorded(item: &Item<'_>) -> Result<Recorded, WriterError> {
    match item {
        Item::Record(record) => Ok(Recorded {
            seq: record.seq,
            time_ms: record.time_ms,
            event: event_of(record).map_err(|error| WriterError::Event { seq: record.seq, error })?,
        }),
        Item::Gap(gap) => {
            let event = RecordsLost { from: gap.from_seq, to: gap.to_seq }.into();
            Ok(Recorded { seq: gap.to_seq, time_ms: 0, event })
        }
    }
}

/// The entry of an event.
pub fn entry_of(event: &Event, time_ms: u64) -> Result<Entry, CodecError> {
    Ok(Entry { kind: event.kind(), schema: event.schema(), time_ms, payload: event.encode(&JournalCodec)? })
}

/// BLAKE3 of a state's canonical bytes, in hexadecimal: two states with one digest are the same state.
pub fn digest(state: &State) -> String {
    let mut hasher = blake3::Hasher::new();
    swarm_journal::codec::write(state, &mut hasher).expect("hashing a plain state cannot fail");
    hasher.finalize().to_hex().to_string()
}
