//! spacetimedb-commitlog: a log without group commit of its own; its database keeps a writer task in front of it.
//!
//! It is read by its fold, which its database replays with. The fold takes a bad commit at the end for an unfinished
//! one; the iterator beside it reports that too, and every unfinished one with it.

use std::cell::RefCell;
use std::path::Path;

use spacetimedb_commitlog::payload::{ArrayDecodeError, ArrayDecoder};
use spacetimedb_commitlog::{Commitlog, Decoder, Options};
use spacetimedb_paths::FromPathUnchecked;
use spacetimedb_paths::server::CommitLogDir;
use spacetimedb_sats::buffer::BufReader;

use super::{Appender, Peer, Purpose, Store};
use crate::failure::Result;
use crate::record::{BYTES, Record, Tally};

/// The kind of peer.
pub(crate) struct SpacetimeDb;

impl Peer for SpacetimeDb {
    fn name(&self) -> &'static str {
        "spacetimedb-commitlog"
    }

    fn groups(&self) -> bool {
        false
    }

    fn create(&self, dir: &Path, _: Purpose) -> Result<Box<dyn Store>> {
        Ok(Box::new(open(dir)?))
    }

    fn read(&self, dir: &Path) -> Result<Tally> {
        let tally = RefCell::default();
        open(dir)?.fold_transactions(Counter(&tally))?;
        Ok(tally.into_inner())
    }

    fn is_log(&self, file: &str) -> bool {
        file.ends_with(".stdb.log")
    }
}

fn open(dir: &Path) -> Result<Commitlog<Record>> {
    Ok(Commitlog::open(CommitLogDir::from_path_unchecked(dir), Options::default())?)
}

impl Store for Commitlog<Record> {
    fn appender(&self) -> Appender<'_> {
        Box::new(|batch| {
            for record in batch {
                self.append_maybe_flush(*record)?;
            }
            self.flush_and_sync()?;
            Ok(())
        })
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// Counts what a fold hands to it.
struct Counter<'a>(&'a RefCell<Tally>);

impl Decoder for Counter<'_> {
    type Record = ();
    type Error = ArrayDecodeError;

    fn decode_record<'a, R: BufReader<'a>>(
        &self,
        version: u8,
        offset: u64,
        reader: &mut R,
    ) -> std::result::Result<(), ArrayDecodeError> {
        let record = ArrayDecoder::<BYTES>.decode_record(version, offset, reader)?;
        self.0.borrow_mut().add(&record);
        Ok(())
    }

    fn skip_record<'a, R: BufReader<'a>>(
        &self,
        version: u8,
        offset: u64,
        reader: &mut R,
    ) -> std::result::Result<(), ArrayDecodeError> {
        ArrayDecoder::<BYTES>.skip_record(version, offset, reader)
    }
}
