//! Writers that die at every possible moment on a disk that keeps only what it must, thousands of times. What was
//! acknowledged is there, what was not is there whole or not at all, and no crash is ever taken for damage.

use std::sync::Arc;

use crate::support::{content, disk_of, entries, image, news, open_on, small_journal, without_head};
use swarm_journal::{
    Disk, Follower, JournalError, Log, read_on,
    sim::{Fault, SimDisk},
    torture::{self, Stopped, Truth},
};

fn sim(seed: u64) -> (SimDisk, Arc<dyn Disk>) {
    let disk = SimDisk::new(seed);
    (disk.clone(), Arc::new(disk))
}

#[test]
fn lives_full_of_crashes_lose_nothing() {
    // There a name was used again while its removal was still pending.
    torture::crashes(4950..4951).unwrap();
    let tally = torture::crashes(0..700).unwrap();
    println!("{} crash states, {} torn ends", tally.states, tally.torn);
    assert!(tally.torn > 100, "a torn end is nothing rare: {tally:?}");
}

#[test]
fn what_users_can_run_finds_nothing() {
    for (what, tally) in
        [("cuts", torture::cuts()), ("flips", torture::flips()), ("blocks", torture::blocks())]
    {
        let tally = tally.unwrap_or_else(|why| panic!("{what}: {why}"));
        println!("{what}: {tally:?}");
        assert!(tally.refused > tally.states / 4, "{what}: {tally:?}");
    }
}

#[test]
fn a_crash_at_every_change_and_again_at_every_change_of_the_recovery() {
    let (whole, disk) = sim(0);
    Truth::default().write(&disk, 8).unwrap();
    let mut states = 0;
    for first in 0..whole.changes() {
        let (sim, disk) = sim(first);
        sim.fail_after(first, Fault::PowerCut);
        let mut truth = Truth::default();
        assert!(matches!(truth.write(&disk, 8), Err(Stopped::Journal(_))), "cut at {first}");
        sim.restart();
        truth.check_disk(&sim).unwrap_or_else(|why| panic!("cut at {first}: {why}"));
        let Ok(read) = read_on(&sim).map(|reading| reading.records) else { continue };
        for second in 0..12 {
            let again = sim.fork(second);
            again.fail_after(second, Fault::PowerCut);
            let opened = open_on(Arc::new(again.clone())).is_ok();
            assert!(opened != again.is_off(), "cut at {first} and {second}: refused without a cause");
            again.restart();
            let reopened = open_on(Arc::new(again)).unwrap();
            assert_eq!(reopened.records, read, "cut at {first} and {second}: recovery converges");
            states += 1;
        }
    }
    println!("{states} crash states");
}

#[test]
fn after_any_failure_nothing_is_acknowledged_any_more() {
    for fault in [Fault::WriteError, Fault::SyncError, Fault::NoSpace] {
        let (whole, disk) = sim(0);
        Truth::default().write(&disk, 9).unwrap();
        for change in 0..whole.changes() {
            let (sim, disk) = sim(change);
            sim.fail_after(change, fault);
            let mut truth = Truth::default();
            let error = match truth.write(&disk, 9) {
                Err(Stopped::Journal(error)) => error,
                Err(Stopped::Wrong(why)) => panic!("{fault:?} at {change}: {why}"),
                Ok(()) => continue,
            };
            let no_space = matches!(error, JournalError::NoSpace { .. });
            assert_eq!(no_space, fault == Fault::NoSpace, "{fault:?} at {change}: {error}");
            for cut in [false, true] {
                let after = sim.fork(change);
                if cut {
                    after.restart();
                }
                let disk: Arc<dyn Disk> = Arc::new(after);
                truth.clone().write(&disk, 2).unwrap_or_else(|why| panic!("{fault:?} at {change}: {why:?}"));
            }
        }
    }
}

#[test]
fn a_log_that_failed_stays_failed() {
    let (sim, disk) = sim(3);
    let mut log = Log::create_on(disk.clone(), crate::support::RUN).unwrap();
    log.append(&entries(1..=1)).unwrap();
    log.sync().unwrap();
    log.append(&entries(2..=2)).unwrap();
    sim.fail_after(1, Fault::SyncError);
    assert!(matches!(log.sync(), Err(JournalError::Io { action: "sync", .. })));
    // The disk works again, and a second sync would succeed. What the first one lost would still be lost.
    assert!(matches!(log.sync(), Err(JournalError::Poisoned { .. })));
    assert!(matches!(log.append(&entries(3..=3)), Err(JournalError::Poisoned { .. })));
    assert_eq!((log.durable_seq(), log.anchor().seq), (1, 1));
    assert_eq!(read_on(&sim).unwrap().records.len(), 1, "while it lives, only what it acknowledged is read");
    assert!(matches!(log.close(), Err(JournalError::Poisoned { .. })));
    assert_eq!(read_on(&sim).unwrap().records.len(), 2, "the cache still shows what the disk does not have");
    assert_eq!(open_on(disk).unwrap().records.len(), 1);
}

