//! The journal in a real folder, as its callers use it.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use crate::support::{RUN, anchor_of, content, entries, entry, news, open};
use swarm_journal::{
    AnchorHasher, Entry, Follower, JournalError, Log, MAX_PAYLOAD_BYTES, Sealed, owner, read,
};

fn written(dir: &Path, count: u64) -> Log {
    let mut log = Log::create(dir, RUN).unwrap();
    for n in 1..=count {
        assert_eq!(log.append(&[entry(n)]).unwrap(), n);
        log.sync().unwrap();
    }
    log
}

#[test]
fn what_was_synced_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::create(dir.path(), RUN).unwrap();
    assert_eq!((log.last_seq(), log.durable_seq(), log.epoch()), (0, 0, 1));
    assert_eq!(log.append(&entries(1..=3)).unwrap(), 3);
    assert_eq!(log.append(&entries(4..=4)).unwrap(), 4);
    assert_eq!((log.last_seq(), log.durable_seq()), (4, 0));
    assert_eq!(log.anchor(), AnchorHasher::new().anchor(), "nothing is durable yet");
    log.sync().unwrap();
    assert_eq!(log.durable_seq(), 4);
    let anchor = log.anchor();
    drop(log);

    let opened = open(dir.path()).unwrap();
    assert_eq!(content(&opened.records), entries(1..=4));
    let seqs: Vec<_> = opened.records.iter().map(|r| (r.seq, r.epoch, r.last_of_batch)).collect();
    assert_eq!(seqs, [(1, 1, false), (2, 1, false), (3, 1, true), (4, 1, true)]);
    assert_eq!(anchor_of(&opened.records), anchor);
    assert_eq!(opened.log.anchor(), anchor);
    assert_eq!((opened.log.last_seq(), opened.log.durable_seq(), opened.log.epoch()), (4, 4, 2));
    assert_eq!(opened.note, None);
}

#[test]
fn epochs_follow_each_other_in_one_log() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 2).close().unwrap();
    for n in 3..=6 {
        let mut opened = open(dir.path()).unwrap();
        opened.log.append(&[entry(n)]).unwrap();
        opened.log.sync().unwrap();
        if n % 2 == 0 {
            opened.log.close().unwrap();
        }
    }
    let reading = read(dir.path()).unwrap();
    assert_eq!(content(&reading.records), entries(1..=6));
    assert_eq!(reading.records.iter().map(|r| r.epoch).collect::<Vec<_>>(), [1, 1, 2, 3, 4, 5]);
    assert_eq!((reading.epoch, reading.note), (5, None));
}

#[test]
fn what_was_not_synced_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = written(dir.path(), 2);
    log.append(&[entry(3)]).unwrap();
    assert_eq!(read(dir.path()).unwrap().records.len(), 2);
    drop(log);
    assert_eq!(open(dir.path()).unwrap().records.len(), 2);
}

#[test]
fn a_second_writer_is_told_who_the_first_is() {
    let dir = tempfile::tempdir().unwrap();
    let log = written(dir.path(), 1);
    let me = std::process::id();
    assert_eq!(owner(dir.path()), Some(me));
    assert!(matches!(open(dir.path()), Err(JournalError::Busy { pid: Some(pid), .. }) if pid == me));
    assert!(matches!(Log::create(dir.path(), RUN), Err(JournalError::Busy { .. })));
    drop(log);
    assert_eq!(owner(dir.path()), None);
    assert!(matches!(Log::create(dir.path(), RUN), Err(JournalError::Exists { .. })));
    assert!(open(dir.path()).is_ok());
}

#[test]
fn many_probes_keep_no_writer_out() {
    let dir = tempfile::tempdir().unwrap();
    drop(written(dir.path(), 1));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Relaxed) {
                owner(dir.path());
            }
        });
        let results: Vec<_> = (0..50).map(|_| open(dir.path()).map(drop)).collect();
        done.store(true, Relaxed);
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    });
}

