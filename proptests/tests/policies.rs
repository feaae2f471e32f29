//! Law 15: policies that answer anything at all. They choose badly, and break nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use swarm_domain::fact::Cause;
use swarm_domain::state::Parts;
use swarm_domain::task::Task;
use swarm_domain::train::Waiting;
use swarm_domain::{Again, AsPlanned, Policy, TaskId};
use swarm_proptests::{Explored, explore};

const SEEDS: u64 = 600;

/// Holds a policy to the laws, and sees to it that its runs come to an end.
fn holds(policy: impl Policy + 'static) {
    let outcome = explore(policy)
        .seeds(SEEDS)
        .eventually("the run has an outcome", |run| run.outcome.is_some())
        .eventually("what started has ended", all_ended)
        .run();
    assert!(outcome.is_ok(), "{}", outcome.map_or_else(|failed| failed.to_string(), |_| String::new()));
}

fn count(run: &Explored, name: &str) -> usize {
    run.history.iter().filter(|recorded| recorded.event.name() == name).count()
}

fn all_ended(run: &Explored) -> bool {
    let (started, over) = (count(run, "attempt.started"), count(run, "agent.exited"));
    started == over + count(run, "worktree.failed")
}

/// Names what nobody has ever heard of.
struct Stranger;

impl Policy for Stranger {
    fn start(&self, _: &Parts, _: &mut dyn Iterator<Item = &Task>) -> Option<TaskId> {
        TaskId::new("nobody").ok()
    }

    fn land(&self, _: &Parts, _: &mut dyn Iterator<Item = &Waiting>) -> Option<TaskId> {
        TaskId::new("nobody").ok()
    }
}

/// Names tasks of the plan that are not on offer, if there are any.
struct Impatient;

impl Policy for Impatient {
    fn start(&self, run: &Parts, ready: &mut dyn Iterator<Item = &Task>) -> Option<TaskId> {
        let ready: Vec<_> = ready.map(|task| &task.spec.id).collect();
        run.tasks.iter().map(|task| &task.spec.id).find(|id| !ready.contains(id)).cloned()
    }

    fn land(&self, run: &Parts, line: &mut dyn Iterator<Item = &Waiting>) -> Option<TaskId> {
        let line: Vec<_> = line.map(|waiting| &waiting.task).collect();
        run.tasks.iter().map(|task| &task.spec.id).find(|id| !line.contains(id)).cloned()
    }
}

/// Always takes the last that it is offered, and waits as long as it may.
struct Worst;

impl Policy for Worst {
    fn start(&self, _: &Parts, ready: &mut dyn Iterator<Item = &Task>) -> Option<TaskId> {
        ready.last().map(|task| task.spec.id.clone())
    }

    fn land(&self, _: &Parts, line: &mut dyn Iterator<Item = &Waiting>) -> Option<TaskId> {
        line.last().map(|waiting| waiting.task.clone())
    }

    fn retry(&self, _: &Parts, _: &Task, _: Cause) -> Again {
        Again::After { delay_ms: u64::MAX }
    }
}

/// Gives up at once.
struct Quitter;

impl Policy for Quitter {
    fn retry(&self, _: &Parts, _: &Task, _: Cause) -> Again {
        Again::GiveUp
    }
}

/// Tries again without a pause.
struct Hasty;

impl Policy for Hasty {
    fn retry(&self, _: &Parts, _: &Task, _: Cause) -> Again {
        Again::After { delay_ms: 0 }
    }
}

/// Throws dice, which are made of the run: the same question has the same answer.
struct Gambler;

impl Gambler {
    fn dice(run: &Parts, salt: u64) -> usize {
        let facts = [run.tasks.slots_taken() as u64, run.ledger.spent().micros(), run.ledger.tokens(), salt];
        let hash = facts
            .iter()
            .fold(7_u64, |hash, fact| (hash ^ fact).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23));
        usize::try_from(hash % 7).unwrap_or_default()
    }
}

impl Policy for Gambler {
    fn start(&self, run: &Parts, ready: &mut dyn Iterator<Item = &Task>) -> Option<TaskId> {
        ready.nth(Self::dice(run, 1)).map(|task| task.spec.id.clone())
    }

    fn land(&self, run: &Parts, line: &mut dyn Iterator<Item = &Waiting>) -> Option<TaskId> {
        line.nth(Self::dice(run, 2)).map(|waiting| waiting.task.clone())
    }

    fn retry(&self, run: &Parts, task: &Task, cause: Cause) -> Again {
        match Self::dice(run, cause as u64 + u64::from(task.next_attempt())) {
            0 | 1 => Again::GiveUp,
            2 | 3 => Again::AsPlanned,
            other => Again::After { delay_ms: 700 * other as u64 },
        }
    }
}

/// Never gives the same answer twice, which no policy may: even so, what it chose is recorded, and a replay asks nobody.
#[derive(Default)]
struct Moody(AtomicU64);

impl Moody {
    fn mood(&self) -> usize {
        usize::try_from(self.0.fetch_add(1, Ordering::Relaxed) % 5).unwrap_or_default()
    }
}

impl Policy for Moody {
    fn start(&self, run: &Parts, ready: &mut dyn Iterator<Item = &Task>) -> Option<TaskId> {
        match self.mood() {
            0 => None,
            1 => Stranger.start(run, ready),
            2 => Impatient.start(run, ready),
            mood => ready.nth(mood - 3).map(|task| task.spec.id.clone()),
        }
    }

    fn land(&self, run: &Parts, line: &mut dyn Iterator<Item = &Waiting>) -> Option<TaskId> {
        match self.mood() {
            0 => None,
            1 => Stranger.land(run, line),
            2 => Impatient.land(run, line),
            mood => line.nth(mood - 3).map(|waiting| waiting.task.clone()),
        }
    }

    fn retry(&self, _: &Parts, _: &Task, _: Cause) -> Again {
        match self.mood() {
            0 => Again::GiveUp,
            1 => Again::AsPlanned,
            mood => Again::After { delay_ms: 1 << (8 * mood) },
        }
    }
}

#[test]
fn the_plans_own_order_holds() {
    holds(AsPlanned);
}

#[test]
fn a_policy_that_names_tasks_which_do_not_exist_breaks_no_law() {
    holds(Stranger);
}

#[test]
fn a_policy_that_names_tasks_which_are_not_on_offer_breaks_no_law() {
    holds(Impatient);
}

#[test]
fn a_policy_that_always_takes_the_last_and_never_wants_to_retry_breaks_no_law() {
    holds(Worst);
}

#[test]
fn a_policy_that_gives_up_at_once_breaks_no_law() {
    holds(Quitter);
}

#[test]
fn a_policy_that_never_waits_breaks_no_law() {
    holds(Hasty);
}

#[test]
fn a_policy_that_throws_dice_breaks_no_law() {
    holds(Gambler);
}

#[test]
fn a_policy_that_never_answers_the_same_twice_breaks_no_law() {
    holds(Moody::default());
}

#[test]
fn what_is_not_so_is_told_with_its_seed() {
    let failed = explore(Quitter)
        .seeds(500)
        .eventually("nothing is tried again", |run| count(run, "task.retrying") == 0);
    // Failures that are nobody's fault are tried again, whatever a policy says; so some seed shows one.
    let words = failed.run().err().map(|failed| failed.to_string()).unwrap_or_default();
    assert!(words.contains("it is not so that nothing is tried again") && words.contains("seed "), "{words}");
}
