//! Events to journal entries and back, and the digest of a state. Knows both sides, and adds nothing of its own.

use serde::Serialize;
use serde::de::DeserializeOwned;
use swarm_domain::event::{Codec, DecodeError, Event};
use swarm_domain::state::State;
use swarm_journal::codec::CodecError;
use swarm_journal::{Entry, Record};

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
pub fn event_of(record: &Record) -> Result<Event, EventError> {
    Event::decode(&JournalCodec, record.kind, record.schema, &record.payload)
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
