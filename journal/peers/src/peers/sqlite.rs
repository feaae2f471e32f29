//! `SQLite` with a write-ahead log that is synced at each commit. One connection: more of them only wait for each other.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::{Appender, Peer, Purpose, Store};
use crate::failure::Result;
use crate::record::{Record, Tally};

const FILE: &str = "log.sqlite";
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
const TABLE: &str = "CREATE TABLE log (seq INTEGER PRIMARY KEY, record BLOB NOT NULL)";
const INSERT: &str = "INSERT INTO log (record) VALUES (?1)";
const SELECT: &str = "SELECT record FROM log ORDER BY seq";

/// The kind of peer.
pub(crate) struct Sqlite;

impl Peer for Sqlite {
    fn name(&self) -> &'static str {
        "SQLite (WAL, FULL)"
    }

    fn groups(&self) -> bool {
        false
    }

    fn create(&self, dir: &Path, purpose: Purpose) -> Result<Box<dyn Store>> {
        let connection = Connection::open(dir.join(FILE))?;
        connection.execute_batch(PRAGMAS)?;
        if purpose == Purpose::Keep {
            connection.execute_batch("PRAGMA wal_autocheckpoint = 0")?;
        }
        connection.execute_batch(TABLE)?;
        Ok(Box::new(Table { connection: Mutex::new(connection) }))
    }

    fn read(&self, dir: &Path) -> Result<Tally> {
        let connection = Connection::open(dir.join(FILE))?;
        connection.execute_batch(PRAGMAS)?;
        let mut select = connection.prepare(SELECT)?;
        let mut rows = select.query([])?;
        let mut tally = Tally::default();
        while let Some(row) = rows.next()? {
            tally.add(row.get_ref(0)?.as_blob()?);
        }
        Ok(tally)
    }

    fn is_log(&self, file: &str) -> bool {
        file.ends_with("-wal")
    }
}

struct Table {
    connection: Mutex<Connection>,
}

impl Store for Table {
    fn appender(&self) -> Appender<'_> {
        Box::new(|batch| {
            let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
            insert(&mut connection, batch)
        })
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

fn insert(connection: &mut Connection, batch: &[Record]) -> Result<()> {
    let transaction = connection.transaction()?;
    let mut insert = transaction.prepare_cached(INSERT)?;
    for record in batch {
        insert.execute([record])?;
    }
    drop(insert);
    Ok(transaction.commit()?)
}
