//! Random access to a sealed segment through a memory map: the only unsafe code of the workspace.
//!
//! Invariant: only bytes up to a seal are mapped, after they were read and checked in the ordinary way. Nothing
//! ever writes to them or cuts them off any more. Does not know open segments, nor any disk but the real one.

use std::{collections::BTreeMap, fs, path::Path};

use memmap2::{Mmap, MmapOptions};

use crate::{
    disk::Disk as _,
    error::JournalError,
    frame::{HEADER_BYTES, LAST_OF_BATCH, Parsed, parse_header},
    header::{Header, file_name},
    real::{RealDisk, RealFile},
    record::{Item, RecordRef},
    recover::read_header,
    scan::{Position, Stop, scan},
    stream::Stream,
};

/// A segment that is closed for good.
#[derive(Debug)]
pub struct Sealed {
    map: Mmap,
    header: Header,
    /// Where each record starts, in bytes from the start of the file.
    offsets: BTreeMap<u64, u64>,
}

impl Sealed {
    /// Checks the segment with this number (the first is 1) and maps it. None if it has no seal.
    pub fn open(dir: &Path, segment: u64) -> Result<Option<Self>, JournalError> {
        let disk = RealDisk::new(dir);
        let path = disk.path(&file_name(segment));
        let corrupt = |offset, last_good_seq, detail: &str| JournalError::Corrupt {
            file: path.clone(),
            offset,
            last_good_seq,
            proven_seq: last_good_seq,
            detail: detail.to_owned(),
        };
        let header = read_header(&disk, segment)?.map_err(|why| corrupt(0, 0, why))?;
        let start = Position::start(&header);
        let mut offsets = BTreeMap::new();
        let failed = |error| JournalError::io("read", &path, error);
        let file = fs::File::open(&path).map_err(failed)?;
        let read = Box::new(RealFile::new(file.try_clone().map_err(failed)?));
        let mut bytes = Stream::new(read, start.offset, None).map_err(failed)?;
        let found = scan(&mut bytes, &header, start, None, &mut |item| {
            if let Item::Record(record) = item {
                offsets.insert(record.seq, record.offset);
            }
        });
        let found = found.map_err(failed)?;
        match found.stop {
            Stop::Damage(damage) if !damage.torn => {
                return Err(corrupt(damage.at, found.end.seq, damage.detail));
            }
            Stop::Damage(_) | Stop::End | Stop::Limit => return Ok(None),
            Stop::Sealed(_) => {}
        }
        let end = usize::try_from(found.end.offset).map_err(std::io::Error::other);
        let map = end.and_then(|end| map(&file, end)).map_err(|e| JournalError::io("map", &path, e))?;
        Ok(Some(Self { map, header, offsets }))
    }

    /// The numbers of the records it holds.
    pub fn seqs(&self) -> impl DoubleEndedIterator<Item = u64> {
        self.offsets.keys().copied()
    }

    /// One of its records.
    pub fn get(&self, seq: u64) -> Option<RecordRef<'_>> {
        let offset = *self.offsets.get(&seq)?;
        let frame = self.map.get(usize::try_from(offset).ok()?..)?;
        let Parsed { fields, payload_bytes, .. } = parse_header(frame, self.header.salt())?;
        Some(RecordRef {
            seq,
            epoch: self.header.epoch,
            kind: fields.kind,
            schema: fields.schema,
            time_ms: fields.time_ms,
            payload: frame.get(HEADER_BYTES..HEADER_BYTES + payload_bytes)?,
            last_of_batch: fields.flags & LAST_OF_BATCH != 0,
            segment: self.header.segment,
            offset,
        })
    }
}

#[expect(
    unsafe_code,
    reason = "a map of a file is only as immutable as the file, which no compiler can check"
)]
fn map(file: &fs::File, len: usize) -> std::io::Result<Mmap> {
    // SAFETY: up to `len` the file was just read and ends in a seal. Behind a seal nobody writes, and nobody cuts
    // in front of one; this program never does either to a sealed segment. Who else does so is told by the system
    // with a signal, as for a program whose executable is changed while it runs.
    unsafe { MmapOptions::new().len(len).map(file) }
}
