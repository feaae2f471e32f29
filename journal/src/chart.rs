//! Finds out what the files of a damaged journal are: whose, of which epoch, and from which record to which.
//!
//! A header that is broken, or came from elsewhere, is made up from its neighbours, if records show that it is right.
//! Does not know what becomes of the records.

use crate::{
    disk::{Disk, Mode, read_full},
    error::JournalError,
    frame::{HEADER_BYTES, Parsed, framed_bytes, parse_header},
    head::Head,
    header::{Before, Header, PAGE, file_name},
    record::MAX_BATCH_BYTES,
    recover::{read_header, segments},
};

/// How many epochs are tried for a segment whose own header cannot be read.
const EPOCHS_TRIED: usize = 4096;
/// In how many bytes at the front of such a segment a record is looked for.
const FRONT_BYTES: usize = 64 << 10;

/// No segment is longer: a page, the largest batch, and a seal.
const LONGEST_BYTES: usize = MAX_BATCH_BYTES + 2 * PAGE;

/// A journal as its files show it.
pub(crate) struct Chart {
    pub(crate) run: [u8; 16],
    /// The last opening that is known of.
    pub(crate) epoch: u64,
    /// The last record that is known to have been durable.
    pub(crate) proven: u64,
    pub(crate) parts: Vec<Part>,
}

/// One segment.
pub(crate) struct Part {
    pub(crate) segment: u64,
    /// None if nothing in the file is of this journal. Of one that was made up, `crc` is 0.
    pub(crate) header: Option<Header>,
    /// What lies behind this byte is not part of the log, as the next header says.
    pub(crate) end: Option<u64>,
    /// Records from this one on are those of a later segment, whatever lies here.
    pub(crate) limit: u64,
    /// The last record that is proven to be the one in this segment, and not only to have been durable somewhere.
    pub(crate) own: u64,
}

impl Part {
    /// Whether the segment's own header says where it begins.
    pub(crate) fn is_stated(&self) -> bool {
        self.header.is_some_and(|header| header.crc != 0)
    }
}

/// Which journal it is.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Id {
    run: [u8; 16],
    journal: [u8; 16],
}

impl Id {
    fn of_header(header: &Header) -> Self {
        Self { run: header.run, journal: header.journal }
    }

    /// What most of the headers, and `HEAD`, say: a file that came from elsewhere is one against many. None if nothing
    /// says anything. Of as many against as many the first one is believed.
    fn of(head: Option<Head>, headers: &[Option<Header>]) -> Option<Self> {
        let of_head = head.map(|head| Self { run: head.run, journal: head.journal });
        let votes: Vec<Self> = headers.iter().flatten().map(Self::of_header).chain(of_head).collect();
        let count = |id: &Self| votes.iter().filter(|vote| *vote == id).count();
        let most = votes.iter().map(count).max()?;
        votes.iter().copied().find(|id| count(id) == most)
    }
}

/// Looks at all segments. Fails with `Missing` if no file tells even whose it is.
pub(crate) fn chart(disk: &dyn Disk) -> Result<Chart, JournalError> {
    let (head, numbers) = (Head::read(disk)?, segments(disk)?);
    let mut headers = numbers.iter().map(|segment| header(disk, *segment)).collect::<Result<Vec<_>, _>>()?;
    let Some(id) = Id::of(head, &headers) else { return Err(JournalError::Missing { path: disk.path("") }) };
    let head = head.filter(|head| Id { run: head.run, journal: head.journal } == id);
    for place in &mut headers {
        *place = place.filter(|header| Id::of_header(header) == id);
    }
    let last_epoch = head.map_or(0, |head| head.epoch);
    let mut chart = Chart {
        run: id.run,
        epoch: last_epoch,
        proven: head.map_or(0, |head| head.durable_seq),
        parts: Vec::new(),
    };
    let mut reached = 1;
    for (at, segment) in numbers.iter().enumerate() {
        let after = headers[at + 1..].iter().flatten().next().map_or(last_epoch, |next| next.epoch);
        let bytes = contents(disk, *segment)?;
        let header = headers[at].or_else(|| guess(id, *segment, &bytes, reached, after));
        // A segment follows the last that `HEAD` knows of, or it is a stray with a name like one.
        if header.is_none() && head.is_some_and(|head| *segment > head.segment + 1) {
            continue;
        }
        reached = header.map_or(reached, |header| header.epoch.max(reached));
        let next = headers.get(at + 1).copied().flatten().filter(|next| next.segment == segment + 1);
        let end = next.map(|next| next.before.end);
        let own = match (end, head.filter(|head| head.segment == *segment)) {
            (Some(_), _) => u64::MAX,
            (None, stated) => stated.map_or(0, |head| head.durable_seq),
        };
        chart.add(Part { segment: *segment, header, end, limit: u64::MAX, own }, &bytes);
    }
    chart.epoch = chart.epoch.max(reached);
    Ok(chart)
}

