//! What a repair makes of damage: nothing whole is lost, nothing comes back changed, and what is missing is stated.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use swarm_journal::{
    Disk, Gap, JournalError, Log, Reading, Record, copy_sound, plan_repair, plan_repair_on, read, read_on,
    repair, sim::SimDisk,
};

use crate::support::{
    Image, RUN, anchor_of, disk_of, entries, entry_of, image, name, open_on, small_journal,
};

/// The records by number; where they are is not compared.
fn by_seq(records: &[Record]) -> BTreeMap<u64, (u16, u8, u64, &[u8])> {
    records.iter().map(|r| (r.seq, (r.kind, r.schema, r.time_ms, &r.payload[..]))).collect()
}

/// Repairs, and holds what comes out against what was there. How many records are lost; none if it was not refused.
fn repaired(damaged: &SimDisk, records: &[Record], what: &str) -> Option<u64> {
    let plan = plan_repair_on(damaged).unwrap_or_else(|why| panic!("{what}: {why}"))?;
    let sound = SimDisk::new(1);
    let to: Arc<dyn Disk> = Arc::new(sound.clone());
    assert_eq!(copy_sound(damaged, &to).unwrap_or_else(|why| panic!("{what}: {why}")), plan, "{what}");
    let Reading { records: kept, gaps, .. } = read_on(&sound).unwrap_or_else(|why| panic!("{what}: {why}"));
    assert_eq!(gaps, plan.gaps, "{what}");
    let truth = by_seq(records);
    assert!(by_seq(&kept).iter().all(|(seq, record)| truth[seq] == *record), "{what}: wrong bytes");
    let is_lost = |seq: &u64| gaps.iter().any(|gap| (gap.from_seq..=gap.to_seq).contains(seq));
    let missing = truth.keys().filter(|seq| !kept.iter().any(|record| record.seq == **seq));
    assert!(missing.clone().all(is_lost), "{what}: a hole is not stated");
    assert_eq!(plan.lost(), u64::try_from(missing.count()).unwrap(), "{what}");
    Some(plan.lost())
}

#[test]
fn of_every_flipped_byte_at_most_the_record_in_it_is_lost() {
    let (image, records) = small_journal();
    let (mut refused, mut lost) = (0, 0);
    for file in image.keys().filter(|file| *file != "HEAD") {
        let disk = disk_of(&image);
        for byte in 0..image[file].len() {
            if (200..4090).contains(&byte) && byte % 97 != 0 {
                continue;
            }
            disk.flip(file, byte * 8 + byte % 8);
            if let Some(records) = repaired(&disk, &records, &format!("byte {byte} of {file}")) {
                assert!(records <= 1, "byte {byte} of {file}: {records} are lost");
                refused += 1;
                lost += records;
            }
            disk.flip(file, byte * 8 + byte % 8);
        }
    }
    println!("{refused} repairs, {lost} records lost, each with its byte");
    assert!(refused > 500 && lost > 100);
}

#[test]
fn of_every_zeroed_sector_only_the_records_in_it_are_lost() {
    let (image, records) = small_journal();
    let mut repairs = 0;
    for (file, contents) in image.iter().filter(|(file, _)| *file != "HEAD") {
        for at in (0..contents.len()).step_by(512) {
            let mut damaged = image.clone();
            let end = (at + 512).min(contents.len());
            damaged.get_mut(file).unwrap()[at..end].fill(0);
            let Some(lost) = repaired(&disk_of(&damaged), &records, &format!("{at} of {file}")) else {
                continue;
            };
            let within = |record: &&Record| {
                let frame = usize::try_from(record.offset).unwrap();
                name(record.segment) == *file && frame < end && frame + 48 + record.payload.len() > at
            };
            assert!(lost <= u64::try_from(records.iter().filter(within).count()).unwrap(), "{at} of {file}");
            repairs += 1;
        }
    }
    assert!(repairs > 10, "{repairs}");
}

#[test]
fn of_a_missing_segment_just_its_records_are_lost() {
    let (image, records) = small_journal();
    for segment in 1..=records.last().unwrap().segment {
        let mut damaged = image.clone();
        damaged.remove(&name(segment));
        let held = records.iter().filter(|record| record.segment == segment).count();
        let lost = repaired(&disk_of(&damaged), &records, &format!("segment {segment}"));
        assert_eq!(lost, Some(u64::try_from(held).unwrap()), "segment {segment}");
    }
}

