//! Follows a journal while it is written. Shows only what is durable; does not know how to wait.

use std::{path::Path, sync::Arc};

use crate::{
    disk::Disk,
    error::JournalError,
    head::Head,
    header::{Header, file_name},
    real::RealDisk,
    record::Record,
    recover::{read_header, read_range},
    scan::{Position, Stop, Window, scan},
};

/// A place in a journal that moves on as records become durable.
pub struct Follower {
    disk: Arc<dyn Disk>,
    spot: Option<(Header, Position)>,
    seq: u64,
}

impl Follower {
    /// Before the first record of the journal in this folder, which may not exist yet.
    pub fn new(dir: &Path) -> Self {
        Self::new_on(Arc::new(RealDisk::new(dir)))
    }

    /// [`Follower::new`] on any disk.
    pub fn new_on(disk: Arc<dyn Disk>) -> Self {
        Self { disk, spot: None, seq: 0 }
    }

    /// What became durable since the last call, as `HEAD` says; nothing if nothing did.
    ///
    /// After a failure the next call starts from the same place.
    #[expect(clippy::should_implement_trait, reason = "an iterator that ends would not be asked again")]
    pub fn next(&mut self) -> Result<Vec<Record>, JournalError> {
        let Some(head) = Head::read(&*self.disk)?.filter(|head| head.durable_seq > self.seq) else {
            return Ok(Vec::new());
        };
        let mut spot = match self.spot {
            Some(spot) => spot,
            None => self.enter(1, &head)?,
        };
        let mut records = Vec::new();
        while spot.0.segment < head.segment {
            let next = self.enter(spot.0.segment + 1, &head)?;
            self.advance(&mut spot, next.0.before.end, &head, &mut records)?;
            spot = next;
        }
        self.advance(&mut spot, head.end, &head, &mut records)?;
        self.seq = spot.1.seq;
        self.spot = Some(spot);
        Ok(records)
    }

    fn enter(&self, segment: u64, head: &Head) -> Result<(Header, Position), JournalError> {
        match read_header(&*self.disk, segment)? {
            Ok(header) if header.run == head.run && header.segment == segment => {
                Ok((header, Position::start(&header)))
            }
            Ok(_) => Err(self.corrupt(segment, 0, "the segment belongs to another journal or place", head)),
            Err(why) => Err(self.corrupt(segment, 0, why, head)),
        }
    }

    /// Reads from `spot` to `end`, all of which is durable.
    fn advance(
        &self,
        spot: &mut (Header, Position),
        end: u64,
        head: &Head,
        records: &mut Vec<Record>,
    ) -> Result<(), JournalError> {
        let (header, start) = *spot;
        let bytes = read_range(&*self.disk, header.segment, start.offset, Some(end))?;
        let scan = scan(Window { header: &header, base: start.offset, bytes: &bytes }, start, None);
        match scan.stop {
            Stop::Damage(damage) => Err(self.corrupt(header.segment, damage.at, damage.detail, head)),
            _ if scan.end.offset != end => {
                Err(self.corrupt(header.segment, scan.end.offset, "durable records are missing", head))
            }
            _ => {
                records.extend(scan.records);
                spot.1 = scan.end;
                Ok(())
            }
        }
    }

    fn corrupt(&self, segment: u64, offset: u64, detail: &str, head: &Head) -> JournalError {
        JournalError::Corrupt {
            file: self.disk.path(&file_name(segment)),
            offset,
            last_good_seq: self.seq,
            proven_seq: head.durable_seq,
            detail: detail.to_owned(),
        }
    }
}
