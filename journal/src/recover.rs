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
    record::{Record, TornNote},
    scan::{Damage, Position, Scan, Stop, Window, scan},
    survey::Stretch,
};

/// What a journal holds.
pub(crate) struct Recovered {
    pub(crate) run: [u8; 16],
    /// Of the last segment.
    pub(crate) epoch: u64,
    /// The last segment.
    pub(crate) segment: u64,
    pub(crate) records: Vec<Record>,
    /// How the last segment ends, as the header of the next one will state it.
    pub(crate) before: Before,
    /// After the last record.
    pub(crate) hasher: AnchorHasher,
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
    let page = read_range(disk, segment, 0, Some(offset(PAGE)))?;
    Header::parse(&page, &disk.path(&file_name(segment)))
}

/// The bytes of a segment from one offset to another, or to the end of the file.
pub(crate) fn read_range(
    disk: &dyn Disk,
    segment: u64,
    from: u64,
    to: Option<u64>,
) -> Result<Vec<u8>, JournalError> {
    let path = disk.path(&file_name(segment));
    let read = || {
        let file = disk.open(&file_name(segment), Mode::Read)?;
        let len = file.len()?;
        let wanted = to.map_or(len, |to| to.min(len)).saturating_sub(from);
        let mut bytes = vec![0; usize::try_from(wanted).map_err(std::io::Error::other)?];
        let read = read_full(&*file, &mut bytes, from)?;
        bytes.truncate(read);
        Ok(bytes)
    };
    read().map_err(|error| JournalError::io("read", &path, error))
}

/// Reads all of it. While somebody writes (`live`), nothing behind what `HEAD` calls durable is looked at.
pub(crate) fn recover(
    disk: &dyn Disk,
    segments: &[u64],
    head: Option<Head>,
    live: bool,
) -> Result<Recovered, JournalError> {
    let mut recovery = Recovery::new(disk, head);
    let mut headers = Vec::new();
    recovery.headers(segments, &mut headers)?;
    let (last, before, note) = recovery.all(&headers, live)?;
    Ok(Recovered {
        run: last.run,
        epoch: last.epoch,
        segment: last.segment,
        records: recovery.records,
        before,
        hasher: recovery.hasher,
        note,
    })
}

/// What was read so far. After a refusal it is what comes before the damage.
pub(crate) struct Recovery<'a> {
    disk: &'a dyn Disk,
    head: Option<Head>,
    pub(crate) records: Vec<Record>,
    /// The segments that `records` are in.
    pub(crate) stretches: Vec<Stretch>,
    pub(crate) hasher: AnchorHasher,
    /// The last record that is known to have been durable.
    proven: u64,
}

impl<'a> Recovery<'a> {
    pub(crate) fn new(disk: &'a dyn Disk, head: Option<Head>) -> Self {
        Self {
            disk,
            head,
            records: Vec::new(),
            stretches: Vec::new(),
            hasher: AnchorHasher::new(),
            proven: head.map_or(0, |head| head.durable_seq),
        }
    }

