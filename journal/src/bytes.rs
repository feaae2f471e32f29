//! Fixed-width little-endian fields at fixed places. Does not know what any field means.

/// What zero-filled space is compared with; one `memcmp` per page also in a debug build.
static ZEROS: [u8; 4096] = [0; 4096];

/// Whether there is nothing but zeros (also true for no bytes at all).
pub(crate) fn all_zero(bytes: &[u8]) -> bool {
    bytes.chunks(ZEROS.len()).all(|chunk| *chunk == ZEROS[..chunk.len()])
}

/// How many bytes there are up to and including the last one that is not zero.
pub(crate) fn len_without_zeros(bytes: &[u8]) -> usize {
    let mut end = bytes.len();
    while end > 0 {
        let start = (end - 1) / ZEROS.len() * ZEROS.len();
        // Byte by byte only where there is something.
        if bytes[start..end] != ZEROS[..end - start]
            && let Some(last) = bytes[start..end].iter().rposition(|byte| *byte != 0)
        {
            return start + last + 1;
        }
        end = start;
    }
    0
}

/// The `N` bytes at `at`. The caller has checked the length of the whole structure.
pub(crate) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("a slice of N bytes is an array of N bytes")
}

/// The 16-bit field at `at`.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array_at(bytes, at))
}

/// The 32-bit field at `at`.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

/// The 64-bit field at `at`.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

/// A counter at `at`. None if it is so large that no writer ever counted to it; so counting on never overflows.
pub(crate) fn counter_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64_at(bytes, at)).filter(|count| *count < 1 << 62)
}

/// Writes a field's bytes at `at`.
pub(crate) fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    bytes[at..at + field.len()].copy_from_slice(field);
}

/// A length in memory as an offset in a file.
pub(crate) fn offset(len: usize) -> u64 {
    u64::try_from(len).expect("a length in memory fits 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_at_the_end_are_not_counted() {
        for len in [0, 1, 4095, 4096, 4097, 9000] {
            let mut bytes = vec![0; 9000];
            bytes[..len].fill(1);
            assert_eq!(len_without_zeros(&bytes), len);
            assert_eq!(all_zero(&bytes), len == 0);
            assert!(all_zero(&bytes[len..]));
        }
    }

    #[test]
    fn a_counter_that_no_writer_counts_to_is_none() {
        let read = |count: u64| counter_at(&[&[7], &count.to_le_bytes()[..]].concat(), 1);
        for count in [0, 1, (1 << 62) - 1] {
            assert_eq!(read(count), Some(count));
        }
        for count in [1 << 62, (1 << 62) + 1, u64::MAX] {
            assert_eq!(read(count), None);
        }
    }
}
