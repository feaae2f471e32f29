//! The format as it is on the disk: journals that were once written are read for ever, and the dump in the
//! documentation is what the code writes. `SWARM_BLESS=1` writes both anew.

use std::{fmt::Write as _, fs, path::PathBuf, sync::Arc};

use crate::support::{Image, anchor_of, content, disk_of, image, open_on};
use swarm_journal::{Entry, Log, Sizes, read_on, sim::SimDisk};

const DUMP_STARTS: &str = "<!-- The dump is written by a test. -->\n```text\n";
const DUMP_ENDS: &str = "```\n";

fn here(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn bless() -> bool {
    std::env::var_os("SWARM_BLESS").is_some()
}

fn example() -> Vec<Entry> {
    let entry = |kind, time_ms, payload: &[u8]| Entry { kind, schema: 1, time_ms, payload: payload.to_vec() };
    vec![
        entry(1, 1_700_000_000_000, b"the first record"),
        entry(2, 1_700_000_000_001, b"two of one"),
        entry(3, 1_700_000_000_001, b"batch"),
        entry(9, 1_700_000_000_002, b"after a crash"),
    ]
}

/// The journal of the documentation: one segment that a crash left, and one that was closed.
fn written() -> Image {
    let disk = SimDisk::with_sizes(0, Sizes { first_bytes: 4_608, max_bytes: 4_608 });
    let entries = example();
    let mut log = Log::create_on(Arc::new(disk.clone()), *b"a run of sixteen").unwrap();
    for batch in [&entries[..1], &entries[1..3]] {
        log.append(batch).unwrap();
        log.sync().unwrap();
    }
    disk.kill();
    let mut log = open_on(Arc::new(disk.clone())).unwrap().log;
    log.append(&entries[3..]).unwrap();
    log.sync().unwrap();
    log.close().unwrap();
    image(&disk)
}

fn dump(image: &Image) -> String {
    let mut text = String::new();
    for (name, contents) in image {
        writeln!(text, "{name}, {} bytes", contents.len()).unwrap();
        let lines = contents.chunks(16).enumerate().filter(|(_, line)| line.iter().any(|byte| *byte != 0));
        for (i, line) in lines {
            let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            let seen = line.iter().map(|byte| if (32..127).contains(byte) { char::from(*byte) } else { '.' });
            writeln!(text, "{:06x}  {:<47}  {}", i * 16, hex.join(" "), seen.collect::<String>()).unwrap();
        }
    }
    text
}

#[test]
fn the_dump_in_the_documentation_is_what_is_written() {
    let path = here("../docs/journal-format.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(DUMP_STARTS).unwrap();
    let (documented, after) = rest.split_once(DUMP_ENDS).unwrap();
    let dumped = dump(&written());
    if bless() {
        fs::write(&path, format!("{before}{DUMP_STARTS}{dumped}{DUMP_ENDS}{after}")).unwrap();
    } else {
        assert!(documented == dumped, "docs/journal-format.md differs from:\n{dumped}");
    }
}

#[test]
fn a_journal_of_format_1_is_read() {
    let folder = here("tests/golden/format-1");
    if bless() {
        fs::create_dir_all(&folder).unwrap();
        for (name, contents) in written() {
            fs::write(folder.join(name), contents).unwrap();
        }
    }
    let files = fs::read_dir(&folder).unwrap().map(Result::unwrap);
    let golden: Image =
        files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect();
    let records = swarm_journal::read(&folder).unwrap().records;
    assert_eq!(content(&records), example());
    assert_eq!(records.iter().map(|record| record.epoch).collect::<Vec<_>>(), [1, 1, 1, 2]);
    let anchor = anchor_of(&records);
    assert_eq!(anchor.to_string(), "4:9c15b811da9607b897e62f78e30e383e");
    assert_eq!(open_on(Arc::new(disk_of(&golden))).unwrap().log.anchor(), anchor);
    assert!(golden == written(), "the same entries are written as other bytes: that is a new format version");
    assert!(read_on(&disk_of(&golden)).is_ok());
}
