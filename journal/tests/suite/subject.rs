//! A real log on a simulated disk, and the list of entries that it must be. Does not know what is planned for it.

use std::sync::Arc;

use proptest::sample::Index;
use swarm_journal::{
    Disk, Entry, Follower, Item, JournalError, Log, Record, Sizes, copy_sound, read_on, replay_on,
    sim::{Fault, SimDisk, Tail},
};

use super::model::{End, Step, Work};
use crate::support::{self, anchor_of, content, news, record};

/// What the journal should hold.
#[derive(Default)]
struct Model {
    entries: Vec<Entry>,
    /// How many entries there are after each batch.
    ends: Vec<usize>,
    /// How many of the entries somebody was told are durable.
    durable: usize,
}

impl Model {
    fn append(&mut self, batch: &[Entry]) {
        self.entries.extend_from_slice(batch);
        self.ends.push(self.entries.len());
    }

    /// Law 2: what was acknowledged is there, and of the rest whole batches.
    fn check(&self, held: &[Entry]) {
        let count = held.len();
        assert!(count >= self.durable, "{} were acknowledged, {count} are left", self.durable);
        assert!(self.entries.starts_with(held), "something came back that was never written");
        assert!(
            count == 0 || self.ends.contains(&count),
            "half a batch came back: {count} of {:?}",
            self.ends
        );
    }

    /// This is what survived, and now it is durable.
    fn settle(&mut self, held: Vec<Entry>) {
        self.check(&held);
        self.durable = held.len();
        self.ends.retain(|end| *end <= held.len());
        self.entries = held;
    }
}

pub(crate) struct Subject {
    disk: SimDisk,
    log: Option<Log>,
    model: Model,
    follower: Follower,
    shown: Vec<Entry>,
}

impl Subject {
    pub(crate) fn new(seed: u64) -> Self {
        let disk = SimDisk::with_sizes(seed, Sizes { first_bytes: 8 << 10, max_bytes: 16 << 10 });
        let follower = Follower::new_on(Arc::new(disk.clone()));
        Self { disk, log: None, model: Model::default(), follower, shown: Vec::new() }
    }

    pub(crate) fn take(&mut self, step: Step) {
        let is_open = self.log.is_some();
        if step.needs_open().is_some_and(|needed| needed != is_open) {
            return;
        }
        match step {
            Step::Append(batch) => self.append(&batch).unwrap(),
            Step::Sync => self.sync().unwrap(),
            Step::Close => self.close().unwrap(),
            Step::Open => self.open().unwrap(),
            Step::Follow => self.follow(),
            Step::Die(end) => self.die(end),
            Step::Break { work, after, fault, end } => {
                self.disk.fail_after(after, fault);
                // Whatever comes of it: only what was acknowledged is promised.
                let _ = self.work(work);
                self.die(end);
            }
            Step::Full { room, batches } => self.full(room, &batches),
            Step::ShortWrites(on) => self.disk.set_odds(Fault::ShortWrite, if on { 3 } else { 0 }),
            Step::Flip { record, bit } => self.flip(record, bit),
        }
    }

    /// What must hold whenever nothing is under way.
    pub(crate) fn check(&self) {
        let held = match read_on(&self.disk) {
            Ok(reading) => content(&reading.records),
            Err(JournalError::Missing { .. }) => Vec::new(),
            Err(error) => panic!("no crash is ever taken for damage: {error}"),
        };
        let Some(log) = &self.log else { return self.model.check(&held) };
        let Model { entries, durable, .. } = &self.model;
        assert_eq!((count(log.last_seq()), count(log.durable_seq())), (entries.len(), *durable));
        assert_eq!(held, entries[..*durable], "while it lives, only what it acknowledged is read");
        let second = Log::open_on(Arc::new(self.disk.clone()), &mut |_| {});
        assert!(matches!(second, Err(JournalError::Busy { .. })), "two writers");
        assert_eq!(self.disk.unsynced(|name| name.starts_with("00")), 0, "what is acknowledged is durable");
    }

    fn append(&mut self, batch: &[Entry]) -> Result<(), JournalError> {
        self.model.append(batch);
        let log = self.log.as_mut().unwrap();
        assert_eq!(count(log.append(batch)?), self.model.entries.len());
        // A full segment syncs by itself.
        self.model.durable = count(log.durable_seq());
        Ok(())
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        self.log.as_mut().unwrap().sync()?;
        self.model.durable = self.model.entries.len();
        Ok(())
    }

    fn close(&mut self) -> Result<(), JournalError> {
        self.log.take().unwrap().close()?;
        self.model.durable = self.model.entries.len();
        Ok(())
    }

    fn open(&mut self) -> Result<(), JournalError> {
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let mut records = Vec::new();
        let log = match Log::open_on(disk.clone(), &mut |item| records.push(record(item))) {
            Ok(opened) => opened.log,
            Err(JournalError::Missing { .. }) => Log::create_on(disk, support::RUN)?,
            Err(error) => return Err(error),
        };
        assert_eq!(log.anchor(), anchor_of(&records));
        self.model.settle(content(&records));
        self.log = Some(log);
        Ok(())
    }

