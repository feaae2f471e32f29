//! Shrinks a failure: the smallest scenario that breaks the same law.

use crate::choice::{Named, Scenario, Search};
use crate::drive::run;
use crate::setup::{Explored, Setup};

/// More events than these are not worth the wait: it is a second or two. A failure that needs more is told as it then is.
const EVENTS_MAX: usize = 300_000;

/// What is left of a failure.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The choices that still break the law.
    pub scenario: Scenario,
    /// What came of them.
    pub explored: Explored,
    /// How many choices there were before.
    pub choices_before: usize,
    /// How many runs it took.
    pub tries: u32,
}

/// Makes a run that breaks a law smaller, as long as it breaks the same one. Always with the same result.
///
/// If the choices of the run do not break the law when they are made by name, it is returned as it is.
pub fn shrink(setup: &Setup, law: u8) -> Shrunk {
    let first = run(setup);
    let choices_before = first.made.len();
    let mut tries = 1;
    let mut again = |named: Named, thorough: bool| {
        tries += 1;
        let scenario = Scenario { named, seed: None };
        run(&Setup { scenario, thorough, twice: thorough, ..setup.clone() })
    };
    // What is looked at closely costs twice the time, and few failures need it.
    let mut thorough = false;
    let mut explored = again(named(&first), thorough);
    if !breaks(&explored, law) {
        thorough = true;
        explored = again(named(&first), thorough);
    }
    if !breaks(&explored, law) {
        return Shrunk { scenario: setup.scenario.clone(), explored: first, choices_before, tries };
    }
    let mut search = Search::new(named(&explored), explored.history.len());
    let mut events_left = EVENTS_MAX;
    while let Some(candidate) = search.next().filter(|_| events_left > 0) {
        let found = again(candidate, thorough);
        let (made, events) = (named(&found), found.history.len());
        events_left = events_left.saturating_sub(events);
        if breaks(&found, law) && search.is_smaller(&made, events) {
            search.keep(made, events);
            explored = found;
        }
    }
    let scenario = Scenario { named: search.best().clone(), seed: None };
    Shrunk { scenario, explored, choices_before, tries }
}

fn named(explored: &Explored) -> Named {
    explored.made.iter().copied().collect()
}

fn breaks(explored: &Explored, law: u8) -> bool {
    explored.broken.as_ref().is_some_and(|broken| broken.law == law)
}
