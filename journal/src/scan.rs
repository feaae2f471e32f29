//! Reads the records of one segment, up to the first thing that is not one, and hands on those of whole batches.
//!
//! Does not know other segments or what was acknowledged; whether a verdict is acceptable is decided by `recover`.

use std::io;

use crate::{
    bytes::{all_zero, offset},
    frame::{GAP, HEADER_BYTES, LAST_OF_BATCH, Parsed, SEAL, Seal, framed_bytes, gap_of, parse_header},
    header::{Header, PAGE},
    record::{FIRST_RESERVED_KIND, Item, RecordRef},
    stream::Stream,
    tear::looks_torn,
};

/// Who is handed the records.
pub(crate) type Each<'a> = dyn FnMut(Item<'_>) + 'a;

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
    /// How many records and gaps were handed on.
    pub(crate) items: u64,
    /// After the last whole batch, or after the seal.
    pub(crate) end: Position,
    /// Why it ended.
    pub(crate) stop: Stop,
    /// The last record that some valid record, handed on or not, proves to have been durable.
    pub(crate) proves: u64,
}

/// Reads from `start` up to the record `limit` or as far as there are records.
pub(crate) fn scan(
    stream: &mut Stream,
    header: &Header,
    start: Position,
    limit: Option<u64>,
    each: &mut Each<'_>,
) -> io::Result<Scan> {
    let mut scanner = Scanner {
        stream,
        header,
        salt: header.salt(),
        limit: limit.unwrap_or(u64::MAX),
        next: start,
        batch: Vec::new(),
        out: Scan { items: 0, end: start, stop: Stop::End, proves: 0 },
        each,
    };
    loop {
        if let Some(stop) = scanner.step()? {
            return scanner.finish(stop);
        }
    }
}

struct Scanner<'a, 'e> {
    stream: &'a mut Stream,
    header: &'a Header,
    salt: u32,
    limit: u64,
    next: Position,
    /// The records of the batch that has no end yet, and where each starts.
    batch: Vec<(Parsed, u64)>,
    out: Scan,
    each: &'a mut Each<'e>,
}

impl Scanner<'_, '_> {
    /// Takes one record, or says why not.
    fn step(&mut self) -> io::Result<Option<Stop>> {
        if self.out.end.seq >= self.limit {
            return Ok(Some(Stop::Limit));
        }
        let at = self.next.offset;
        let Some(parsed) = parse_header(self.stream.get(at, HEADER_BYTES)?, self.salt) else {
            return self.no_header().map(Some);
        };
        self.out.proves = self.out.proves.max(parsed.fields.proves());
        let frame = self.stream.get(at, framed_bytes(parsed.payload_bytes))?;
        if let Err((detail, torn)) = check(&parsed, frame, &self.next) {
            let torn = match torn {
                Torn::Yes => true,
                Torn::No => false,
                Torn::IfItLooksSo => {
                    let end = HEADER_BYTES + parsed.payload_bytes;
                    looks_torn(at, self.stream.rest(at)?, Some(end))
                }
            };
            return Ok(Some(self.damage(detail, torn)));
        }
        if parsed.fields.kind == SEAL {
            return Ok(Some(self.seal(&parsed)));
        }
        self.take(parsed);
        Ok(None)
    }

    /// What it means that there is no record where one could be.
    fn no_header(&mut self) -> io::Result<Stop> {
        let at = self.next.offset;
        let rest = self.stream.rest(at)?;
        if all_zero(&rest[..rest.len().min(HEADER_BYTES)]) {
            let nothing = all_zero(rest);
            return Ok(if nothing { Stop::End } else { self.damage("a record is missing", true) });
        }
        let torn = looks_torn(at, rest, None);
        Ok(self.damage("the header of a record is broken", torn))
    }

    #[inline]
    fn take(&mut self, parsed: Parsed) {
        let at = self.next.offset;
        self.advance(&parsed);
        if parsed.fields.flags & LAST_OF_BATCH == 0 {
            self.batch.push((parsed, at));
            return;
        }
        for at in 0..self.batch.len() {
            let (parsed, at) = self.batch[at];
            self.hand_on(&parsed, at);
        }
        self.batch.clear();
        self.hand_on(&parsed, at);
        self.out.end = self.next;
        self.stream.forget_before(self.next.offset);
    }

