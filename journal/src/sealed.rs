//! Random access to a sealed segment through a memory map: the only unsafe code of the workspace.
//!
//! Invariant: only bytes up to a seal are mapped, after they were read and checked in the ordinary way. Nothing
//! ever writes to them or cuts them off any more. Does not know open segments, nor any disk but the real one.

use std::{fs, ops::RangeInclusive, path::Path};

use memmap2::{Mmap, MmapOptions};

use crate::{
    error::JournalError,
    frame::{HEADER_BYTES, Parsed, parse_header},
    header::file_name,
    real::RealDisk,
    recover::{read_header, read_range},
    scan::{Position, Stop, Window, scan},
};

/// A segment that is closed for good.
#[derive(Debug)]
pub struct Sealed {
    map: Mmap,
    salt: u32,
    first_seq: u64,
    /// Where each record starts, in bytes from the start of the file.
    offsets: Vec<usize>,
}

/// A record of a sealed segment. Its payload is not copied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SealedRecord<'a> {
    /// Its number in the log.
    pub seq: u64,
    /// As appended.
    pub kind: u16,
    /// As appended.
    pub schema: u8,
    /// As appended, in milliseconds.
    pub time_ms: u64,
    /// As appended.
    pub payload: &'a [u8],
}

impl Sealed {
    /// Checks the segment with this number (the first is 1) and maps it. None if it has no seal.
    pub fn open(dir: &Path, segment: u64) -> Result<Option<Self>, JournalError> {
        let disk = RealDisk::new(dir);
        let path = dir.join(file_name(segment));
        let corrupt = |offset, last_good_seq, detail: &str| JournalError::Corrupt {
            file: path.clone(),
            offset,
            last_good_seq,
            proven_seq: last_good_seq,
            detail: detail.to_owned(),
        };
        let header = read_header(&disk, segment)?.map_err(|why| corrupt(0, 0, why))?;
        let bytes = read_range(&disk, segment, 0, None)?;
        let scan = scan(Window { header: &header, base: 0, bytes: &bytes }, Position::start(&header), None);
        match scan.stop {
            Stop::Damage(damage) if !damage.torn => {
                return Err(corrupt(damage.at, scan.end.seq, damage.detail));
            }
            Stop::Damage(_) | Stop::End | Stop::Limit => return Ok(None),
            Stop::Sealed(_) => {}
        }
        let end = usize::try_from(scan.end.offset).expect("the scan ended within the bytes it was given");
        let offset = |at| usize::try_from(at).expect("a record lies within the bytes it was read from");
        Ok(Some(Self {
            map: map(&path, end).map_err(|e| JournalError::io("map", &path, e))?,
            salt: header.salt(),
            first_seq: header.before.last_seq + 1,
            offsets: scan.records.iter().map(|record| offset(record.offset)).collect(),
        }))
    }

    /// The records it holds. An empty range if there are none.
    pub fn seqs(&self) -> RangeInclusive<u64> {
        self.first_seq..=self.first_seq + crate::bytes::offset(self.offsets.len()) - 1
    }

    /// One of its records.
    pub fn get(&self, seq: u64) -> Option<SealedRecord<'_>> {
        let index = usize::try_from(seq.checked_sub(self.first_seq)?).ok()?;
        let frame = self.map.get(*self.offsets.get(index)?..)?;
        let Parsed { fields, payload_bytes, .. } = parse_header(frame, self.salt)?;
        let payload = frame.get(HEADER_BYTES..HEADER_BYTES + payload_bytes)?;
        Some(SealedRecord { seq, kind: fields.kind, schema: fields.schema, time_ms: fields.time_ms, payload })
    }
}

#[expect(
    unsafe_code,
    reason = "a map of a file is only as immutable as the file, which no compiler can check"
)]
fn map(path: &Path, len: usize) -> std::io::Result<Mmap> {
    let file = fs::File::open(path)?;
    // SAFETY: up to `len` the file was just read and ends in a seal. Behind a seal nobody writes, and nobody cuts
    // in front of one; this program never does either to a sealed segment. Who else does so is told by the system
    // with a signal, as for a program whose executable is changed while it runs.
    unsafe { MmapOptions::new().len(len).map(&file) }
}
