//! okaywal: a write-ahead log with group commit. Its checkpoints are told that all is well and do nothing.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use okaywal::{Configuration, Entry, EntryId, LogManager, LogVoid, SegmentReader, WriteAheadLog};

use super::{Appender, Peer, Purpose, Store};
use crate::failure::Result;
use crate::record::Tally;

/// The kind of peer.
pub(crate) struct OkayWal;

impl Peer for OkayWal {
    fn name(&self) -> &'static str {
        "okaywal"
    }

    fn groups(&self) -> bool {
        true
    }

    fn create(&self, dir: &Path, purpose: Purpose) -> Result<Box<dyn Store>> {
        let configuration = Configuration::default_for(dir);
        let configuration = match purpose {
            Purpose::Speed => configuration,
            Purpose::Keep => configuration.checkpoint_after_bytes(u64::MAX),
        };
        Ok(Box::new(configuration.open(LogVoid)?))
    }

    fn read(&self, dir: &Path) -> Result<Tally> {
        let counter = Counter::default();
        let tally = Arc::clone(&counter.0);
        let log = Configuration::default_for(dir).checkpoint_after_bytes(u64::MAX).open(counter)?;
        let read = *tally.lock().unwrap_or_else(PoisonError::into_inner);
        log.shutdown()?;
        Ok(read)
    }

    fn is_log(&self, file: &str) -> bool {
        file.starts_with("wal-")
    }
}

impl Store for WriteAheadLog {
    fn appender(&self) -> Appender<'_> {
        Box::new(|batch| {
            let mut entry = self.begin_entry()?;
            for record in batch {
                entry.write_chunk(record)?;
            }
            entry.commit()?;
            Ok(())
        })
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.shutdown()?)
    }
}

/// Counts what an opening log finds.
#[derive(Debug, Default)]
struct Counter(Arc<Mutex<Tally>>);

impl LogManager for Counter {
    fn recover(&mut self, entry: &mut Entry<'_>) -> io::Result<()> {
        // No chunks are an entry that was never committed.
        let chunks = entry.read_all_chunks()?.unwrap_or_default();
        let mut tally = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in &chunks {
            tally.add(chunk);
        }
        Ok(())
    }

    fn checkpoint_to(&mut self, _: EntryId, _: &mut SegmentReader, _: &WriteAheadLog) -> io::Result<()> {
        Ok(())
    }
}
