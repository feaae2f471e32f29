//! The journal of swarm, its appenders being tokio tasks as in the program. The only file that knows its API.

use std::mem;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use swarm_journal::{Entry, Group, Item, Log, Owner};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::{Appender, OURS, Peer, Purpose, Store};
use crate::failure::{Failure, Result};
use crate::record::{Record, Tally, record};

/// The run that the journal is said to be of.
const RUN: [u8; 16] = *b"swarm-and-peers.";
/// As many as the program has.
const WORKERS: usize = 2;

/// The kind of peer.
pub(crate) struct Ours;

impl Peer for Ours {
    fn name(&self) -> &'static str {
        OURS
    }

    fn groups(&self) -> bool {
        true
    }

    fn create(&self, dir: &Path, _: Purpose) -> Result<Box<dyn Store>> {
        let (closing, closed) = oneshot::channel();
        let turns = Turns { log: Log::create(dir, RUN)?, closing: Some(closing) };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).build()?;
        Ok(Box::new(Journal { group: Group::spawn("journal", turns)?, closed, runtime }))
    }

    fn read(&self, dir: &Path) -> Result<Tally> {
        let mut tally = Tally::default();
        swarm_journal::replay(dir, &mut |item| match item {
            Item::Record(record) => tally.add(record.payload),
            // Only a repair leaves gaps, and nobody repaired anything.
            Item::Gap(_) => {}
        })?;
        Ok(tally)
    }

    fn is_log(&self, file: &str) -> bool {
        file.ends_with(".swj")
    }
}

/// What one appender brings, and how it is told that it is durable.
type Work = (Vec<Entry>, oneshot::Sender<()>);

/// The log, a batch of batches at a time.
struct Turns {
    log: Log,
    closing: Option<oneshot::Sender<Log>>,
}

impl Owner for Turns {
    type Work = Work;

    fn turn(&mut self, work: &mut Vec<Work>) -> ControlFlow<()> {
        let appended = work.iter().try_for_each(|(batch, _)| self.log.append(batch).map(drop));
        if appended.and_then(|()| self.log.sync()).is_err() {
            // Nobody is told anything: their answers are dropped, and so they know.
            return ControlFlow::Break(());
        }
        for (_, durable) in work.drain(..) {
            let _ = durable.send(());
        }
        ControlFlow::Continue(())
    }

    fn end(mut self) {
        if let Some(closing) = mem::take(&mut self.closing) {
            let _ = closing.send(self.log);
        }
    }
}

struct Journal {
    group: Group<Turns>,
    closed: oneshot::Receiver<Log>,
    runtime: Runtime,
}

impl Store for Journal {
    fn appender(&self) -> Appender<'_> {
        Box::new(|batch| {
            let entries = batch.iter().map(entry).collect();
            self.runtime.block_on(append(&self.group, entries))
        })
    }

    fn append_for(&self, appenders: usize, round: Duration) -> Option<Result<Vec<u64>>> {
        Some(self.runtime.block_on(self.tasks(appenders, round)))
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.group.close();
        let log = self.closed.blocking_recv().map_err(|_| Failure::new("the journal is lost"))?;
        Ok(log.close()?)
    }
}

impl Journal {
    /// How long each append of so many tasks took, in nanoseconds.
    async fn tasks(&self, appenders: usize, round: Duration) -> Result<Vec<u64>> {
        let end = Instant::now() + round;
        let task = |first: u64| {
            let group = self.group.clone();
            self.runtime.spawn(async move {
                let mut waits = Vec::new();
                for number in first.. {
                    let begun = Instant::now();
                    if begun >= end {
                        break;
                    }
                    append(&group, vec![entry(&record(number))]).await?;
                    waits.push(u64::try_from(begun.elapsed().as_nanos())?);
                }
                Result::Ok(waits)
            })
        };
        let tasks: Vec<_> = (0..appenders as u64).map(|n| task(n << 32)).collect();
        let mut waits = Vec::new();
        for task in tasks {
            waits.extend(task.await.map_err(|_| Failure::new("an appender panicked"))??);
        }
        Ok(waits)
    }
}

async fn append(group: &Group<Turns>, batch: Vec<Entry>) -> Result<()> {
    let (durable, told) = oneshot::channel();
    group.send((batch, durable)).map_err(|_| Failure::new("the journal failed"))?;
    told.await.map_err(|_| Failure::new("the journal failed"))
}

fn entry(record: &Record) -> Entry {
    Entry { kind: 1, schema: 1, time_ms: 0, payload: record.to_vec() }
}
