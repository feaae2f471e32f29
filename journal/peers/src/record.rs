//! The records that every store is given. Does not know where they go.

use crate::dice::Dice;

/// The size of a record, in bytes.
pub(crate) const BYTES: usize = 200;

/// What is stored: its number, bytes that nobody can compress, and a last word that makes the words add up.
pub(crate) type Record = [u8; BYTES];

/// What the words of every record add up to. Not zero, or a record of zeros would be a good one.
const SUM: u64 = 0x5357_4152_4d4a_524e;

const WORD: usize = size_of::<u64>();

/// The record with this number.
pub(crate) fn record(number: u64) -> Record {
    let mut record = [0; BYTES];
    let mut dice = Dice::new(number);
    let mut left = SUM;
    let words = record.chunks_exact_mut(WORD);
    let last = words.len() - 1;
    for (at, word) in words.enumerate() {
        let value = match at {
            0 => number,
            at if at == last => left,
            _ => dice.roll(),
        };
        left = left.wrapping_sub(value);
        word.copy_from_slice(&value.to_le_bytes());
    }
    record
}

/// The records with these numbers.
pub(crate) fn records(numbers: std::ops::Range<u64>) -> Vec<Record> {
    numbers.map(record).collect()
}

/// What was read back: how much, and whether it is what was written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// How many records were read.
    pub(crate) records: u64,
    /// How many of them nobody wrote, or not in this order.
    pub(crate) wrong: u64,
    next: u64,
}

impl Tally {
    /// Looks at every byte of the next record.
    pub(crate) fn add(&mut self, record: &[u8]) {
        let words = || {
            record.chunks_exact(WORD).map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes")))
        };
        let number = words().next().unwrap_or(0);
        let good = record.len() == BYTES && words().fold(0, u64::wrapping_add) == SUM && number >= self.next;
        self.records += 1;
        self.wrong += u64::from(!good);
        self.next = number.wrapping_add(1);
    }
}
