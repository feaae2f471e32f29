//! Disks that stand between the log and a simulated one: they prove what goes through the seam, and that the
//! crash tests would notice a log that does not sync.

use std::{io, path::PathBuf, sync::Arc};

use crate::support::{self, content, image};
use swarm_journal::{
    Disk, File, Mode, Sizes, Watch, read_on,
    sim::SimDisk,
    torture::{Truth, live},
};

/// What the disk in between does to the operations that pass it.
#[derive(Clone, Copy, PartialEq)]
enum Twist {
    /// Every byte is stored inverted.
    Inverted,
    /// Syncing a file does nothing.
    NoSync,
    /// Syncing the names does nothing.
    NoNameSync,
}

struct Twisted {
    disk: SimDisk,
    twist: Twist,
}

struct TwistedFile {
    file: Box<dyn File>,
    twist: Twist,
}

impl Disk for Twisted {
    fn make_folder(&self) -> io::Result<()> {
        self.disk.make_folder()
    }
    fn names(&self) -> io::Result<Vec<String>> {
        self.disk.names()
    }
    fn open(&self, name: &str, mode: Mode) -> io::Result<Box<dyn File>> {
        Ok(Box::new(TwistedFile { file: self.disk.open(name, mode)?, twist: self.twist }))
    }
    fn publish(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.publish(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }
    fn sync_names(&self) -> io::Result<()> {
        if self.twist == Twist::NoNameSync { Ok(()) } else { self.disk.sync_names() }
    }
    fn is_locked(&self, name: &str) -> bool {
        self.disk.is_locked(name)
    }
    fn path(&self, name: &str) -> PathBuf {
        self.disk.path(name)
    }
    fn pid(&self) -> u32 {
        self.disk.pid()
    }
    fn entropy(&self) -> [u8; 16] {
        self.disk.entropy()
    }
    fn watch(&self, name: &str) -> io::Result<Box<dyn Watch>> {
        self.disk.watch(name)
    }
    fn sizes(&self) -> Sizes {
        self.disk.sizes()
    }
}

fn inverted(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| !byte).collect()
}

impl File for TwistedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = self.file.read_at(buffer, offset)?;
        if self.twist == Twist::Inverted {
            let plain = inverted(&buffer[..read]);
            buffer[..read].copy_from_slice(&plain);
        }
        Ok(read)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        match self.twist {
            Twist::Inverted => self.file.write_at(&inverted(bytes), offset),
            Twist::NoSync | Twist::NoNameSync => self.file.write_at(bytes, offset),
        }
    }
    fn sync(&self) -> io::Result<()> {
        if self.twist == Twist::NoSync { Ok(()) } else { self.file.sync() }
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

fn twisted(seed: u64, twist: Twist) -> (SimDisk, Arc<dyn Disk>) {
    let disk = SimDisk::new(seed);
    (disk.clone(), Arc::new(Twisted { disk, twist }))
}

#[test]
fn every_byte_goes_through_the_seam() {
    let (sim, disk) = twisted(0, Twist::Inverted);
    let mut truth = Truth::default();
    for rounds in [9, 8, 3, 2] {
        truth.write(&disk, rounds).unwrap();
    }
    assert_eq!(content(&read_on(&*disk).unwrap().records), truth.submitted);
    let plain = SimDisk::new(0);
    let mut truth = Truth::default();
    for rounds in [9, 8, 3, 2] {
        truth.write(&(Arc::new(plain.clone()) as Arc<dyn Disk>), rounds).unwrap();
    }
    let inverted = image(&plain).into_iter().map(|(name, contents)| (name, inverted(&contents))).collect();
    // Gaps that no write ever filled stay zero on both.
    let (mut left, mut right): (support::Image, support::Image) = (image(&sim), inverted);
    for image in [&mut left, &mut right] {
        let head = image.get_mut("HEAD").unwrap();
        *head = [&head[..128], &head[4096..4224], &head[8192..]].concat();
    }
    assert!(left == right);
}

fn caught(twist: Twist) -> usize {
    (0..40)
        .filter(|seed| {
            let (sim, disk) = twisted(*seed, twist);
            live(*seed, &sim, &disk, 6).is_err()
        })
        .count()
}

#[test]
fn a_log_that_did_not_sync_its_files_would_be_caught() {
    let caught = caught(Twist::NoSync);
    assert!(caught > 30, "caught {caught} of 40");
}

#[test]
fn a_log_that_did_not_sync_its_names_would_be_caught() {
    let caught = caught(Twist::NoNameSync);
    assert!(caught > 30, "caught {caught} of 40");
}