#[test]
fn a_full_disk_says_so_and_the_journal_goes_on_when_there_is_room() {
    let (sim, disk) = sim(4);
    let mut log = Log::create_on(disk.clone(), crate::support::RUN).unwrap();
    sim.set_capacity(Some(20_000));
    let mut written = 0;
    let error = loop {
        match log.append(&entries(written + 1..=written + 1)).and_then(|_| log.sync()) {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, JournalError::NoSpace { .. }), "{error}");
    assert!(written > 20, "the room of a segment is there before it is needed: {written}");
    assert!(matches!(log.append(&[]), Err(JournalError::Poisoned { .. })));
    drop(log);
    assert!(matches!(open_on(disk.clone()), Err(JournalError::NoSpace { .. })));
    sim.set_capacity(None);
    assert_eq!(content(&open_on(disk).unwrap().records), entries(1..=written));
}

#[test]
fn a_failed_read_is_not_the_end_of_the_log() {
    let (image, _) = small_journal();
    let disk = disk_of(&image);
    disk.fail_after(0, Fault::ReadError);
    assert!(matches!(read_on(&disk), Err(JournalError::Io { action: "read", .. })));
    disk.set_odds(Fault::ReadError, 3);
    for _ in 0..50 {
        match open_on(Arc::new(disk.fork(0))) {
            Ok(opened) => assert_eq!(opened.records.len(), 16),
            Err(error) => assert!(matches!(error, JournalError::Io { .. }), "{error}"),
        }
    }
}

#[test]
fn an_old_head_or_none_takes_nothing_away() {
    let disk = SimDisk::new(0);
    let mut log = Log::create_on(Arc::new(disk.clone()), crate::support::RUN).unwrap();
    let mut heads = vec![];
    for n in 1..=30 {
        heads.push(disk.contents("HEAD").unwrap());
        log.append(&entries(n..=n)).unwrap();
        log.sync().unwrap();
    }
    disk.kill();
    let image = image(&disk);
    for head in heads {
        let mut old = image.clone();
        old.insert("HEAD".to_owned(), head);
        assert_eq!(content(&open_on(Arc::new(disk_of(&old))).unwrap().records), entries(1..=30));
    }
    let none = disk_of(&without_head(&image));
    assert_eq!(content(&open_on(Arc::new(none)).unwrap().records), entries(1..=30));
}

#[test]
fn a_follower_shows_only_what_no_crash_takes_back() {
    for seed in 0..300 {
        let (sim, disk) = sim(seed);
        let mut follower = Follower::new_on(disk.clone());
        let mut shown = Vec::new();
        let mut truth = Truth::default();
        for life in 0..4 {
            sim.fail_after(seed.wrapping_mul(31).wrapping_add(life * 7) % 50, Fault::PowerCut);
            let _ = truth.write(&disk, 5);
            let mut looking = Follower::new_on(Arc::new(sim.fork(0)));
            if !sim.is_off() {
                shown.extend(news(&mut follower).unwrap());
                assert_eq!(news(&mut looking).unwrap(), shown);
            }
            sim.restart();
            shown.extend(news(&mut follower).unwrap_or_else(|why| panic!("seed {seed}: {why}")));
            let records = read_on(&sim).map(|reading| reading.records).unwrap_or_default();
            assert!(records.starts_with(&shown), "seed {seed}");
        }
    }
}

#[test]
fn a_follower_repeats_nothing_after_a_failure() {
    let disk = SimDisk::new(7);
    let mut log = Log::create_on(Arc::new(disk.clone()), crate::support::RUN).unwrap();
    let mut follower = Follower::new_on(Arc::new(disk.clone()));
    let (mut seen, mut failures) = (Vec::new(), 0);
    disk.set_odds(Fault::ReadError, 6);
    for n in 1..=200 {
        log.append(&entries(n..=n)).unwrap();
        log.sync().unwrap();
        failures += u32::from(follower.next(&mut |item| seen.push(item.seq())).is_err());
    }
    disk.set_odds(Fault::ReadError, 0);
    follower.next(&mut |item| seen.push(item.seq())).unwrap();
    assert!(seen.iter().copied().eq(1..=200) && failures > 20, "{failures} failures");
}
