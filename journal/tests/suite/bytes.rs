//! Any bytes at all, where a journal or a value should be.

use std::sync::Arc;

use crate::support::{self, open_on};
use proptest::prelude::*;
use swarm_journal::{Follower, codec, read_on};

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_value_comes_back_from_its_bytes(value: (u8, Option<i64>, Vec<([u8; 3], bool)>), cut: prop::sample::Index) {
        let bytes = codec::encode(&value).unwrap();
        assert_eq!(codec::decode::<(u8, Option<i64>, Vec<([u8; 3], bool)>)>(&bytes).unwrap(), value);
        let cut = &bytes[..cut.index(bytes.len())];
        assert!(codec::decode::<(u8, Option<i64>, Vec<([u8; 3], bool)>)>(cut).is_err());
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..9_000), at in 0..3usize) {
        let (mut image, _) = support::small_journal();
        let file = [support::name(1), support::name(4), "HEAD".to_owned()][at].clone();
        image.insert(file, bytes);
        let _ = support::read_image(&image);
    }

    #[test]
    fn no_field_with_a_right_checksum_makes_a_reader_panic(
        file in 0..4usize, at in 0..120usize, value in prop_oneof![any::<u64>(), 0..10u64, Just(u64::MAX)],
    ) {
        let (mut image, _) = support::small_journal();
        let last = if file == 0 { 124 } else { 4092 };
        let name = if file == 0 { "HEAD".to_owned() } else { support::name([1, 2, 4][file - 1]) };
        let contents = image.get_mut(&name).unwrap();
        contents[at / 8 * 8..at / 8 * 8 + 8].copy_from_slice(&value.to_le_bytes());
        let crc = crc32fast::hash(&contents[..last]);
        contents[last..last + 4].copy_from_slice(&crc.to_le_bytes());
        let disk = support::disk_of(&image);
        let _ = read_on(&disk);
        let _ = Follower::new_on(Arc::new(disk.clone())).next(&mut |_| {});
        let _ = open_on(Arc::new(disk));
    }
}
