//! Broken disks for the mutation controls: a journal on one of these must be caught by the rigs, or the rigs
//! prove nothing. Does not know the journal, only the seam under it.

use std::{io, path::PathBuf, sync::Arc};

use swarm_journal::{Disk, File, Mode, RealDisk, Sizes, Watch};

/// What is wrong with a writer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Twist {
    /// Syncing a file does nothing.
    NoSync,
    /// Syncing the names does nothing.
    NoNameSync,
    /// Records are acknowledged before they are synced.
    AckEarly,
    /// A sync that failed is tried once more, and believed.
    RetrySync,
    /// What is cached is never forgotten.
    KeepCache,
}

const NAMES: [(&str, Twist); 5] = [
    ("no-fsync", Twist::NoSync),
    ("no-name-sync", Twist::NoNameSync),
    ("ack-early", Twist::AckEarly),
    ("retry-sync", Twist::RetrySync),
    ("keep-cache", Twist::KeepCache),
];

impl Twist {
    pub(crate) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, twist)| *twist)
    }

    pub(crate) fn name(self) -> &'static str {
        NAMES.iter().find(|(_, twist)| *twist == self).expect("each has a name").0
    }
}

/// The real disk, or a twisted one.
pub(crate) fn disk(real: RealDisk, twist: Option<Twist>) -> Arc<dyn Disk> {
    match twist {
        None | Some(Twist::AckEarly) => Arc::new(real),
        Some(twist) => Arc::new(Twisted { real, twist }),
    }
}

struct Twisted {
    real: RealDisk,
    twist: Twist,
}

impl Disk for Twisted {
    fn make_folder(&self) -> io::Result<()> {
        self.real.make_folder()
    }
    fn names(&self) -> io::Result<Vec<String>> {
        self.real.names()
    }
    fn open(&self, name: &str, mode: Mode) -> io::Result<Box<dyn File>> {
        Ok(Box::new(TwistedFile { real: self.real.open(name, mode)?, twist: self.twist }))
    }
    fn publish(&self, from: &str, to: &str) -> io::Result<()> {
        self.real.publish(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.real.remove(name)
    }
    fn sync_names(&self) -> io::Result<()> {
        if self.twist == Twist::NoNameSync { Ok(()) } else { self.real.sync_names() }
    }
    fn is_locked(&self, name: &str) -> bool {
        self.real.is_locked(name)
    }
    fn path(&self, name: &str) -> PathBuf {
        self.real.path(name)
    }
    fn pid(&self) -> u32 {
        self.real.pid()
    }
    fn entropy(&self) -> [u8; 16] {
        self.real.entropy()
    }
    fn aside(&self, work: Box<dyn FnOnce() + Send>) {
        self.real.aside(work);
    }
    fn watch(&self, name: &str) -> io::Result<Box<dyn Watch>> {
        self.real.watch(name)
    }
    fn sizes(&self) -> Sizes {
        self.real.sizes()
    }
}

struct TwistedFile {
    real: Box<dyn File>,
    twist: Twist,
}

impl File for TwistedFile {
    fn sync(&self) -> io::Result<()> {
        match self.twist {
            Twist::NoSync => Ok(()),
            Twist::RetrySync => self.real.sync().or_else(|_| self.real.sync()),
            _ => self.real.sync(),
        }
    }
    fn drop_cache(&self) -> io::Result<()> {
        if self.twist == Twist::KeepCache { Ok(()) } else { self.real.drop_cache() }
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.real.read_at(buffer, offset)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.real.write_at(bytes, offset)
    }
    fn len(&self) -> io::Result<u64> {
        self.real.len()
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.real.set_len(len)
    }
    fn try_lock(&self) -> io::Result<bool> {
        self.real.try_lock()
    }
    fn unlock(&self) {
        self.real.unlock();
    }
}