#[test]
fn a_torn_tail_is_no_damage() {
    let disk = SimDisk::new(0);
    let mut log = Log::create_on(Arc::new(disk.clone()), RUN).unwrap();
    log.append(&entries(1..=3)).unwrap();
    log.sync().unwrap();
    disk.kill();
    let mut torn = image(&disk);
    torn.get_mut(&name(1)).unwrap()[4368..4400].fill(7);
    let torn = disk_of(&torn);
    assert!(read_on(&torn).unwrap().note.is_some());
    assert_eq!(plan_repair_on(&torn).unwrap(), None);
}

#[test]
fn half_a_batch_at_the_end_stays_out() {
    let disk = SimDisk::new(0);
    let mut log = Log::create_on(Arc::new(disk.clone()), RUN).unwrap();
    log.append(&entries(1..=2)).unwrap();
    log.sync().unwrap();
    let head = disk.contents("HEAD").unwrap();
    log.append(&[entry_of(3, 8), entry_of(4, 8)]).unwrap();
    log.sync().unwrap();
    disk.kill();
    let mut damaged = image(&disk);
    damaged.insert("HEAD".to_owned(), head);
    // The first record is damaged, and the last was never written: nobody was told of the third.
    let segment = damaged.get_mut(&name(1)).unwrap();
    let last = segment.iter().rposition(|byte| *byte != 0).unwrap();
    segment[last - 40..=last].fill(0);
    segment[4096 + 41] ^= 1;
    let to: Arc<dyn Disk> = Arc::new(SimDisk::new(1));
    let salvage = copy_sound(&disk_of(&damaged), &to).unwrap();
    assert_eq!((salvage.kept, salvage.gaps.len(), salvage.gaps[0].to_seq), (vec![(2, 2)], 1, 1));
}

/// Another journal than [`small_journal`], of the same run or of another one, and longer.
fn another(run: [u8; 16]) -> Image {
    let disk = SimDisk::new(0);
    // It is of another birth.
    disk.set_contents("something", Some(vec![1]));
    let mut log = Log::create_on(Arc::new(disk.clone()), run).unwrap();
    for n in 100..140 {
        log.append(&entries(n..=n)).unwrap();
        log.sync().unwrap();
    }
    log.close().unwrap();
    drop(open_on(Arc::new(disk.clone())).unwrap());
    disk.set_contents("something", None);
    image(&disk)
}

#[test]
fn a_file_of_another_journal_is_a_hole_and_never_its_records() {
    let (image, records) = small_journal();
    for run in [RUN, *b"another run 1234"] {
        let other = another(run);
        for file in [name(1), name(2), "HEAD".to_owned()] {
            let mut mixed = image.clone();
            mixed.insert(file.clone(), other[&file].clone());
            let held = records.iter().filter(|record| name(record.segment) == file).count();
            let lost = repaired(&disk_of(&mixed), &records, &file).expect("it is refused");
            assert_eq!(lost, u64::try_from(held).unwrap(), "{file}");
        }
    }
}

#[test]
fn a_stray_name_costs_nothing() {
    let (mut image, records) = small_journal();
    image.insert("0900000000.swj".to_owned(), Vec::new());
    image.insert("18446744073709551615.swj".to_owned(), Vec::new());
    assert_eq!(repaired(&disk_of(&image), &records, "stray"), Some(0));
}

/// The journal of five records, the next opening of which recorded others with the numbers that a crash left torn.
fn torn_and_continued() -> (Image, Vec<Record>) {
    let disk = SimDisk::new(0);
    let mut log = Log::create_on(Arc::new(disk.clone()), RUN).unwrap();
    log.append(&entries(1..=4)).unwrap();
    log.sync().unwrap();
    let head = disk.contents("HEAD").unwrap();
    log.append(&(5..=8).map(|n| entry_of(n, 60)).collect::<Vec<_>>()).unwrap();
    log.sync().unwrap();
    disk.kill();
    let mut torn = image(&disk);
    torn.insert("HEAD".to_owned(), head);
    // Of the last batch the first record never reached the disk.
    let fifth = usize::try_from(read_on(&disk).unwrap().records[4].offset).unwrap();
    torn.get_mut(&name(1)).unwrap()[fifth..fifth + 104].fill(0);
    let disk = disk_of(&torn);
    let mut log = open_on(Arc::new(disk.clone())).unwrap().log;
    log.append(&entries(105..=107)).unwrap();
    log.sync().unwrap();
    disk.kill();
    (image(&disk), read_on(&disk).unwrap().records)
}