    #[inline]
    fn hand_on(&mut self, parsed: &Parsed, at: u64) {
        let Parsed { fields, payload_bytes, .. } = *parsed;
        let payload = self.stream.held(at + offset(HEADER_BYTES), payload_bytes);
        self.out.items += 1;
        if fields.kind == GAP {
            let gap = gap_of(fields.seq, payload).expect("it was checked when it was read");
            return (self.each)(Item::Gap(gap));
        }
        (self.each)(Item::Record(RecordRef {
            seq: fields.seq,
            epoch: self.header.epoch,
            kind: fields.kind,
            schema: fields.schema,
            time_ms: fields.time_ms,
            payload,
            last_of_batch: fields.flags & LAST_OF_BATCH != 0,
            segment: self.header.segment,
            offset: at,
        }));
    }

    fn seal(&mut self, parsed: &Parsed) -> Stop {
        let payload = self.stream.held(self.next.offset + offset(HEADER_BYTES), parsed.payload_bytes);
        let last = self.out.end;
        let seal = Seal::of(payload).filter(|seal| {
            let records = last.seq - self.header.before.last_seq;
            parsed.fields.seq == last.seq && seal.bytes == last.offset && seal.records == records
        });
        let Some(seal) = seal else { return self.damage("the seal does not belong here", false) };
        self.advance(parsed);
        self.out.end = self.next;
        Stop::Sealed(seal.hash)
    }

    #[inline]
    fn advance(&mut self, parsed: &Parsed) {
        let offset = self.next.offset + offset(framed_bytes(parsed.payload_bytes));
        self.next = Position { offset, seq: parsed.fields.seq, chain: parsed.crc };
    }

    fn damage(&self, detail: &'static str, torn: bool) -> Stop {
        Stop::Damage(Damage { at: self.next.offset, detail, torn })
    }

    fn finish(mut self, stop: Stop) -> io::Result<Scan> {
        self.out.stop = match stop {
            Stop::End if !self.batch.is_empty() => self.damage("a batch has no end", true),
            stop => stop,
        };
        if let Stop::Damage(_) = self.out.stop {
            let proves = survivors(self.stream.rest(self.next.offset)?, self.salt);
            self.out.proves = self.out.proves.max(proves);
        }
        Ok(self.out)
    }
}

/// Whether a broken record is the trace of a crash.
enum Torn {
    Yes,
    No,
    IfItLooksSo,
}

/// Whether a record is whole and the one that belongs here; else what is wrong.
#[inline]
fn check(parsed: &Parsed, frame: &[u8], next: &Position) -> Result<(), (&'static str, Torn)> {
    let fields = &parsed.fields;
    let end = HEADER_BYTES + parsed.payload_bytes;
    if fields.prev != next.chain {
        return Err(("a record does not follow from the one before", Torn::No));
    }
    if fields.kind < FIRST_RESERVED_KIND && fields.seq != next.seq + 1 {
        return Err(("a record has the wrong number", Torn::No));
    }
    let payload = frame.get(HEADER_BYTES..end).ok_or(("the file ends within a record", Torn::Yes))?;
    if crc32fast::hash(payload) != parsed.payload_crc {
        return Err(("the payload of a record does not match its checksum", Torn::IfItLooksSo));
    }
    if fields.kind >= FIRST_RESERVED_KIND {
        check_reserved(parsed, payload, next)?;
    }
    if frame.len() < framed_bytes(parsed.payload_bytes) {
        return Err(("the file ends within a record", Torn::Yes));
    }
    if frame[end..].iter().all(|byte| *byte == 0) {
        Ok(())
    } else {
        Err(("the padding of a record is not zero", Torn::No))
    }
}

/// The same for records of the log's own.
fn check_reserved(parsed: &Parsed, payload: &[u8], next: &Position) -> Result<(), (&'static str, Torn)> {
    let follows = |from| from == next.seq + 1;
    match parsed.fields.kind {
        SEAL => Ok(()),
        GAP if gap_of(parsed.fields.seq, payload).is_some_and(|gap| follows(gap.from_seq)) => Ok(()),
        GAP => Err(("a gap does not begin where the records before it end", Torn::No)),
        _ => Err(("a record has an unknown reserved kind", Torn::No)),
    }
}

/// What the records that are still valid somewhere in `rest`, behind its start, prove to have been durable.
fn survivors(rest: &[u8], salt: u32) -> u64 {
    let mut proves = 0;
    for at in (8..rest.len()).step_by(8) {
        // Most of a segment is zeros; they are passed over before anything is computed.
        if rest[at..].len() >= HEADER_BYTES && rest[at..at + 8] != [0; 8] {
            proves = proves.max(parse_header(&rest[at..], salt).map_or(0, |found| found.fields.proves()));
        }
    }
    proves
}
