//! Fields that are wrong although every checksum is right. No accident does this; a writer with a fault could.

use std::sync::Arc;

use crate::support::{Image, disk_of, entries, entry_of, image, name, open_on, read_image};
use swarm_journal::{JournalError, Log, sim::SimDisk, survey_on};

/// A sealed segment of three records, and one without any behind it.
fn journal() -> Image {
    let disk = SimDisk::new(0);
    let mut log = Log::create_on(Arc::new(disk.clone()), crate::support::RUN).unwrap();
    log.append(&entries(1..=3)).unwrap();
    log.close().unwrap();
    drop(open_on(Arc::new(disk.clone())).unwrap());
    image(&disk)
}

fn refused(image: &Image, word: &str) {
    let survey = survey_on(&disk_of(image), &mut |_| {}).unwrap();
    match survey.refusal {
        Some(JournalError::Corrupt { detail, .. }) => assert!(detail.contains(word), "{detail}"),
        other => panic!("{other:?}"),
    }
}

fn with_header_field(at: usize, field: &[u8]) -> Image {
    let mut image = journal();
    let page = image.get_mut(&name(2)).unwrap();
    page[at..at + field.len()].copy_from_slice(field);
    let crc = crc32fast::hash(&page[..4092]);
    page[4092..4096].copy_from_slice(&crc.to_le_bytes());
    image
}

#[test]
fn the_journal_is_fine_as_it_is() {
    assert_eq!(read_image(&journal()).unwrap().len(), 3);
    assert_eq!(read_image(&with_header_field(16, b"a run")).unwrap().len(), 3);
}

#[test]
fn a_header_that_states_another_past_is_refused() {
    refused(&with_header_field(96, &[0]), "hash");
    refused(&with_header_field(72, &[2]), "ends before");
    refused(&with_header_field(64, &[0, 0x10]), "ends before");
    refused(&with_header_field(80, &[0, 0, 0, 0]), "ends before");
    refused(&with_header_field(84, &[9]), "impossible");
}

#[test]
fn a_header_of_another_place_is_refused() {
    refused(&with_header_field(16, b"another run, 16."), "belongs");
    refused(&with_header_field(32, &[3]), "belongs");
    refused(&with_header_field(48, &[0]), "belongs");
}

/// Gives a record of the first segment the checksum that it should have.
fn sign(journal: &[u8], frame: &mut [u8]) {
    let salt = crc32fast::hash(&[journal, &1u64.to_le_bytes(), &1u64.to_le_bytes()].concat());
    let mut crc = crc32fast::Hasher::new_with_initial(salt);
    crc.update(&frame[4..40]);
    frame[..4].copy_from_slice(&crc.finalize().to_le_bytes());
}

fn image_of(front: &[u8], seal: &[u8]) -> Image {
    Image::from([(name(1), [front, seal].concat())])
}

#[test]
fn a_seal_of_other_records_is_refused() {
    let mut image = journal();
    image.remove(&name(2));
    image.remove("HEAD");
    assert_eq!(read_image(&image).unwrap().len(), 3);
    let segment = image.get_mut(&name(1)).unwrap();
    let at = segment.len() - 88;
    let (front, seal) = segment.split_at_mut(at);
    for (byte, word) in [(40, "does not belong"), (48, "does not belong"), (56, "hash")] {
        seal[byte] ^= 1;
        let crc = crc32fast::hash(&seal[40..]);
        seal[36..40].copy_from_slice(&crc.to_le_bytes());
        sign(&front[128..144], seal);
        refused(&image_of(front, seal), word);
        seal[byte] ^= 1;
    }
}

#[test]
fn a_record_with_another_number_is_refused() {
    let mut image = journal();
    let (front, first) = image.get_mut(&name(1)).unwrap().split_at_mut(4096);
    first[8] = 2;
    sign(&front[128..144], first);
    refused(&image, "wrong number");
}

#[test]
fn a_record_of_a_twin_that_went_another_way_is_refused() {
    let twin = |first: u64| {
        let disk = SimDisk::new(0);
        let mut log = Log::create_on(Arc::new(disk.clone()), crate::support::RUN).unwrap();
        for n in [first, 3] {
            log.append(&[entry_of(n, 8)]).unwrap();
            log.sync().unwrap();
        }
        disk.kill();
        image(&disk)
    };
    let (mut one, other) = (twin(1), twin(2));
    let second = 4096 + 48..4096 + 96;
    one.get_mut(&name(1)).unwrap()[second.clone()].copy_from_slice(&other[&name(1)][second]);
    refused(&one, "follow");
}
