//! The contents of one simulated file: what is seen, what is durable, and the changes between the two.

use std::{collections::BTreeSet, mem, ops::Range};

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

/// One file, whatever its name.
#[derive(Clone, Default, Debug)]
pub(super) struct Body {
    /// What a process reads.
    pub(super) seen: Image,
    durable: Image,
    pending: Vec<Change>,
    /// The bytes of the pending writes, one behind the other.
    written: Vec<u8>,
    /// A sync failed, so what is seen may differ from what is durable although nothing is pending.
    lossy: bool,
}

impl Body {
    pub(super) fn durable(contents: &[u8]) -> Self {
        let image = Image::of(contents);
        Self { seen: image.clone(), durable: image, ..Self::default() }
    }

    pub(super) fn write(&mut self, at: usize, bytes: &[u8]) {
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
        self.lossy = true;
        self.pending.clear();
        self.written.clear();
    }

    /// One bit of it changes, wherever it is.
    pub(super) fn flip(&mut self, bit: usize) {
        self.seen.flip(bit);
        self.durable.flip(bit);
    }

    /// Only what is clean can be forgotten.
    pub(super) fn drop_cache(&mut self) {
        if self.pending.is_empty() && self.lossy {
            self.seen.clone_from(&self.durable);
            self.lossy = false;
        }
    }

    /// Whether a power cut would change what is seen.
    pub(super) fn is_volatile(&self) -> bool {
        self.lossy || !self.pending.is_empty()
    }

    /// The power went: of each change all, nothing, a front part or any sectors are there. A sector is as it was
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
        self.seen.clone_from(&self.durable);
        self.lossy = false;
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
        body.write(0, b"lost");
        body.lose_pending();
        body.write(4, b"kept");
        body.sync();
        assert_eq!(body.seen.to_vec(), b"lostkept");
        body.drop_cache();
        assert_eq!(body.seen.to_vec(), b"\0\0\0\0kept");
    }
}
