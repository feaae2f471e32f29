//! An agent program's output, understood line by line while it comes, or once more from the files. Knows no program itself.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::HolderError;
use super::files::{self, Durable};
use super::job::{Exit, Job, Listen};
use super::output;
use crate::agents::{self, Prices, Reader, Reading, Setting, Talk};
use crate::secrets::Redactor;

/// A longer line is no record.
const LINE_BYTES_MAX: usize = 16 << 20;
/// A longer note is none of ours.
const NOTED_BYTES_MAX: u64 = 1 << 20;
/// Files of the program's own are looked at this often, and what changed is written down.
const LOOK_EVERY_MS: u64 = 85;

/// Listens to one job.
pub(super) struct Listener {
    dir: PathBuf,
    reader: Box<dyn Reader>,
    lines: [Lines; 2],
    written: Reading,
    next_look: Instant,
    redactor: Arc<Redactor>,
}

impl Listener {
    /// `None` if nobody understands the job.
    pub(super) fn new(dir: &Path, listen: &Listen, redactor: Arc<Redactor>) -> Option<Self> {
        Some(Self {
            dir: dir.to_path_buf(),
            reader: reader(listen)?,
            lines: Default::default(),
            written: Reading::default(),
            next_look: Instant::now(),
            redactor,
        })
    }

    /// Takes what was printed: stream 0 is standard output, 1 standard error.
    pub(super) fn hear(&mut self, stream: usize, bytes: &[u8]) {
        let reader = &mut self.reader;
        self.lines[stream].take(bytes, |line| tell(reader.as_mut(), stream, line, &mut |_| ()));
    }

    /// Looks at the program's own files and writes down what is new, now and then.
    pub(super) fn look(&mut self, now: Instant) {
        if now < self.next_look {
            return;
        }
        self.next_look = now + Duration::from_millis(LOOK_EVERY_MS);
        self.reader.aside();
        let reading = self.reader.reading();
        if *reading != self.written
            && files::replace_json(&self.dir, files::READING, &self.clean(reading), Durable::No).is_ok()
        {
            self.written = reading.clone();
        }
    }

    /// What is known by now.
    pub(super) fn reading(&self) -> &Reading {
        self.reader.reading()
    }

    /// What is known at the end, with lines that were not ended.
    pub(super) fn finish(mut self) -> Reading {
        for stream in [1, 0] {
            let reader = &mut self.reader;
            self.lines[stream].end(|line| tell(reader.as_mut(), stream, line, &mut |_| ()));
        }
        self.reader.aside();
        self.clean(self.reader.reading())
    }

    /// Law 18: what is written down of it.
    fn clean(&self, reading: &Reading) -> Reading {
        let mut clean = reading.clone();
        for text in clean.texts() {
            self.redactor.clean(text);
        }
        clean
    }
}

/// Notes how much standard output and standard error hold that is not the program's.
pub(super) fn begin(dir: &Path, before_bytes: [u64; 2]) {
    if before_bytes != [0; 2] {
        // Without the note a second reading would take the setup's lines for the program's, and most likely for nothing.
        drop(files::replace_json(dir, files::BEGUN, &before_bytes, Durable::No));
    }
}

fn reader(listen: &Listen) -> Option<Box<dyn Reader>> {
    let adapter = agents::adapter(&listen.adapter)?;
    // The table was read when the run began; one that was broken since is as none.
    let prices = Prices::load(listen.prices.as_deref()).unwrap_or_else(|_| Prices::built_in());
    Some(adapter.reader(Setting {
        model: listen.model.clone(),
        state: listen.state.clone(),
        bookmark: listen.bookmark.clone(),
        prices: Arc::new(prices),
    }))
}

fn tell(reader: &mut dyn Reader, stream: usize, line: &[u8], talk: &mut dyn FnMut(Talk)) {
    let line = String::from_utf8_lossy(line);
    let line = line.strip_suffix('\r').unwrap_or(&line);
    if stream == 0 { reader.line(line, talk) } else { reader.complaint(line) }
}

/// Bytes as they come, into lines.
#[derive(Default)]
struct Lines {
    begun: Vec<u8>,
    skipping: bool,
}

impl Lines {
    fn take(&mut self, bytes: &[u8], mut line: impl FnMut(&[u8])) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            if self.begun.len() + text.len() > LINE_BYTES_MAX {
                self.skipping = true;
                self.begun = Vec::new();
            }
            if !self.skipping {
                self.begun.extend_from_slice(text);
            }
            if ended {
                self.end(&mut line);
            }
        }
    }

    fn end(&mut self, mut line: impl FnMut(&[u8])) {
        if !std::mem::take(&mut self.skipping) && !self.begun.is_empty() {
            line(&self.begun);
        }
        self.begun.clear();
    }
}

