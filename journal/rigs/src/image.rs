//! The contents of a disk in memory, cheap to copy, and what a power cut leaves of it. Does not know file systems.

use std::{collections::BTreeMap, sync::Arc};

use crate::chance::Chance;

const PAGE: usize = 4096;
const SECTOR: usize = 512;

/// A disk. Copies share the pages that are the same in both.
#[derive(Clone, Default)]
pub(crate) struct Image {
    pages: BTreeMap<u64, Arc<[u8; PAGE]>>,
}

/// One write to a disk; a multiple of sectors.
#[derive(Clone)]
pub(crate) struct Write {
    pub(crate) at: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Image {
    pub(crate) fn read(&self, mut at: u64, mut buffer: &mut [u8]) {
        while !buffer.is_empty() {
            let (number, start) = place(at);
            let (piece, rest) = buffer.split_at_mut(buffer.len().min(PAGE - start));
            match self.pages.get(&number) {
                Some(page) => piece.copy_from_slice(&page[start..start + piece.len()]),
                None => piece.fill(0),
            }
            at += piece.len() as u64;
            buffer = rest;
        }
    }

    pub(crate) fn write(&mut self, mut at: u64, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (number, start) = place(at);
            let (piece, rest) = bytes.split_at(bytes.len().min(PAGE - start));
            let page = self.pages.entry(number).or_insert_with(|| Arc::new([0; PAGE]));
            Arc::make_mut(page)[start..start + piece.len()].copy_from_slice(piece);
            at += piece.len() as u64;
            bytes = rest;
        }
    }

    /// The power went while this write was in flight: all of it, nothing, a front part or any sectors are there.
    pub(crate) fn tear(&mut self, write: &Write, chance: &mut Chance) {
        let sectors = write.bytes.len().div_ceil(SECTOR) as u64;
        let front = chance.below(sectors + 1);
        // ext4 takes for granted that its superblock of two sectors is written whole, and does not mount otherwise.
        let kind = chance.below(if write.at < PAGE as u64 { 2 } else { 5 });
        for (n, sector) in (0..).zip(write.bytes.chunks(SECTOR)) {
            let survives = match kind {
                0 => false,
                1 => true,
                2 => n < front,
                3 => chance.once_in(2),
                _ => !chance.once_in(8),
            };
            if survives {
                self.write(write.at + n * SECTOR as u64, sector);
            }
        }
    }
}

/// The page a byte is in, and where in it.
fn place(at: u64) -> (u64, usize) {
    (at / PAGE as u64, usize::try_from(at % PAGE as u64).expect("it is below a page"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_copies_are_apart() {
        let mut image = Image::default();
        image.write(4_000, &[7; 5_000]);
        let copy = image.clone();
        image.write(4_001, &[8; 1]);
        let mut bytes = [1; 5_002];
        copy.read(3_999, &mut bytes);
        assert_eq!((bytes[0], bytes[1..5_001].iter().all(|b| *b == 7), bytes[5_001]), (0, true, 0));
        image.read(4_000, &mut bytes[..2]);
        assert_eq!(bytes[..2], [7, 8]);
    }
}
