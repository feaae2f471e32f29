//! Finds every record of a damaged journal that is still whole, and states the holes between them. Never writes.
//!
//! A record stands for itself: its header's checksum is salted with journal, segment and epoch, so none is taken for
//! one of another place. What the chain says is believed where nothing is missing, and cannot be asked behind a hole.
//! Does not know what becomes of the records.

use crate::{
    bytes::{len_without_zeros, offset},
    chart::{Part, chart, contents, log_of, next_whole, whole},
    disk::Disk,
    error::JournalError,
    frame::{GAP, HEADER_BYTES, LAST_OF_BATCH, Parsed, SEAL, framed_bytes, gap_of, parse_header},
    header::{Header, PAGE},
    record::{FIRST_RESERVED_KIND, Gap, Item, Record, RecordRef},
    scan::{Each, Position},
    tear::looks_torn,
};

/// What can be saved of a journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Salvage {
    /// What the caller calls the journal.
    pub run: [u8; 16],
    /// The last opening that is known of.
    pub epoch: u64,
    /// Ranges of records that are whole, in order.
    pub kept: Vec<(u64, u64)>,
    /// The holes between and behind them, in order.
    pub gaps: Vec<Gap>,
}

impl Salvage {
    /// How many records are whole.
    pub fn records(&self) -> u64 {
        self.kept.iter().map(|(from, to)| to - from + 1).sum()
    }

    /// How many are lost.
    pub fn lost(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.to_seq - gap.from_seq + 1).sum()
    }
}

/// Hands on all records that are whole, and a gap wherever some are not. What is neither proven to have been durable nor
/// whole up to its batch's end is left out, as after a crash.
pub(crate) fn salvage(disk: &dyn Disk, each: &mut Each<'_>) -> Result<Salvage, JournalError> {
    let chart = chart(disk)?;
    let found = Salvage { run: chart.run, epoch: chart.epoch, kept: Vec::new(), gaps: Vec::new() };
    let mut diver = Diver {
        each,
        found,
        last: 0,
        proven: chart.proven,
        hole: None,
        batch: Vec::new(),
        own: 0,
        done: false,
        end: End::Whole,
    };
    for part in &chart.parts {
        let bytes = contents(disk, part.segment)?;
        (diver.end, diver.own, diver.done) = (End::Whole, part.own, false);
        diver.segment(part, log_of(&bytes, part.end));
    }
    Ok(diver.surface())
}

/// Goes through the segments.
struct Diver<'a, 'e> {
    each: &'a mut Each<'e>,
    found: Salvage,
    /// The last record that was handed on, or is part of a gap.
    last: u64,
    /// The last record that is known to have been durable.
    proven: u64,
    /// Where it is that records began to be missing: the bytes there that are none.
    hole: Option<Gap>,
    /// Records whose batch has no end yet.
    batch: Vec<Record>,
    /// The last record that is proven to be the one in this segment.
    own: u64,
    /// Whether the rest of this segment was never promised to anybody.
    done: bool,
    end: End,
}

/// What the end of the last segment looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// As its writer left it, or a crash.
    Whole,
    /// Closed.
    Sealed,
    /// Something is missing that no crash takes away, or there is something that no writer wrote.
    Damaged,
}

impl Diver<'_, '_> {
    fn segment(&mut self, part: &Part, bytes: &[u8]) {
        let Some(header) = part.header else {
            self.end = End::Damaged;
            return self.open_hole(part.segment, 0, bytes);
        };
        let mut chain = None;
        if part.is_stated() {
            // A header says how far the segment before it went, whether that can be read or not.
            self.close_hole(header.before.last_seq + 1);
            chain = Some(Position::start(&header).chain);
        }
        let salt = header.salt();
        let mut at = PAGE;
        while at < bytes.len() && !self.done {
            let here = whole(&bytes[at..], salt).filter(|parsed| self.belongs(parsed, chain, part.limit));
            if let Some(parsed) = here {
                let payload = &bytes[at + HEADER_BYTES..at + HEADER_BYTES + parsed.payload_bytes];
                self.take(&header, &parsed, at, payload);
                chain = Some(parsed.crc);
                at += framed_bytes(parsed.payload_bytes);
                continue;
            }
            // A record proves that something is missing in front of it.
            let found = next_whole(bytes, at + 8, salt).map(|(found, _)| found);
            let until = found.unwrap_or(at + len_without_zeros(&bytes[at..]));
            self.open_hole(part.segment, at, &bytes[at..until]);
            if found.is_none() && until > at {
                let len = parse_header(&bytes[at..], salt).map(|parsed| HEADER_BYTES + parsed.payload_bytes);
                self.end = if looks_torn(offset(at), &bytes[at..], len) { End::Whole } else { End::Damaged };
            }
            chain = None;
            at = found.unwrap_or(bytes.len());
        }
        if part.is_stated() && offset(bytes.len()) < header.len && self.end == End::Whole {
            self.end = End::Damaged;
        }
        self.end_segment();
    }