/// Whether somebody understands the job, so that only what it prints says what it used.
pub fn is_heard(dir: &Path) -> bool {
    files::read_json::<Job>(dir, files::JOB).ok().flatten().is_some_and(|job| job.listen.is_some())
}

/// What the holder has written down of an agent program: at its end, or so far. None if the program never began.
pub fn reading(dir: &Path) -> Option<Reading> {
    let exit = files::read_json::<Exit>(dir, files::EXIT).ok().flatten();
    exit.and_then(|exit| exit.reading.map(|reading| *reading)).or_else(|| noted(dir))
}

/// Whoever looks at a run must not wait for an agent that has put a pipe there.
fn noted(dir: &Path) -> Option<Reading> {
    let mut text = Vec::new();
    let file = files::open_untrusted(&dir.join(files::READING))?;
    file.take(NOTED_BYTES_MAX).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Reads the whole output of an agent program once more, as when its holder is gone without a word. What the holder
/// had written down counts where it knew of more. `None` if nobody understands the job.
pub fn reread(dir: &Path) -> Option<Reading> {
    let again = conversation(dir, &mut |_| ()).ok()??;
    let noted = reading(dir).filter(|noted| noted.spent.usd_micros > again.spent.usd_micros);
    Some(match noted {
        Some(noted) => Reading { spent: noted.spent, ..again },
        None => again,
    })
}

/// Tells the conversation of an attempt from its output. `None` if nobody understands the job, or there is none yet.
pub fn conversation(dir: &Path, talk: &mut dyn FnMut(Talk)) -> Result<Option<Reading>, HolderError> {
    let Some(mut told) = Conversation::open(dir)? else { return Ok(None) };
    told.more(talk)?;
    Ok(Some(told.end(talk)))
}

/// A conversation that is told from files which may still grow.
pub struct Conversation {
    dir: PathBuf,
    reader: Box<dyn Reader>,
    /// How much of standard output and of standard error was taken.
    taken_bytes: [u64; 2],
    lines: [Lines; 2],
}

impl Conversation {
    /// `None` if nobody understands the job, or there is none yet.
    pub fn open(dir: &Path) -> Result<Option<Self>, HolderError> {
        let listen = files::read_json::<Job>(dir, files::JOB)?.and_then(|job| job.listen);
        let reader = listen.as_ref().and_then(reader);
        let taken_bytes = files::read_json::<[u64; 2]>(dir, files::BEGUN)?.unwrap_or_default();
        Ok(reader.map(|reader| Self {
            dir: dir.to_path_buf(),
            reader,
            taken_bytes,
            lines: Default::default(),
        }))
    }

    /// Tells what has come since.
    pub fn more(&mut self, talk: &mut dyn FnMut(Talk)) -> Result<(), HolderError> {
        for (stream, name) in [(1, "stderr"), (0, "stdout")] {
            let path = self.dir.join(name);
            self.take(stream, &path, talk).map_err(HolderError::file(&path))?;
        }
        Ok(())
    }

    fn take(&mut self, stream: usize, path: &Path, talk: &mut dyn FnMut(Talk)) -> io::Result<()> {
        let Ok(mut file) = File::open(path) else { return Ok(()) };
        file.seek(SeekFrom::Start(self.taken_bytes[stream]))?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(()),
                count => {
                    self.taken_bytes[stream] += count as u64;
                    let reader = &mut self.reader;
                    self.lines[stream]
                        .take(&buffer[..count], |line| tell(reader.as_mut(), stream, line, talk));
                }
            }
        }
    }

    /// Tells what was not ended, and what is known by then.
    pub fn end(mut self, talk: &mut dyn FnMut(Talk)) -> Reading {
        for (stream, name) in [(1, "stderr"), (0, "stdout")] {
            let path = self.dir.join(name);
            for part in [output::older(&path), output::newer(&path)] {
                self.taken_bytes[stream] = 0;
                // What a holder that was killed had no time to put behind the head.
                let _ = self.take(stream, &part, talk);
            }
            let reader = &mut self.reader;
            self.lines[stream].end(|line| tell(reader.as_mut(), stream, line, talk));
        }
        self.reader.aside();
        self.reader.reading().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, files, reading};

    #[test]
    fn a_pipe_in_the_place_of_a_note_makes_nobody_wait() {
        let dir = tempfile::tempdir().expect("a scratch folder can be written");
        let path = dir.path().join(files::READING);
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("the system has mkfifo").success());
        assert_eq!(reading(dir.path()), None);
    }

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for piece in ["on", "e\ntwo\n", "\nthr", "ee"] {
            lines.take(piece.as_bytes(), |line| seen.push(String::from_utf8_lossy(line).into_owned()));
        }
        lines.end(|line| seen.push(String::from_utf8_lossy(line).into_owned()));
        assert_eq!(seen, ["one", "two", "three"]);
    }
}
