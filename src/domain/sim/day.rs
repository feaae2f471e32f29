//! What a run does within its share of a day: before it is told, as the share grows, when the day has no more, and at midnight.

use super::{Sim, exited, settings, task};
use crate::caps::Caps;
use crate::event::DaySeen;
use crate::fact::{Ending, Outcome};
use crate::{Command, Effect, Refusal, Settings, TaskSpec, Usd};

const MIDNIGHT_MS: u64 = 50_000;

fn is_run(effect: &Effect) -> bool {
    matches!(effect, Effect::RunAttempt(_))
}

fn usd(micros: u64) -> Usd {
    Usd::from_micros(micros)
}

/// A run of tasks that reserve 40 each, one at a time, on days of 100.
fn run() -> Sim {
    let each = |name| TaskSpec { estimate: Some(usd(40)), ..task(name) };
    let caps = Caps::of_usd(Some(usd(1_000)));
    let settings = Settings { caps, per_day: Some(usd(100)), concurrency: 1, ..settings() };
    let mut sim = Sim::new(settings, ["a", "b", "c"].map(each).to_vec());
    sim.settle(is_run);
    sim
}

/// Tells the run what it may spend on a day, and what others have of it.
fn tell(sim: &mut Sim, date: &str, until_ms: u64, allowed: u64, elsewhere: u64) -> Result<(), Refusal> {
    let (date, allowed, elsewhere) = (date.to_owned(), usd(allowed), usd(elsewhere));
    sim.turn(&Command::Fact(DaySeen { date, until_ms, elsewhere, allowed }.into()))?;
    sim.settle(is_run);
    Ok(())
}

/// Ends the one program that runs, for so much.
fn end(sim: &mut Sim, micros: u64) {
    let Effect::RunAttempt(run) = sim.the(is_run) else { unreachable!() };
    let fact = exited(&run, Ending::Exited { code: 0 }, Some(micros));
    sim.answer(&Effect::RunAttempt(run).key(), fact);
    sim.settle(is_run);
}

fn starts(sim: &Sim) -> usize {
    sim.count("attempt.started")
}

#[test]
fn nothing_starts_before_it_is_known_what_the_day_allows() {
    let mut sim = run();
    assert_eq!((starts(&sim), sim.stopped()), (0, None), "whoever says so is waited for");
    tell(&mut sim, "today", MIDNIGHT_MS, 39, 0).unwrap();
    assert_eq!((starts(&sim), sim.stopped()), (0, None), "the day has more");
    tell(&mut sim, "today", MIDNIGHT_MS, 40, 0).unwrap();
    assert_eq!((starts(&sim), sim.stopped()), (1, None));
}

#[test]
fn when_the_day_has_no_more_the_run_stops_and_goes_on_the_next_day() {
    let mut sim = run();
    tell(&mut sim, "today", MIDNIGHT_MS, 80, 20).unwrap();
    end(&mut sim, 40);
    end(&mut sim, 40);
    assert_eq!((starts(&sim), sim.stopped()), (2, Some(Outcome::Budget)));
    let (_, detail) = sim.state.run().run.stopped.as_ref().unwrap();
    assert!(
        detail.starts_with("$0.0001 of the budget of the day of $0.0001 are spent or held by other runs,"),
        "{detail}"
    );
    sim.crash();
    sim.now_ms = MIDNIGHT_MS;
    sim.settle(is_run);
    assert_eq!((starts(&sim), sim.stopped()), (2, None), "the next day may allow it");
    tell(&mut sim, "tomorrow", 2 * MIDNIGHT_MS, 100, 0).unwrap();
    end(&mut sim, 40);
    assert_eq!(sim.finished(), Some(Outcome::Landed));
}

#[test]
fn a_day_that_no_other_run_has_anything_of_is_spent_by_this_one() {
    let mut sim = run();
    tell(&mut sim, "today", MIDNIGHT_MS, 100, 0).unwrap();
    end(&mut sim, 40);
    end(&mut sim, 70);
    let (_, detail) = sim.state.run().run.stopped.as_ref().unwrap();
    assert!(detail.contains("of the day of $0.0001 are spent, and what is left"), "{detail}");
}

#[test]
fn over_midnight_what_is_held_back_counts_on_the_new_day() {
    let mut sim = run();
    tell(&mut sim, "today", MIDNIGHT_MS, 100, 0).unwrap();
    end(&mut sim, 60);
    sim.now_ms = MIDNIGHT_MS;
    tell(&mut sim, "tomorrow", 2 * MIDNIGHT_MS, 79, 0).unwrap();
    end(&mut sim, 40);
    assert_eq!((starts(&sim), sim.stopped()), (2, None), "39 are left of the share, and more of the day");
    let day = sim.state.run().ledger.day().unwrap();
    assert_eq!((day.date.as_str(), day.spent), ("tomorrow", usd(40)));
}

#[test]
fn what_is_held_back_is_not_taken_away_and_what_is_free_is() {
    let mut sim = run();
    tell(&mut sim, "today", MIDNIGHT_MS, 100, 0).unwrap();
    let refused = tell(&mut sim, "today", MIDNIGHT_MS, 39, 0).unwrap_err();
    assert_eq!(refused, Refusal::Unfit("budget.day: it is spent or held back".to_owned()));
    tell(&mut sim, "today", MIDNIGHT_MS, 40, 60).unwrap();
    assert!(tell(&mut sim, "today", MIDNIGHT_MS, 40, 60).is_err(), "that was known");
}

#[test]
fn a_run_without_a_budget_by_the_day_is_told_of_none() {
    let mut sim = Sim::new(settings(), vec![task("a")]);
    assert!(matches!(tell(&mut sim, "today", MIDNIGHT_MS, 9, 0), Err(Refusal::Unfit(_))));
}
