//! Any sequence of operations, next to a model that is a list of entries.

use std::sync::Arc;

use crate::support::{self, content, news, open_on};
use proptest::prelude::*;
use swarm_journal::{Entry, Follower, Log, Sizes, codec, read_on, sim::SimDisk};

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Entry>),
    Sync,
    Close,
    Kill,
    PowerCut,
    Follow,
}

fn entry() -> impl Strategy<Value = Entry> {
    let payload = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..100),
        1 => prop::collection::vec(any::<u8>(), 0..6_000),
        1 => (0..6_000usize).prop_map(|len| vec![0; len]),
    ];
    (0..0xFF00u16, any::<u8>(), any::<u64>(), payload).prop_map(|(kind, schema, time_ms, payload)| Entry {
        kind,
        schema,
        time_ms,
        payload,
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(entry(), 0..4).prop_map(Step::Append),
        4 => Just(Step::Sync),
        1 => Just(Step::Close),
        1 => Just(Step::Kill),
        1 => Just(Step::PowerCut),
        2 => Just(Step::Follow),
    ]
}

/// What the journal should hold.
#[derive(Default)]
struct Model {
    entries: Vec<Entry>,
    /// How many of them are durable. A full segment may have made more so.
    durable: usize,
}

impl Model {
    /// Holds what came back against the model, and goes on from it.
    fn recovered(&mut self, held: Vec<Entry>) {
        assert!(held.len() >= self.durable && self.entries.starts_with(&held));
        self.durable = held.len();
        self.entries = held;
    }
}

fn run(seed: u64, steps: Vec<Step>) {
    let disk = SimDisk::with_sizes(seed, Sizes { first_bytes: 8 << 10, max_bytes: 16 << 10 });
    let shared = Arc::new(disk.clone());
    let mut model = Model::default();
    let mut follower = Follower::new_on(shared.clone());
    let mut shown = Vec::new();
    let mut log = Log::create_on(shared.clone(), support::RUN).unwrap();
    for step in steps {
        match step {
            Step::Append(batch) => {
                model.entries.extend(batch.iter().cloned());
                assert_eq!(count(log.append(&batch).unwrap()), model.entries.len());
                model.durable = model.durable.max(count(log.durable_seq()));
            }
            Step::Sync => {
                log.sync().unwrap();
                model.durable = model.entries.len();
            }
            Step::Follow => {
                shown.extend(content(&news(&mut follower).unwrap()));
                assert_eq!(shown, model.entries[..model.durable]);
            }
            Step::Close | Step::Kill | Step::PowerCut => {
                match step {
                    Step::Close => {
                        log.close().unwrap();
                        model.durable = model.entries.len();
                    }
                    Step::Kill => disk.kill(),
                    _ => disk.restart(),
                }
                assert!(content(&read_on(&disk).unwrap().records).len() >= model.durable);
                let opened = open_on(shared.clone()).unwrap();
                model.recovered(content(&opened.records));
                log = opened.log;
            }
        }
        assert_eq!((count(log.last_seq()), count(log.durable_seq())), (model.entries.len(), model.durable));
        assert_eq!(content(&read_on(&disk).unwrap().records), model.entries[..model.durable]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_journal_is_a_list_of_entries(seed: u64, steps in prop::collection::vec(step(), 0..30)) {
        run(seed, steps);
    }

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

fn count(seq: u64) -> usize {
    usize::try_from(seq).unwrap()
}
