//! Reads the records of one segment, up to the first thing that is not one. Pure: bytes in, verdict out.
//!
//! Does not know files, other segments or what was acknowledged; whether a verdict is acceptable is decided by
//! `recover`.

use crate::{
    bytes::{all_zero, array_at, offset},
    frame::{HEADER_BYTES, LAST_OF_BATCH, Parsed, SEAL, framed_bytes, parse_header},
    header::{Header, PAGE},
    record::{FIRST_RESERVED_KIND, Record},
    tear::looks_torn,
};

/// A point between two records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Position {
    /// In bytes from the start of the file.
    pub(crate) offset: u64,
    /// The last record before it.
    pub(crate) seq: u64,
    /// The checksum the next record must name.
    pub(crate) chain: u32,
}

impl Position {
    /// Before the first record of a segment.
    pub(crate) fn start(header: &Header) -> Self {
        Self { offset: offset(PAGE), seq: header.before.last_seq, chain: header.crc }
    }
}

/// Why the scan ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// The seq where the scan was asked to end.
    Limit,
    /// After a whole batch, and nothing but zeros follows.
    End,
    /// The segment's seal, with the hash it states.
    Sealed([u8; 32]),
    /// Something else.
    Damage(Damage),
}

/// Bytes that are not the record expected there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Damage {
    /// In bytes from the start of the file.
    pub(crate) at: u64,
    /// What is wrong.
    pub(crate) detail: &'static str,
    /// Whether something is missing, as after a crash. If not, something was changed.
    pub(crate) torn: bool,
}

/// What a scan found.
#[derive(Debug)]
pub(crate) struct Scan {
    /// The records of whole batches.
    pub(crate) records: Vec<Record>,
    /// After the last whole batch, or after the seal.
    pub(crate) end: Position,
    /// Why it ended.
    pub(crate) stop: Stop,
    /// The last record that some valid record, counted in `records` or not, proves to have been durable.
    pub(crate) proves: u64,
}

/// The bytes of a segment from `base` on.
#[derive(Clone, Copy)]
pub(crate) struct Window<'a> {
    pub(crate) header: &'a Header,
    pub(crate) base: u64,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Window<'a> {
    /// What there is from an offset of the file on.
    fn from(&self, offset: u64) -> &'a [u8] {
        let skip = usize::try_from(offset - self.base).unwrap_or(usize::MAX);
        self.bytes.get(skip..).unwrap_or_default()
    }
}

/// Reads from `start`, which lies in the window, up to the record `limit` or as far as there are records.
pub(crate) fn scan(window: Window<'_>, start: Position, limit: Option<u64>) -> Scan {
    let mut scanner =
        Scanner { window, salt: window.header.salt(), next: start, whole: 0, out: Scan::at(start) };
    let stop = loop {
        if let Some(stop) = scanner.step(limit) {
            break stop;
        }
    };
    scanner.finish(stop)
}

struct Scanner<'a> {
    window: Window<'a>,
    salt: u32,
    next: Position,
    /// How many records of `out` belong to whole batches.
    whole: usize,
    out: Scan,
}

impl Scan {
    fn at(start: Position) -> Self {
        Self { records: Vec::new(), end: start, stop: Stop::End, proves: 0 }
    }
}

