//! Makes a scenario small: fewer choices, then lower ones, then fewer events. Does not know what makes a scenario bad;
//! whoever asks for candidates says which of them still are.
//!
//! It works because choices have names: taking one away shifts no other. What a run did not ask for goes by itself.

use std::collections::BTreeMap;

use super::{Place, Site, Who};

/// Choices by name.
pub(crate) type Named = BTreeMap<Place, u32>;

/// What a scenario is measured by, the most important first: its choices, the sum of their values, the events that they
/// lead to, and the sum of the numbers in their names.
type Size = (usize, u64, usize, u64);

/// Sites whose number counts the turns of the writer: they move together when a run gets shorter.
const BY_TURN: [Site; 6] =
    [Site::Crash, Site::DiskFault, Site::Room, Site::ClockStep, Site::Person, Site::PersonWhom];
/// How many turns a choice less may make a run shorter.
const TURNS: usize = 6;

/// One way to make a scenario smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// The last half of the tasks is left out, the last quarter, and so on. This comes first: a run of few tasks is short.
    FewerTasks,
    /// So many choices in a row are left out.
    Without(usize),
    /// A task is left out, and those behind it move up.
    WithoutTask,
    /// A value is lowered: to 1, to its half, by 1.
    Lower,
    /// Something happens earlier.
    Earlier,
    /// A choice is left out, and what is numbered by turns happens earlier.
    Shifted,
}

/// A search for a smaller scenario that is as bad.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    best: Named,
    size: Size,
    pass: Pass,
    slot: usize,
    /// Whether this round has found anything.
    found: bool,
}

impl Search {
    /// Begins with choices that were made in a bad run of so many events.
    pub(crate) fn new(made: Named, events: usize) -> Self {
        let pass = Pass::FewerTasks;
        Self { size: size(&made, events), best: made, pass, slot: 0, found: false }
    }

    /// The smallest that was bad so far.
    pub(crate) fn best(&self) -> &Named {
        &self.best
    }

    /// The next candidate to run; none when nothing smaller is left to try.
    pub(crate) fn next(&mut self) -> Option<Named> {
        loop {
            if self.slot < self.slots() {
                self.slot += 1;
                let candidate = self.candidate(self.slot - 1).filter(|candidate| *candidate != self.best);
                if candidate.is_some() {
                    return candidate;
                }
            } else {
                self.pass = self.next_pass()?;
                self.slot = 0;
            }
        }
    }

    /// Whether what a candidate led to is smaller than the best.
    pub(crate) fn is_smaller(&self, made: &Named, events: usize) -> bool {
        size(made, events) < self.size
    }

    /// The last candidate was bad, too: it made these choices, in so many events.
    pub(crate) fn keep(&mut self, made: Named, events: usize) {
        self.size = size(&made, events);
        self.best = made;
        self.found = true;
        // What was behind it has moved up, and what was lowered may go lower.
        self.slot = self.slot.saturating_sub(1);
    }

    fn next_pass(&mut self) -> Option<Pass> {
        Some(match self.pass {
            Pass::FewerTasks => Pass::Without(half(self.best.len())),
            Pass::Without(1) => Pass::WithoutTask,
            Pass::Without(count) => Pass::Without(half(count)),
            Pass::WithoutTask => Pass::Lower,
            Pass::Lower => Pass::Earlier,
            Pass::Earlier => Pass::Shifted,
            Pass::Shifted if std::mem::take(&mut self.found) => Pass::Without(1),
            Pass::Shifted => return None,
        })
    }

    /// How many candidates there are in this pass.
    fn slots(&self) -> usize {
        match self.pass {
            Pass::Without(count) => self.best.len().div_ceil(count),
            // Half of 64 tasks, and so on down to one.
            Pass::FewerTasks => 6,
            Pass::WithoutTask => tasks(&self.best),
            Pass::Lower | Pass::Earlier => 3 * self.best.len(),
            Pass::Shifted => TURNS * self.best.len(),
        }
    }

    fn candidate(&self, slot: usize) -> Option<Named> {
        let entry = |at: usize| self.best.iter().nth(at).map(|(place, value)| (*place, *value));
        match self.pass {
            Pass::Without(count) => Some(without(&self.best, slot * count, count)),
            Pass::FewerTasks => {
                let (all, count) = (tasks(&self.best), tasks(&self.best) >> (slot + 1));
                (count > 0).then(|| without_tasks(&self.best, all - count, count))?
            }
            Pass::WithoutTask => without_tasks(&self.best, slot, 1),
            Pass::Lower => {
                let (place, value) = entry(slot / 3)?;
                let lower = [1, value / 2, value - 1][slot % 3];
                (0 < lower && lower < value).then(|| with(self.best.clone(), place, lower))
            }
            Pass::Earlier => {
                let (place, value) = entry(slot / 3)?;
                let earlier = earlier(place, slot % 3)?;
                let mut moved = self.best.clone();
                moved.remove(&place);
                (!moved.contains_key(&earlier)).then(|| with(moved, earlier, value))
            }
            Pass::Shifted => {
                let by = u32::try_from(1 + slot % TURNS).expect("a few");
                shifted(&without(&self.best, slot / TURNS, 1), by)
            }
        }
    }
}

fn size(made: &Named, events: usize) -> Size {
    let names = made.keys().map(|place| number(place.who) + u64::from(place.time));
    (made.len(), made.values().map(|value| u64::from(*value)).sum(), events, names.sum())
}

fn number(who: Who) -> u64 {
    match who {
        Who::Run => 0,
        Who::Task(task) => u64::from(task),
        Who::Attempt(task, attempt) => u64::from(task) + u64::from(attempt),
        Who::Number(number) => u64::from(number),
    }
}

