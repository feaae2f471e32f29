//! The contents of one simulated file: what is seen, what is durable, and the changes between the two.

use std::{collections::BTreeSet, mem, ops::Range};

use super::fate::Fate;

const SECTOR: usize = 512;

#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Len(usize),
}

/// One file, whatever its name.
#[derive(Clone, Default, Debug)]
pub(super) struct Body {
    /// What a process reads.
    pub(super) seen: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

impl Body {
    pub(super) fn durable(contents: Vec<u8>) -> Self {
        Self { seen: contents.clone(), durable: contents, pending: Vec::new() }
    }

    pub(super) fn write(&mut self, at: usize, bytes: &[u8]) {
        overlay(&mut self.seen, at, bytes);
        self.pending.push(Change::Write { at, bytes: bytes.to_vec() });
    }

    pub(super) fn set_len(&mut self, len: usize) {
        self.seen.resize(len, 0);
        self.pending.push(Change::Len(len));
    }

    pub(super) fn sync(&mut self) {
        for change in mem::take(&mut self.pending) {
            match change {
                Change::Write { at, bytes } => overlay(&mut self.durable, at, &bytes),
                Change::Len(len) => self.durable.resize(len, 0),
            }
        }
    }

    /// A failed sync: the changes will never be durable, but are marked as if they were.
    pub(super) fn lose_pending(&mut self) {
        self.pending.clear();
    }

    /// One bit of it changes, wherever it is.
    pub(super) fn flip(&mut self, bit: usize) {
        for contents in [&mut self.seen, &mut self.durable] {
            if let Some(byte) = contents.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
        }
    }

    /// Only what is clean can be forgotten.
    pub(super) fn drop_cache(&mut self) {
        if self.pending.is_empty() {
            self.seen.clone_from(&self.durable);
        }
    }

    /// The power went: of each change all, nothing, a front part or any sectors are there. A sector is as it was
    /// at some moment: if it lacks a change it lacks all later ones too.
    pub(super) fn cut(&mut self, fate: &mut Fate) {
        let mut old = BTreeSet::new();
        for change in mem::take(&mut self.pending) {
            match change {
                Change::Len(len) if fate.once_in(2) => self.durable.resize(len, 0),
                Change::Len(_) => {}
                Change::Write { at, bytes } => {
                    let pieces = sectors(at, bytes.len());
                    let kept = choose(pieces.len(), fate);
                    for (piece, kept) in pieces.into_iter().zip(kept) {
                        let sector = (at + piece.start) / SECTOR;
                        if kept && !old.contains(&sector) {
                            overlay(&mut self.durable, at + piece.start, &bytes[piece]);
                        } else {
                            old.insert(sector);
                        }
                    }
                }
            }
        }
        self.seen.clone_from(&self.durable);
    }
}

fn overlay(contents: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if contents.len() < end {
        contents.resize(end, 0);
    }
    contents[at..end].copy_from_slice(bytes);
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
        assert_eq!(body.seen, b"lostkept");
        body.drop_cache();
        assert_eq!(body.seen, b"\0\0\0\0kept");
    }
}
