//! Hunts for a broken law through many seeds, on several threads. Prints nothing; what it found is the same on any number
//! of threads.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::choice::Scenario;
use crate::drive::run;
use crate::each::on;
use crate::laws::Broken;
use crate::marks::Tally;
use crate::setup::{Explored, Setup};

/// Where to hunt, and for what.
#[derive(Clone)]
pub struct Hunt {
    /// What all runs have in common. Its named choices stay; a seed chooses the rest.
    pub base: Setup,
    /// The seeds.
    pub seeds: Range<u64>,
    /// How many threads.
    pub jobs: usize,
    /// The only law that matters, if not all do.
    pub law: Option<u8>,
}

/// How far a hunt is. Whoever shares it may end it.
#[derive(Debug, Default)]
pub struct Progress {
    stopped: AtomicBool,
    runs: AtomicU64,
    events: AtomicU64,
}

/// What a hunt came by.
#[derive(Clone, Debug, Default)]
pub struct Catch {
    /// How many runs.
    pub runs: u64,
    /// How many events in them.
    pub events: u64,
    /// How often swarm died in them.
    pub crashes: u64,
    /// What happened in them.
    pub tally: Tally,
    /// The first seed that breaks a law, and how.
    pub found: Option<(u64, Broken)>,
    /// How often other laws were broken than the one that matters.
    pub others: BTreeMap<u8, u64>,
}

impl Progress {
    /// Ends the hunt as soon as may be.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether it was ended so.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// How many runs are over, and how many events were in them.
    pub fn so_far(&self) -> (u64, u64) {
        (self.runs.load(Ordering::Relaxed), self.events.load(Ordering::Relaxed))
    }
}

impl Hunt {
    /// How a seed is run. One in sixteen is looked at more closely, as [`Setup::of`] has it.
    pub fn at(&self, seed: u64) -> Setup {
        let scenario = Scenario { named: self.base.scenario.named.clone(), seed: Some(seed) };
        let thorough = Setup::of(Scenario::of_seed(seed)).thorough;
        Setup { scenario, thorough, twice: thorough, ..self.base.clone() }
    }

    /// Hunts until a law is broken, or all seeds are through, or it is stopped.
    ///
    /// All seeds below the first that breaks a law were run, however many threads there are.
    pub fn go(&self, progress: &Progress) -> Catch {
        let first = self.seeds.start;
        let count = self.seeds.end.saturating_sub(first);
        let (all, found) = on(self.jobs, count, |mine: &mut Catch, number| {
            // Nothing is as quick as doing nothing for the rest of them.
            if progress.is_stopped() {
                return Ok(());
            }
            let seed = first + number;
            let named = NameInPanic(seed);
            let explored = run(&self.at(seed));
            drop(named);
            progress.runs.fetch_add(1, Ordering::Relaxed);
            progress.events.fetch_add(explored.history.len() as u64, Ordering::Relaxed);
            mine.take(explored, self.law)
        });
        let found = found.map(|(number, broken)| (first + number, broken));
        all.into_iter().fold(Catch { found, ..Catch::default() }, Catch::plus)
    }
}

/// A panic in a run says nothing of its seed. This does.
struct NameInPanic(u64);

impl Drop for NameInPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("that was seed {}", self.0);
        }
    }
}

impl Catch {
    /// Takes a run in. Fails if it breaks a law that matters.
    fn take(&mut self, explored: Explored, law: Option<u8>) -> Result<(), Broken> {
        self.runs += 1;
        self.events += explored.history.len() as u64;
        self.crashes += u64::from(explored.crashes);
        self.tally.add(&explored.marks, &explored.made, &explored.matrix);
        match explored.broken {
            Some(broken) if law.is_none_or(|law| law == broken.law) => Err(broken),
            Some(broken) => {
                *self.others.entry(broken.law).or_default() += 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn plus(mut self, other: Self) -> Self {
        self.runs += other.runs;
        self.events += other.events;
        self.crashes += other.crashes;
        self.tally.merge(&other.tally);
        other.others.into_iter().for_each(|(law, count)| *self.others.entry(law).or_default() += count);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{Hunt, Progress};
    use crate::{Sabotage, Scenario, Setup};

    fn hunt(sabotage: Option<Sabotage>, jobs: usize) -> Hunt {
        let base = Setup { sabotage, ..Setup::of(Scenario::default()) };
        Hunt { base, seeds: 0..200, jobs, law: None }
    }

    #[test]
    fn any_number_of_threads_finds_the_same() {
        let found = |jobs| hunt(Some(Sabotage::OrphanNotAdopted), jobs).go(&Progress::default()).found;
        let alone = found(1);
        assert!(alone.is_some());
        for jobs in [2, 3, 7] {
            assert_eq!(found(jobs), alone, "{jobs} threads");
        }
    }

    #[test]
    fn all_seeds_are_run_where_nothing_is_found() {
        let progress = Progress::default();
        let catch = hunt(None, 3).go(&progress);
        assert_eq!((catch.runs, catch.found), (200, None));
        assert_eq!(progress.so_far(), (200, catch.events));
    }

    #[test]
    fn a_hunt_for_one_law_counts_the_others() {
        let all = hunt(Some(Sabotage::WorkNotKept), 2);
        let (_, broken) = all.go(&Progress::default()).found.unwrap();
        let other = Hunt { law: Some(broken.law % 18 + 1), ..all };
        let catch = other.go(&Progress::default());
        assert_eq!(catch.found, None);
        assert!(catch.others[&broken.law] > 0);
    }

    #[test]
    fn a_hunt_that_is_stopped_ends_with_what_it_has() {
        let progress = Progress::default();
        progress.stop();
        assert_eq!(hunt(None, 2).go(&progress).runs, 0);
    }
}
