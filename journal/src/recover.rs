//! Reads a whole journal and decides what it holds: the records, or a refusal. Never writes.
//!
//! The rule: a torn end is only accepted where nothing proves that its records were durable. Proofs are `HEAD`,
//! the lag in every valid record, and the header of each later segment. Does not know who holds the lock.

use std::path::PathBuf;

use crate::{
    anchor::AnchorHasher,
    bytes::{len_without_zeros, offset},
    disk::{Disk, Mode, read_full},
    error::JournalError,
    head::{self, Head},
    header::{Before, EndedBy, Header, PAGE, file_name, segment_of},
    record::{Item, TornNote},
    scan::{Damage, Each, Position, Scan, Stop, scan},
    stream::Stream,
    survey::Stretch,
};

/// What a journal holds, besides the records that were handed on.
pub(crate) struct Recovered {
    /// Of the last segment.
    pub(crate) last: Header,
    /// How the last segment ends, as the header of the next one will state it.
    pub(crate) before: Before,
    pub(crate) note: Option<TornNote>,
}

/// The numbers of all segments, sorted.
pub(crate) fn segments(disk: &dyn Disk) -> Result<Vec<u64>, JournalError> {
    let path = disk.path("");
    let names = disk.names().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => JournalError::Missing { path },
        _ => JournalError::io("list", &path, error),
    })?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment_of(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The header of one segment.
pub(crate) fn read_header(
    disk: &dyn Disk,
    segment: u64,
) -> Result<Result<Header, &'static str>, JournalError> {
    let path = disk.path(&file_name(segment));
    let mut page = vec![0; PAGE];
    let read = disk
        .open(&file_name(segment), Mode::Read)
        .and_then(|file| read_full(&*file, &mut page, 0))
        .map_err(|error| JournalError::io("read", &path, error))?;
    Header::parse(&page[..read], &path)
}

/// The records of a segment from `start` on; bytes from `end` on are not looked at.
pub(crate) fn stream(
    disk: &dyn Disk,
    segment: u64,
    start: Position,
    end: Option<u64>,
) -> Result<Stream, JournalError> {
    let name = file_name(segment);
    disk.open(&name, Mode::Read)
        .and_then(|file| Stream::new(file, start.offset, end))
        .map_err(|error| JournalError::io("read", &disk.path(&name), error))
}

/// Reads all of it. While somebody writes (`live`), nothing behind what `HEAD` calls durable is looked at.
pub(crate) fn recover(
    recovery: &mut Recovery<'_, '_>,
    segments: &[u64],
    live: bool,
) -> Result<Recovered, JournalError> {
    let mut headers = Vec::new();
    recovery.headers(segments, &mut headers)?;
    recovery.all(&headers, live)
}

/// What was read so far. After a refusal it is what comes before the damage.
pub(crate) struct Recovery<'a, 'e> {
    disk: &'a dyn Disk,
    head: Option<Head>,
    each: &'a mut Each<'e>,
    /// The segments that were read.
    pub(crate) stretches: Vec<Stretch>,
    /// Of what was read, where hashes are to be checked. Checksums and chain are always.
    pub(crate) hasher: Option<AnchorHasher>,
    /// The last record that was read.
    pub(crate) last_good: u64,
    /// The last record that is known to have been durable.
    proven: u64,
}

impl<'a, 'e> Recovery<'a, 'e> {
    pub(crate) fn new(disk: &'a dyn Disk, head: Option<Head>, each: &'a mut Each<'e>) -> Self {
        let proven = head.map_or(0, |head| head.durable_seq);
        Self { disk, head, each, stretches: Vec::new(), hasher: None, last_good: 0, proven }
    }

    /// The same, and every hash on the way is compared with that of the records.
    pub(crate) fn hashing(self) -> Self {
        Self { hasher: Some(AnchorHasher::new()), ..self }
    }

