//! The simulated disk keeps, loses and breaks what it is told to, and nothing else.

use std::sync::Arc;

use crate::support::{self, content, entries, open_on};
use swarm_journal::{
    Disk, File, JournalError, Log, Mode, read_on,
    sim::{Fault, SimDisk, Tail},
};

/// A disk with a file of which `kept` is durable and `lost` is not.
fn half_durable() -> (SimDisk, Box<dyn File>) {
    let disk = SimDisk::new(0);
    disk.make_folder().unwrap();
    let file = disk.open("a", Mode::CreateNew).unwrap();
    file.write_at(b"kept", 0).unwrap();
    file.sync().unwrap();
    disk.sync_names().unwrap();
    file.write_at(b"lost", 4).unwrap();
    (disk, file)
}

fn after(disk: &SimDisk, tail: Tail) -> Vec<u8> {
    let disk = disk.fork(0);
    disk.restart_as(tail);
    disk.contents("a").unwrap()
}

/// `HEAD` and the room that is made ahead are not synced where nothing depends on it.
fn is_segment(name: &str) -> bool {
    name.strip_suffix(".swj").is_some()
}

fn all(_: &str) -> bool {
    true
}

#[test]
fn what_survives_is_what_was_said() {
    let (disk, file) = half_durable();
    assert_eq!(after(&disk, Tail::Lost), b"kept");
    assert_eq!(after(&disk, Tail::Kept), b"keptlost");
    assert_eq!(after(&disk, Tail::Torn(128)), b"keptlo");
    assert_eq!(after(&disk, Tail::Torn(0)), b"kept");
    drop(disk.open("b", Mode::CreateNew).unwrap().write_at(b"later", 0));
    file.set_len(7).unwrap();
    assert_eq!(
        after(&disk, Tail::Torn(0)),
        b"keptlos",
        "only the last write is torn, and it is another file's"
    );
    for (tail, names) in
        [(Tail::Lost, vec!["a"]), (Tail::Kept, vec!["a", "b"]), (Tail::Torn(9), vec!["a", "b"])]
    {
        let fork = disk.fork(0);
        fork.restart_as(tail);
        assert_eq!(fork.names().unwrap(), names, "{tail:?}");
        assert_eq!(fork.unsynced(all), 0);
    }
}

#[test]
fn what_is_not_durable_is_counted() {
    let (disk, file) = half_durable();
    assert_eq!((disk.unsynced(all), disk.unsynced(|name| name != "a")), (1, 0));
    file.sync().unwrap();
    assert_eq!(disk.unsynced(all), 0);
    disk.publish("a", "b").unwrap();
    assert_eq!(
        (disk.unsynced(all), disk.unsynced(|name| name == "b")),
        (2, 1),
        "a name gone and a name made"
    );
    disk.sync_names().unwrap();
    file.write_at(b"more", 0).unwrap();
    disk.fail_after(0, Fault::SyncError);
    assert!(file.sync().is_err());
    assert_eq!((disk.unsynced(all), disk.contents("b").unwrap()), (1, b"morelost".to_vec()));
    assert!(file.sync().is_ok());
    assert_eq!(disk.unsynced(all), 1, "what a failed sync lost no later one makes durable");
    disk.restart_as(Tail::Kept);
    assert_eq!(disk.contents("b").unwrap(), b"keptlost");
}

