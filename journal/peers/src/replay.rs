//! How fast a store that was closed is opened and read from its first record to its last, and the room it takes.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

use tempfile::TempDir;

use crate::failure::{Failure, Result};
use crate::peers::{Floor, OURS, Peer, Purpose};
use crate::record::{BYTES, records};
use crate::scratch;
use crate::table::{self, Line, Role};

const ROUNDS: usize = 3;
/// How many records there are, and how many of them are written as one batch: a bulk load, and what eight appenders
/// leave behind who wait for each other.
const SHAPES: [Shape; 2] = [Shape { records: 1_000_000, batch: 1000 }, Shape { records: 250_000, batch: 8 }];
/// What a file system counts blocks in, in bytes.
const BLOCK: u64 = 512;

/// What a store is filled with.
#[derive(Clone, Copy)]
struct Shape {
    records: u64,
    batch: usize,
}

/// A store that was written and closed.
struct Written<'a> {
    role: Role,
    peer: &'a dyn Peer,
    dir: TempDir,
    bytes: u64,
    rates: Vec<f64>,
}

/// Measures these stores.
pub(crate) fn run(peers: &[&dyn Peer]) -> Result<()> {
    SHAPES.into_iter().try_for_each(|shape| measure(shape, peers))
}

fn measure(shape: Shape, peers: &[&dyn Peer]) -> Result<()> {
    let mut stores = vec![shape.write(Role::Floor, &Floor)?];
    for peer in peers {
        stores.push(shape.write(if peer.name() == OURS { Role::Ours } else { Role::Peer }, *peer)?);
    }
    for round in 1..=ROUNDS {
        for store in &mut stores {
            eprintln!("round {round}: {}", store.peer.name());
            store.rates.push(shape.read(store.peer, store.dir.path())?);
        }
    }
    println!("{} records of {BYTES} bytes, written in batches of {}\n", shape.records, shape.batch);
    let lines: Vec<Line> = stores.iter().map(|store| shape.line(store)).collect();
    table::print("records/s", &["MB on disk", "bytes a record"], &lines);
    Ok(())
}

impl Shape {
    fn write(self, role: Role, peer: &dyn Peer) -> Result<Written<'_>> {
        eprintln!("writing {} records: {}", self.records, peer.name());
        let dir = scratch::folder()?;
        let store = peer.create(dir.path(), Purpose::Keep)?;
        let mut append = store.appender();
        for first in (0..self.records).step_by(self.batch) {
            append(&records(first..first + self.batch as u64))?;
        }
        drop(append);
        store.close()?;
        let bytes = on_disk(dir.path())?;
        Ok(Written { role, peer, dir, bytes, rates: Vec::new() })
    }

    #[expect(clippy::cast_precision_loss, reason = "nothing here is measured to fifteen digits")]
    fn read(self, peer: &dyn Peer, dir: &Path) -> Result<f64> {
        let begun = Instant::now();
        let tally = peer.read(dir)?;
        let took = begun.elapsed();
        if tally.records == self.records && tally.wrong == 0 {
            Ok(self.records as f64 / took.as_secs_f64())
        } else {
            Err(Failure::new(format!("{}: not what was written: {tally:?}", peer.name())))
        }
    }

    fn line(self, store: &Written<'_>) -> Line {
        Line {
            role: store.role,
            label: store.peer.name().to_owned(),
            rates: store.rates.clone(),
            beside: vec![(store.bytes / 1_000_000).to_string(), (store.bytes / self.records).to_string()],
        }
    }
}

/// The room that the files in a folder take, in bytes.
fn on_disk(dir: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { on_disk(&entry.path())? } else { metadata.blocks() * BLOCK };
    }
    Ok(bytes)
}