    /// All headers, each of the same run, none left out. After a failure, those in front of it.
    pub(crate) fn headers(&self, segments: &[u64], headers: &mut Vec<Header>) -> Result<(), JournalError> {
        let last = segments.last().copied().unwrap_or(0).max(self.head.map_or(0, |head| head.segment));
        for segment in 1..=last {
            if segments.binary_search(&segment).is_err() {
                let detail = format!("the segment is missing, although there is, or was, segment {last}");
                return Err(self.corrupt(segment, 0, &detail));
            }
            let header = read_header(self.disk, segment)?.map_err(|why| self.corrupt(segment, 0, why))?;
            let fits = match headers.last() {
                None => header.before.last_seq == 0,
                Some(before) => {
                    (before.run, before.journal) == (header.run, header.journal)
                        && before.epoch <= header.epoch
                }
            };
            if !fits || header.segment != segment {
                return Err(self.corrupt(segment, 0, "the segment belongs to another journal or place"));
            }
            headers.push(header);
        }
        match (self.head, headers.first()) {
            (Some(head), Some(first)) if (head.run, head.journal) != (first.run, first.journal) => {
                Err(JournalError::Corrupt {
                    file: self.disk.path(head::NAME),
                    offset: 0,
                    last_good_seq: 0,
                    proven_seq: 0,
                    detail: "it belongs to another journal".to_owned(),
                })
            }
            _ => Ok(()),
        }
    }

    /// The records of all segments, and how the last one ends.
    pub(crate) fn all(&mut self, headers: &[Header], live: bool) -> Result<Recovered, JournalError> {
        let Some(last) = headers.last() else {
            return Err(JournalError::Missing { path: self.disk.path("") });
        };
        self.proven = self.proven.max(last.before.last_seq);
        self.all_closed(headers)?;
        let limit = live.then(|| self.head.map_or(0, |head| head.durable_seq));
        let (before, note) = self.open_end(last, limit)?;
        Ok(Recovered { last: *last, before, note })
    }

    /// The records of all segments but the last.
    fn all_closed(&mut self, headers: &[Header]) -> Result<(), JournalError> {
        headers.iter().zip(headers.iter().skip(1)).try_for_each(|(header, next)| self.closed(header, next))
    }

    /// The records in front of a header that is broken or missing, because of which the journal is refused with
    /// `error`. The refusal comes back with what is known now, or an earlier one instead.
    pub(crate) fn up_to_broken_header(
        &mut self,
        headers: &[Header],
        mut error: JournalError,
    ) -> Result<(), JournalError> {
        self.all_closed(headers)?;
        if let Some(header) = headers.last() {
            // Where it ends the broken header would say. Whole batches are taken as far as there are any.
            let start = Position::start(header);
            let mut bytes = stream(self.disk, header.segment, start, None)?;
            self.scan(&mut bytes, header, None)?;
        }
        if let JournalError::Corrupt { last_good_seq, .. } = &mut error {
            *last_good_seq = self.last_good;
        }
        Err(error)
    }

    /// A segment whose end the next one's header states. What is behind that end is not looked at.
    fn closed(&mut self, header: &Header, next: &Header) -> Result<(), JournalError> {
        let before = &next.before;
        let mut bytes = stream(self.disk, header.segment, Position::start(header), Some(before.end))?;
        let Scan { end, stop, .. } = self.scan(&mut bytes, header, None)?;
        if let Stop::Damage(damage) = stop {
            return Err(self.corrupt(header.segment, damage.at, damage.detail));
        }
        let stated = Position { offset: before.end, seq: before.last_seq, chain: before.chain };
        if stated != end {
            return Err(self.corrupt(
                header.segment,
                end.offset,
                "the segment ends before the next one begins",
            ));
        }
        if !self.has_hash(&before.hash) {
            return Err(self.corrupt(next.segment, 0, "its hash of the records before it is not theirs"));
        }
        self.check_seal(header, end, &stop)
    }

