//! The contents of one simulated file: what is seen, what is durable, and the changes between the two.

use std::{collections::BTreeSet, iter::repeat_n, mem, ops::Range};

use super::{
    fate::Fate,
    image::{Image, clip},
};
use crate::bytes::len_without_zeros;

const SECTOR: usize = 512;

#[derive(Clone, Copy, Debug)]
enum Change {
    /// The bytes that are kept of it come next in `written`; zeros follow them.
    Write {
        at: usize,
        kept: usize,
        len: usize,
    },
    Len(usize),
}

impl Change {
    /// Which bytes it writes.
    fn range(&self) -> Range<usize> {
        match *self {
            Self::Write { at, len, .. } => at..at + len,
            Self::Len(_) => 0..0,
        }
    }

    /// How many bytes are kept of it.
    fn kept(&self) -> usize {
        match *self {
            Self::Write { kept, .. } => kept,
            Self::Len(_) => 0,
        }
    }
}

/// One file, whatever its name.
#[derive(Clone, Default, Debug)]
pub(super) struct Body {
    /// What a process reads.
    pub(super) seen: Image,
    durable: Image,
    pending: Vec<Change>,
    /// The bytes of the pending writes, one behind the other.
    written: Vec<u8>,
    /// Which change of the disk the last write was.
    written_at: u64,
    /// What is seen may differ from what is durable although nothing is pending.
    differs: bool,
}

impl Body {
    pub(super) fn durable(contents: &[u8]) -> Self {
        let image = Image::of(contents);
        Self { seen: image.clone(), durable: image, ..Self::default() }
    }

    /// `change` tells when it was.
    pub(super) fn write(&mut self, at: usize, bytes: &[u8], change: u64) {
        self.written_at = change;
        let (kept, len) = (len_without_zeros(bytes), bytes.len());
        self.seen.write(at, &bytes[..kept], len);
        self.written.extend_from_slice(&bytes[..kept]);
        self.pending.push(Change::Write { at, kept, len });
    }

    pub(super) fn set_len(&mut self, len: usize) {
        self.seen.set_len(len);
        self.pending.push(Change::Len(len));
    }

    pub(super) fn sync(&mut self) {
        let mut written = &self.written[..];
        for change in self.pending.drain(..) {
            match change {
                Change::Write { at, kept, len } => self.durable.write(at, take(&mut written, kept), len),
                Change::Len(len) => self.durable.set_len(len),
            }
        }
        self.written.clear();
    }

    /// A failed sync: the changes will never be durable, but are marked as if they were.
    pub(super) fn lose_pending(&mut self) {
        self.differs = true;
        self.pending.clear();
        self.written.clear();
    }

    /// One bit of it changes, in the last pending write that it is part of, or where it is durable.
    pub(super) fn flip(&mut self, bit: usize) {
        self.seen.flip(bit);
        let covers = |change: &Change| change.range().contains(&(bit / 8));
        match self.pending.iter().rposition(covers) {
            Some(index) => self.flip_pending(index, bit),
            None => self.durable.flip(bit),
        }
    }

    /// One bit of the last write changes, counted from its start.
    pub(super) fn flip_last_write(&mut self, bit: usize) {
        let last = self.pending.iter().rfind(|change| !change.range().is_empty());
        if let Some(range) = last.map(Change::range) {
            self.flip(range.start * 8 + bit % (range.len() * 8));
        }
    }

    fn flip_pending(&mut self, index: usize, bit: usize) {
        let start: usize = self.pending[..index].iter().map(Change::kept).sum();
        if let Change::Write { at, kept, .. } = &mut self.pending[index] {
            let byte = bit / 8 - *at;
            let missing = (byte + 1).saturating_sub(*kept);
            let end = start + *kept;
            self.written.splice(end..end, repeat_n(0, missing));
            *kept += missing;
            self.written[start + byte] ^= 1 << (bit % 8);
        }
    }

    /// Only what is clean can be forgotten.
    pub(super) fn drop_cache(&mut self) {
        if self.pending.is_empty() && self.differs {
            self.seen.clone_from(&self.durable);
            self.differs = false;
        }
    }

    /// How many changes are not durable.
    pub(super) fn unsynced(&self) -> usize {
        self.pending.len() + usize::from(self.differs)
    }

    /// Which change of the disk the last pending write was, if there is one.
    pub(super) fn last_write(&self) -> Option<u64> {
        self.pending.iter().any(|change| !change.range().is_empty()).then_some(self.written_at)
    }

