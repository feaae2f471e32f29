//! fjall: a log-structured tree behind a journal, which is synced with each batch.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{Appender, Peer, Purpose, Store};
use crate::failure::Result;
use crate::record::Tally;

/// The kind of peer.
pub(crate) struct Fjall;

impl Peer for Fjall {
    fn name(&self) -> &'static str {
        "fjall"
    }

    fn groups(&self) -> bool {
        false
    }

    fn create(&self, dir: &Path, _: Purpose) -> Result<Box<dyn Store>> {
        Ok(Box::new(Log::open(dir)?))
    }

    fn read(&self, dir: &Path) -> Result<Tally> {
        let mut tally = Tally::default();
        for record in Log::open(dir)?.keyspace.iter() {
            tally.add(&record.value()?);
        }
        Ok(tally)
    }

    fn is_log(&self, file: &str) -> bool {
        file.ends_with(".jnl")
    }
}

struct Log {
    database: Database,
    keyspace: Keyspace,
    next: AtomicU64,
}

impl Log {
    fn open(dir: &Path) -> Result<Self> {
        let database = Database::builder(dir).open()?;
        let keyspace = database.keyspace("log", KeyspaceCreateOptions::default)?;
        Ok(Self { database, keyspace, next: AtomicU64::new(0) })
    }
}

impl Store for Log {
    fn appender(&self) -> Appender<'_> {
        Box::new(|batch| {
            let mut writes = self.database.batch().durability(Some(PersistMode::SyncData));
            for record in batch {
                let key = self.next.fetch_add(1, Ordering::Relaxed);
                writes.insert(&self.keyspace, key.to_be_bytes(), record.as_slice());
            }
            Ok(writes.commit()?)
        })
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }
}
