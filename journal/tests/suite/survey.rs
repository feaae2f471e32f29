//! Looking at a damaged journal: the records in front of the damage come out, and the refusal is the reader's own.

use swarm_journal::{JournalError, Record, Stretch, Survey, read_on, sim::SimDisk, survey_on};

use crate::support::{Image, anchor_of, disk_of, name, record, small_journal};

fn look(disk: &SimDisk) -> (Survey, Vec<Record>) {
    let mut seen = Vec::new();
    let survey = survey_on(disk, &mut |item| seen.push(record(item))).unwrap();
    (survey, seen)
}

/// The same place and cause, which is all of a refusal but how much was read before it.
fn place(error: &JournalError) -> String {
    match error {
        JournalError::Corrupt { file, offset, detail, .. } => format!("{} {offset} {detail}", file.display()),
        other => other.to_string(),
    }
}

#[test]
fn a_sound_journal_is_surveyed_as_it_is_read() {
    let (image, records) = small_journal();
    let (survey, seen) = look(&disk_of(&image));
    assert!(survey.refusal.is_none() && !survey.live);
    assert_eq!(survey.anchor, anchor_of(&records));
    assert_eq!(survey.head, Some(records.last().unwrap().seq));
    assert_eq!(survey.stretches.iter().map(|stretch| stretch.records).sum::<u64>(), survey.anchor.seq);
    let sealed: Vec<_> = survey.stretches.iter().filter(|s| s.sealed).map(|s| s.segment).collect();
    let Stretch { segment, epoch, bytes, .. } = survey.stretches[0];
    assert_eq!((segment, epoch), (1, 1));
    assert_eq!(bytes, u64::try_from(image[&name(1)].len()).unwrap(), "a sealed segment ends with its seal");
    assert!(sealed.contains(&1), "{sealed:?}");
    assert!(seen == records);
}

#[test]
fn of_every_flipped_byte_the_records_before_it_come_out() {
    let (image, records) = small_journal();
    let mut refusals = 0;
    for file in image.keys().filter(|file| *file != "HEAD") {
        let disk = disk_of(&image);
        for byte in (0..image[file].len()).step_by(3) {
            disk.flip(file, byte * 8);
            let (survey, seen) = look(&disk);
            match (read_on(&disk), &survey.refusal) {
                (Ok(reading), None) => assert!(seen == reading.records, "byte {byte} of {file}"),
                (Err(error), Some(refusal)) => {
                    assert_eq!(place(&error), place(refusal), "byte {byte} of {file}");
                    assert!(seen == records[..seen.len()], "byte {byte} of {file}");
                    let JournalError::Corrupt { last_good_seq, .. } = refusal else { panic!("{refusal}") };
                    assert_eq!(*last_good_seq, survey.anchor.seq, "byte {byte} of {file}");
                    refusals += 1;
                }
                (read, refusal) => panic!("byte {byte} of {file}: {read:?}, {refusal:?}"),
            }
            disk.flip(file, byte * 8);
        }
    }
    println!("{refusals} flipped bytes refused, with all records before them");
    assert!(refusals > 1000);
}

#[test]
fn behind_a_missing_segment_nothing_is_read_and_before_it_everything() {
    let (mut image, records) = small_journal();
    image.remove(&name(2));
    let (survey, seen) = look(&disk_of(&image));
    let JournalError::Corrupt { last_good_seq, detail, .. } = survey.refusal.unwrap() else { panic!() };
    assert!(detail.contains("missing"), "{detail}");
    let before: Vec<_> = records.iter().filter(|record| record.segment == 1).cloned().collect();
    assert_eq!(last_good_seq, before.last().unwrap().seq);
    assert!(seen == before);
}

#[test]
fn an_empty_folder_is_no_journal() {
    let error = survey_on(&disk_of(&Image::new()), &mut |_| {}).unwrap_err();
    assert!(matches!(error, JournalError::Missing { .. }), "{error}");
}
