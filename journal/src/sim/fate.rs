//! What chance decides: the same numbers for the same seed. Does not know what they decide about.

/// A stream of numbers (`SplitMix64`).
#[derive(Clone, Debug)]
pub(super) struct Fate(u64);

impl Fate {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("a length fits 64 bits");
        usize::try_from(self.next() % end).expect("smaller than a length")
    }

    /// True once in so many times; never for 0.
    pub(super) fn once_in(&mut self, times: u32) -> bool {
        times != 0 && self.next().is_multiple_of(u64::from(times))
    }
}
