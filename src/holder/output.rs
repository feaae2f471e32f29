//! One stream of the job into a file of bounded size: the first and the last 8 MiB, without secrets. Knows not what is printed.
//!
//! The head goes straight into the file, where a reader sees it grow. What comes after it goes into two files beside
//! it, used in turn; at the end they are appended to the head. So the disk never holds more than 32 MiB of a stream.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::error::HolderError;
use crate::secrets::{Flow, Redactor};

/// What is kept of the start and of the end.
const KEEP_BYTES: u64 = 8 << 20;
/// A round of the holder's loop takes at most this from one stream, so that a flood leaves time for the rest.
const ROUND_BYTES: usize = 1 << 20;

/// Where the latest output of a long stream stands while the job runs.
pub(super) fn newer(path: &Path) -> PathBuf {
    beside(path, ".newer")
}

/// Where the output before [`newer`] stands.
pub(super) fn older(path: &Path) -> PathBuf {
    beside(path, ".older")
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The read end of a stream's pipe and the file it goes to.
pub(super) struct Pump {
    /// `None` after the end of the stream.
    pub(super) source: Option<File>,
    pub(super) last_bytes_at: Instant,
    seen_bytes: u64,
    redactor: Arc<Redactor>,
    flow: Flow,
    /// What may be written by now.
    clean: Vec<u8>,
    kept: Kept,
}

impl Pump {
    pub(super) fn new(
        source: io::PipeReader,
        path: PathBuf,
        redactor: Arc<Redactor>,
    ) -> Result<Self, HolderError> {
        let source = File::from(std::os::fd::OwnedFd::from(source));
        rustix::fs::fcntl_setfl(&source, OFlags::NONBLOCK)
            .map_err(|error| HolderError::file(&path)(error.into()))?;
        Ok(Self {
            source: Some(source),
            last_bytes_at: Instant::now(),
            seen_bytes: 0,
            flow: Flow::new(redactor.clone()),
            redactor,
            clean: Vec::new(),
            kept: Kept::create(path)?,
        })
    }

    /// Takes what is there, up to a round's share; says whether more may be waiting. `hear` is given all of it, as it came.
    pub(super) fn pump(&mut self, buffer: &mut [u8], mut hear: impl FnMut(&[u8])) -> bool {
        let mut taken = 0;
        while taken < ROUND_BYTES {
            let Some(source) = &mut self.source else { return false };
            match source.read(buffer) {
                Ok(0) => self.source = None,
                Ok(count) => {
                    self.seen_bytes += count as u64;
                    // Law 18: what is kept of it passes here.
                    self.flow.take(&buffer[..count], &mut self.clean);
                    self.keep();
                    hear(&buffer[..count]);
                    taken += count;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error() == Some(Errno::AGAIN.raw_os_error()) => break,
                Err(_) => self.source = None,
            }
        }
        if taken > 0 {
            self.last_bytes_at = Instant::now();
        }
        if taken < ROUND_BYTES {
            // Whoever waits for an answer behind a question has not ended its line.
            self.flow.flush(&mut self.clean);
            self.keep();
        }
        taken >= ROUND_BYTES
    }

    fn keep(&mut self) {
        self.kept.write(&self.clean);
        self.clean.clear();
    }

    /// What is taken out of what is kept.
    pub(super) fn redactor(&self) -> Arc<Redactor> {
        self.redactor.clone()
    }

    /// Keeps what was held back, because what comes next is somebody else's; returns how much was kept so far.
    pub(super) fn close(&mut self) -> u64 {
        self.flow.finish(&mut self.clean);
        self.keep();
        self.kept.seen_bytes
    }

    /// Says something of our own in the stream. Not through the pipe: it may be full, and we are its only reader.
    pub(super) fn say(&mut self, text: &str) {
        self.close();
        self.kept.write(format!("swarm: {text}\n").as_bytes());
    }

    /// Ends the file; returns how much the job printed.
    pub(super) fn finish(mut self) -> u64 {
        self.close();
        self.kept.finish();
        self.seen_bytes
    }
}

struct Kept {
    path: PathBuf,
    head: File,
    head_bytes: u64,
    tail: Option<File>,
    tail_bytes: u64,
    /// What came, written or not.
    seen_bytes: u64,
    /// The disk refused a write. The job must not notice, so the rest is only counted.
    refused: bool,
}

impl Kept {
    fn create(path: PathBuf) -> Result<Self, HolderError> {
        let head = File::create(&path).map_err(HolderError::file(&path))?;
        Ok(Self { path, head, head_bytes: 0, tail: None, tail_bytes: 0, seen_bytes: 0, refused: false })
    }

    fn write(&mut self, bytes: &[u8]) {
        self.seen_bytes += bytes.len() as u64;
        if !self.refused {
            self.refused = self.keep(bytes).is_err();
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = usize::try_from(KEEP_BYTES - self.head_bytes).unwrap_or(usize::MAX).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.head.write_all(first)?;
        self.head_bytes += first.len() as u64;
        if rest.is_empty() { Ok(()) } else { self.keep_tail(rest) }
    }

    fn keep_tail(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.tail.is_some() && self.tail_bytes >= KEEP_BYTES {
            fs::rename(newer(&self.path), older(&self.path))?;
            self.tail = None;
        }
        if self.tail.is_none() {
            self.tail = Some(File::create(newer(&self.path))?);
            self.tail_bytes = 0;
        }
        let tail = self.tail.as_mut().expect("it was made just above");
        tail.write_all(bytes)?;
        self.tail_bytes += bytes.len() as u64;
        Ok(())
    }

    /// A failure leaves the files beside, where [`super::tail`] still finds them.
    fn finish(&mut self) {
        if self.tail.is_some() && self.append_tail().is_ok() {
            drop(fs::remove_file(newer(&self.path)));
            drop(fs::remove_file(older(&self.path)));
        }
    }

    fn append_tail(&mut self) -> io::Result<()> {
        let mut newer = File::open(newer(&self.path))?;
        let newer_bytes = newer.metadata()?.len();
        let older = File::open(older(&self.path)).ok();
        let older_bytes =
            older.as_ref().map_or(Ok(0), |file| file.metadata().map(|metadata| metadata.len()))?;
        let kept = KEEP_BYTES.min(older_bytes + newer_bytes);
        let left_out = self.seen_bytes - self.head_bytes - kept;
        if left_out > 0 {
            write!(self.head, "\n[swarm: {left_out} bytes left out]\n")?;
        }
        if let Some(mut older) = older {
            older.seek(SeekFrom::Start((older_bytes + newer_bytes).saturating_sub(kept).min(older_bytes)))?;
            io::copy(&mut older, &mut self.head)?;
        }
        newer.seek(SeekFrom::Start(newer_bytes.saturating_sub(kept)))?;
        io::copy(&mut newer, &mut self.head)?;
        Ok(())
    }
}