    /// Whether a record that is whole comes next, or behind a hole.
    fn belongs(&self, parsed: &Parsed, chain: Option<u32>, limit: u64) -> bool {
        let fields = &parsed.fields;
        let own = fields.kind >= FIRST_RESERVED_KIND;
        match chain {
            _ if fields.kind == SEAL => true,
            _ if fields.seq >= limit => false,
            Some(chain) => {
                chain == fields.prev && fields.seq > self.last && (own || fields.seq == self.last + 1)
            }
            None => fields.seq > self.last,
        }
    }

    /// A batch never spans two segments: one without an end was cut off by a crash, or its end is lost.
    fn end_segment(&mut self) {
        let Some(first) = self.batch.first().map(|record| record.seq) else { return };
        if first <= self.own {
            return self.hand_on_batch();
        }
        self.batch.clear();
        self.last = first - 1;
    }

    fn open_hole(&mut self, segment: u64, at: usize, bytes: &[u8]) {
        self.hole.get_or_insert(Gap {
            from_seq: self.last + 1,
            to_seq: 0,
            segment,
            offset: offset(at),
            bytes: offset(bytes.len()),
            hash: *blake3::hash(bytes).as_bytes(),
        });
    }

    /// The record with this number was not lost, and everything in front of it is now accounted for.
    fn close_hole(&mut self, next: u64) {
        let hash = *blake3::hash(&[]).as_bytes();
        let nowhere = Gap { from_seq: 0, to_seq: 0, segment: 0, offset: 0, bytes: 0, hash };
        let hole = self.hole.take();
        if next > self.last + 1 {
            self.hand_on_batch();
            let gap = Gap { from_seq: self.last + 1, to_seq: next - 1, ..hole.unwrap_or(nowhere) };
            self.last = gap.to_seq;
            self.found.gaps.push(gap);
            (self.each)(Item::Gap(gap));
        }
    }

    fn take(&mut self, header: &Header, parsed: &Parsed, at: usize, payload: &[u8]) {
        let fields = parsed.fields;
        self.end = End::Whole;
        if fields.kind == SEAL {
            self.end = End::Sealed;
            return;
        }
        if fields.kind == GAP {
            // The hole of an earlier repair.
            let Some(gap) = gap_of(fields.seq, payload) else { return };
            self.close_hole(gap.from_seq);
            self.hole = Some(gap);
            return self.close_hole(gap.to_seq + 1);
        }
        // What nobody was told of is kept only as long as nothing of it is missing.
        if fields.seq > self.last + 1 && fields.seq > self.own {
            self.done = true;
            return;
        }
        self.close_hole(fields.seq);
        let record = RecordRef {
            seq: fields.seq,
            epoch: header.epoch,
            kind: fields.kind,
            schema: fields.schema,
            time_ms: fields.time_ms,
            payload,
            last_of_batch: fields.flags & LAST_OF_BATCH != 0,
            segment: header.segment,
            offset: offset(at),
        };
        self.last = fields.seq;
        self.batch.push(record.to_record());
        if record.last_of_batch {
            self.hand_on_batch();
        }
    }

    fn hand_on_batch(&mut self) {
        for record in self.batch.drain(..) {
            match self.found.kept.last_mut() {
                Some((_, to)) if *to + 1 == record.seq => *to = record.seq,
                _ => self.found.kept.push((record.seq, record.seq)),
            }
            (self.each)(Item::Record(record.as_ref()));
        }
    }

    /// At the end it counts what is proven. Where nothing is, an end that no crash leaves has cost one record at least.
    fn surface(mut self) -> Salvage {
        if self.end == End::Damaged && self.proven <= self.last {
            self.proven = self.last + 1;
        }
        self.close_hole(self.proven + 1);
        self.found
    }
}
