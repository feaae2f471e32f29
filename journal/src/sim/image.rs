//! The bytes of a file of which most are zeros: a segment is filled with them long before it is used. Does not know
//! which of them are durable.

use std::ops::Range;

use crate::bytes::len_without_zeros;

/// So many bytes, of which those behind the ones that are kept are zeros.
#[derive(Clone, Default, Debug)]
pub(super) struct Image {
    kept: Vec<u8>,
    len: usize,
}

impl Image {
    pub(super) fn of(contents: &[u8]) -> Self {
        Self { kept: contents[..len_without_zeros(contents)].to_vec(), len: contents.len() }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Writes `bytes` and zeros behind them, `len` together.
    pub(super) fn write(&mut self, at: usize, bytes: &[u8], len: usize) {
        if len == 0 {
            return;
        }
        let end = at + bytes.len();
        if !bytes.is_empty() {
            if self.kept.len() < end {
                self.kept.resize(end, 0);
            }
            self.kept[at..end].copy_from_slice(bytes);
        }
        let zeros = clip(end..at + len, self.kept.len());
        self.kept[zeros].fill(0);
        self.len = self.len.max(at + len);
    }

    pub(super) fn set_len(&mut self, len: usize) {
        self.kept.truncate(len);
        self.len = len;
    }

    /// Reads what there is at a place, and says how much.
    pub(super) fn read(&self, at: usize, buffer: &mut [u8]) -> usize {
        let count = self.len.saturating_sub(at).min(buffer.len());
        let kept = &self.kept[clip(at..at.saturating_add(count), self.kept.len())];
        buffer[..kept.len()].copy_from_slice(kept);
        buffer[kept.len()..count].fill(0);
        count
    }

    pub(super) fn flip(&mut self, bit: usize) {
        let at = bit / 8;
        if at < self.len {
            if self.kept.len() <= at {
                self.kept.resize(at + 1, 0);
            }
            self.kept[at] ^= 1 << (bit % 8);
        }
    }

    pub(super) fn to_vec(&self) -> Vec<u8> {
        let mut contents = self.kept.clone();
        contents.resize(self.len, 0);
        contents
    }
}

/// The part of a range that is within so many bytes.
pub(super) fn clip(range: Range<usize>, len: usize) -> Range<usize> {
    range.start.min(len)..range.end.min(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_there_without_being_kept() {
        let mut image = Image::default();
        image.write(0, b"", 4096);
        image.write(10, b"ab", 2);
        assert_eq!((image.len(), image.kept.len()), (4096, 12));
        let mut buffer = [9; 8];
        assert_eq!(image.read(8, &mut buffer), 8);
        assert_eq!(&buffer, b"\0\0ab\0\0\0\0");
        assert_eq!(image.read(4092, &mut buffer), 4);
        assert_eq!(image.read(usize::MAX, &mut buffer), 0);
    }

    #[test]
    fn what_is_overwritten_with_zeros_or_cut_off_is_gone() {
        let mut image = Image::of(b"abcdef\0\0");
        image.write(1, b"B", 3);
        assert_eq!(image.to_vec(), b"aB\0\0ef\0\0");
        image.set_len(5);
        image.set_len(7);
        image.flip(8 * 6);
        image.flip(8 * 7);
        assert_eq!(image.to_vec(), b"aB\0\0e\0\x01");
    }
}