impl Chart {
    fn add(&mut self, mut part: Part, bytes: &[u8]) {
        let Some(header) = part.header else { return self.parts.push(part) };
        let log = log_of(bytes, part.end);
        let first = if part.is_stated() {
            Some(header.before.last_seq + 1)
        } else {
            whole(log.get(PAGE..).unwrap_or_default(), header.salt()).map(|parsed| parsed.fields.seq)
        };
        // What a later segment begins with, no earlier one holds: there it is of a write that nobody was told of.
        for earlier in &mut self.parts {
            earlier.limit = earlier.limit.min(first.unwrap_or(u64::MAX));
        }
        self.proven = self.proven.max(header.before.last_seq);
        let mut at = PAGE;
        while let Some((found, parsed)) = next_whole(log, at, header.salt()) {
            self.proven = self.proven.max(parsed.fields.proves());
            part.own = part.own.max(parsed.fields.proves());
            at = found + framed_bytes(parsed.payload_bytes);
        }
        self.parts.push(part);
    }
}

/// The bytes of a segment that may be part of the log.
pub(crate) fn log_of(bytes: &[u8], end: Option<u64>) -> &[u8] {
    let end = end.and_then(|end| usize::try_from(end).ok()).unwrap_or(bytes.len());
    &bytes[..end.min(bytes.len())]
}

fn header(disk: &dyn Disk, segment: u64) -> Result<Option<Header>, JournalError> {
    let header = read_header(disk, segment)?.ok();
    Ok(header.filter(|header| header.segment == segment))
}

/// A header with the epoch that the records in the file were salted with: that of the segments before, or a later one.
fn guess(id: Id, segment: u64, bytes: &[u8], from: u64, to: u64) -> Option<Header> {
    let Id { run, journal } = id;
    let before = Before::nothing();
    let header = |epoch| Header { run, journal, segment, epoch, len: 0, before, crc: 0 };
    let front = &bytes[..bytes.len().min(PAGE + FRONT_BYTES)];
    let mut headers = (from..=to.max(from)).take(EPOCHS_TRIED).map(header);
    headers.find(|header| next_header(front, PAGE, header.salt()).is_some())
}

/// Where the next header of a record is, from a place on.
fn next_header(bytes: &[u8], from: usize, salt: u32) -> Option<usize> {
    // Most of a segment is zeros; they are passed over before anything is computed.
    let places = (from..bytes.len()).step_by(8).filter(|at| !bytes[*at..].starts_with(&[0; 8]));
    places.into_iter().find(|at| parse_header(&bytes[*at..], salt).is_some())
}

/// Where the next record is that is whole, from a place on.
pub(crate) fn next_whole(bytes: &[u8], mut from: usize, salt: u32) -> Option<(usize, Parsed)> {
    loop {
        let at = next_header(bytes, from, salt)?;
        if let Some(parsed) = whole(&bytes[at..], salt) {
            return Some((at, parsed));
        }
        from = at + 8;
    }
}

/// The record at the start of `bytes`, if all of it is there.
pub(crate) fn whole(bytes: &[u8], salt: u32) -> Option<Parsed> {
    let parsed = parse_header(bytes, salt)?;
    let payload = bytes.get(HEADER_BYTES..HEADER_BYTES + parsed.payload_bytes)?;
    (crc32fast::hash(payload) == parsed.payload_crc).then_some(parsed)
}

/// All bytes of a segment.
pub(crate) fn contents(disk: &dyn Disk, segment: u64) -> Result<Vec<u8>, JournalError> {
    let name = file_name(segment);
    let read = || {
        let file = disk.open(&name, Mode::Read)?;
        // A file that somebody made longer must not cost more than one that we made.
        let len = usize::try_from(file.len()?).unwrap_or(usize::MAX).min(LONGEST_BYTES);
        let mut bytes = vec![0; len];
        let read = read_full(&*file, &mut bytes, 0)?;
        bytes.truncate(read);
        Ok(bytes)
    };
    read().map_err(|error| JournalError::io("read", &disk.path(&name), error))
}