    fn work(&mut self, work: Work) -> Result<(), JournalError> {
        match work {
            Work::Write(batch) => self.write(&batch),
            Work::Close => self.close(),
            Work::Open => self.open(),
        }
    }

    /// A log that failed says so for ever.
    fn write(&mut self, batch: &[Entry]) -> Result<(), JournalError> {
        let result = self.append(batch).and_then(|()| self.sync());
        if result.is_err() {
            let log = self.log.as_mut().unwrap();
            assert!(matches!(log.sync(), Err(JournalError::Poisoned { .. })));
            assert!(matches!(log.append(&[]), Err(JournalError::Poisoned { .. })));
        }
        result
    }

    fn full(&mut self, room: u64, batches: &[Vec<Entry>]) {
        let contents = |name: &String| self.disk.contents(name).unwrap().len() as u64;
        let used: u64 = self.disk.names().unwrap().iter().map(contents).sum();
        self.disk.set_capacity(Some(used + room));
        let failed = batches.iter().find_map(|batch| self.write(batch).err());
        assert!(matches!(failed, None | Some(JournalError::NoSpace { .. })), "{failed:?}");
        self.disk.set_capacity(None);
        self.die(End::Kill);
    }

    fn die(&mut self, end: End) {
        match end {
            End::Kill => self.disk.kill(),
            End::Cut(tail) => self.disk.restart_as(tail),
            End::Flip(bit) => {
                let broken = self.disk.fork(0);
                if broken.flip_unsynced(bit).is_some() {
                    broken.restart_as(Tail::Kept);
                    self.check_damaged(&broken);
                }
                self.disk.restart_as(Tail::Kept);
            }
        }
        self.log = None;
        if !matches!(end, End::Kill) {
            // Law 13: nothing is in doubt any more, and no crash during recovery changes what is there.
            let held = read_on(&self.disk).map(|reading| content(&reading.records));
            self.model.settle(held.unwrap_or_default());
        }
    }

    fn follow(&mut self) {
        self.shown.extend(content(&news(&mut self.follower).unwrap()));
        assert!(self.model.entries.starts_with(&self.shown), "a follower shows what a crash takes back");
        if self.log.is_some() {
            assert_eq!(self.shown.len(), self.model.durable);
        }
    }

    /// Damage to what was acknowledged is refused, and the refusal says where.
    fn flip(&self, which: Index, bit: Index) {
        if self.model.durable == 0 {
            return;
        }
        let which = which.index(self.model.durable);
        let record: Record = read_on(&self.disk).unwrap().records.swap_remove(which);
        let broken = self.disk.fork(0);
        let bit = bit.index((40 + record.payload.len()) * 8);
        broken.flip(&support::name(record.segment), count(record.offset) * 8 + bit);
        match read_on(&broken) {
            Err(JournalError::Corrupt { file, offset, last_good_seq, .. }) => {
                assert_eq!((file, offset), (broken.path(&support::name(record.segment)), record.offset));
                assert!(last_good_seq < record.seq);
            }
            other => panic!("bit {bit} of record {}: {other:?}", record.seq),
        }
        assert!(self.repaired(&broken) <= 1, "of record {} more is lost than itself", record.seq);
    }

    /// A journal in whose last write a bit flipped, which nobody was told is durable.
    fn check_damaged(&self, broken: &SimDisk) {
        match read_on(broken) {
            Ok(reading) => self.model.check(&content(&reading.records)),
            Err(JournalError::Missing { .. }) => self.model.check(&[]),
            Err(JournalError::Corrupt { .. }) => drop(self.repaired(broken)),
            Err(error) => panic!("{error}"),
        }
    }

    /// Repairs a journal: what comes back is right and what was acknowledged is there, but for the holes that are
    /// stated. Returns how many acknowledged records are lost.
    fn repaired(&self, broken: &SimDisk) -> usize {
        let copy = SimDisk::new(0);
        let shared: Arc<dyn Disk> = Arc::new(copy.clone());
        copy_sound(broken, &shared).unwrap();
        let (mut next, mut lost) = (1, 0);
        let acknowledged = self.model.durable as u64;
        let items = replay_on(&copy, &mut |item| {
            match item {
                Item::Record(record) => {
                    assert_eq!(record.seq, next);
                    assert_eq!(
                        content(&[record.to_record()]),
                        self.model.entries[count(next) - 1..count(next)]
                    );
                }
                Item::Gap(gap) => {
                    assert_eq!(gap.from_seq, next);
                    lost += (gap.to_seq.min(acknowledged) + 1).saturating_sub(gap.from_seq);
                }
            }
            next = item.seq() + 1;
        });
        items.unwrap();
        assert!(next > acknowledged, "{acknowledged} were acknowledged, {} are accounted for", next - 1);
        count(lost)
    }
}

fn count(seq: u64) -> usize {
    usize::try_from(seq).unwrap()
}
