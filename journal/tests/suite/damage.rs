//! Every way to damage a small journal that fits a loop. The answer is always one of two: the journal is
//! refused, or it reads exactly as if nothing had happened.

use std::sync::Arc;

use crate::support::{
    Image, disk_of, entries, entry_of, image, name, open_on, read_image, small_journal, without_head,
};
use swarm_journal::{JournalError, Log, Record, read_on, sim::SimDisk};

/// Counts refusals; anything read that is not `records` is a failure.
fn refused(image: &Image, records: &[Record], what: &str) -> usize {
    match read_image(image) {
        Ok(read) => {
            assert!(read == records, "{what}: read {} records of {}", read.len(), records.len());
            0
        }
        Err(JournalError::Corrupt { .. }) => 1,
        Err(other) => panic!("{what}: {other}"),
    }
}

fn flip_every_bit(image: &Image, records: &[Record], file: &str, from: usize) -> (usize, usize) {
    let disk = disk_of(image);
    let bits = (image[file].len() - from) * 8;
    let mut refusals = 0;
    for bit in from * 8..from * 8 + bits {
        disk.flip(file, bit);
        match read_on(&disk) {
            Ok(reading) => assert!(reading.records == records, "bit {bit} of {file}"),
            Err(JournalError::Corrupt { .. }) => refusals += 1,
            Err(other) => panic!("bit {bit} of {file}: {other}"),
        }
        disk.flip(file, bit);
    }
    println!("{file}: {refusals} of {bits} flipped bits refused, the others change nothing");
    (refusals, bits)
}

/// The bytes of a segment that belong to the log: up to the last one that is not zero, padding included.
fn used(image: &Image, segment: u64) -> usize {
    let contents = &image[&name(segment)];
    let used = contents.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    used.next_multiple_of(8).min(contents.len())
}

#[test]
fn every_flipped_bit_of_a_sealed_segment_is_refused() {
    // It stands alone here: a reader looks at all segments, and there are many bits.
    let disk = SimDisk::new(0);
    let mut log = Log::create_on(Arc::new(disk.clone()), crate::support::RUN).unwrap();
    log.append(&entries(1..=3)).unwrap();
    log.append(&entries(4..=5)).unwrap();
    log.close().unwrap();
    let records = read_on(&disk).unwrap().records;
    let (refusals, bits) = flip_every_bit(&image(&disk), &records, &name(1), 0);
    assert_eq!(refusals, bits);
}

#[test]
fn every_flipped_bit_of_a_segment_left_by_a_crash_is_refused_or_not_part_of_the_log() {
    let (image, records) = small_journal();
    let (refusals, _) = flip_every_bit(&image, &records, &name(2), 4096);
    assert_eq!(refusals, (used(&image, 2) - 4096) * 8);
}

#[test]
fn every_flipped_bit_of_the_last_segment_is_refused_or_not_part_of_the_log() {
    let (image, records) = small_journal();
    let last = u64::try_from(image.len()).unwrap() - 1;
    let (refusals, _) = flip_every_bit(&image, &records, &name(last), 4096);
    assert_eq!(refusals, (used(&image, last) - 4096) * 8);
}

#[test]
fn every_flipped_bit_of_the_last_segment_is_refused_without_head_too() {
    let (image, records) = small_journal();
    let last = u64::try_from(image.len()).unwrap() - 1;
    let (refusals, _) = flip_every_bit(&without_head(&image), &records, &name(last), 4096);
    assert_eq!(refusals, (used(&image, last) - 4096) * 8);
}

#[test]
fn no_flipped_bit_of_head_changes_what_is_read() {
    let (image, records) = small_journal();
    let disk = disk_of(&image);
    // Both slots and the owner; what lies between them is never read.
    for bit in [0..128 * 8, 4096 * 8..4224 * 8, 8192 * 8..8200 * 8].into_iter().flatten() {
        disk.flip("HEAD", bit);
        assert!(read_on(&disk).unwrap().records == records, "bit {bit}");
        disk.flip("HEAD", bit);
    }
}