#[test]
fn where_there_is_no_journal_none_is_opened_and_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("not/there");
    assert!(matches!(open(&inner), Err(JournalError::Missing { .. })));
    assert!(matches!(read(&inner), Err(JournalError::Missing { .. })));
    assert!(matches!(open(dir.path()), Err(JournalError::Missing { .. })));
    assert!(matches!(read(dir.path()), Err(JournalError::Missing { .. })));
    assert_eq!(owner(dir.path()), None);
    assert!(news(&mut Follower::new(dir.path())).unwrap().is_empty());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    drop(Log::create(&inner, RUN).unwrap());
    assert!(read(&inner).unwrap().records.is_empty());
    assert_eq!(open(&inner).unwrap().log.epoch(), 2);
}

#[test]
fn a_creation_that_was_cut_short_can_be_repeated() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("HEAD"), b"").unwrap();
    fs::write(dir.path().join("0000000001.swj.tmp"), b"half a header").unwrap();
    assert!(matches!(open(dir.path()), Err(JournalError::Missing { .. })));
    written(dir.path(), 1).close().unwrap();
    assert_eq!(read(dir.path()).unwrap().records.len(), 1);
}

#[test]
fn a_read_only_copy_is_read_and_not_touched() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    drop(written(dir.path(), 3));
    let files = || {
        let mut files: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        files
    };
    let before: Vec<_> = files().iter().map(|path| fs::read(path).unwrap()).collect();
    for path in files() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
    }
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    assert_eq!(read(dir.path()).unwrap().records.len(), 3);
    assert_eq!(news(&mut Follower::new(dir.path())).unwrap().len(), 3);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(before, files().iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>());
}

#[test]
fn a_follower_sees_each_record_once_and_only_when_it_is_durable() {
    let dir = tempfile::tempdir().unwrap();
    let mut follower = Follower::new(dir.path());
    assert!(news(&mut follower).unwrap().is_empty());
    let mut log = Log::create(dir.path(), RUN).unwrap();
    let mut seen = Vec::new();
    for n in 1..=40 {
        log.append(&[entry(2 * n - 1), entry(2 * n)]).unwrap();
        if n % 3 == 0 {
            seen.extend(news(&mut follower).unwrap());
            assert_eq!(seen.len() as u64, log.durable_seq());
            assert!(news(&mut follower).unwrap().is_empty());
        }
        log.sync().unwrap();
        if n % 10 == 0 {
            log.close().unwrap();
            log = open(dir.path()).unwrap().log;
        }
    }
    seen.extend(news(&mut follower).unwrap());
    assert_eq!(content(&seen), entries(1..=80));
    assert_eq!(seen, read(dir.path()).unwrap().records);
}

#[test]
fn a_batch_larger_than_a_segment_is_one_batch() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = written(dir.path(), 1);
    let big = Entry { payload: vec![7; 3 << 20], ..entry(2) };
    assert_eq!(log.append(&[big.clone(), entry(3)]).unwrap(), 3);
    log.append(&[entry(4)]).unwrap();
    log.sync().unwrap();
    log.close().unwrap();
    let records = read(dir.path()).unwrap().records;
    assert_eq!(content(&records), [entry(1), big, entry(3), entry(4)]);
    assert_eq!(records.iter().map(|r| r.segment).collect::<Vec<_>>(), [1, 2, 2, 2]);
}

#[test]
fn what_may_not_be_appended_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = written(dir.path(), 1);
    let large = Entry { payload: vec![0; MAX_PAYLOAD_BYTES + 1], ..entry(3) };
    assert!(matches!(log.append(&[entry(2), large]), Err(JournalError::TooLarge { .. })));
    let reserved = Entry { kind: 0xFFFE, ..entry(3) };
    assert!(matches!(log.append(&[entry(2), reserved]), Err(JournalError::ReservedKind { kind: 0xFFFE })));
    assert_eq!(log.append(&[]).unwrap(), 1);
    log.append(&[entry(2)]).unwrap();
    log.sync().unwrap();
    drop(log);
    assert_eq!(content(&read(dir.path()).unwrap().records), entries(1..=2));
}

