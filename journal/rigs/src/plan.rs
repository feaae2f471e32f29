//! What a writer writes: the same records for the same numbers, in the same batches. Deliberately does not know
//! that anything can fail.
//!
//! Since the content of a record and the borders of the batches follow from its number alone, a journal can be
//! checked by somebody who only knows the last number that was acknowledged.

use swarm_journal::{Entry, Record};

use crate::chance::mixed;

/// The batch that begins with this record: one to four of them.
pub(crate) fn batch(first: u64) -> Vec<Entry> {
    (first..first + batch_len(first)).map(entry).collect()
}

/// Whether the writer syncs behind the batch that begins with this record, or first appends another.
pub(crate) fn syncs_after(first: u64) -> bool {
    !(mixed(first) >> 8).is_multiple_of(4)
}

/// Why these are not the first records of the plan, up to a border between batches.
pub(crate) fn mismatch(records: &[Record]) -> Option<String> {
    let mut border = 0;
    for (n, record) in (1..).zip(records) {
        if record.seq != n || content(record) != entry(n) {
            return Some(format!("record {} at place {n} is not what was written", record.seq));
        }
        if n > border {
            border = n - 1 + batch_len(n);
        }
        if record.last_of_batch != (n == border) {
            return Some(format!("the batch of record {n} ends in the wrong place"));
        }
    }
    let held = records.len() as u64;
    (held != border).then(|| format!("half a batch came back: {held} records, the batch ends at {border}"))
}

fn batch_len(first: u64) -> u64 {
    1 + mixed(first) % 4
}

fn entry(n: u64) -> Entry {
    let chance = mixed(n ^ 0xE47);
    // Two kilobytes on average, so that the segments fill up; some records are longer than a page.
    let longest = [100, 300, 1_500, 7_000][(chance % 4) as usize];
    let len = (chance >> 8) % longest;
    // Every thirteenth payload is nothing but zeros, the hardest to tell from what was never written.
    let byte = |i| if n.is_multiple_of(13) { 0 } else { mixed((n << 13) ^ i).to_le_bytes()[0] };
    Entry {
        kind: (n % 1_000) as u16,
        schema: (n % 7) as u8,
        time_ms: 1_700_000_000_000 + n,
        payload: (0..len).map(byte).collect(),
    }
}

fn content(record: &Record) -> Entry {
    let Record { kind, schema, time_ms, ref payload, .. } = *record;
    Entry { kind, schema, time_ms, payload: payload.clone() }
}
