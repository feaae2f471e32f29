//! Disks that lie, in front of the simulated one.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use swarm_journal::sim::SimDisk;
use swarm_journal::{Disk, File, Mode, Sizes, Watch};

use super::Sabotage;

/// The disk that a writer sees.
pub(crate) fn disk(sim: &SimDisk, sabotage: Option<Sabotage>) -> Arc<dyn Disk> {
    match sabotage {
        Some(lie @ (Sabotage::SkipSync | Sabotage::SyncErrorIgnored)) => {
            Arc::new(Liar { sim: sim.clone(), lie })
        }
        _ => Arc::new(sim.clone()),
    }
}

struct Liar {
    sim: SimDisk,
    lie: Sabotage,
}

impl Disk for Liar {
    fn make_folder(&self) -> io::Result<()> {
        self.sim.make_folder()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.sim.names()
    }

    fn open(&self, name: &str, mode: Mode) -> io::Result<Box<dyn File>> {
        Ok(Box::new(LiarsFile { file: self.sim.open(name, mode)?, lie: self.lie }))
    }

    fn publish(&self, from: &str, to: &str) -> io::Result<()> {
        self.sim.publish(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.sim.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.sim.sync_names()
    }

    fn is_locked(&self, name: &str) -> bool {
        self.sim.is_locked(name)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.sim.path(name)
    }

    fn pid(&self) -> u32 {
        self.sim.pid()
    }

    fn entropy(&self) -> [u8; 16] {
        self.sim.entropy()
    }

    fn watch(&self, name: &str) -> io::Result<Box<dyn Watch>> {
        self.sim.watch(name)
    }

    fn sizes(&self) -> Sizes {
        self.sim.sizes()
    }
}

struct LiarsFile {
    file: Box<dyn File>,
    lie: Sabotage,
}

impl File for LiarsFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.file.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        if self.lie == Sabotage::SkipSync {
            return Ok(());
        }
        // The error is swallowed, and what should have been synced is lost.
        let _ = self.file.sync();
        Ok(())
    }

    fn drop_cache(&self) -> io::Result<()> {
        self.file.drop_cache()
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.file.try_lock()
    }

    fn unlock(&self) {
        self.file.unlock();
    }
}

/// Takes the end of what was synced away.
pub(crate) fn lose_durable(disk: &SimDisk, sabotage: Option<Sabotage>) {
    let segment = disk.names().ok().and_then(|names| names.into_iter().filter(|name| name != "HEAD").max());
    let Some(name) = segment.filter(|_| sabotage == Some(Sabotage::DurableLost)) else { return };
    let mut contents = disk.contents(&name).expect("it was named");
    let end = contents.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    contents[end.saturating_sub(64)..end].fill(0);
    disk.set_contents(&name, Some(contents));
}
