//! Fates: what happens at a named place, drawn from a seed. The same place has the same fate however often other places are asked.

/// The seed of all fates, and how unkind they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fates {
    /// Everything follows from it.
    pub seed: u64,
    /// How many in a hundred fates are unkind.
    pub unkind_percent: u64,
}

impl Fates {
    /// A number for a place: what kind of place, whose, and which time.
    pub fn draw(&self, place: &str, whose: &str, time: u64) -> u64 {
        let mut hash = self.seed ^ 0xCBF2_9CE4_8422_2325;
        for byte in place.bytes().chain([0]).chain(whose.bytes()).chain(time.to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
        // The finaliser of `SplitMix64`, so that near seeds have far fates.
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        hash ^ (hash >> 31)
    }

    /// Whether a place is unkind this time.
    pub fn unkind(&self, place: &str, whose: &str, time: u64) -> bool {
        self.draw(place, whose, time) % 100 < self.unkind_percent
    }

    /// One of `count` choices.
    pub fn pick(&self, place: &str, whose: &str, time: u64, count: u64) -> u64 {
        self.draw(place, whose, time) / 128 % count
    }
}
