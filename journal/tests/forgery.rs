//! Fields that are wrong although every checksum is right. No accident does this; a writer with a fault could.
#![expect(clippy::unwrap_used, reason = "a test that stops there says where")]

mod support;

use std::sync::Arc;

use support::{Image, entries, image, name, read_image};
use swarm_journal::{JournalError, Log, sim::SimDisk};

/// A sealed segment of three records, and one without any behind it.
fn journal() -> Image {
    let disk = SimDisk::new(0);
    let mut log = Log::create_on(Arc::new(disk.clone()), support::RUN).unwrap();
    log.append(&entries(1..=3)).unwrap();
    log.close().unwrap();
    drop(Log::open_on(Arc::new(disk.clone())).unwrap());
    image(&disk)
}

fn refused(image: &Image, word: &str) {
    match read_image(image) {
        Err(JournalError::Corrupt { detail, .. }) => assert!(detail.contains(word), "{detail}"),
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

#[test]
fn a_seal_of_other_records_is_refused() {
    let mut image = journal();
    image.remove(&name(2));
    image.remove("HEAD");
    assert_eq!(read_image(&image).unwrap().len(), 3);
    let segment = image.get_mut(&name(1)).unwrap();
    let at = segment.len() - 72;
    let seal = &mut segment[at..];
    seal[40] ^= 1;
    let crc = crc32fast::hash(&seal[40..]);
    seal[36..40].copy_from_slice(&crc.to_le_bytes());
    let salt = crc32fast::hash(&[&support::RUN[..], &1u64.to_le_bytes(), &1u64.to_le_bytes()].concat());
    let mut crc = crc32fast::Hasher::new_with_initial(salt);
    crc.update(&seal[4..40]);
    seal[..4].copy_from_slice(&crc.finalize().to_le_bytes());
    refused(&image, "seal");
}
