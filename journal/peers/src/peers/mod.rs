//! The stores that are compared, all behind the same two doors. Does not know what is measured.

mod fjall;
mod floor;
mod grouped;
mod okaywal;
mod ours;
mod raft_engine;
mod redb;
mod spacetimedb;
mod sqlite;

use std::path::Path;
use std::time::Duration;

use crate::failure::{Failure, Result};
use crate::record::{Record, Tally};

pub(crate) use floor::Floor;
pub(crate) use grouped::Grouped;

/// The stores, ours first.
pub(crate) const PEERS: [&dyn Peer; 7] = [
    &ours::Ours,
    &okaywal::OkayWal,
    &raft_engine::RaftEngine,
    &spacetimedb::SpacetimeDb,
    &sqlite::Sqlite,
    &redb::Redb,
    &fjall::Fjall,
];

/// The name of our own store.
pub(crate) const OURS: &str = "swarm-journal";

/// A kind of store.
pub(crate) trait Peer: Sync {
    /// Its name in the tables.
    fn name(&self) -> &'static str;

    /// Whether appenders that wait at the same time share a sync without our help.
    fn groups(&self) -> bool;

    /// Makes a store in a folder that is there and empty.
    fn create(&self, dir: &Path, purpose: Purpose) -> Result<Box<dyn Store>>;

    /// Opens the store as after a restart, for writing too where that is what opening means, and reads all of it.
    fn read(&self, dir: &Path) -> Result<Tally>;

    /// Whether a file with this name is of the log, rather than something beside it.
    fn is_log(&self, file: &str) -> bool;
}

/// What a store is made for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be fast. It may clean up behind itself as it does by default.
    Speed,
    /// To keep everything in its log.
    Keep,
}

/// One open store.
pub(crate) trait Store: Send + Sync {
    /// A handle for one thread.
    fn appender(&self) -> Appender<'_>;

    /// How long each append of so many appenders took, in nanoseconds, where they are no threads. None: they are.
    fn append_for(&self, _appenders: usize, _round: Duration) -> Option<Result<Vec<u64>>> {
        None
    }

    /// Closes it as a program does that has the time.
    fn close(self: Box<Self>) -> Result<()>;
}

/// Appends the records as one batch, which is durable when this returns.
pub(crate) type Appender<'a> = Box<dyn FnMut(&[Record]) -> Result<()> + Send + 'a>;

/// The store with this name, or the floor.
pub(crate) fn peer(name: &str) -> Result<&'static dyn Peer> {
    let found = PEERS.into_iter().chain([&Floor as &dyn Peer]).find(|peer| peer.name() == name);
    found.ok_or_else(|| {
        let names = PEERS.map(Peer::name).join(", ");
        Failure::new(format!("there is no store {name}: there are {names}"))
    })
}
