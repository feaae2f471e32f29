//! One record as bytes: a header of 40 bytes, the payload, zeros up to the next multiple of 8.
//!
//! Two checksums: the header's, so that its length can be trusted before it is used, and the payload's. The
//! header's is salted with the segment's identity and carries the header checksum of the record before, so a
//! record that was dropped, repeated, moved or taken from elsewhere never fits. Does not know about batches.

use crate::{
    bytes::{array_at, counter_at, put, u16_at, u32_at, u64_at},
    record::{Gap, MAX_PAYLOAD_BYTES},
};

/// The size of a record's header, in bytes.
pub(crate) const HEADER_BYTES: usize = 40;
/// The kind of the record that closes a segment.
pub(crate) const SEAL: u16 = 0xFFFE;
/// The kind of the record that stands for records that were lost, and takes the number of the last of them.
pub(crate) const GAP: u16 = 0xFFFD;
/// The size of a gap's payload, in bytes.
const GAP_BYTES: usize = 64;
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
        // The largest lag stands for any that does not fit.
        if self.lag == u32::MAX { 0 } else { self.seq.saturating_sub(u64::from(self.lag)) }
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

/// What a seal takes, in bytes; kept free in every segment.
pub(crate) const SEAL_BYTES: usize = HEADER_BYTES + 48;

/// What the record that closes a segment says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Seal {
    /// How many numbers were given out in the segment.
    pub(crate) records: u64,
    /// Where the seal begins, in bytes from the start of the file.
    pub(crate) bytes: u64,
    /// BLAKE3 of all records up to it.
    pub(crate) hash: [u8; 32],
}

impl Seal {
    pub(crate) fn payload(&self) -> [u8; 48] {
        let mut payload = [0; 48];
        put(&mut payload, 0, &self.records.to_le_bytes());
        put(&mut payload, 8, &self.bytes.to_le_bytes());
        put(&mut payload, 16, &self.hash);
        payload
    }

    pub(crate) fn of(payload: &[u8]) -> Option<Self> {
        let payload: &[u8; 48] = payload.try_into().ok()?;
        Some(Self { records: u64_at(payload, 0), bytes: u64_at(payload, 8), hash: array_at(payload, 16) })
    }
}

/// The payload that states a gap. Its last record is the number of the gap's own frame.
pub(crate) fn gap_payload(gap: &Gap) -> [u8; GAP_BYTES] {
    let mut payload = [0; GAP_BYTES];
    put(&mut payload, 0, &gap.from_seq.to_le_bytes());
    put(&mut payload, 8, &gap.segment.to_le_bytes());
    put(&mut payload, 16, &gap.offset.to_le_bytes());
    put(&mut payload, 24, &gap.bytes.to_le_bytes());
    put(&mut payload, 32, &gap.hash);
    payload
}

/// The gap that a payload states, up to the number of its frame.
pub(crate) fn gap_of(to_seq: u64, payload: &[u8]) -> Option<Gap> {
    let payload = payload.get(..GAP_BYTES).filter(|stated| stated.len() == payload.len())?;
    Some(Gap {
        from_seq: counter_at(payload, 0).filter(|from| (1..=to_seq).contains(from))?,
        to_seq,
        segment: u64_at(payload, 8),
        offset: u64_at(payload, 16),
        bytes: u64_at(payload, 24),
        hash: array_at(payload, 32),
    })
}

/// The header at the start of `bytes`, if its checksum is right and its length possible.
pub(crate) fn parse_header(bytes: &[u8], salt: u32) -> Option<Parsed> {
    let header = bytes.get(..HEADER_BYTES)?;
    // The cheap test first: the search for survivors tries this at every eighth byte.
    let possible = u32_at(header, 4) as usize <= MAX_PAYLOAD_BYTES && counter_at(header, 8).is_some();
    (possible && header_crc(salt, header) == u32_at(header, 0)).then(|| fields(header))
}

fn fields(header: &[u8]) -> Parsed {
    let fields = Fields {
        seq: u64_at(header, 8),
        time_ms: u64_at(header, 16),
        kind: u16_at(header, 24),
        schema: header[26],
        flags: header[27],
        lag: u32_at(header, 28),
        prev: u32_at(header, 32),
    };
    let payload_bytes = u32_at(header, 4) as usize;
    Parsed { fields, payload_bytes, payload_crc: u32_at(header, 36), crc: u32_at(header, 0) }
}

/// The frames of a buffer that was written here, each with its payload.
pub(crate) fn frames(mut buffer: &[u8]) -> impl Iterator<Item = (Fields, &[u8])> {
    std::iter::from_fn(move || {
        let parsed = buffer.get(..HEADER_BYTES).map(fields)?;
        let payload = &buffer[HEADER_BYTES..HEADER_BYTES + parsed.payload_bytes];
        buffer = &buffer[framed_bytes(parsed.payload_bytes)..];
        Some((parsed.fields, payload))
    })
}

fn header_crc(salt: u32, header: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new_with_initial(salt);
    crc.update(&header[4..]);
    crc.finalize()
}