#[test]
fn every_block_that_is_zeroed_is_refused() {
    let (image, records) = small_journal();
    for (file, contents) in image.iter().filter(|(file, _)| *file != "HEAD") {
        for block in [512, 4096] {
            for start in (0..contents.len()).step_by(block) {
                let mut damaged = image.clone();
                let end = (start + block).min(contents.len());
                damaged.get_mut(file).unwrap()[start..end].fill(0);
                let what = format!("{file} from {start} to {end}");
                let changed = damaged[file] != *contents;
                // What lies behind the end of a segment is not part of the log.
                let meant = start < used(&image, file[..10].parse().unwrap());
                assert_eq!(refused(&damaged, &records, &what) == 1, changed && meant, "{what}");
            }
        }
    }
}

#[test]
fn a_segment_that_is_missing_is_refused() {
    let (image, records) = small_journal();
    let last = u64::try_from(image.len()).unwrap() - 1;
    for segment in 1..=last {
        let mut damaged = image.clone();
        damaged.remove(&name(segment));
        assert_eq!(refused(&damaged, &records, &name(segment)), 1);
    }
}

#[test]
fn a_segment_of_another_journal_is_refused() {
    let (image, records) = small_journal();
    let other = SimDisk::new(1);
    Log::create_on(Arc::new(other.clone()), *b"another run, 16.").unwrap().close().unwrap();
    for file in [name(1), "HEAD".to_owned()] {
        let mut damaged = image.clone();
        damaged.insert(file.clone(), other.contents(&file).unwrap());
        assert_eq!(refused(&damaged, &records, &file), 1);
    }
    let mut swapped = image.clone();
    swapped.insert(name(1), image[&name(2)].clone());
    assert_eq!(refused(&swapped, &records, "the second in place of the first"), 1);
}