#[test]
fn what_nobody_was_told_of_never_takes_the_place_of_what_was_acknowledged() {
    let (mut image, records) = torn_and_continued();
    image.get_mut(&name(2)).unwrap()[100] ^= 1;
    assert_eq!(repaired(&disk_of(&image), &records, "the header of the second segment"), Some(0));
}

#[test]
fn half_a_batch_that_nobody_was_told_of_stays_out_behind_a_hole_too() {
    let (image, records) = torn_and_continued();
    let mut damaged: Image = image.into_iter().filter(|(file, _)| *file != name(2)).collect();
    let disk = SimDisk::new(0);
    let mut log = Log::create_on(Arc::new(disk.clone()), RUN).unwrap();
    log.append(&entries(1..=4)).unwrap();
    log.sync().unwrap();
    damaged.insert("HEAD".to_owned(), disk.contents("HEAD").unwrap());
    damaged.get_mut(&name(1)).unwrap()[4096 + 41] ^= 1;
    assert_eq!(repaired(&disk_of(&damaged), &records[..4], "first record"), Some(1));
}

#[test]
fn of_many_openings_none_is_forgotten() {
    let disk = SimDisk::new(0);
    drop(Log::create_on(Arc::new(disk.clone()), RUN).unwrap());
    for n in 1..=70 {
        disk.kill();
        let mut log = open_on(Arc::new(disk.clone())).unwrap().log;
        log.append(&entries(n..=n)).unwrap();
        log.sync().unwrap();
    }
    disk.kill();
    let records = read_on(&disk).unwrap().records;
    for segment in [2, 3, 40, 71] {
        let mut damaged = image(&disk);
        damaged.get_mut(&name(segment)).unwrap()[200] ^= 1;
        assert_eq!(repaired(&disk_of(&damaged), &records, &format!("header of {segment}")), Some(0));
    }
}

/// A journal in a folder whose second record is damaged.
fn damaged(dir: &Path) -> Vec<Record> {
    let mut log = Log::create(dir, RUN).unwrap();
    for n in 1..=5 {
        log.append(&[entry_of(n, 100)]).unwrap();
        log.sync().unwrap();
    }
    log.close().unwrap();
    let records = read(dir).unwrap().records;
    flip(dir, usize::try_from(records[1].offset).unwrap() + 60);
    records
}

fn flip(dir: &Path, at: usize) {
    let path = dir.join(name(1));
    let mut contents = fs::read(&path).unwrap();
    contents[at] ^= 1;
    fs::write(path, contents).unwrap();
}

fn files(dir: &Path) -> Image {
    let files = fs::read_dir(dir).unwrap().map(Result::unwrap);
    files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
}

#[test]
fn a_folder_is_repaired_and_the_original_kept_byte_for_byte() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("journal");
    let records = damaged(&dir);
    // Its last writer was another process: a repair that signed would be seen.
    let mut head = fs::read(dir.join("HEAD")).unwrap();
    head[8192..].fill(0);
    fs::write(dir.join("HEAD"), head).unwrap();
    let before = files(&dir);
    assert_eq!(plan_repair(&dir).unwrap().unwrap().kept, [(1, 1), (3, 5)]);
    assert_eq!(files(&dir), before, "a plan changes nothing");
    let done = repair(&dir).unwrap().unwrap();
    assert_eq!(done.original, temp.path().join("journal.broken-1"));
    assert_eq!(files(&done.original), before);
    assert_eq!(repair(&dir).unwrap(), None, "nothing is left to do");

    let Reading { records: kept, gaps, .. } = read(&dir).unwrap();
    assert_eq!(kept.len(), 4);
    let Gap { from_seq, to_seq, segment, offset, .. } = gaps[0];
    assert_eq!((from_seq, to_seq, segment, offset), (2, 2, 1, records[1].offset));
    assert_eq!(anchor_of(&kept[..1]), anchor_of(&records[..1]), "anchors in front of the hole stand");

    let mut opened = Log::open(&dir, &mut |_| {}).unwrap();
    assert!(opened.log.epoch() > 2, "nobody meets an epoch twice");
    assert_eq!(opened.log.append(&entries(6..=6)).unwrap(), 6);
    opened.log.close().unwrap();
    assert_eq!(read(&dir).unwrap().records.last().unwrap().seq, 6);
}

