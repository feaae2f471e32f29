//! What the tests of the log share: entries that tell their number, and comparing what came back.

use std::{collections::BTreeMap, sync::Arc};

use swarm_journal::{
    Anchor, AnchorHasher, Disk, Entry, Follower, Item, JournalError, Log, RealDisk, Record, TornNote,
    sim::SimDisk,
};

pub(crate) const RUN: [u8; 16] = *b"a run of sixteen";

/// A journal that was opened for writing, and all it holds.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) log: Log,
    pub(crate) records: Vec<Record>,
    pub(crate) note: Option<TornNote>,
}

pub(crate) fn open_on(disk: Arc<dyn Disk>) -> Result<Opened, JournalError> {
    let mut records = Vec::new();
    let opened = Log::open_on(disk, &mut |item| records.push(record(item)))?;
    Ok(Opened { log: opened.log, records, note: opened.note })
}

pub(crate) fn open(dir: &std::path::Path) -> Result<Opened, JournalError> {
    open_on(Arc::new(RealDisk::new(dir)))
}

/// What a follower has not shown yet.
pub(crate) fn news(follower: &mut Follower) -> Result<Vec<Record>, JournalError> {
    let mut records = Vec::new();
    follower.next(&mut |item| records.push(record(item)))?;
    Ok(records)
}

/// The record, where no gap is expected.
pub(crate) fn record(item: Item<'_>) -> Record {
    match item {
        Item::Record(record) => record.to_record(),
        Item::Gap(gap) => panic!("{gap:?}"),
    }
}

/// The entry with this number; its payload has 0 to 79 bytes and no zero among them.
pub(crate) fn entry(n: u64) -> Entry {
    let len = usize::try_from(n * 37 % 80).expect("below 80");
    let payload = format!("{n} ").into_bytes().into_iter().cycle().take(len).collect();
    Entry { kind: u16::try_from(n % 100).expect("below 100"), schema: 1, time_ms: 1_000 + n, payload }
}

/// The entry with this number and a payload of so many bytes.
pub(crate) fn entry_of(n: u64, bytes: usize) -> Entry {
    Entry { payload: entry(n * 80 + 2).payload.into_iter().cycle().take(bytes).collect(), ..entry(n) }
}

pub(crate) fn entries(range: std::ops::RangeInclusive<u64>) -> Vec<Entry> {
    range.map(entry).collect()
}

pub(crate) fn content(records: &[Record]) -> Vec<Entry> {
    let entry =
        |r: &Record| Entry { kind: r.kind, schema: r.schema, time_ms: r.time_ms, payload: r.payload.clone() };
    records.iter().map(entry).collect()
}

pub(crate) fn anchor_of(records: &[Record]) -> Anchor {
    let mut hasher = AnchorHasher::new();
    for record in records {
        hasher.feed(&Item::Record(record.as_ref()));
    }
    hasher.anchor()
}

/// All files of a simulated disk.
pub(crate) type Image = BTreeMap<String, Vec<u8>>;

pub(crate) fn image(disk: &SimDisk) -> Image {
    let names = disk.names().expect("the power is on").into_iter();
    // What is not part of the journal yet is left out.
    let of_journal = names.filter(|name| name == "HEAD" || !name.contains('-'));
    of_journal.map(|name| (name.clone(), disk.contents(&name).expect("it was listed"))).collect()
}

pub(crate) fn disk_of(image: &Image) -> SimDisk {
    let disk = SimDisk::new(0);
    for (name, contents) in image {
        disk.set_contents(name, Some(contents.clone()));
    }
    disk
}

pub(crate) fn without_head(image: &Image) -> Image {
    image.iter().filter(|(name, _)| *name != "HEAD").map(|(n, c)| (n.clone(), c.clone())).collect()
}

pub(crate) fn name(segment: u64) -> String {
    format!("{segment:010}.swj")
}

/// A journal of three segments: one sealed by a close, one left by a crash, and one still in use, each with some
/// batches of one and of three records. Returns its records too.
pub(crate) fn small_journal() -> (Image, Vec<Record>) {
    let disk = SimDisk::with_sizes(0, swarm_journal::Sizes { first_bytes: 5_632, max_bytes: 5_632 });
    let shared = Arc::new(disk.clone());
    let mut log = Log::create_on(shared.clone(), RUN).expect("nothing fails");
    for segment in 0..3 {
        if segment > 0 {
            log = open_on(shared.clone()).expect("nothing fails").log;
        }
        for batch in [1, 3, 1] {
            let first = log.last_seq() + 1;
            log.append(&entries(first..=log.last_seq() + batch)).expect("nothing fails");
            log.sync().expect("nothing fails");
        }
        if segment == 0 {
            log.close().expect("nothing fails");
            log = open_on(shared.clone()).expect("nothing fails").log;
            log.append(&entries(6..=6)).expect("nothing fails");
            log.sync().expect("nothing fails");
        }
        disk.kill();
    }
    let image = image(&disk);
    let records = swarm_journal::read_on(&disk).expect("nothing is damaged").records;
    (image, records)
}

/// Whether a damaged journal is refused; if not, what it holds.
pub(crate) fn read_image(image: &Image) -> Result<Vec<Record>, JournalError> {
    swarm_journal::read_on(&disk_of(image)).map(|reading| reading.records)
}