/// The frames of a segment's records, one by one.
fn frames(image: &Image, records: &[Record], segment: u64) -> Vec<std::ops::Range<usize>> {
    let offsets = records.iter().filter(|r| r.segment == segment).map(|r| usize::try_from(r.offset).unwrap());
    let mut borders: Vec<usize> = offsets.collect();
    borders.push(used(image, segment));
    borders.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

#[test]
fn every_record_that_is_dropped_doubled_or_swapped_is_refused() {
    let (image, records) = small_journal();
    let last = u64::try_from(image.len()).unwrap() - 1;
    let mut cases = 0;
    for segment in 1..=last {
        let contents = &image[&name(segment)];
        let frames = frames(&image, &records, segment);
        let rebuilt = |order: &[usize]| {
            let mut bytes = contents[..frames[0].start].to_vec();
            for i in order {
                bytes.extend_from_slice(&contents[frames[*i].clone()]);
            }
            bytes.extend_from_slice(&contents[frames[frames.len() - 1].end..]);
            // The file keeps its length: what is not there is zero again.
            bytes.resize(contents.len(), 0);
            let mut damaged = image.clone();
            damaged.insert(name(segment), bytes);
            damaged
        };
        let all: Vec<usize> = (0..frames.len()).collect();
        for i in 0..frames.len() {
            let without: Vec<_> = all.iter().copied().filter(|j| *j != i).collect();
            assert_eq!(refused(&rebuilt(&without), &records, &format!("{segment}: without {i}")), 1);
            let mut doubled = all.clone();
            doubled.insert(i, i);
            let doubled_refused = refused(&rebuilt(&doubled), &records, &format!("{segment}: twice {i}"));
            // What comes behind the stated end of an earlier segment is not part of the log.
            let behind_the_end = segment < last && i + 1 == frames.len();
            assert_eq!(doubled_refused == 1, !behind_the_end, "{segment}: twice {i}");
            cases += 2;
            for j in i + 1..frames.len() {
                let mut swapped = all.clone();
                swapped.swap(i, j);
                let what = format!("{segment}: {i} and {j} swapped");
                assert_eq!(refused(&rebuilt(&swapped), &records, &what), 1, "{what}");
                cases += 1;
            }
        }
    }
    println!("{cases} cases");
}

#[test]
fn every_cut_is_refused_or_takes_nothing() {
    let (image, records) = small_journal();
    let last = u64::try_from(image.len()).unwrap() - 1;
    for segment in 1..=last {
        let len = image[&name(segment)].len();
        for head in [true, false] {
            let mut damaged = if head { image.clone() } else { without_head(&image) };
            // Within the header one cut is like the other.
            for cut in (0..len).rev().filter(|cut| *cut >= 4_090 || cut % 61 == 0) {
                damaged.get_mut(&name(segment)).unwrap().truncate(cut);
                let what = format!("{segment} cut at {cut}, HEAD {head}");
                let refused = refused(&damaged, &records, &what) == 1;
                let harmless = cut >= used(&image, segment) && segment < last;
                assert_eq!(refused, !harmless, "{what}");
            }
        }
    }
}

#[test]
fn everything_behind_any_byte_lost_is_refused_with_head_and_a_prefix_without() {
    let (image, records) = small_journal();
    let last = u64::try_from(image.len()).unwrap() - 1;
    let contents = image[&name(last)].clone();
    let headless = without_head(&image);
    for from in (4096..used(&image, last)).rev() {
        let mut damaged = headless.clone();
        damaged.get_mut(&name(last)).unwrap()[from..].fill(0);
        if damaged[&name(last)] == contents {
            continue;
        }
        let read = read_image(&damaged).unwrap();
        assert!(records.starts_with(&read) && read.last().is_none_or(|record| record.last_of_batch));
        damaged.insert("HEAD".to_owned(), image["HEAD"].clone());
        assert_eq!(refused(&damaged, &records, &format!("zeros from {from}")), 1);
    }
}

/// A journal with two acknowledged records, and one write in flight of two batches. Gives the image before it
/// and after it, and all records after it.
fn write_in_flight() -> (Image, Image, Vec<Record>) {
    let disk = SimDisk::new(0);
    let mut log = Log::create_on(Arc::new(disk.clone()), crate::support::RUN).unwrap();
    log.append(&entries(1..=2)).unwrap();
    log.sync().unwrap();
    let before = image(&disk);
    log.append(&[entry_of(3, 700), entry_of(4, 30)]).unwrap();
    log.append(&[entry_of(5, 10), entry_of(6, 900)]).unwrap();
    log.sync().unwrap();
    disk.kill();
    let records = read_on(&disk).unwrap().records;
    (before, image(&disk), records)
}

#[test]
fn a_write_cut_at_any_byte_leaves_whole_batches_and_a_note() {
    let (before, after, records) = write_in_flight();
    let (start, end) = (usize::try_from(records[2].offset).unwrap(), used(&after, 1));
    for cut in start..=end {
        let mut torn = before.clone();
        torn.get_mut(&name(1)).unwrap()[..cut].copy_from_slice(&after[&name(1)][..cut]);
        let disk = Arc::new(disk_of(&torn));
        let opened = open_on(disk.clone()).unwrap();
        let whole = if cut >= end - 7 && opened.records.len() == 6 {
            6
        } else if cut >= usize::try_from(records[4].offset).unwrap() - 7 && opened.records.len() == 4 {
            4
        } else {
            2
        };
        assert_eq!(opened.records, records[..whole], "cut at {cut}");
        let ends = [records[2].offset, records[4].offset, u64::try_from(end).unwrap()];
        let tail = cut > usize::try_from(ends[whole / 2 - 1]).unwrap();
        assert_eq!(opened.note.is_some(), tail, "cut at {cut}: {:?}", opened.note);
        drop(opened);
        assert_eq!(read_on(&*disk).unwrap().records, records[..whole], "read again, cut at {cut}");
        // No crash shortens the file: its length was durable before it had its name.
        torn.get_mut(&name(1)).unwrap().truncate(cut);
        assert!(matches!(read_image(&torn), Err(JournalError::Corrupt { .. })), "shortened to {cut}");
    }
}

#[test]
fn any_sectors_of_a_write_may_be_missing() {
    let (before, after, records) = write_in_flight();
    let first = usize::try_from(records[2].offset).unwrap() / 512;
    let sectors = used(&after, 1).div_ceil(512) - first;
    for kept in 0..1 << sectors {
        let mut torn = before.clone();
        for sector in (0..sectors).filter(|sector| kept >> sector & 1 == 1) {
            let bytes = (first + sector) * 512..((first + sector + 1) * 512).min(after[&name(1)].len());
            torn.get_mut(&name(1)).unwrap()[bytes.clone()].copy_from_slice(&after[&name(1)][bytes]);
        }
        for image in [&torn, &without_head(&torn)] {
            let read = read_image(image).unwrap();
            assert!([2, 4, 6].contains(&read.len()) && records.starts_with(&read), "kept {kept:b}");
        }
    }
    println!("{} states", 2 << sectors);
}