#[test]
fn a_second_repair_keeps_the_first_hole() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("journal");
    damaged(&dir);
    repair(&dir).unwrap().unwrap();
    let last = read(&dir).unwrap().records.pop().unwrap();
    flip(&dir, usize::try_from(last.offset).unwrap() + 8);
    let done = repair(&dir).unwrap().unwrap();
    assert_eq!(done.original, temp.path().join("journal.broken-2"));
    let gaps: Vec<_> = done.salvage.gaps.iter().map(|gap| (gap.from_seq, gap.to_seq)).collect();
    assert_eq!((gaps, done.salvage.kept), (vec![(2, 2), (5, 5)], vec![(1, 1), (3, 4)]));
}

#[test]
fn a_repair_that_was_cut_off_is_done_again_or_finished() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("journal");
    damaged(&dir);
    let copy = temp.path().join("journal.repairing");
    fs::create_dir(&copy).unwrap();
    fs::write(copy.join("HEAD"), "half").unwrap();
    let done = repair(&dir).unwrap().unwrap();
    assert!(!copy.exists());
    // As if it had died between its two last steps.
    fs::rename(&dir, &copy).unwrap();
    let finished = repair(&dir).unwrap().unwrap();
    assert_eq!((finished.salvage.lost(), &finished.original), (1, &done.original));
    assert_eq!(read(&dir).unwrap().records.len(), 4);
    assert!(done.original.exists());
    // Half a copy is not taken for the journal, whoever moved that away.
    fs::rename(&dir, temp.path().join("away")).unwrap();
    fs::create_dir(&copy).unwrap();
    fs::write(copy.join("HEAD"), "half").unwrap();
    assert!(matches!(repair(&dir), Err(JournalError::Missing { .. })));
}

#[test]
fn a_journal_in_use_is_not_repaired() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("journal");
    let log = Log::create(&dir, RUN).unwrap();
    assert!(matches!(repair(&dir), Err(JournalError::Busy { .. })));
    drop(log);
    assert_eq!(repair(&dir).unwrap(), None);
    assert!(matches!(repair(&temp.path().join("none")), Err(JournalError::Missing { .. })));
}

#[test]
fn of_repairs_at_the_same_time_one_does_it() {
    for _ in 0..20 {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("journal");
        damaged(&dir);
        let repairs = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| repair(&dir))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(repairs.iter().filter(|done| matches!(done, Ok(Some(_)))).count(), 1, "{repairs:?}");
        let others = |done: &Result<_, _>| matches!(done, Ok(_) | Err(JournalError::Busy { .. }));
        assert!(repairs.iter().all(others), "{repairs:?}");
        assert_eq!(read(&dir).unwrap().records.len(), 4);
        assert!(!temp.path().join("journal.broken-2").exists());
    }
}

#[test]
fn an_end_that_no_crash_leaves_has_cost_a_record_at_least() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("journal");
    let mut log = Log::create(&dir, RUN).unwrap();
    log.append(&entries(1..=4)).unwrap();
    log.sync().unwrap();
    drop(log);
    let last = usize::try_from(read(&dir).unwrap().records[3].offset).unwrap();
    fs::remove_file(dir.join("HEAD")).unwrap();
    fs::OpenOptions::new().write(true).open(dir.join(name(1))).unwrap().set_len(last as u64).unwrap();
    let plan = plan_repair(&dir).unwrap().unwrap();
    assert!(
        plan.kept.is_empty() && plan.lost() == 1,
        "half a batch is nothing, and more was there: {plan:?}"
    );
}

#[test]
fn a_file_that_was_made_longer_is_refused_and_costs_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("journal");
    drop(damaged(&dir));
    drop(repair(&dir).unwrap());
    drop(Log::open(&dir, &mut |_| {}).unwrap());
    let file = fs::OpenOptions::new().write(true).open(dir.join(name(2))).unwrap();
    file.set_len(1 << 40).unwrap();
    assert!(matches!(read(&dir), Err(JournalError::Corrupt { .. })));
    assert_eq!(plan_repair(&dir).unwrap().unwrap().lost(), 1, "that of the first repair");
}