fn with(mut named: Named, place: Place, value: u32) -> Named {
    named.insert(place, value);
    named
}

fn without(named: &Named, from: usize, count: usize) -> Named {
    let stays = named.iter().enumerate().filter(|(at, _)| !(from..from + count).contains(at));
    stays.map(|(_, (place, value))| (*place, *value)).collect()
}

/// How many tasks the plan has.
fn tasks(named: &Named) -> usize {
    let place = Place { site: Site::PlanTasks, who: Who::Run, time: 0 };
    named.get(&place).map_or(1, |less_one| *less_one as usize + 1)
}

fn without_tasks(named: &Named, from: usize, count: usize) -> Option<Named> {
    let all = tasks(named);
    let gone = from..(from + count).min(all);
    let left_less_one = u32::try_from(all.checked_sub(gone.len() + 1)?).ok()?;
    let moved = |task: u16| match usize::from(task) {
        task if gone.contains(&task) => None,
        task if task >= gone.end => u16::try_from(task - gone.len()).ok(),
        _ => Some(task),
    };
    let choice = |(place, value): (&Place, &u32)| {
        let who = match place.who {
            Who::Task(task) => Who::Task(moved(task)?),
            Who::Attempt(task, attempt) => Who::Attempt(moved(task)?, attempt),
            who @ (Who::Run | Who::Number(_)) => who,
        };
        let value = if place.site == Site::PlanTasks { left_less_one } else { *value };
        (value > 0).then_some((Place { who, ..*place }, value))
    };
    Some(named.iter().filter_map(choice).collect())
}

/// Half of so many, and at least one.
fn half(count: usize) -> usize {
    (count / 2).max(1)
}

/// The same choice at an earlier time: half as far, three quarters, or one less.
fn earlier(place: Place, how: usize) -> Option<Place> {
    if place.time > 0 {
        let time = [0, place.time / 2, place.time - 1][how];
        return Some(Place { time, ..place });
    }
    let who = match place.who {
        Who::Attempt(task, attempt) if attempt > 1 && how == 0 => Who::Attempt(task, attempt - 1),
        Who::Number(number) if number > 1 => {
            Who::Number([number / 2, number - number / 4, number - 1][how].max(1))
        }
        Who::Run | Who::Task(_) | Who::Attempt(..) | Who::Number(_) => return None,
    };
    (who != place.who).then_some(Place { who, ..place })
}

fn shifted(named: &Named, by: u32) -> Option<Named> {
    let mut any = false;
    let mut choice = |(place, value): (&Place, &u32)| {
        let who = match place.who {
            Who::Number(turn) if BY_TURN.contains(&place.site) => {
                any = true;
                Who::Number(turn.checked_sub(by).filter(|turn| *turn > 0)?)
            }
            who => who,
        };
        Some((Place { who, ..*place }, *value))
    };
    let shifted = named.iter().map(&mut choice).collect::<Option<Named>>()?;
    any.then_some(shifted)
}

#[cfg(test)]
mod tests {
    use super::{Named, Search};
    use crate::choice::{Place, Site, Who};

    fn place(site: Site, who: Who) -> Place {
        Place { site, who, time: 0 }
    }

    /// Searches with a judge of candidates; every choice is always asked for, and each is an event.
    fn smallest(from: &Named, is_bad: impl Fn(&Named) -> bool) -> (Named, usize) {
        let (mut search, mut tries) = (Search::new(from.clone(), from.len()), 0);
        while let Some(candidate) = search.next() {
            tries += 1;
            let events = candidate.len();
            if search.is_smaller(&candidate, events) && is_bad(&candidate) {
                search.keep(candidate, events);
            }
        }
        (search.best().clone(), tries)
    }

    fn many() -> Named {
        let numbers = (1..=40).map(|number| (place(Site::Crash, Who::Number(number)), 1 + number % 5));
        let tasks = (0..40).map(|task| (place(Site::TaskPaths, Who::Task(task)), 35));
        numbers.chain(tasks).chain([(place(Site::PlanTasks, Who::Run), 39)]).collect()
    }

    #[test]
    fn what_does_not_matter_goes_and_what_matters_gets_low() {
        let task = place(Site::TaskPaths, Who::Task(17));
        let is_bad = |named: &Named| named.get(&task).is_some_and(|value| *value >= 6);
        let (best, tries) = smallest(&many(), is_bad);
        assert_eq!(best, [(task, 6)].into());
        assert!(tries < 100, "{tries}");
    }

    #[test]
    fn tasks_in_the_middle_go_and_the_others_move_up() {
        let is_bad = |named: &Named| {
            let paths = named.iter().filter(|(place, _)| place.site == Site::TaskPaths);
            let places: Vec<_> = paths.map(|(place, _)| place.who).collect();
            let tasks = super::tasks(named);
            let highest = Who::Task(u16::try_from(tasks - 1).unwrap());
            places.len() == tasks && places.contains(&highest) && tasks >= 2
        };
        let (best, _) = smallest(&many(), is_bad);
        assert_eq!(best.len(), 3);
        assert_eq!(best[&place(Site::PlanTasks, Who::Run)], 1);
    }

    #[test]
    fn what_is_late_gets_early() {
        let is_bad = |named: &Named| {
            named.keys().any(|place| place.site == Site::Crash && matches!(place.who, Who::Number(4..)))
        };
        let (best, _) = smallest(&many(), is_bad);
        assert_eq!(best, [(place(Site::Crash, Who::Number(4)), 1)].into());
    }

    #[test]
    fn a_search_in_which_nothing_is_bad_ends() {
        let (best, tries) = smallest(&many(), |_| false);
        assert_eq!(best, many());
        assert!(tries < 2_000, "{tries}");
    }
}
