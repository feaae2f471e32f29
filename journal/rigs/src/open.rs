//! The one place where the rigs open a journal for writing. Does not know what is written.

use std::sync::Arc;

use swarm_journal::{Disk, Item, JournalError, Log, Record};

const RUN: [u8; 16] = *b"the rigs' own id";

/// Opens the journal, or creates it where there is none; also says what it holds.
pub(crate) fn open_or_create(disk: Arc<dyn Disk>) -> Result<(Log, Vec<Record>), JournalError> {
    let mut records = Vec::new();
    let mut each = |item: Item<'_>| match item {
        Item::Record(record) => records.push(record.to_record()),
        Item::Gap(gap) => panic!("nobody repaired this journal: {gap:?}"),
    };
    let log = match Log::open_on(disk.clone(), &mut each) {
        Err(JournalError::Missing { .. }) => Log::create_on(disk, RUN)?,
        opened => opened?.log,
    };
    Ok((log, records))
}
