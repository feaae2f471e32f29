//! Random lives, random damage, and what a repair makes of it: nothing in it is wrong, and nothing is missing unsaid.

use std::{collections::BTreeMap, sync::Arc};

use swarm_journal::{
    Disk, Entry, JournalError, Log, Reading, Record, Sizes, copy_sound, plan_repair_on, read_on,
    sim::{Fault, SimDisk},
};

use crate::support::{RUN, entry, open_on};

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        // Marsaglia, *Xorshift RNGs*, 2003.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 8).unwrap() % limit.max(1)
    }
}

/// A batch that tells in which life it was written.
fn batch(log: &Log, count: usize, life: u64) -> Vec<Entry> {
    let first = log.last_seq() + 1;
    let entries = (first..).take(count).map(|n| Entry { time_ms: n * 1000 + life, ..entry(n) });
    entries.collect()
}

/// A journal of up to five lives, each of which is closed, killed, or cut off in the middle of a write.
fn lives(seed: u64, dice: &mut Dice) -> (SimDisk, Vec<Record>) {
    let disk = SimDisk::with_sizes(seed, Sizes { first_bytes: 5_632, max_bytes: 11_264 });
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let mut log = Log::create_on(shared.clone(), RUN).unwrap();
    for life in 0..=dice.below(5) as u64 {
        for _ in 0..dice.below(8) {
            log.append(&batch(&log, 1 + dice.below(4), life)).unwrap();
            log.sync().unwrap();
        }
        match dice.below(3) {
            0 => log.close().unwrap(),
            1 => disk.kill(),
            _ => {
                disk.fail_after(0, Fault::PowerCut);
                let _ = log.append(&batch(&log, 2 + dice.below(5), life + 500));
                let _ = log.sync();
                disk.restart();
            }
        }
        log = open_on(shared.clone()).unwrap().log;
    }
    drop(log);
    disk.kill();
    let records = read_on(&disk).unwrap().records;
    (disk, records)
}

/// Up to three files lose bits, blocks or their end, are gone, or are another one's.
fn damage(disk: &SimDisk, dice: &mut Dice) {
    let names = disk.names().unwrap().into_iter().filter(|name| name == "HEAD" || name.ends_with("swj"));
    let names: Vec<String> = names.collect();
    for _ in 0..=dice.below(3) {
        let name = &names[dice.below(names.len())];
        let Some(mut bytes) = disk.contents(name).filter(|bytes| !bytes.is_empty()) else { continue };
        let front = if dice.below(2) == 0 { bytes.len() } else { bytes.len().min(4_800) };
        let at = dice.below(front);
        let end = (at + 1 + dice.below(600)).min(bytes.len());
        let damaged = match dice.below(5) {
            0 => {
                bytes[at] ^= 1 << dice.below(8);
                Some(bytes)
            }
            1 => {
                bytes[at..end].fill(0);
                Some(bytes)
            }
            2 => {
                bytes.truncate(at);
                Some(bytes)
            }
            3 => None,
            _ => disk.contents(&names[dice.below(names.len())]),
        };
        disk.set_contents(name, damaged);
    }
}

/// Holds what a repair gives against the truth, up to the end that it states.
fn check(read: &Reading, truth: &[Record]) -> Result<(), String> {
    let by_seq: BTreeMap<u64, &Record> = truth.iter().map(|record| (record.seq, record)).collect();
    for record in &read.records {
        let same = by_seq
            .get(&record.seq)
            .is_none_or(|t| (t.time_ms, &t.payload) == (record.time_ms, &record.payload));
        if !same {
            return Err(format!("record {} is another one", record.seq));
        }
    }
    let end =
        read.records.last().map_or(0, |record| record.seq).max(read.gaps.last().map_or(0, |gap| gap.to_seq));
    let said = |seq: u64| {
        read.records.iter().any(|record| record.seq == seq)
            || read.gaps.iter().any(|gap| (gap.from_seq..=gap.to_seq).contains(&seq))
    };
    match (1..=end).find(|seq| !said(*seq)) {
        Some(seq) => Err(format!("record {seq} is missing unsaid")),
        None => Ok(()),
    }
}

#[test]
fn whatever_is_damaged_a_repair_invents_nothing_and_hides_nothing() {
    let mut repairs = 0;
    for seed in 1..=1_500_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let (disk, truth) = lives(seed, &mut dice);
        damage(&disk, &mut dice);
        match plan_repair_on(&disk) {
            Ok(Some(plan)) => {
                let sound = SimDisk::new(1);
                let to: Arc<dyn Disk> = Arc::new(sound.clone());
                assert_eq!(copy_sound(&disk, &to).unwrap(), plan, "seed {seed}");
                check(&read_on(&sound).unwrap(), &truth).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
                repairs += 1;
            }
            Ok(None) => {
                check(&read_on(&disk).unwrap(), &truth).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
            }
            Err(JournalError::Missing { .. }) => {}
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    println!("{repairs} repairs");
    assert!(repairs > 700, "{repairs}");
}
