//! Tells a write that a crash cut short from bytes that changed later. Does not know what a record holds.
//!
//! Every record is written over zeros, and a disk keeps each sector of 512 bytes as it was at some moment: before
//! the write, after it, or, if the write was done in parts, between two of them. So a crash leaves zeros at the
//! end of the record's part in at least one sector, or the file ends early. A byte that changed does not, unless
//! a zero belongs there; then the doubt is decided for the crash, which is the likelier of the two.

use crate::{
    bytes::{all_zero, offset},
    frame::HEADER_BYTES,
};

const SECTOR: u64 = 512;

/// Whether the broken record at the start of `rest` looks torn. `at` is its place in the file; `len` is the number
/// of its bytes, if its header can be trusted.
pub(crate) fn looks_torn(at: u64, rest: &[u8], len: Option<usize>) -> bool {
    let Some(record) = rest.get(..len.unwrap_or(HEADER_BYTES)) else { return true };
    // Whatever record it was, it would go on behind its header, or end in the zero checksum of an empty payload.
    if len.is_none() && all_zero(&rest[HEADER_BYTES..]) {
        return true;
    }
    let ends_a_sector = |i: usize| i + 1 == record.len() || (at + offset(i) + 1).is_multiple_of(SECTOR);
    record.iter().enumerate().any(|(i, byte)| *byte == 0 && ends_a_sector(i))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_at_any_byte_looks_torn() {
        let record = [7; 1200];
        for cut in 1..record.len() {
            let mut bytes = [0; 2000];
            bytes[..cut].copy_from_slice(&record[..cut]);
            let len = (cut >= HEADER_BYTES).then_some(record.len());
            assert!(looks_torn(4096, &bytes, len), "zeros from {cut} on");
            assert!(looks_torn(4096, &record[..cut], len), "the file ends at {cut}");
        }
    }

    #[test]
    fn a_lost_sector_looks_torn_and_a_changed_byte_does_not() {
        let mut bytes = [7; 1200];
        bytes[3] = 8;
        assert!(!looks_torn(4096 + 8, &bytes, Some(1200)));
        assert!(!looks_torn(4096 + 8, &bytes, None));
        bytes[504..1016].fill(0);
        assert!(looks_torn(4096 + 8, &bytes, Some(1200)));
        bytes[504..1015].fill(7);
        assert!(looks_torn(4096 + 8, &bytes, Some(1200)), "a part of a sector");
        bytes[1015] = 7;
        bytes[700..900].fill(0);
        assert!(!looks_torn(4096 + 8, &bytes, Some(1200)), "no crash does this");
    }
}
