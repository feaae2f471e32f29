//! Follows a journal while it is written, from any process. Shows only what is durable.

use std::{io, path::Path, sync::Arc, time::Duration};

use crate::{
    disk::{Disk, File, Watch},
    error::JournalError,
    head::{self, Head},
    header::{Header, file_name},
    real::RealDisk,
    recover::{read_header, stream},
    scan::{Each, Position, Stop, scan},
    stream::Stream,
};

/// A place in a journal that moves on as records become durable.
pub struct Follower {
    disk: Arc<dyn Disk>,
    /// `HEAD`, which stays the same file as long as there is a journal.
    head: Option<Box<dyn File>>,
    watch: Option<Box<dyn Watch>>,
    spot: Option<Spot>,
    seq: u64,
}

/// Where in which segment it is.
struct Spot {
    header: Header,
    position: Position,
    bytes: Stream,
}

impl Follower {
    /// Before the first record of the journal in this folder, which may not exist yet.
    pub fn new(dir: &Path) -> Self {
        Self::new_on(Arc::new(RealDisk::new(dir)))
    }

    /// [`Follower::new`] on any disk.
    pub fn new_on(disk: Arc<dyn Disk>) -> Self {
        Self { disk, head: None, watch: None, spot: None, seq: 0 }
    }

    /// Hands on what became durable since the last call, as `HEAD` says, and returns the number of the last record.
    ///
    /// After a failure the next call goes on behind what was handed on.
    pub fn next(&mut self, each: &mut Each<'_>) -> Result<u64, JournalError> {
        let Some(head) = self.read_head()?.filter(|head| head.durable_seq > self.seq) else {
            return Ok(self.seq);
        };
        // After a failure it begins anew, and passes over what was handed on.
        let mut seq = self.seq;
        let read = self.read_to(&head, &mut |item| {
            if item.seq() > seq {
                seq = item.seq();
                each(item);
            }
        });
        self.seq = seq;
        self.spot = Some(read?);
        Ok(self.seq)
    }

    fn read_to(&mut self, head: &Head, each: &mut Each<'_>) -> Result<Spot, JournalError> {
        let mut spot = match self.spot.take() {
            Some(spot) => spot,
            None => self.enter(1, head)?,
        };
        while spot.header.segment < head.segment {
            let next = self.enter(spot.header.segment + 1, head)?;
            self.advance(&mut spot, next.header.before.end, head, each)?;
            spot = next;
        }
        self.advance(&mut spot, head.end, head, each)?;
        Ok(spot)
    }

    /// Waits until there may be more, at most for so long. The first call returns at once.
    pub fn wait(&mut self, at_most: Duration) -> Result<(), JournalError> {
        let failed = |error| JournalError::io("watch", &self.disk.path(head::NAME), error);
        match &mut self.watch {
            Some(watch) => watch.wait(at_most).map_err(failed),
            none => match self.disk.watch(head::NAME) {
                Ok(watch) => {
                    *none = Some(watch);
                    Ok(())
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    std::thread::sleep(at_most);
                    Ok(())
                }
                Err(error) => Err(failed(error)),
            },
        }
    }

    fn read_head(&mut self) -> Result<Option<Head>, JournalError> {
        let path = self.disk.path(head::NAME);
        if self.head.is_none() {
            self.head = head::open(&*self.disk).map_err(|e| JournalError::io("open", &path, e))?;
        }
        self.head.as_ref().map_or(Ok(None), |file| Head::read_from(&**file, &path))
    }

    fn enter(&self, segment: u64, head: &Head) -> Result<Spot, JournalError> {
        match read_header(&*self.disk, segment)? {
            Ok(header) if header.journal == head.journal && header.segment == segment => {
                let position = Position::start(&header);
                Ok(Spot { header, position, bytes: stream(&*self.disk, segment, position, None)? })
            }
            Ok(_) => Err(self.corrupt(segment, 0, "the segment belongs to another journal or place", head)),
            Err(why) => Err(self.corrupt(segment, 0, why, head)),
        }
    }

    /// Reads from `spot` to `end`, all of which is durable.
    fn advance(
        &self,
        spot: &mut Spot,
        end: u64,
        head: &Head,
        each: &mut Each<'_>,
    ) -> Result<(), JournalError> {
        let Spot { header, position, bytes } = spot;
        let found = bytes.set_end(Some(end)).and_then(|()| scan(bytes, header, *position, None, each));
        let found = found
            .map_err(|error| JournalError::io("read", &self.disk.path(&file_name(header.segment)), error))?;
        *position = found.end;
        match found.stop {
            Stop::Damage(damage) => Err(self.corrupt(header.segment, damage.at, damage.detail, head)),
            _ if found.end.offset != end => {
                Err(self.corrupt(header.segment, found.end.offset, "durable records are missing", head))
            }
            _ => Ok(()),
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
