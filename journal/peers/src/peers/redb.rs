//! redb: a copy-on-write tree in one file. There is no log; what is damaged is the file.

use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};

use super::{Appender, Peer, Purpose, Store};
use crate::failure::Result;
use crate::record::Tally;

const FILE: &str = "log.redb";
const LOG: TableDefinition<u64, &[u8]> = TableDefinition::new("log");

/// The kind of peer.
pub(crate) struct Redb;

impl Peer for Redb {
    fn name(&self) -> &'static str {
        "redb"
    }

    fn groups(&self) -> bool {
        false
    }

    fn create(&self, dir: &Path, _: Purpose) -> Result<Box<dyn Store>> {
        Ok(Box::new(Database::create(dir.join(FILE))?))
    }

    fn read(&self, dir: &Path) -> Result<Tally> {
        let database = Database::open(dir.join(FILE))?;
        let mut tally = Tally::default();
        for record in database.begin_read()?.open_table(LOG)?.iter()? {
            tally.add(record?.1.value());
        }
        Ok(tally)
    }

    fn is_log(&self, file: &str) -> bool {
        file == FILE
    }
}

impl Store for Database {
    fn appender(&self) -> Appender<'_> {
        Box::new(|batch| {
            let transaction = self.begin_write()?;
            let mut log = transaction.open_table(LOG)?;
            for (seq, record) in (log.len()?..).zip(batch) {
                log.insert(seq, record.as_slice())?;
            }
            drop(log);
            Ok(transaction.commit()?)
        })
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
