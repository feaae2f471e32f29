//! What the job reports in `usage`, read bit by bit as it grows. Knows no price and no budget, and does not trust the file.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::files;
use super::job::Usage;
use super::money;

/// A longer line is not usage.
const LINE_BYTES_MAX: usize = 64 << 10;
/// What one look reads at most, so that a job that floods the file cannot keep the holder from its other duties.
const LOOK_BYTES_MAX: u64 = 4 << 20;
/// What is further back than this is skipped.
const BEHIND_BYTES_MAX: u64 = 64 << 20;
/// More tokens than this are garbage; it also keeps sums far from overflow.
const TOKENS_MAX: u64 = 1_000_000_000_000_000;

/// What the attempt in `dir` has reported. A figure never falls, a line counts once its newline is there.
pub fn read_usage(dir: &Path) -> Usage {
    let mut meter = Meter::new(dir);
    while meter.look() {}
    meter.usage
}

/// A reader of `usage` that remembers how far it has come.
pub(super) struct Meter {
    path: PathBuf,
    /// The file and its size at the last look: unchanged, there is nothing to do.
    last: Option<Stamp>,
    offset: u64,
    line: Vec<u8>,
    /// Inside a line that is too long, or cut off at its start.
    skipping: bool,
    usage: Usage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

/// The figures that we know; others may stand beside them.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    usd: Option<&'a RawValue>,
    #[serde(borrow)]
    input_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    output_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    calls: Option<&'a RawValue>,
    #[serde(borrow)]
    turns: Option<&'a RawValue>,
}

impl Meter {
    pub(super) fn new(dir: &Path) -> Self {
        let path = dir.join(files::USAGE);
        Self { path, last: None, offset: 0, line: Vec::new(), skipping: false, usage: Usage::default() }
    }

    /// What is known so far.
    pub(super) fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Reads what is new; says whether there is more to read at once.
    pub(super) fn look(&mut self) -> bool {
        let Some(stamp) = stamp(&self.path) else { return false };
        if self.last == Some(stamp) && self.offset >= stamp.bytes {
            return false;
        }
        let Some(mut file) = files::open_untrusted(&self.path) else { return false };
        self.place(stamp);
        self.last = Some(stamp);
        self.read(&mut file).is_some_and(|read| read == LOOK_BYTES_MAX)
    }

    /// A file that was replaced or cut is read from its start; the figures stay, they never fall.
    fn place(&mut self, now: Stamp) {
        let other = self.last.is_some_and(|last| (last.device, last.inode) != (now.device, now.inode));
        if other || now.bytes < self.offset {
            (self.offset, self.skipping) = (0, false);
            self.line.clear();
        }
        if now.bytes - self.offset > BEHIND_BYTES_MAX {
            (self.offset, self.skipping) = (now.bytes - BEHIND_BYTES_MAX, true);
            self.line.clear();
        }
    }

    fn read(&mut self, file: &mut File) -> Option<u64> {
        file.seek(SeekFrom::Start(self.offset)).ok()?;
        let mut limited = file.take(LOOK_BYTES_MAX);
        let mut buffer = [0; 16 << 10];
        let mut total = 0;
        loop {
            let count = limited.read(&mut buffer).ok()?;
            if count == 0 {
                return Some(total);
            }
            self.take(&buffer[..count]);
            total += count as u64;
            self.offset += count as u64;
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            if !self.skipping {
                self.line.extend_from_slice(text);
            }
            if self.line.len() > LINE_BYTES_MAX {
                self.skip_rest();
            }
            if ended {
                self.end_line();
            }
        }
    }

    fn skip_rest(&mut self) {
        self.line.clear();
        self.skipping = true;
        self.usage.skipped_lines = self.usage.skipped_lines.saturating_add(1);
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !std::mem::take(&mut self.skipping)
            && !line.trim_ascii().is_empty()
            && !apply(&mut self.usage, &line)
        {
            self.usage.skipped_lines = self.usage.skipped_lines.saturating_add(1);
        }
        self.line = line;
        self.line.clear();
    }
}

/// Takes the figures of one line; says whether all of it was good. A good figure counts beside a bad one.
fn apply(usage: &mut Usage, line: &[u8]) -> bool {
    // An array would be taken for the fields in their order.
    if !line.trim_ascii_start().starts_with(b"{") {
        return false;
    }
    let Ok(line) = serde_json::from_slice::<Line<'_>>(line) else { return false };
    let usd = figure(line.usd, money::micros);
    let (input, output) = (figure(line.input_tokens, tokens), figure(line.output_tokens, tokens));
    if let Ok(Some(micros)) = usd {
        usage.usd_micros = usage.usd_micros.max(Some(micros));
    }
    usage.input_tokens = usage.input_tokens.max(input.ok().flatten().unwrap_or(0));
    usage.output_tokens = usage.output_tokens.max(output.ok().flatten().unwrap_or(0));
    let (calls, turns) = (figure(line.calls, tokens), figure(line.turns, tokens));
    usage.calls = usage.calls.max(calls.ok().flatten());
    usage.turns = usage.turns.max(turns.ok().flatten());
    [input, output, calls, turns].iter().all(Result::is_ok) && usd.is_ok()
}

/// A figure that is absent is fine, one that is there and impossible is not.
fn figure(raw: Option<&RawValue>, parse: fn(&str) -> Option<u64>) -> Result<Option<u64>, ()> {
    raw.map(|raw| parse(raw.get()).ok_or(())).transpose()
}

fn tokens(number: &str) -> Option<u64> {
    number.parse().ok().filter(|tokens| *tokens <= TOKENS_MAX)
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::symlink_metadata(path).ok()?;
    let changed = (metadata.mtime(), metadata.mtime_nsec());
    Some(Stamp { device: metadata.dev(), inode: metadata.ino(), bytes: metadata.len(), changed })
}
