//! Many runs at once, one on each core. What comes of it does not depend on how many there are.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Does the work for every number below `count`, and adds it up, in one sum for each thread. Of several failures, the one
/// with the least number is returned.
pub(crate) fn each<S: Default + Send, E: Send>(
    count: u64,
    work: impl Fn(&mut S, u64) -> Result<(), E> + Sync,
) -> Result<Vec<S>, E> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (sums, failed) = on(cores, count, work);
    failed.map_or(Ok(sums), |(_, error)| Err(error))
}

/// The same on so many threads, with the sums also where something failed. Every number below the failed one was worked on.
pub(crate) fn on<S: Default + Send, E: Send>(
    threads: usize,
    count: u64,
    work: impl Fn(&mut S, u64) -> Result<(), E> + Sync,
) -> (Vec<S>, Option<(u64, E)>) {
    let next = AtomicU64::new(0);
    let stop = AtomicU64::new(count);
    let worker = || {
        let mut sum = S::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= stop.load(Ordering::Relaxed) {
                return (sum, None);
            }
            if let Err(error) = work(&mut sum, number) {
                // Whoever has a smaller number is still to say what came of it.
                stop.fetch_min(number, Ordering::Relaxed);
                return (sum, Some((number, error)));
            }
        }
    };
    let done: Vec<(S, Option<(u64, E)>)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(worker)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a run that panics ends the test")).collect()
    });
    let (sums, failed): (Vec<_>, Vec<_>) = done.into_iter().unzip();
    (sums, failed.into_iter().flatten().min_by_key(|(number, _)| *number))
}

#[cfg(test)]
mod tests {
    use super::each;

    #[test]
    fn every_number_is_worked_on_once() {
        let sums = each(1000, |sum: &mut u64, number| {
            *sum += number;
            Ok::<(), ()>(())
        });
        assert_eq!(sums.unwrap().into_iter().sum::<u64>(), 1000 * 999 / 2);
    }

    #[test]
    fn of_several_failures_the_first_is_told() {
        for _ in 0..50 {
            let outcome =
                each(1000, |(): &mut (), number| if number % 7 == 5 { Err(number) } else { Ok(()) });
            assert_eq!(outcome.unwrap_err(), 5);
        }
    }
}
