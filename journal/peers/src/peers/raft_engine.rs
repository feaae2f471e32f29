//! raft-engine: the log of `TiKV`, with group commit. Each appender is a raft group of its own, as its users are.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use protobuf::well_known_types::BytesValue;
use raft_engine::{Config, Engine, LogBatch, MessageExt};

use super::{Appender, Peer, Purpose, Store};
use crate::failure::Result;
use crate::record::{Record, Tally};

/// How many entries are read at once.
const PAGE: u64 = 1000;
/// The size of the index in front of a record, in bytes.
const INDEX: usize = size_of::<u64>();

/// The kind of peer.
pub(crate) struct RaftEngine;

impl Peer for RaftEngine {
    fn name(&self) -> &'static str {
        "raft-engine"
    }

    fn groups(&self) -> bool {
        true
    }

    fn create(&self, dir: &Path, _: Purpose) -> Result<Box<dyn Store>> {
        Ok(Box::new(Groups { engine: open(dir)?, next: AtomicU64::new(1) }))
    }

    fn read(&self, dir: &Path) -> Result<Tally> {
        let engine = open(dir)?;
        let mut tally = Tally::default();
        for group in engine.raft_groups() {
            let (first, last) = (engine.first_index(group), engine.last_index(group));
            let (Some(first), Some(last)) = (first, last) else { continue };
            let mut page = Vec::new();
            for from in (first..=last).step_by(usize::try_from(PAGE)?) {
                let to = (from + PAGE).min(last + 1);
                engine.fetch_entries_to::<Message>(group, from, to, None, &mut page)?;
                page.drain(..)
                    .for_each(|entry: BytesValue| tally.add(entry.value.get(INDEX..).unwrap_or(&[])));
            }
        }
        Ok(tally)
    }

    fn is_log(&self, file: &str) -> bool {
        file.ends_with(".raftlog")
    }
}

fn open(dir: &Path) -> Result<Engine> {
    let dir = dir.display().to_string();
    Ok(Engine::open(Config { dir, ..Config::default() })?)
}

struct Groups {
    engine: Engine,
    /// The group of the next appender.
    next: AtomicU64,
}

impl Store for Groups {
    fn appender(&self) -> Appender<'_> {
        let group = self.next.fetch_add(1, Ordering::Relaxed);
        let mut index = 0;
        let mut log = LogBatch::default();
        Box::new(move |batch| {
            let entries: Vec<BytesValue> = (index + 1..).zip(batch).map(message).collect();
            index += entries.len() as u64;
            log.add_entries::<Message>(group, &entries)?;
            self.engine.write(&mut log, true)?;
            Ok(())
        })
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

fn message((index, record): (u64, &Record)) -> BytesValue {
    let mut message = BytesValue::new();
    message.value = [&index.to_le_bytes(), record.as_slice()].concat();
    message
}

/// How the engine finds the index of an entry.
struct Message;

impl MessageExt for Message {
    type Entry = BytesValue;

    fn index(entry: &BytesValue) -> u64 {
        entry.value.first_chunk().map_or(0, |index| u64::from_le_bytes(*index))
    }
}
