//! One hash that stands for all records up to one of them. Does not know about segments, batches or frames.
//!
//! BLAKE3 over, for each record from 1 on: `seq` (u64), `kind` (u16), `schema` (u8), `time_ms` (u64), the length
//! of the payload (u64), the payload; all little endian. The length is there so that no two logs feed the same
//! bytes. The framing is left out, so that a journal can be rewritten in a later format and keep its anchors.

use std::fmt;

use crate::{bytes::offset, frame, record::Item};

/// A point of the log: the records `1..=seq`, and the hash of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Anchor {
    /// The last record of it; 0 if there is none.
    pub seq: u64,
    /// BLAKE3 of those records.
    pub hash: [u8; 32],
}

impl Anchor {
    /// The whole hash as 64 hex digits.
    pub fn hash_hex(&self) -> String {
        blake3::Hash::from_bytes(self.hash).to_hex().to_string()
    }
}

/// `<seq>:<first 32 hex digits of the hash>`
impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, &self.hash_hex()[..32])
    }
}

/// Records are hashed in pieces of at least so many bytes: BLAKE3 takes a long one ten times as fast as many short.
const PIECE_BYTES: usize = 16 << 10;

/// Computes anchors record by record.
#[derive(Clone, Debug)]
pub struct AnchorHasher {
    seq: u64,
    hash: blake3::Hasher,
    /// What is to be hashed with the next piece.
    waiting: Vec<u8>,
    /// The last answer.
    asked: Anchor,
}

impl AnchorHasher {
    /// Before the first record.
    pub fn new() -> Self {
        let hash = blake3::Hasher::new();
        let asked = Anchor { seq: 0, hash: *hash.finalize().as_bytes() };
        Self { seq: 0, hash, waiting: Vec::new(), asked }
    }

    /// Takes the next record, or the gap where it was. They must come in order, from 1 on.
    ///
    /// A gap counts as one record of the log's own kind. So no anchor from behind a hole is that of the journal as it
    /// was before the damage; those in front of it are.
    pub fn feed(&mut self, item: &Item<'_>) {
        match item {
            Item::Record(record) => {
                assert_eq!(record.seq, self.seq + 1, "an anchor covers every record, in order");
                self.feed_parts(record.seq, record.kind, record.schema, record.time_ms, record.payload);
            }
            Item::Gap(gap) => {
                assert_eq!(gap.from_seq, self.seq + 1, "an anchor covers every record, in order");
                self.feed_parts(gap.to_seq, frame::GAP, 0, 0, &frame::gap_payload(gap));
            }
        }
    }

    /// The anchor of the last record fed. Costs what was fed since the last time.
    pub fn anchor(&mut self) -> Anchor {
        if self.asked.seq != self.seq {
            self.hash_waiting();
            self.asked = Anchor { seq: self.seq, hash: *self.hash.finalize().as_bytes() };
        }
        self.asked
    }

    pub(crate) fn feed_parts(&mut self, seq: u64, kind: u16, schema: u8, time_ms: u64, payload: &[u8]) {
        let mut fixed = [0; 27];
        fixed[..8].copy_from_slice(&seq.to_le_bytes());
        fixed[8..10].copy_from_slice(&kind.to_le_bytes());
        fixed[10] = schema;
        fixed[11..19].copy_from_slice(&time_ms.to_le_bytes());
        fixed[19..].copy_from_slice(&offset(payload.len()).to_le_bytes());
        self.waiting.extend_from_slice(&fixed);
        self.waiting.extend_from_slice(payload);
        self.seq = seq;
        if self.waiting.len() >= PIECE_BYTES {
            self.hash_waiting();
        }
    }

    fn hash_waiting(&mut self) {
        self.hash.update(&self.waiting);
        self.waiting.clear();
    }
}

impl Default for AnchorHasher {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_the_hash_of_nothing() {
        let anchor = AnchorHasher::new().anchor();
        assert_eq!(anchor.seq, 0);
        assert_eq!(anchor.hash, *blake3::hash(&[]).as_bytes());
        assert_eq!(anchor.to_string(), "0:af1349b9f5f9a1a6a0404dea36dcc949");
        assert_eq!(anchor.hash_hex().len(), 64);
    }

    #[test]
    fn every_field_counts() {
        let hash = |kind, schema, time_ms, payload: &[u8]| {
            let mut hasher = AnchorHasher::new();
            hasher.feed_parts(1, kind, schema, time_ms, payload);
            hasher.anchor().hash
        };
        let plain = hash(1, 1, 1, b"x");
        for other in [hash(2, 1, 1, b"x"), hash(1, 2, 1, b"x"), hash(1, 1, 2, b"x"), hash(1, 1, 1, b"y")] {
            assert_ne!(plain, other);
        }
    }

    #[test]
    fn asking_in_between_changes_no_later_answer() {
        let (mut asked, mut silent) = (AnchorHasher::new(), AnchorHasher::new());
        for seq in 1..=300 {
            let payload = vec![7; usize::from(u8::try_from(seq % 200).expect("below 200"))];
            asked.feed_parts(seq, 1, 1, seq, &payload);
            silent.feed_parts(seq, 1, 1, seq, &payload);
            assert_eq!(asked.anchor(), silent.clone().anchor());
        }
    }
}