    /// The power went: all changes are durable, but of the last write only so many 256ths, from the front.
    pub(super) fn tear(&mut self, part: u8) {
        let last = self.pending.iter_mut().rfind(|change| !change.range().is_empty());
        if let Some(Change::Write { kept, len, .. }) = last {
            *len = *len * usize::from(part) / 256;
            *kept = (*kept).min(*len);
        }
        self.sync();
        self.differs = true;
    }

    /// Whether a power cut would change what is seen.
    pub(super) fn is_volatile(&self) -> bool {
        self.unsynced() > 0
    }

    /// The power went, and the cache with it: of each change all, nothing, a front part or any sectors are there. A sector is as it was
    /// at some moment: if it lacks a change it lacks all later ones too.
    pub(super) fn cut(&mut self, fate: &mut Fate) {
        let mut old = BTreeSet::new();
        let written = mem::take(&mut self.written);
        let mut written = &written[..];
        for change in mem::take(&mut self.pending) {
            match change {
                Change::Len(len) if fate.once_in(2) => self.durable.set_len(len),
                Change::Len(_) => {}
                Change::Write { at, kept, len } => {
                    let bytes = take(&mut written, kept);
                    let pieces = sectors(at, len);
                    let survives = choose(pieces.len(), fate);
                    for (piece, survives) in pieces.into_iter().zip(survives) {
                        let sector = (at + piece.start) / SECTOR;
                        if survives && !old.contains(&sector) {
                            let (at, len) = (at + piece.start, piece.len());
                            self.durable.write(at, &bytes[clip(piece, kept)], len);
                        } else {
                            old.insert(sector);
                        }
                    }
                }
            }
        }
        self.differs = true;
    }
}

/// Takes so many bytes from the front.
fn take<'a>(bytes: &mut &'a [u8], len: usize) -> &'a [u8] {
    bytes.split_off(..len).expect("the bytes of every pending write are there")
}

/// Which of so many parts of a write survive.
fn choose(count: usize, fate: &mut Fate) -> Vec<bool> {
    let kind = fate.below(5);
    let front = fate.below(count + 1);
    let survives = |part| match kind {
        0 => false,
        1 => true,
        2 => part < front,
        3 => fate.once_in(2),
        _ => !fate.once_in(8),
    };
    (0..count).map(survives).collect()
}

/// The bytes of a write, sector by sector.
fn sectors(at: usize, len: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < len {
        let end = ((at + start) / SECTOR + 1) * SECTOR - at;
        pieces.push(start..end.min(len));
        start = end;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_split_where_sectors_meet() {
        assert_eq!(sectors(500, 600), [0..12, 12..524, 524..600]);
        assert_eq!(sectors(512, 512), vec![0..512]);
        assert!(sectors(3, 0).is_empty());
    }

    #[test]
    fn a_failed_sync_is_seen_until_the_cache_is_dropped() {
        let mut body = Body::default();
        body.write(0, b"lost", 1);
        body.lose_pending();
        body.write(4, b"kept", 2);
        body.sync();
        assert_eq!(body.seen.to_vec(), b"lostkept");
        body.drop_cache();
        assert_eq!(body.seen.to_vec(), b"\0\0\0\0kept");
    }

    #[test]
    fn of_a_torn_write_the_front_is_there() {
        for (part, left) in [(0, &b"first"[..]), (128, b"first\0abc"), (255, b"first\0abcde")] {
            let mut body = Body::default();
            body.write(0, b"first", 1);
            body.write(6, b"abcdef", 2);
            body.tear(part);
            body.drop_cache();
            assert_eq!(body.seen.to_vec(), left, "{part}");
        }
    }

    #[test]
    fn a_bit_is_flipped_where_it_is() {
        let mut body = Body::durable(b"aa");
        body.write(1, b"bb\0\0", 1);
        body.write(2, b"c", 2);
        body.flip(0);
        body.flip(8);
        body.flip(4 * 8);
        body.flip_last_write(8);
        assert_eq!(body.seen.to_vec(), b"\x60\x63\x62\0\x01");
        let mut lost = body.clone();
        lost.lose_pending();
        lost.drop_cache();
        assert_eq!(lost.seen.to_vec(), b"\x60a");
        body.sync();
        body.differs = true;
        body.drop_cache();
        assert_eq!(body.seen.to_vec(), b"\x60\x63\x62\0\x01");
    }
}
