//! Finds every record of a damaged journal that is still whole, and states the holes between them. Never writes.
//!
//! A record stands for itself: its header's checksum is salted with journal, segment and epoch, so none is taken for
//! one of another place. What the chain says is believed where nothing is missing, and cannot be asked behind a hole.
//! Does not know what becomes of the records.

use crate::{
    bytes::{len_without_zeros, offset},
    disk::{Disk, Mode, read_full},
    error::JournalError,
    frame::{GAP, HEADER_BYTES, LAST_OF_BATCH, Parsed, SEAL, framed_bytes, gap_of, parse_header},
    head::Head,
    header::{Header, PAGE, file_name},
    record::{FIRST_RESERVED_KIND, Gap, Item, RecordRef},
    recover::{read_header, segments},
    scan::{Each, Position},
};

/// How many epochs are tried for a segment whose own header cannot be read.
const EPOCHS_TRIED: u64 = 64;

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

/// Hands on all records that are whole, and a gap wherever some are not. A batch that no acknowledged record can be
/// part of, at the very end, is left out, as after a crash.
pub(crate) fn salvage(disk: &dyn Disk, each: &mut Each<'_>) -> Result<Salvage, JournalError> {
    let (head, numbers) = (Head::read(disk)?, segments(disk)?);
    let last = numbers.last().copied().unwrap_or(0).max(head.map_or(0, |head| head.segment));
    let headers = (1..=last)
        .map(|segment| if numbers.contains(&segment) { header(disk, segment) } else { Ok(None) })
        .collect::<Result<Vec<_>, _>>()?;
    let known = headers.iter().flatten().next();
    let Some((run, journal)) = known.map(|h| (h.run, h.journal)).or(head.map(|h| (h.run, h.journal))) else {
        return Err(JournalError::Missing { path: disk.path("") });
    };
    let mut diver = Diver::new(run, head, each);
    for (segment, at) in (1..=last).zip(0..) {
        let next = headers[at + 1..].iter().flatten().find(|next| next.segment == segment + 1);
        diver.lost_before(headers[at].as_ref());
        let bytes = if numbers.contains(&segment) { contents(disk, segment)? } else { Vec::new() };
        let header = headers[at].or_else(|| diver.guess(&bytes, segment, journal));
        diver.segment(segment, header.as_ref(), next, &bytes);
    }
    Ok(diver.surface())
}

fn header(disk: &dyn Disk, segment: u64) -> Result<Option<Header>, JournalError> {
    let header = read_header(disk, segment)?.ok();
    Ok(header.filter(|header| header.segment == segment))
}

fn contents(disk: &dyn Disk, segment: u64) -> Result<Vec<u8>, JournalError> {
    let name = file_name(segment);
    let read = || {
        let file = disk.open(&name, Mode::Read)?;
        let mut bytes = vec![0; usize::try_from(file.len()?).map_err(std::io::Error::other)?];
        let read = read_full(&*file, &mut bytes, 0)?;
        bytes.truncate(read);
        Ok(bytes)
    };
    read().map_err(|error| JournalError::io("read", &disk.path(&name), error))
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
    batch: Vec<crate::record::Record>,
}

impl<'a, 'e> Diver<'a, 'e> {
    fn new(run: [u8; 16], head: Option<Head>, each: &'a mut Each<'e>) -> Self {
        let found =
            Salvage { run, epoch: head.map_or(0, |head| head.epoch), kept: Vec::new(), gaps: Vec::new() };
        let proven = head.map_or(0, |head| head.durable_seq);
        Self { each, found, last: 0, proven, hole: None, batch: Vec::new() }
    }

    /// A header says how far the segment before it went, whether that can be read or not.
    fn lost_before(&mut self, header: Option<&Header>) {
        if let Some(header) = header {
            self.proven = self.proven.max(header.before.last_seq);
            self.close_hole(header.before.last_seq + 1);
        }
    }

