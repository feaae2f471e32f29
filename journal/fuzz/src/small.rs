//! The journal that is damaged: a sealed segment, one left by a crash, and one in use. Made once, by the library.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use swarm_journal::{Disk as _, Entry, JournalError, Log, Record, Sizes, read_on, sim::SimDisk};

/// All files of a disk.
pub(crate) type Image = BTreeMap<String, Vec<u8>>;

const SIZES: Sizes = Sizes { first_bytes: 5_632, max_bytes: 5_632 };

/// The journal's files and its records, all of them acknowledged.
pub(crate) fn small() -> &'static (Image, Vec<Record>) {
    static SMALL: OnceLock<(Image, Vec<Record>)> = OnceLock::new();
    SMALL.get_or_init(|| {
        let disk = SimDisk::with_sizes(0, SIZES);
        let mut log = Log::create_on(Arc::new(disk.clone()), [7; 16]).expect("nothing fails");
        write(&mut log, 1);
        log.close().expect("nothing fails");
        for first in [6, 11] {
            let (mut log, _) = open_log(&disk).expect("nothing fails");
            write(&mut log, first);
            disk.kill();
        }
        let names = disk.names().expect("the power is on");
        let contents = |name: &String| disk.contents(name).expect("it was listed");
        let image = names.iter().map(|name| (name.clone(), contents(name))).collect();
        (image, read_on(&disk).expect("nothing is damaged").records)
    })
}

/// Three batches, of one, three and one record.
fn write(log: &mut Log, first: u64) {
    for range in [first..first + 1, first + 1..first + 4, first + 4..first + 5] {
        let batch: Vec<_> = range.map(entry).collect();
        log.append(&batch).and_then(|_| log.sync()).expect("nothing fails");
    }
}

fn entry(n: u64) -> Entry {
    let payload = n.to_le_bytes().repeat((n * 5 % 12) as usize);
    Entry { kind: n as u16, schema: 1, time_ms: n, payload }
}

pub(crate) fn disk_of(image: &Image) -> SimDisk {
    let disk = SimDisk::with_sizes(0, SIZES);
    for (name, contents) in image {
        disk.set_contents(name, Some(contents.clone()));
    }
    disk
}

/// Opens the journal for writing; its last record.
pub(crate) fn open(disk: &SimDisk) -> Result<u64, JournalError> {
    open_log(disk).map(|(log, _)| log.last_seq())
}

/// The one place that opens a journal for writing.
fn open_log(disk: &SimDisk) -> Result<(Log, u64), JournalError> {
    let mut items = 0;
    let opened = Log::open_on(Arc::new(disk.clone()), &mut |_| items += 1)?;
    Ok((opened.log, items))
}