impl Scanner<'_> {
    /// Takes one record, or says why not.
    fn step(&mut self, limit: Option<u64>) -> Option<Stop> {
        let rest = self.window.from(self.next.offset);
        if limit.is_some_and(|limit| self.out.end.seq >= limit) {
            return Some(Stop::Limit);
        }
        if all_zero(&rest[..rest.len().min(HEADER_BYTES)]) {
            return Some(if all_zero(rest) { Stop::End } else { self.damage("a record is missing", true) });
        }
        let Some(parsed) = parse_header(rest, self.salt) else {
            return Some(
                self.damage("the header of a record is broken", looks_torn(self.next.offset, rest, None)),
            );
        };
        self.out.proves = self.out.proves.max(parsed.fields.proves());
        match self.check(&parsed, rest) {
            Err((detail, torn)) => Some(self.damage(detail, torn)),
            Ok(payload) if parsed.fields.kind == SEAL => Some(self.seal(&parsed, payload)),
            Ok(payload) => {
                self.take(&parsed, payload);
                None
            }
        }
    }

    /// The payload of a record that is whole and the one that belongs here; else what is wrong, and if it is torn.
    fn check<'r>(&self, parsed: &Parsed, rest: &'r [u8]) -> Result<&'r [u8], (&'static str, bool)> {
        let fields = &parsed.fields;
        let end = HEADER_BYTES + parsed.payload_bytes;
        if fields.prev != self.next.chain {
            return Err(("a record does not follow from the one before", false));
        }
        if fields.kind != SEAL && fields.seq != self.next.seq + 1 {
            return Err(("a record has the wrong number", false));
        }
        if fields.kind >= FIRST_RESERVED_KIND && fields.kind != SEAL {
            return Err(("a record has an unknown reserved kind", false));
        }
        let payload = rest.get(HEADER_BYTES..end).ok_or(("the file ends within a record", true))?;
        if crc32fast::hash(payload) != parsed.payload_crc {
            let torn = looks_torn(self.next.offset, rest, Some(end));
            return Err(("the payload of a record does not match its checksum", torn));
        }
        let padding = rest
            .get(end..framed_bytes(parsed.payload_bytes))
            .ok_or(("the file ends within a record", true))?;
        if all_zero(padding) { Ok(payload) } else { Err(("the padding of a record is not zero", false)) }
    }

    fn take(&mut self, parsed: &Parsed, payload: &[u8]) {
        let fields = &parsed.fields;
        let last_of_batch = fields.flags & LAST_OF_BATCH != 0;
        self.out.records.push(Record {
            seq: fields.seq,
            epoch: self.window.header.epoch,
            kind: fields.kind,
            schema: fields.schema,
            time_ms: fields.time_ms,
            payload: payload.to_vec(),
            last_of_batch,
            segment: self.window.header.segment,
            offset: self.next.offset,
        });
        self.advance(parsed, fields.seq);
        if last_of_batch {
            self.out.end = self.next;
            self.whole = self.out.records.len();
        }
    }

    fn seal(&mut self, parsed: &Parsed, payload: &[u8]) -> Stop {
        if parsed.fields.seq != self.out.end.seq || payload.len() != 32 {
            return self.damage("the seal does not belong here", false);
        }
        self.advance(parsed, parsed.fields.seq);
        self.out.end = self.next;
        Stop::Sealed(array_at(payload, 0))
    }

    fn advance(&mut self, parsed: &Parsed, seq: u64) {
        let offset = self.next.offset + offset(framed_bytes(parsed.payload_bytes));
        self.next = Position { offset, seq, chain: parsed.crc };
    }

    fn damage(&self, detail: &'static str, torn: bool) -> Stop {
        Stop::Damage(Damage { at: self.next.offset, detail, torn })
    }

    fn finish(mut self, stop: Stop) -> Scan {
        let unfinished = self.whole < self.out.records.len();
        self.out.stop = match stop {
            Stop::End if unfinished => self.damage("a batch has no end", true),
            stop => stop,
        };
        if let Stop::Damage(_) = self.out.stop {
            self.out.proves = self.out.proves.max(self.survivors());
        }
        self.out.records.truncate(self.whole);
        self.out
    }

    /// What the records that are still valid somewhere behind the damage prove to have been durable.
    fn survivors(&self) -> u64 {
        let rest = self.window.from(self.next.offset);
        let mut proves = 0;
        for at in (8..rest.len()).step_by(8) {
            // Most of a segment is zeros; they are passed over before anything is computed.
            if rest[at..].len() >= HEADER_BYTES && rest[at..at + 8] != [0; 8] {
                proves =
                    proves.max(parse_header(&rest[at..], self.salt).map_or(0, |found| found.fields.proves()));
            }
        }
        proves
    }
}