#[test]
fn a_crash_comes_inside_a_change_or_between_two() {
    // The write, its sync, a rename and the sync of it, with what is there after each if all or nothing is kept.
    let cases = [
        (0, Fault::PowerCut, "kept", "keptlost"),
        (0, Fault::CutAfter, "kept", "keptlost"),
        (1, Fault::PowerCut, "kept", "keptlost"),
        (1, Fault::CutAfter, "keptlost", "keptlost"),
        (2, Fault::PowerCut, "keptlost", "keptlost"),
        (2, Fault::CutAfter, "keptlost", "b keptlost"),
        (3, Fault::PowerCut, "keptlost", "b keptlost"),
        (3, Fault::CutAfter, "b keptlost", "b keptlost"),
    ];
    for (change, fault, lost, kept) in cases {
        for (tail, left) in [(Tail::Lost, lost), (Tail::Kept, kept)] {
            let disk = SimDisk::new(0);
            disk.set_contents("a", Some(b"kept".to_vec()));
            let file = disk.open("a", Mode::Update).unwrap();
            disk.fail_after(change, fault);
            let done = file.write_at(b"lost", 4).and_then(|_| file.sync());
            let done = done.and_then(|()| disk.publish("a", "b")).and_then(|()| disk.sync_names());
            assert!(done.is_err() && disk.is_off(), "{fault:?} at {change}");
            disk.restart_as(tail);
            let there = disk.contents("a").or_else(|| Some([b"b ".to_vec(), disk.contents("b")?].concat()));
            assert_eq!(there.unwrap(), left.as_bytes(), "{fault:?} at {change}, {tail:?}");
        }
    }
}

#[test]
fn a_file_that_was_made_while_the_power_went_is_empty() {
    let disk = SimDisk::new(0);
    disk.make_folder().unwrap();
    disk.fail_after(0, Fault::CutAfter);
    assert!(disk.open("a", Mode::CreateNew).is_err());
    disk.restart_as(Tail::Kept);
    assert_eq!(disk.contents("a").unwrap(), b"");
}

#[test]
fn a_bit_flips_where_it_is_durable_or_in_what_waits() {
    let (disk, _) = half_durable();
    disk.flip("a", 0);
    assert_eq!(disk.flip_unsynced(8 * 5).as_deref(), Some("a"), "round again: the second byte");
    assert_eq!(after(&disk, Tail::Lost), b"jept");
    assert_eq!(after(&disk, Tail::Kept), b"jeptlnst");
    disk.restart_as(Tail::Kept);
    assert_eq!(disk.flip_unsynced(0), None);
}

#[test]
fn a_fork_goes_its_own_way() {
    let (disk, file) = half_durable();
    let fork = disk.fork(1);
    file.write_at(b"K", 0).unwrap();
    drop(disk.open("b", Mode::CreateNew).unwrap());
    assert_eq!((fork.contents("a").unwrap(), fork.contents("b")), (b"keptlost".to_vec(), None));
    fork.restart_as(Tail::Lost);
    assert_eq!(disk.contents("a").unwrap(), b"Keptlost".to_vec());
}

#[test]
fn a_batch_that_was_written_and_not_synced_is_there_or_not_as_was_said() {
    let sim = SimDisk::new(0);
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let mut log = Log::create_on(disk, support::RUN).unwrap();
    log.append(&entries(1..=3)).unwrap();
    log.sync().unwrap();
    log.append(&entries(4..=6)).unwrap();
    assert_eq!(sim.unsynced(is_segment), 0, "what was only appended is not on the disk");
    sim.fail_after(1, Fault::PowerCut);
    assert!(matches!(log.sync(), Err(JournalError::Io { action: "sync", .. })));
    assert_eq!(sim.unsynced(is_segment), 1);
    for (tail, left) in [(Tail::Lost, 3), (Tail::Kept, 6), (Tail::Torn(200), 3)] {
        let after = sim.fork(0);
        after.restart_as(tail);
        let opened = open_on(Arc::new(after)).unwrap();
        assert_eq!(content(&opened.records), entries(1..=left), "{tail:?}");
        assert_eq!(opened.note.is_some(), tail == Tail::Torn(200));
    }
    assert!(sim.flip_unsynced(300).is_some_and(|name| name == support::name(1)));
    sim.restart_as(Tail::Kept);
    assert!(
        matches!(read_on(&sim), Err(JournalError::Corrupt { last_good_seq: 3, .. })),
        "it does not look torn"
    );
}
