//! One file read forward in pieces, with a memory of what was not used up yet. Does not know what the bytes mean.

use std::io;

use crate::{
    bytes::offset,
    disk::{File, read_full},
};

/// How much is read at once, in bytes. Larger pieces fall out of the processor's cache before they are used.
const PIECE_BYTES: usize = 256 << 10;

/// The bytes of a file up to a certain one.
pub(crate) struct Stream {
    file: Box<dyn File>,
    /// Bytes from here on are not looked at.
    end: u64,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins.
    base: u64,
    /// How much of the buffer holds bytes of the file.
    filled: usize,
    /// Bytes before this place of the file are not asked for again.
    keep: u64,
}

impl Stream {
    /// Reads from `start` on, up to `end` or the end of the file as it is now.
    pub(crate) fn new(file: Box<dyn File>, start: u64, end: Option<u64>) -> io::Result<Self> {
        let mut stream = Self { file, end: 0, buffer: Vec::new(), base: start, filled: 0, keep: start };
        stream.set_end(end)?;
        Ok(stream)
    }

    /// Looks farther than before.
    pub(crate) fn set_end(&mut self, end: Option<u64>) -> io::Result<()> {
        let len = self.file.len()?;
        self.end = end.map_or(len, |end| end.min(len));
        Ok(())
    }

    /// The byte from which on nothing is looked at: the end of the file, unless another one was given.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Bytes before this place of the file may be forgotten.
    pub(crate) fn forget_before(&mut self, place: u64) {
        self.keep = place;
    }

    /// The bytes from `at` on: `len` of them, or fewer where the file ends.
    #[inline]
    pub(crate) fn get(&mut self, at: u64, len: usize) -> io::Result<&[u8]> {
        if self.base + offset(self.filled) < at + offset(len) {
            self.fill(at + offset(len))?;
        }
        Ok(self.held(at, len))
    }

    /// All bytes from `at` on.
    pub(crate) fn rest(&mut self, at: u64) -> io::Result<&[u8]> {
        self.fill(self.end)?;
        Ok(self.held(at, self.filled))
    }

    /// What is in memory of the `len` bytes from `at` on.
    #[inline]
    pub(crate) fn held(&self, at: u64, len: usize) -> &[u8] {
        let from = usize::try_from(at - self.base).map_or(self.filled, |from| from.min(self.filled));
        &self.buffer[from..self.filled.min(from.saturating_add(len))]
    }

    /// Reads on until at least `to` is there, or the end.
    fn fill(&mut self, to: u64) -> io::Result<()> {
        let at = self.base + offset(self.filled);
        let wanted = to.min(self.end).saturating_sub(at);
        let wanted = wanted.max(self.end.saturating_sub(at).min(offset(PIECE_BYTES)));
        let wanted = usize::try_from(wanted).map_err(io::Error::other)?;
        self.forget();
        if self.buffer.len() < self.filled + wanted {
            self.buffer.resize(self.filled + wanted, 0);
        }
        let place = &mut self.buffer[self.filled..self.filled + wanted];
        self.filled += read_full(&*self.file, place, at)?;
        Ok(())
    }

    fn forget(&mut self) {
        let used = usize::try_from(self.keep - self.base).map_or(self.filled, |used| used.min(self.filled));
        self.buffer.copy_within(used..self.filled, 0);
        self.filled -= used;
        self.base += offset(used);
    }
}