#[test]
fn a_later_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(written(dir.path(), 1));
    fs::remove_file(dir.path().join("HEAD")).unwrap();
    let path = dir.path().join("0000000001.swj");
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 2;
    let crc = crc32fast::hash(&bytes[..4092]);
    bytes[4092..4096].copy_from_slice(&crc.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    let error = read(dir.path()).unwrap_err();
    assert!(matches!(error, JournalError::NewerVersion { found: 2, supported: 1, .. }), "{error}");
    assert!(matches!(open(dir.path()), Err(JournalError::NewerVersion { .. })));
}

#[test]
fn a_sealed_segment_is_looked_up_without_reading_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = written(dir.path(), 3);
    assert!(Sealed::open(dir.path(), 1).unwrap().is_none(), "it is still written");
    log.append(&[Entry { payload: Vec::new(), ..entry(4) }]).unwrap();
    log.close().unwrap();
    let sealed = Sealed::open(dir.path(), 1).unwrap().unwrap();
    assert!(sealed.seqs().eq(1..=4));
    assert_eq!(sealed.get(2).unwrap().payload, entry(2).payload);
    assert_eq!((sealed.get(3).unwrap().kind, sealed.get(3).unwrap().time_ms), (3, 1_003));
    assert_eq!(sealed.get(4).unwrap().payload, b"");
    assert_eq!((sealed.get(0), sealed.get(5)), (None, None));
    open(dir.path()).unwrap().log.close().unwrap();
    assert!(Sealed::open(dir.path(), 2).unwrap().unwrap().seqs().next().is_none());
    let path = dir.path().join("0000000001.swj");
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096 + 42] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(matches!(Sealed::open(dir.path(), 1), Err(JournalError::Corrupt { offset: 4096, .. })));
}

#[test]
fn readers_and_followers_of_a_live_journal_see_a_prefix() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::create(dir.path(), RUN).unwrap();
    let done = AtomicBool::new(false);
    let large = |n| Entry { payload: vec![7; 40_000], ..entry(n) };
    let wrote = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = 0;
            while !done.load(Relaxed) {
                let records = read(dir.path()).unwrap().records;
                assert!(records.len() >= seen && records.iter().zip(1..).all(|(record, n)| record.seq == n));
                seen = records.len();
            }
        });
        let follower = scope.spawn(|| {
            let (mut follower, mut seen) = (Follower::new(dir.path()), 0);
            loop {
                let last_round = done.load(Relaxed);
                for record in news(&mut follower).unwrap() {
                    seen += 1;
                    assert_eq!(record.seq, seen);
                }
                if last_round {
                    break seen;
                }
            }
        });
        for n in 1..=60 {
            log.append(&[large(2 * n - 1), large(2 * n)]).unwrap();
            log.sync().unwrap();
            if n % 25 == 0 {
                drop(log);
                log = open(dir.path()).unwrap().log;
            }
        }
        done.store(true, Relaxed);
        reader.join().unwrap();
        follower.join().unwrap()
    });
    assert_eq!(wrote, 120);
}

#[test]
fn a_writer_whose_lock_was_deleted_acknowledges_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = written(dir.path(), 2);
    fs::remove_file(dir.path().join("HEAD")).unwrap();
    let mut second = open(dir.path()).unwrap().log;
    log.append(&[entry(3)]).unwrap();
    assert!(matches!(log.sync(), Err(JournalError::Fenced { .. })));
    assert_eq!(log.durable_seq(), 2);
    second.append(&[entry(3)]).unwrap();
    second.sync().unwrap();
    second.close().unwrap();
    assert_eq!(read(dir.path()).unwrap().records.len(), 3);
}
