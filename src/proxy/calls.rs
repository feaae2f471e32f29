//! The file `calls` of an attempt: one line for each thing that matters, appended before anything follows from it. Knows no budget.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;

use super::book::{Book, Line, Totals};
use super::error::ProxyError;

/// The file's name in the folder of an attempt.
const CALLS: &str = "calls";
/// A longer line is none of ours.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// What the calls of an attempt used, as far as its file says. No file: nothing. A last line that was cut off by a crash
/// counts as not written, and nothing had followed from it.
pub fn read_calls(dir: &Path) -> Result<Totals, ProxyError> {
    Ok(read(dir)?.totals())
}

/// Whether the calls of an attempt go through a proxy, or went.
pub fn is_metered(dir: &Path) -> bool {
    dir.join(CALLS).symlink_metadata().is_ok()
}

fn read(dir: &Path) -> Result<Book, ProxyError> {
    let path = dir.join(CALLS);
    match open(&path, OpenOptions::new().read(true)) {
        Ok(file) => add_up(BufReader::new(file)).map_err(ProxyError::file(&path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Book::default()),
        Err(source) => Err(ProxyError::File { path, source }),
    }
}

fn add_up(mut file: impl BufRead) -> io::Result<Book> {
    let (mut book, mut line) = (Book::default(), Vec::new());
    while file.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? > 0 {
        let whole = line.strip_suffix(b"\n");
        if let Some(Ok(line)) = whole.map(serde_json::from_slice) {
            book.add(&line);
        }
        line.clear();
    }
    Ok(book)
}

/// The file, to be appended to.
#[derive(Debug)]
pub(super) struct Calls {
    path: PathBuf,
    file: Arc<File>,
    /// The last line may have no end: it was cut off by a crash, or by a disk that was full.
    torn: bool,
}

impl Calls {
    /// Opens the file, and adds up what is in it.
    pub(super) fn open(dir: &Path) -> Result<(Self, Book), ProxyError> {
        let path = dir.join(CALLS);
        let book = read(dir)?;
        let opened = open(&path, OpenOptions::new().read(true).append(true).create(true));
        let opened = opened.and_then(|mut file| Ok((is_torn(&mut file)?, file)));
        let (torn, file) = opened.map_err(ProxyError::file(&path))?;
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(ProxyError::file(dir))?;
        Ok((Self { path, file: Arc::new(file), torn }, book))
    }

    /// Appends a line. It survives the death of this process, and once the file is synced that of the machine.
    pub(super) fn append(&mut self, line: &Line) -> Result<(), ProxyError> {
        let mut bytes = if std::mem::replace(&mut self.torn, true) { b"\n".to_vec() } else { Vec::new() };
        serde_json::to_writer(&mut bytes, line).expect("a line has nothing that JSON has not");
        bytes.push(b'\n');
        (&*self.file).write_all(&bytes).map_err(ProxyError::file(&self.path))?;
        self.torn = false;
        Ok(())
    }

    /// A file that takes nothing any more.
    #[cfg(test)]
    pub(super) fn full() -> Self {
        let file = OpenOptions::new().append(true).open("/dev/full");
        let file = Arc::new(file.expect("Linux has this device"));
        Self { path: PathBuf::new(), file, torn: false }
    }

    /// The file, for who syncs it.
    pub(super) fn file(&self) -> Arc<File> {
        self.file.clone()
    }
}

/// Opens the file. An agent could have put something else in its place: a link is not followed, and nothing that is no
/// file can make us wait.
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = options.custom_flags(flags.bits().cast_signed()).mode(0o600).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidData.into()) }
}

fn is_torn(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Calls, Line, add_up, read_calls};
    use crate::agents::Tokens;
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    fn reserve(call: u64) -> Line {
        Line::Reserve { call, at_ms: 5, model: "m".to_owned(), picos: 3_000_000, tokens: 9, unpriced: false }
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let dir = tempfile::tempdir().expect("a scratch folder can be written");
        for target in ["/dev/zero", "/etc/passwd", "/nowhere"] {
            let path = dir.path().join("calls");
            std::os::unix::fs::symlink(target, &path).expect("a scratch folder can be written");
            assert!(read_calls(dir.path()).is_err() && Calls::open(dir.path()).is_err(), "{target}");
            fs::remove_file(path).expect("it was just made");
        }
    }

    #[test]
    fn what_a_dead_proxy_left_open_stays_reserved_and_a_torn_line_hides_none_behind_it() {
        let dir = tempfile::tempdir().expect("a scratch folder can be written");
        assert_eq!(read_calls(dir.path()).expect("no file is nothing").calls, 0);
        let (mut calls, _) = Calls::open(dir.path()).expect("a scratch folder can be written");
        calls.append(&reserve(1)).expect("a scratch folder can be written");
        let path = dir.path().join("calls");
        let whole = fs::read(&path).expect("it was written");
        fs::write(&path, [&whole[..], br#"{"is":"reserve","call":2"#].concat()).expect("it can be written");
        assert_eq!(read_calls(dir.path()).expect("it can be read").reserved_micros, 3);
        let (mut calls, book) = Calls::open(dir.path()).expect("it can be opened again");
        assert_eq!(book.next(), 2);
        calls.append(&reserve(2)).expect("it can be written");
        let totals = read_calls(dir.path()).expect("it can be read");
        assert_eq!((totals.calls, totals.reserved_micros), (2, 6));
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_added_up(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = add_up(&bytes[..]);
        }

        /// However the file is cut, what is left of it never has less reserved and spent than what was settled by then.
        #[test]
        fn a_file_that_is_cut_forgets_the_last_line_at_most(settled: bool, cut in 0_usize..400) {
            let mut lines = vec![reserve(1), reserve(2)];
            if settled {
                lines.push(Line::Settle { call: 1, model: "m".to_owned(), picos: 1, tokens: Tokens::default() });
            }
            let text: String = lines.iter().map(|line| serde_json::to_string(line).expect("it is a line") + "\n").collect();
            let left = &text.as_bytes()[..cut.min(text.len())];
            let whole = left.split(|byte| *byte == b'\n').count() - 1;
            let totals = add_up(left).expect("memory can be read").totals();
            prop_assert_eq!(totals.calls, whole.min(2) as u64);
            prop_assert_eq!(totals.spent_micros, u64::from(whole > 2));
        }
    }
}
