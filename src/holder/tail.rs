//! The end of what a job printed, for people. Knows how `output` keeps a long one while the job still runs.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::{files, output};

/// The last `bytes` of an output file, from the start of a line if there is one in them. What is not UTF-8 is replaced.
///
/// While the job runs, its latest output may still stand in a file beside; it is found there too.
pub fn tail(path: &Path, bytes: usize) -> String {
    let mut kept = Vec::new();
    for part in [output::newer(path), output::older(path), path.to_path_buf()] {
        let missing = bytes.saturating_add(1).saturating_sub(kept.len());
        let mut earlier =
            files::open_untrusted(&part).and_then(|mut file| last(&mut file, missing)).unwrap_or_default();
        earlier.append(&mut kept);
        kept = earlier;
    }
    String::from_utf8_lossy(clean_start(&kept, bytes)).into_owned()
}

fn last(file: &mut File, bytes: usize) -> Option<Vec<u8>> {
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(bytes as u64))).ok()?;
    let mut kept = Vec::new();
    file.take(bytes as u64).read_to_end(&mut kept).ok()?;
    Some(kept)
}

/// `kept` holds one byte more than wanted if the text is longer: it tells whether the cut falls on the start of a line.
fn clean_start(kept: &[u8], bytes: usize) -> &[u8] {
    if kept.len() <= bytes {
        return kept;
    }
    let newline = kept.iter().position(|byte| *byte == b'\n').filter(|at| at + 1 < kept.len());
    let rest = &kept[newline.map_or(kept.len() - bytes, |at| at + 1)..];
    let continued = rest.iter().take(3).take_while(|byte| **byte & 0xC0 == 0x80).count();
    &rest[continued..]
}

#[cfg(test)]
mod tests {
    use super::tail;

    fn tail_of(content: &[u8], bytes: usize) -> String {
        let dir = tempfile::tempdir().expect("a scratch folder can be written");
        let path = dir.path().join("stdout");
        std::fs::write(&path, content).expect("a scratch folder can be written");
        tail(&path, bytes)
    }

    #[test]
    fn a_tail_starts_with_a_line_if_it_can() {
        assert_eq!(tail_of(b"one\ntwo\nthree\n", 100), "one\ntwo\nthree\n");
        assert_eq!(tail_of(b"one\ntwo\nthree\n", 8), "three\n");
        assert_eq!(
            tail_of(b"one\ntwo\nthree\n", 10),
            "two\nthree\n",
            "the cut falls exactly between two lines"
        );
        assert_eq!(tail_of(b"one long line", 4), "line");
        assert_eq!(tail_of(b"one long line\n", 5), "line\n");
        assert_eq!(tail_of("ab\u{20ac}\u{20ac}".as_bytes(), 4), "\u{20ac}");
        assert_eq!(tail_of(b"\xff\xfe", 10), "\u{fffd}\u{fffd}");
        assert_eq!(tail_of(b"", 10), "");
        assert_eq!(tail_of(b"text", 0), "");
    }

    #[test]
    fn a_missing_file_or_a_symlink_is_an_empty_tail() {
        let dir = tempfile::tempdir().expect("a scratch folder can be written");
        assert_eq!(tail(&dir.path().join("absent"), 10), "");
        std::fs::write(dir.path().join("secret"), "secret").expect("a scratch folder can be written");
        std::os::unix::fs::symlink(dir.path().join("secret"), dir.path().join("link"))
            .expect("a scratch folder can be written");
        assert_eq!(tail(&dir.path().join("link"), 10), "");
    }
}