    /// The header of a segment whose own is broken: what is in it was salted with one of the next epochs.
    fn guess(&self, bytes: &[u8], segment: u64, journal: [u8; 16]) -> Option<Header> {
        let nothing = crate::header::Before::nothing();
        let header =
            |epoch| Header { run: self.found.run, journal, segment, epoch, len: 0, before: nothing, crc: 0 };
        let first = self.found.epoch.saturating_sub(EPOCHS_TRIED).max(1);
        let epochs = first..=self.found.epoch + EPOCHS_TRIED;
        epochs
            .map(header)
            .find(|header| parse_header(bytes.get(PAGE..).unwrap_or_default(), header.salt()).is_some())
    }

    fn segment(&mut self, segment: u64, header: Option<&Header>, next: Option<&Header>, bytes: &[u8]) {
        // What is behind the end that the next header states is not part of the log.
        let end = next
            .and_then(|next| usize::try_from(next.before.end).ok())
            .map_or(bytes.len(), |end| end.min(bytes.len()));
        let bytes = &bytes[..end];
        let Some(header) = header else { return self.open_hole(segment, 0, bytes) };
        self.found.epoch = self.found.epoch.max(header.epoch);
        let salt = header.salt();
        let mut chain = Some(Position::start(header).chain).filter(|_| header.crc != 0);
        let mut at = PAGE;
        while at < bytes.len() {
            if let Some(parsed) = whole(&bytes[at..], salt).filter(|parsed| self.belongs(parsed, chain)) {
                self.proven = self.proven.max(parsed.fields.proves());
                self.take(
                    header,
                    &parsed,
                    at,
                    &bytes[at + HEADER_BYTES..at + HEADER_BYTES + parsed.payload_bytes],
                );
                chain = Some(parsed.crc);
                at += framed_bytes(parsed.payload_bytes);
                continue;
            }
            // Only a record proves that something is missing in front of it.
            let rest = &bytes[at..];
            // Most of a segment is zeros; they are passed over before anything is computed.
            let ahead = (8..rest.len()).step_by(8).filter(|skip| !rest[*skip..].starts_with(&[0; 8]));
            let found = ahead.into_iter().find(|skip| whole(&rest[*skip..], salt).is_some());
            let until = found.unwrap_or(len_without_zeros(rest));
            self.open_hole(segment, at, &rest[..until]);
            chain = None;
            at = found.map_or(bytes.len(), |skip| at + skip);
        }
        self.end_segment();
    }

    /// A batch never spans two segments: one without an end was cut off by a crash, or its end is lost.
    fn end_segment(&mut self) {
        let Some(first) = self.batch.first().map(|record| record.seq) else { return };
        if first <= self.proven {
            return self.hand_on_batch();
        }
        self.batch.clear();
        self.last = first - 1;
    }

    /// Whether a record that is whole comes next, or behind a hole.
    fn belongs(&self, parsed: &Parsed, chain: Option<u32>) -> bool {
        let chained = chain.is_none_or(|chain| chain == parsed.fields.prev);
        let later = parsed.fields.seq > self.last || parsed.fields.kind == SEAL;
        chained
            && later
            && (chain.is_none()
                || parsed.fields.kind >= FIRST_RESERVED_KIND
                || parsed.fields.seq == self.last + 1)
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
        let nowhere = Gap {
            from_seq: 0,
            to_seq: 0,
            segment: 0,
            offset: 0,
            bytes: 0,
            hash: *blake3::hash(&[]).as_bytes(),
        };
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
        match fields.kind {
            SEAL => {}
            GAP => {
                // The hole of an earlier repair.
                let Some(gap) = gap_of(fields.seq, payload) else { return };
                self.close_hole(gap.from_seq);
                self.hole = Some(gap);
                self.close_hole(gap.to_seq + 1);
            }
            kind => {
                self.close_hole(fields.seq);
                let record = RecordRef {
                    seq: fields.seq,
                    epoch: header.epoch,
                    kind,
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

    /// At the end it counts what is proven: without proof a broken end is that of a crash.
    fn surface(mut self) -> Salvage {
        self.close_hole(self.proven + 1);
        self.found
    }
}

/// The record at the start of `bytes`, if all of it is there.
fn whole(bytes: &[u8], salt: u32) -> Option<Parsed> {
    let parsed = parse_header(bytes, salt)?;
    let end = HEADER_BYTES + parsed.payload_bytes;
    let payload = bytes.get(HEADER_BYTES..end)?;
    (crc32fast::hash(payload) == parsed.payload_crc).then_some(parsed)
}
