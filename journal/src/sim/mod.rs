//! A disk that exists only in memory and fails on purpose, the same way for the same seed. Does not know what is
//! written on it.
//!
//! Each file has what a running process sees and what would survive a power cut; in between are the changes
//! that were not synced. A cut keeps any of them, in any order, torn at sectors of 512 bytes.

mod body;
mod fate;
mod file;
mod image;
mod names;
mod world;

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use self::{file::SimFile, world::World};
use crate::{
    bytes::offset,
    disk::{Disk, File, Mode, Sizes, Watch},
};

/// What can go wrong with one operation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fault {
    /// A write takes only some of its bytes and says so.
    ShortWrite,
    /// A write finds no room.
    NoSpace,
    /// A write, or a change of a name, fails.
    WriteError,
    /// A sync fails, and what it should have made durable is lost although it can still be read for a while.
    SyncError,
    /// A read fails.
    ReadError,
    /// Everything stops in the middle of the operation, and all operations fail until it is said what that was:
    /// the power, by [`SimDisk::restart`] or [`SimDisk::restart_as`], or only the processes, by [`SimDisk::kill`].
    ///
    /// In the middle of a write it is there, all of it or in part, as of all that is not synced; in the middle of a
    /// sync, or of a change of a name, nothing has happened yet.
    PowerCut,
    /// The same between two operations: this one is done, though nobody was told, and the next has no effect.
    CutAfter,
}

impl Fault {
    const COUNT: usize = Self::CutAfter as usize + 1;
}

/// What a power cut leaves of what was not synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tail {
    /// Nothing, of files and of names.
    Lost,
    /// All of it.
    Kept,
    /// All of it, but of the last write only so many 256ths of its bytes, from the front: 0 is none, 128 is half.
    Torn(u8),
    /// What the seed draws: any of the changes, in any order, torn at sectors of 512 bytes.
    Drawn,
}

/// A simulated disk. Clones are the same disk.
#[derive(Clone)]
pub struct SimDisk {
    world: Arc<Mutex<World>>,
    sizes: Sizes,
}

impl SimDisk {
    /// An empty disk with small segments (8 KiB, then 16 KiB, …, at most 64 KiB).
    pub fn new(seed: u64) -> Self {
        Self::with_sizes(seed, Sizes { first_bytes: 8 << 10, max_bytes: 64 << 10 })
    }

    /// An empty disk with segments of these sizes.
    pub fn with_sizes(seed: u64, sizes: Sizes) -> Self {
        Self { world: Arc::new(Mutex::new(World::new(seed))), sizes }
    }

    /// Another disk in the same state, that will fail differently. No file of it is open.
    #[must_use = "the disk itself is not changed"]
    pub fn fork(&self, seed: u64) -> Self {
        Self { world: Arc::new(Mutex::new(self.world().fork(seed))), sizes: self.sizes }
    }

    /// How many changes (creations, writes, syncs, cuts, renames, removals) were asked for so far.
    pub fn changes(&self) -> u64 {
        self.world().changes
    }

    /// How many changes a power cut could take away of the files with these names: their writes and cuts, and how they
    /// got their names. What a failed sync lost counts as one. Of a journal, what matters are the files whose names end
    /// in `.swj`: `HEAD` is rarely synced, nor is the name of the room that is made ahead.
    pub fn unsynced(&self, names: impl Fn(&str) -> bool) -> usize {
        self.world().unsynced(&names)
    }

    /// Lets a fault happen at the change that comes after `after` others, if it fits that; a read error happens
    /// at the next read.
    ///
    /// A crash before the change `n` has any effect is a [`Fault::CutAfter`] at the one before it, or a
    /// [`Fault::PowerCut`] at it and [`Tail::Torn`] with nothing; inside it a [`Fault::PowerCut`]; after it a
    /// [`Fault::CutAfter`], which for a sync means that it is durable and nobody knows.
    pub fn fail_after(&self, after: u64, fault: Fault) {
        self.world().plan(after, fault);
    }

    /// Planned faults that found no occasion do not happen any more.
    pub fn forget_faults(&self) {
        self.world().forget_faults();
    }

    /// From now on each operation that a fault fits meets it with a chance of one in `one_in`; 0 is never.
    pub fn set_odds(&self, fault: Fault, one_in: u32) {
        self.world().set_odds(fault, one_in);
    }

    /// How many bytes all files may have together.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.world().capacity = bytes;
    }

    /// Whether the power is off.
    pub fn is_off(&self) -> bool {
        self.world().off
    }

    /// Cuts the power, unless it is off already, and turns it on again: what was not synced survives in part.
    /// Files that were open stay unusable, their locks are gone, and so are all planned faults.
    pub fn restart(&self) {
        self.restart_as(Tail::Drawn);
    }

    /// The same, and says what survives.
    pub fn restart_as(&self, tail: Tail) {
        self.world().restart(tail);
    }

    /// What `kill -9` of all processes does: open files, locks and planned faults are gone, everything written
    /// stays. Not yet durable is what was not synced.
    pub fn kill(&self) {
        self.world().kill();
    }

    /// The contents of a file as a process sees them.
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        self.world().contents(name)
    }

    /// Replaces a file, durably, or removes it: damage at rest.
    pub fn set_contents(&self, name: &str, contents: Option<Vec<u8>>) {
        self.world().set_contents(name, contents);
    }

    /// Flips one bit of a file: in what a sync has made durable or in what waits for one, and open files see it too.
    pub fn flip(&self, name: &str, bit: usize) {
        self.world().flip(name, bit);
    }

    /// Flips one bit of the last write that is not synced; counted from its start, and round again behind its end.
    /// Returns which file that was, if there was one.
    pub fn flip_unsynced(&self, bit: usize) -> Option<String> {
        self.world().flip_unsynced(bit)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }
}

/// Nothing happens here while somebody waits.
struct AtOnce;

impl Watch for AtOnce {
    fn wait(&mut self, _at_most: Duration) -> io::Result<()> {
        Ok(())
    }
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    // A test that asks for the impossible fails while it holds the disk, and then still closes its files.
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk for SimDisk {
    fn make_folder(&self) -> io::Result<()> {
        let mut world = self.world();
        world.check_power()?;
        world.folder = true;
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.world().list()
    }

    fn open(&self, name: &str, mode: Mode) -> io::Result<Box<dyn File>> {
        let handle = self.world().open(name, mode)?;
        Ok(Box::new(SimFile::new(self.world.clone(), handle, mode)))
    }

    fn publish(&self, from: &str, to: &str) -> io::Result<()> {
        self.world().publish(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.world().remove(name)
    }

    fn id_of(&self, name: &str) -> io::Result<Option<u64>> {
        Ok(self.world().inode_of(name)?.map(offset))
    }

    fn sync_names(&self) -> io::Result<()> {
        self.world().sync_names()
    }

    fn is_locked(&self, name: &str) -> bool {
        self.world().is_locked(name)
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("sim").join(name)
    }

    fn pid(&self) -> u32 {
        1
    }

    fn entropy(&self) -> [u8; 16] {
        self.world().entropy()
    }

    fn watch(&self, name: &str) -> io::Result<Box<dyn Watch>> {
        match self.id_of(name)? {
            Some(_) => Ok(Box::new(AtOnce)),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn sizes(&self) -> Sizes {
        self.sizes
    }
}
