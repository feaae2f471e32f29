//! How many durable appends a second, and how long one waits, with 1, 8 and 64 appenders: threads, or tasks where the
//! store is made for them.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};
use crate::peers::{Appender, Floor, Grouped, OURS, Peer, Purpose, Store};
use crate::record::record;
use crate::scratch;
use crate::table::{self, Line, Role, count, median};

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_millis(1500);
const APPENDERS: [usize; 3] = [1, 8, 64];
/// The numbers of each thread's records begin this far apart.
const APART: u64 = 1 << 32;

/// What one round showed.
pub(crate) struct Pace {
    /// Appends a second, each acknowledged as durable by itself.
    pub(crate) rate: f64,
    /// What half of the appends took at most, in microseconds.
    pub(crate) p50: f64,
    /// What all but one in a hundred took at most, in microseconds.
    pub(crate) p99: f64,
}

/// A store as one row of the table has it.
struct Row<'a> {
    role: Role,
    label: String,
    peer: &'a dyn Peer,
    grouped: bool,
    paces: Vec<Pace>,
}

/// Measures these stores.
pub(crate) fn run(peers: &[&dyn Peer]) -> Result<()> {
    for appenders in APPENDERS {
        let mut rows = rows(peers, appenders);
        for round in 1..=ROUNDS {
            for row in &mut rows {
                eprintln!("{appenders} appenders, round {round}: {}", row.label);
                row.paces.push(pace(row.peer, row.grouped, appenders)?);
            }
        }
        println!("{appenders} appender{}\n", if appenders == 1 { "" } else { "s" });
        let lines: Vec<Line> = rows.iter().map(Row::line).collect();
        table::print("appends/s", &["p50 µs", "p99 µs"], &lines);
    }
    Ok(())
}

fn rows<'a>(peers: &[&'a dyn Peer], appenders: usize) -> Vec<Row<'a>> {
    let alone = Row::new(Role::Floor, &Floor, appenders > 1);
    let native = peers.iter().map(|peer| {
        let role = if peer.name() == OURS { Role::Ours } else { Role::Peer };
        Row::new(role, *peer, false)
    });
    let helped = peers.iter().filter(|peer| !peer.groups()).map(|peer| Row::new(Role::Helped, *peer, true));
    std::iter::once(alone).chain(native).chain(helped).collect()
}

impl<'a> Row<'a> {
    fn new(role: Role, peer: &'a dyn Peer, grouped: bool) -> Self {
        let label = peer.name().to_owned();
        let label = if grouped { format!("{label}, behind a writer thread of ours") } else { label };
        Self { role, label, peer, grouped, paces: Vec::new() }
    }

    fn line(&self) -> Line {
        let all = |of: fn(&Pace) -> f64| self.paces.iter().map(of).collect::<Vec<_>>();
        Line {
            role: self.role,
            label: self.label.clone(),
            rates: all(|pace| pace.rate),
            beside: vec![count(median(&all(|pace| pace.p50))), count(median(&all(|pace| pace.p99)))],
        }
    }
}

/// One round on a new store.
pub(crate) fn pace(peer: &dyn Peer, grouped: bool, appenders: usize) -> Result<Pace> {
    let dir = scratch::folder()?;
    let store = peer.create(dir.path(), Purpose::Speed)?;
    let store = if grouped { Box::new(Grouped::new(store)) } else { store };
    let begun = Instant::now();
    let waits = store.append_for(appenders, ROUND).unwrap_or_else(|| append_all(&*store, appenders))?;
    let took = begun.elapsed();
    store.close()?;
    Ok(Pace::of(waits, took))
}

/// Appends from so many threads for the length of a round; gives how long each append took, in nanoseconds.
fn append_all(store: &dyn Store, appenders: usize) -> Result<Vec<u64>> {
    let stop = AtomicBool::new(false);
    let ready = Barrier::new(appenders + 1);
    thread::scope(|scope| {
        let spawn = |first: u64| {
            let (append, stop, ready) = (store.appender(), &stop, &ready);
            scope.spawn(move || {
                ready.wait();
                append_until(append, first, stop)
            })
        };
        let threads: Vec<_> = (0..appenders as u64).map(|thread| spawn(thread * APART)).collect();
        ready.wait();
        thread::sleep(ROUND);
        stop.store(true, Ordering::Relaxed);
        let mut waits = Vec::new();
        for thread in threads {
            waits.extend(thread.join().map_err(|_| Failure::new("an appender panicked"))??);
        }
        Ok(waits)
    })
}

fn append_until(mut append: Appender<'_>, first: u64, stop: &AtomicBool) -> Result<Vec<u64>> {
    let mut waits = Vec::new();
    for number in first.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let record = record(number);
        let begun = Instant::now();
        append(&[record])?;
        waits.push(u64::try_from(begun.elapsed().as_nanos())?);
    }
    Ok(waits)
}

impl Pace {
    #[expect(clippy::cast_precision_loss, reason = "nothing here is measured to fifteen digits")]
    fn of(mut waits: Vec<u64>, took: Duration) -> Self {
        waits.sort_unstable();
        let percentile =
            |of: usize| waits.get(waits.len() * of / 100).map_or(f64::NAN, |wait| *wait as f64 / 1e3);
        Self { rate: waits.len() as f64 / took.as_secs_f64(), p50: percentile(50), p99: percentile(99) }
    }
}
