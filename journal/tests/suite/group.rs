//! The queue in front of the owner: everything that is brought is served once and in order, whoever takes the turns.

use std::{
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use swarm_journal::{Ended, Group, Owner};
use tokio::sync::oneshot;

/// Writes down what it is asked, until it is asked for its last number.
struct Clerk {
    served: Arc<Mutex<Vec<u64>>>,
    turns: Arc<AtomicUsize>,
    last: u64,
    ended: Option<oneshot::Sender<()>>,
}

/// What the clerk cannot bear.
const FAIL: u64 = 999_999;

type Work = (u64, oneshot::Sender<u64>);

impl Owner for Clerk {
    type Work = Work;

    fn turn(&mut self, work: &mut Vec<Work>) -> ControlFlow<()> {
        self.turns.fetch_add(1, Ordering::Relaxed);
        assert!(!work.is_empty());
        for (number, reply) in work.drain(..) {
            assert_ne!(number, FAIL, "asked to fail");
            self.served.lock().unwrap().push(number);
            let _ = reply.send(number);
            if number == self.last {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn end(self) {
        let _ = self.ended.unwrap().send(());
    }
}

struct Office {
    clerk: Clerk,
    served: Arc<Mutex<Vec<u64>>>,
    turns: Arc<AtomicUsize>,
    ended: oneshot::Receiver<()>,
}

fn office(last: u64) -> Office {
    let (served, turns): (Arc<Mutex<Vec<u64>>>, Arc<AtomicUsize>) = Default::default();
    let (sender, ended) = oneshot::channel();
    let clerk = Clerk { served: served.clone(), turns: turns.clone(), last, ended: Some(sender) };
    Office { clerk, served, turns, ended }
}

async fn ask(group: &Group<Clerk>, number: u64) -> Result<u64, Ended> {
    let (reply, answer) = oneshot::channel();
    group.send((number, reply))?;
    answer.await.map_err(|_| Ended)
}

fn run<T>(workers: usize, future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(workers).build().unwrap().block_on(future)
}

/// Many bring work at the same time; nobody waits for ever, whoever takes the turns.
async fn crowd(group: Group<Clerk>, callers: u64, each: u64) {
    let caller = |caller: u64| {
        let group = group.clone();
        tokio::spawn(async move {
            for n in 0..each {
                assert_eq!(ask(&group, caller * each + n).await, Ok(caller * each + n));
            }
        })
    };
    for caller in (0..callers).map(caller).collect::<Vec<_>>() {
        caller.await.unwrap();
    }
}

#[test]
fn all_that_a_crowd_brings_is_served_once_and_in_each_ones_order() {
    for threaded in [true, false] {
        let Office { clerk, served, turns, ended } = office(u64::MAX);
        run(4, async {
            let group = if threaded { Group::spawn("clerk", clerk).unwrap() } else { Group::inline(clerk) };
            crowd(group, 16, 500).await;
            if threaded {
                ended.await.unwrap();
            }
        });
        let served = served.lock().unwrap();
        assert_eq!(served.len(), 8_000);
        for caller in 0..16 {
            let own: Vec<u64> = served.iter().copied().filter(|n| n / 500 == caller).collect();
            assert!(own.is_sorted() && own.len() == 500, "caller {caller}");
        }
        println!("8000 in {} turns, with a thread: {threaded}", turns.load(Ordering::Relaxed));
    }
}

#[test]
fn a_lone_caller_is_served_in_order() {
    let Office { clerk, served, ended, .. } = office(u64::MAX);
    run(1, async {
        let group = Group::spawn("clerk", clerk).unwrap();
        for n in 0..100 {
            assert_eq!(ask(&group, n).await, Ok(n));
        }
        drop(group);
        ended.await.unwrap();
    });
    assert!(served.lock().unwrap().iter().copied().eq(0..100));
}

#[test]
fn after_the_last_turn_nothing_is_taken_and_nobody_waits_for_ever() {
    for threaded in [true, false] {
        let Office { clerk, served, ended, .. } = office(3);
        run(2, async {
            let group = if threaded { Group::spawn("clerk", clerk).unwrap() } else { Group::inline(clerk) };
            for n in 1..=3 {
                assert_eq!(ask(&group, n).await, Ok(n));
            }
            assert_eq!(ask(&group, 4).await, Err(Ended));
            ended.await.unwrap();
        });
        assert_eq!(*served.lock().unwrap(), [1, 2, 3]);
    }
}

#[test]
fn what_is_handed_in_is_left_to_the_thread() {
    let Office { clerk, served, ended, .. } = office(u64::MAX);
    run(1, async {
        let group = Group::spawn("clerk", clerk).unwrap();
        for n in 0..100 {
            let (reply, answer) = oneshot::channel();
            group.hand_in((n, reply)).unwrap();
            assert_eq!(answer.await, Ok(n));
        }
        let kept = group.clone();
        group.close();
        ended.await.unwrap();
        assert_eq!(ask(&kept, 100).await, Err(Ended));
    });
    assert!(served.lock().unwrap().iter().copied().eq(0..100));
}

#[test]
fn an_owner_that_panics_is_not_asked_again() {
    let Office { clerk, served, .. } = office(u64::MAX);
    run(2, async {
        let group = Group::spawn("clerk", clerk).unwrap();
        assert_eq!(ask(&group, 1).await, Ok(1));
        let failing = group.clone();
        assert!(
            tokio::spawn(async move { ask(&failing, FAIL).await }).await.is_err(),
            "the caller took the turn"
        );
        assert_eq!(ask(&group, 2).await, Err(Ended));
        assert_eq!(ask(&group, 3).await, Err(Ended));
    });
    assert_eq!(*served.lock().unwrap(), [1]);
}

#[test]
fn a_line_that_is_let_go_in_a_panic_ends_like_any_other() {
    let Office { clerk, ended, .. } = office(u64::MAX);
    let thread = std::thread::spawn(move || {
        let _group = Group::inline(clerk);
        panic!("on purpose");
    });
    assert!(thread.join().is_err());
    run(1, async { ended.await.unwrap() });
}
