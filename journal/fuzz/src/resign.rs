//! Makes checksums right where bytes were changed, so that what is behind them is tried too. Knows of the format
//! what `docs/journal-format.md` says, and nothing of who reads it.

use arbitrary::Arbitrary;

use crate::small::Image;

const PAGE: usize = 4096;
const RECORD_HEADER: usize = 40;

/// How much is made right.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Resign {
    /// The checksums of headers, records, payloads and of the slots of `HEAD`.
    Checksums,
    /// And each record follows from the one before.
    ChecksumsAndChain,
}

impl Resign {
    pub(crate) fn apply(self, image: &mut Image) {
        for (name, bytes) in image {
            if name == "HEAD" {
                bytes.chunks_mut(PAGE).take(2).for_each(slot);
            } else if name.ends_with(".swj") {
                self.segment(bytes);
            }
        }
    }

    fn segment(self, bytes: &mut [u8]) {
        let Some((page, records)) = bytes.split_at_mut_checked(PAGE) else { return };
        let crc = crc32fast::hash(&page[..PAGE - 4]).to_le_bytes();
        page[PAGE - 4..].copy_from_slice(&crc);
        let salt = crc32fast::hash(&[&page[128..144], &page[32..40], &page[48..56]].concat());
        self.records(records, salt, crc);
    }

    /// As far as the lengths in the headers lead.
    fn records(self, mut rest: &mut [u8], salt: u32, mut chain: [u8; 4]) {
        while let Some((header, behind)) = rest.split_at_mut_checked(RECORD_HEADER) {
            let len = u32::from_le_bytes(header[4..8].try_into().expect("four bytes")) as usize;
            let framed = len.saturating_add(7) / 8 * 8;
            if header.iter().all(|byte| *byte == 0) || framed > behind.len() {
                return;
            }
            if let Self::ChecksumsAndChain = self {
                header[32..36].copy_from_slice(&chain);
            }
            header[36..40].copy_from_slice(&crc32fast::hash(&behind[..len]).to_le_bytes());
            let mut crc = crc32fast::Hasher::new_with_initial(salt);
            crc.update(&header[4..]);
            chain = crc.finalize().to_le_bytes();
            header[..4].copy_from_slice(&chain);
            rest = &mut behind[framed..];
        }
    }
}

fn slot(page: &mut [u8]) {
    if let Some((slot, crc)) = page.get_mut(..128).and_then(|slot| slot.split_at_mut_checked(124)) {
        crc.copy_from_slice(&crc32fast::hash(slot).to_le_bytes());
    }
}