    /// The last segment, which nothing states the end of.
    fn open_end(
        &mut self,
        header: &Header,
        limit: Option<u64>,
    ) -> Result<(Before, Option<TornNote>), JournalError> {
        let mut bytes = stream(self.disk, header.segment, Position::start(header), None)?;
        if bytes.end() > header.len {
            return Err(self.corrupt(header.segment, header.len, "the file is longer than it was made"));
        }
        let Scan { end, stop, proves, .. } = self.scan(&mut bytes, header, limit)?;
        self.proven = self.proven.max(proves);
        self.judge(header, end, &stop, bytes.end())?;
        let (ended_by, ignored_bytes) = match stop {
            Stop::Sealed(_) => (EndedBy::Seal, 0),
            Stop::Limit | Stop::End => (EndedBy::Death, 0),
            Stop::Damage(_) => (EndedBy::Tear, self.bytes_behind(&mut bytes, header, end)?),
        };
        let hash = self.hasher.as_mut().map_or([0; 32], |hasher| hasher.anchor().hash);
        let Position { offset: end, seq: last_seq, chain } = end;
        let note = (ignored_bytes > 0).then(|| TornNote {
            file: self.path(header.segment),
            offset: end,
            bytes: ignored_bytes,
        });
        Ok((Before { ended_by, end, last_seq, chain, ignored_bytes, hash }, note))
    }

    /// How many bytes there are behind the end, up to the last one that is not zero.
    fn bytes_behind(&self, bytes: &mut Stream, header: &Header, end: Position) -> Result<u64, JournalError> {
        let rest =
            bytes.rest(end.offset).map_err(|e| JournalError::io("read", &self.path(header.segment), e))?;
        Ok(offset(len_without_zeros(rest)))
    }

    /// Whether the last segment may end so.
    fn judge(&mut self, header: &Header, end: Position, stop: &Stop, len: u64) -> Result<(), JournalError> {
        let proven = self.proven > end.seq || self.ends_early(header, end, stop);
        if let Stop::Damage(Damage { at, detail, torn }) = stop
            && (!torn || proven)
        {
            return Err(self.corrupt(header.segment, *at, detail));
        }
        if proven {
            return Err(self.corrupt(header.segment, end.offset, "acknowledged records are missing"));
        }
        // No crash shortens a file whose length was durable before it got its name. What `HEAD` says may be old.
        if len < header.len && !matches!(stop, Stop::Sealed(_) | Stop::Limit) {
            return Err(self.corrupt(header.segment, len, "the file was cut"));
        }
        self.check_seal(header, end, stop)
    }

    /// Whether `HEAD` says that more of this segment was durable, be it only its seal.
    fn ends_early(&self, header: &Header, end: Position, stop: &Stop) -> bool {
        let stated = self.head.filter(|head| head.segment == header.segment && *stop != Stop::Limit);
        stated.is_some_and(|head| head.end > end.offset)
    }

    fn check_seal(&mut self, header: &Header, end: Position, stop: &Stop) -> Result<(), JournalError> {
        match stop {
            Stop::Sealed(hash) if !self.has_hash(hash) => {
                Err(self.corrupt(header.segment, end.offset, "the seal's hash is not that of the records"))
            }
            _ => Ok(()),
        }
    }

    /// Whether this is the hash of what was read, as far as anybody looks.
    fn has_hash(&mut self, stated: &[u8; 32]) -> bool {
        self.hasher.as_mut().is_none_or(|hasher| hasher.anchor().hash == *stated)
    }

    fn scan(
        &mut self,
        bytes: &mut Stream,
        header: &Header,
        limit: Option<u64>,
    ) -> Result<Scan, JournalError> {
        let Self { hasher, each, .. } = self;
        let found = match hasher {
            None => scan(bytes, header, Position::start(header), limit, *each),
            Some(hasher) => scan(bytes, header, Position::start(header), limit, &mut |item: Item<'_>| {
                hasher.feed(&item);
                each(item);
            }),
        };
        let found = found.map_err(|error| JournalError::io("read", &self.path(header.segment), error))?;
        self.last_good = found.end.seq;
        self.stretches.push(Stretch {
            segment: header.segment,
            epoch: header.epoch,
            records: found.items,
            bytes: found.end.offset,
            sealed: matches!(found.stop, Stop::Sealed(_)),
        });
        Ok(found)
    }

    fn corrupt(&self, segment: u64, offset: u64, detail: &str) -> JournalError {
        JournalError::Corrupt {
            file: self.path(segment),
            offset,
            last_good_seq: self.last_good,
            proven_seq: self.proven,
            detail: detail.to_owned(),
        }
    }

    fn path(&self, segment: u64) -> PathBuf {
        self.disk.path(&file_name(segment))
    }
}
