//! One record as bytes: a header of 40 bytes, the payload, zeros up to the next multiple of 8.
//!
//! Two checksums: the header's, so that its length can be trusted before it is used, and the payload's. The
//! header's is salted with the segment's identity and carries the header checksum of the record before, so a
//! record that was dropped, repeated, moved or taken from elsewhere never fits. Does not know about batches.

use crate::{
    bytes::{put, u16_at, u32_at, u64_at},
    record::MAX_PAYLOAD_BYTES,
};

/// The size of a record's header, in bytes.
pub(crate) const HEADER_BYTES: usize = 40;
/// The kind of the record that closes a segment.
pub(crate) const SEAL: u16 = 0xFFFE;
/// The flag of the last record of a batch.
pub(crate) const LAST_OF_BATCH: u8 = 1;

/// What a header says about its record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    pub(crate) seq: u64,
    pub(crate) time_ms: u64,
    pub(crate) kind: u16,
    pub(crate) schema: u8,
    pub(crate) flags: u8,
    /// `seq` minus the last seq that was durable when this was framed: a valid record proves that much.
    pub(crate) lag: u32,
    /// The header checksum of the record before, or of the segment's header.
    pub(crate) prev: u32,
}

/// A header whose own checksum is right. Its payload has not been looked at yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parsed {
    pub(crate) fields: Fields,
    /// At most [`MAX_PAYLOAD_BYTES`].
    pub(crate) payload_bytes: usize,
    pub(crate) payload_crc: u32,
    /// This header's checksum, which the next record chains to.
    pub(crate) crc: u32,
}

impl Fields {
    /// The last record that was durable when this one was written.
    pub(crate) fn proves(&self) -> u64 {
        self.seq.saturating_sub(u64::from(self.lag))
    }
}

/// How many bytes a record with such a payload takes in the file.
pub(crate) fn framed_bytes(payload_bytes: usize) -> usize {
    (HEADER_BYTES + payload_bytes).next_multiple_of(8)
}

/// Appends one frame and returns its header checksum.
pub(crate) fn push(buffer: &mut Vec<u8>, salt: u32, fields: &Fields, payload: &[u8]) -> u32 {
    let mut header = [0; HEADER_BYTES];
    let len = u32::try_from(payload.len()).expect("a payload over the limit was refused before");
    put(&mut header, 4, &len.to_le_bytes());
    put(&mut header, 8, &fields.seq.to_le_bytes());
    put(&mut header, 16, &fields.time_ms.to_le_bytes());
    put(&mut header, 24, &fields.kind.to_le_bytes());
    header[26] = fields.schema;
    header[27] = fields.flags;
    put(&mut header, 28, &fields.lag.to_le_bytes());
    put(&mut header, 32, &fields.prev.to_le_bytes());
    put(&mut header, 36, &crc32fast::hash(payload).to_le_bytes());
    let crc = header_crc(salt, &header);
    put(&mut header, 0, &crc.to_le_bytes());
    let end = buffer.len() + framed_bytes(payload.len());
    buffer.extend_from_slice(&header);
    buffer.extend_from_slice(payload);
    buffer.resize(end, 0);
    crc
}

/// The header at the start of `bytes`, if its checksum is right and its length possible.
pub(crate) fn parse_header(bytes: &[u8], salt: u32) -> Option<Parsed> {
    let header = bytes.get(..HEADER_BYTES)?;
    let payload_bytes = usize::try_from(u32_at(header, 4)).ok()?;
    // The cheap test first: the search for survivors tries this at every eighth byte.
    if payload_bytes > MAX_PAYLOAD_BYTES || header_crc(salt, header) != u32_at(header, 0) {
        return None;
    }
    let fields = Fields {
        seq: u64_at(header, 8),
        time_ms: u64_at(header, 16),
        kind: u16_at(header, 24),
        schema: header[26],
        flags: header[27],
        lag: u32_at(header, 28),
        prev: u32_at(header, 32),
    };
    Some(Parsed { fields, payload_bytes, payload_crc: u32_at(header, 36), crc: u32_at(header, 0) })
}

fn header_crc(salt: u32, header: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new_with_initial(salt);
    crc.update(&header[4..]);
    crc.finalize()
}