    /// All headers, each of the same run, none left out. After a failure, those in front of it.
    pub(crate) fn headers(&self, segments: &[u64], headers: &mut Vec<Header>) -> Result<(), JournalError> {
        let last = segments.last().copied().unwrap_or(0).max(self.head.map_or(0, |head| head.segment));
        for segment in 1..=last {
            if segments.binary_search(&segment).is_err() {
                return Err(self.corrupt(segment, 0, "the segment is missing"));
            }
            let header = read_header(self.disk, segment)?.map_err(|why| self.corrupt(segment, 0, why))?;
            let fits = match headers.last() {
                None => header.before.last_seq == 0,
                Some(before) => before.run == header.run && before.epoch <= header.epoch,
            };
            if !fits || header.segment != segment {
                return Err(self.corrupt(segment, 0, "the segment belongs to another journal or place"));
            }
            headers.push(header);
        }
        match (self.head, headers.first()) {
            (Some(head), Some(first)) if head.run != first.run => Err(JournalError::Corrupt {
                file: self.disk.path(head::NAME),
                offset: 0,
                last_good_seq: 0,
                proven_seq: 0,
                detail: "it belongs to another journal".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// The records of all segments, and how the last one ends.
    pub(crate) fn all<'h>(
        &mut self,
        headers: &'h [Header],
        live: bool,
    ) -> Result<(&'h Header, Before, Option<TornNote>), JournalError> {
        let Some(last) = headers.last() else {
            return Err(JournalError::Missing { path: self.disk.path("") });
        };
        self.proven = self.proven.max(last.before.last_seq);
        self.all_closed(headers)?;
        let limit = live.then(|| self.head.map_or(0, |head| head.durable_seq));
        let (before, note) = self.open_end(last, limit)?;
        Ok((last, before, note))
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
            let bytes = read_range(self.disk, header.segment, 0, None)?;
            let scan = scan(Window { header, base: 0, bytes: &bytes }, Position::start(header), None);
            self.take(header, scan);
        }
        if let JournalError::Corrupt { last_good_seq, .. } = &mut error {
            *last_good_seq = self.last_good();
        }
        Err(error)
    }

    /// A segment whose end the next one's header states. What is behind that end is not looked at.
    fn closed(&mut self, header: &Header, next: &Header) -> Result<(), JournalError> {
        let before = &next.before;
        let bytes = read_range(self.disk, header.segment, 0, Some(before.end))?;
        let scan = scan(Window { header, base: 0, bytes: &bytes }, Position::start(header), None);
        let (end, stop) = self.take(header, scan);
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
        if before.hash != self.hasher.anchor().hash {
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
        let bytes = read_range(self.disk, header.segment, 0, None)?;
        let scan = scan(Window { header, base: 0, bytes: &bytes }, Position::start(header), limit);
        self.proven = self.proven.max(scan.proves);
        let (end, stop) = self.take(header, scan);
        self.judge(header, end, &stop, offset(bytes.len()))?;
        let (ended_by, ignored_bytes) = match stop {
            Stop::Sealed(_) => (EndedBy::Seal, 0),
            Stop::Limit | Stop::End => (EndedBy::Death, 0),
            Stop::Damage(_) => (EndedBy::Tear, offset(len_without_zeros(&bytes)).saturating_sub(end.offset)),
        };
        let before = Before {
            ended_by,
            end: end.offset,
            last_seq: end.seq,
            chain: end.chain,
            ignored_bytes,
            hash: self.hasher.anchor().hash,
        };
        let note = (ignored_bytes > 0).then(|| TornNote {
            file: self.path(header.segment),
            offset: end.offset,
            bytes: ignored_bytes,
        });
        Ok((before, note))
    }

    /// Whether the last segment may end so.
    fn judge(&self, header: &Header, end: Position, stop: &Stop, len: u64) -> Result<(), JournalError> {
        if let Stop::Damage(Damage { at, detail, torn }) = stop
            && (!torn || self.proven > end.seq)
        {
            return Err(self.corrupt(header.segment, *at, detail));
        }
        if self.proven > end.seq {
            return Err(self.corrupt(header.segment, end.offset, "acknowledged records are missing"));
        }
        // No crash shortens a file whose length was durable before it got its name. With `HEAD` it is
        // known that nothing acknowledged went with the rest; without, it is not.
        let sealed = matches!(stop, Stop::Sealed(_));
        if len < header.len && !sealed && self.head.is_none() {
            return Err(self.corrupt(
                header.segment,
                len,
                "the file was cut and there is no HEAD to say where",
            ));
        }
        self.check_seal(header, end, stop)
    }

    fn check_seal(&self, header: &Header, end: Position, stop: &Stop) -> Result<(), JournalError> {
        match stop {
            Stop::Sealed(hash) if *hash != self.hasher.anchor().hash => {
                Err(self.corrupt(header.segment, end.offset, "the seal's hash is not that of the records"))
            }
            _ => Ok(()),
        }
    }

    fn take(&mut self, header: &Header, scan: Scan) -> (Position, Stop) {
        self.stretches.push(Stretch {
            segment: header.segment,
            epoch: header.epoch,
            records: offset(scan.records.len()),
            bytes: scan.end.offset,
            sealed: matches!(scan.stop, Stop::Sealed(_)),
        });
        for record in &scan.records {
            self.hasher.feed(record);
        }
        self.records.extend(scan.records);
        (scan.end, scan.stop)
    }

    fn corrupt(&self, segment: u64, offset: u64, detail: &str) -> JournalError {
        JournalError::Corrupt {
            file: self.path(segment),
            offset,
            last_good_seq: self.last_good(),
            proven_seq: self.proven,
            detail: detail.to_owned(),
        }
    }

    fn last_good(&self) -> u64 {
        self.records.last().map_or(0, |record| record.seq)
    }

    fn path(&self, segment: u64) -> PathBuf {
        self.disk.path(&file_name(segment))
    }
}
