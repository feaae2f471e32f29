//! Breaks journals on purpose and counts what comes of it: for the tests of this package, and for anybody who wants to
//! see it on a machine of their own. Knows the log only as its users do.

mod damage;
mod life;

use crate::{
    record::{Entry, RecordRef},
    sim::{Fault, SimDisk},
};

pub use damage::{blocks, cuts, flips};
pub use life::{Stopped, Truth, live};

/// What journals that are written here call themselves.
pub const RUN: [u8; 16] = *b"a run of sixteen";

/// What a torture came to, if nothing went wrong.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Tally {
    /// How many states of a disk were opened and checked.
    pub states: u64,
    /// In how many of them the journal was refused.
    pub refused: u64,
    /// In how many the end was left out, with a note.
    pub torn: u64,
}

/// Journals whose writers die in the middle, several times, on a disk that keeps of what was not synced whatever it
/// likes: one life a seed and six deaths a life. The error says what was lost, or came back wrong.
pub fn crashes(seeds: std::ops::Range<u64>) -> Result<Tally, String> {
    let mut tally = Tally::default();
    for seed in seeds {
        let sim = SimDisk::new(seed);
        sim.set_odds(Fault::ShortWrite, 5);
        let disk: std::sync::Arc<dyn crate::disk::Disk> = std::sync::Arc::new(sim.clone());
        let (_, torn) = live(seed, &sim, &disk, 6).map_err(|why| format!("seed {seed}: {why}"))?;
        tally.states += 6;
        tally.torn += torn;
    }
    Ok(tally)
}

/// The entry with this number, the first is 0: up to 79 bytes, now and then 1,500, and none of them zero. It can be told
/// from its number alone, so that nothing needs to be remembered to check it.
pub fn entry(n: u64) -> Entry {
    let len = if n % 11 == 5 { 1_500 } else { usize::try_from(n * 37 % 80).unwrap_or(0) };
    let payload = format!("{n} ").into_bytes().into_iter().cycle().take(len).collect();
    Entry { kind: u16::try_from(n % 100).unwrap_or(0), schema: 1, time_ms: 1_000 + n, payload }
}

/// Whether a record is the entry that belongs at its place.
pub fn is_entry(record: &RecordRef<'_>) -> bool {
    let Entry { kind, schema, time_ms, payload } = entry(record.seq.saturating_sub(1));
    (record.kind, record.schema, record.time_ms, record.payload) == (kind, schema, time_ms, &payload[..])
}

fn number_of(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
