//! Whole runs as values of `proptest`: drawn from a few numbers, and made smaller choice by choice.
//!
//! Nothing goes wrong in a run unless the test says that it may.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use proptest::prelude::RngExt;
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::{TestRng, TestRunner};
use swarm_actors::Recorded;
use swarm_domain::Event;
use swarm_domain::fact::Outcome;
use swarm_domain::state::State;

use crate::choice::{Choices, Named, Place, Scenario, ScenarioFile, Search, Site, Who};
use crate::drive::{Drive, run};
use crate::laws::Broken;
use crate::line::line;
use crate::setup::{Explored, Setup};

const _: () = assert!(Site::ALL.len() <= 128, "a site has a bit");

/// The sites at which something may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults(u128);

impl Faults {
    /// Nothing goes wrong.
    pub const NONE: Self = Self(0);
    /// Whatever can.
    pub const ALL: Self = Self(u128::MAX);

    /// Whether something may go wrong there.
    pub const fn at(self, site: Site) -> bool {
        self.0 >> site as u32 & 1 == 1
    }
}

impl<const N: usize> From<[Site; N]> for Faults {
    fn from(sites: [Site; N]) -> Self {
        Self(sites.iter().fold(0, |bits, site| bits | 1 << *site as u32))
    }
}

/// Runs of plans of up to four tasks in which nothing goes wrong. What plans and programs are like is drawn.
pub fn runs() -> Runs {
    let setup = Setup { thorough: true, ..Setup::of(Scenario::default()) };
    Runs { tasks: 1..=4, crashes: 0..=0, faults: Faults::NONE, setup }
}

/// A strategy for runs; see [`runs`].
#[derive(Clone)]
pub struct Runs {
    tasks: RangeInclusive<u32>,
    crashes: RangeInclusive<u32>,
    faults: Faults,
    setup: Setup,
}

impl Runs {
    /// How many tasks the plan has, 64 at most.
    #[must_use]
    pub fn tasks(self, tasks: RangeInclusive<u32>) -> Self {
        let most = Site::PlanTasks.values().count();
        assert!(1 <= *tasks.start() && *tasks.end() <= most, "a plan has 1 to {most} tasks");
        Self { tasks, ..self }
    }

    /// What may go wrong: [`Faults::ALL`], or a list of sites. How often is drawn for each. That swarm dies is said by
    /// [`Runs::crashes`].
    #[must_use]
    pub fn faults(self, faults: impl Into<Faults>) -> Self {
        Self { faults: faults.into(), ..self }
    }

    /// How often swarm dies, at any point of any turn. It dies less often if the run is over before.
    #[must_use]
    pub fn crashes(self, crashes: RangeInclusive<u32>) -> Self {
        Self { crashes, ..self }
    }

    /// Everything else: a plan, a policy, a planted fault. What its scenario names stays.
    #[must_use]
    pub fn like(self, setup: Setup) -> Self {
        Self { setup, ..self }
    }

    fn draw(&self, rng: &mut TestRng) -> Explored {
        let mut named = self.setup.scenario.named.clone();
        named.insert(tasks(), rng.random_range(self.tasks.clone()) - 1);
        let scenario = Scenario { named, seed: Some(rng.random()) };
        let explored = self.drive(scenario.clone());
        let crashes = rng.random_range(self.crashes.clone());
        if crashes == 0 || explored.turns == 0 {
            return explored;
        }
        let mut turns = BTreeSet::new();
        while turns.len() < crashes.min(explored.turns) as usize {
            turns.insert(rng.random_range(1..=explored.turns));
        }
        let points = 1..Site::Crash.values().count();
        let mut crash = |scenario: Scenario, turn| {
            scenario.with(Site::Crash, Who::Number(turn), rng.random_range(points.clone()))
        };
        let crashes = turns.into_iter().fold(scenario, &mut crash);
        self.drive(crashes)
    }

    fn drive(&self, scenario: Scenario) -> Explored {
        let choices = Choices::new(scenario).only(|site| site != Site::Crash && self.faults.at(site));
        let mut drive = Drive::new(&self.setup, choices);
        let broken = drive.drive_on().err();
        drive.explored(broken)
    }

    /// Whether a smaller run is still one that this strategy may give.
    fn allows(&self, named: &Named) -> bool {
        let tasks = named.get(&tasks()).map_or(1, |less_one| less_one + 1);
        let kept = self
            .setup
            .scenario
            .named
            .iter()
            .all(|(place, value)| *value == 0 || named.get(place) == Some(value));
        kept && *self.tasks.start() <= tasks && *self.crashes.start() <= crashes(named)
    }
}

fn crashes(named: &Named) -> u32 {
    u32::try_from(named.keys().filter(|place| place.site == Site::Crash).count()).unwrap_or(u32::MAX)
}

fn tasks() -> Place {
    Place { site: Site::PlanTasks, who: Who::Run, time: 0 }
}

impl fmt::Debug for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tasks, crashes, faults, .. } = self;
        write!(f, "runs of {tasks:?} tasks with {crashes:?} crashes and {faults:?}")
    }
}

impl Strategy for Runs {
    type Tree = RunTree;
    type Value = Run;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let explored = Arc::new(self.draw(runner.rng()));
        let made = made(&explored);
        // A run that is over too soon to die as often as it should has no more crashes when it is smaller.
        let crashes = crashes(&made).min(*self.crashes.start())..=*self.crashes.end();
        let search = Search::new(made, explored.history.len());
        Ok(RunTree { of: self.clone().crashes(crashes), search, smallest: explored, tried: None })
    }
}

/// A run on its way to be smaller.
#[derive(Clone)]
pub struct RunTree {
    of: Runs,
    search: Search,
    /// The smallest that failed the test.
    smallest: Arc<Explored>,
    /// What the test is being asked about.
    tried: Option<Arc<Explored>>,
}

impl RunTree {
    fn next(&mut self) -> bool {
        self.tried = None;
        while let Some(candidate) = self.search.next() {
            if !self.of.allows(&candidate) {
                continue;
            }
            let scenario = Scenario { named: candidate, seed: None };
            // As it was drawn: once. Law 10 is not this test's affair, and a policy may throw dice.
            let explored = run(&Setup { scenario, twice: false, ..self.of.setup.clone() });
            let made = made(&explored);
            if self.of.allows(&made) && self.search.is_smaller(&made, explored.history.len()) {
                self.tried = Some(Arc::new(explored));
                return true;
            }
        }
        false
    }
}

impl ValueTree for RunTree {
    type Value = Run;

    fn current(&self) -> Run {
        let explored = self.tried.as_ref().unwrap_or(&self.smallest).clone();
        Run { scenario: Scenario { named: made(&explored), seed: None }, explored }
    }

    /// What was tried fails the test, too.
    fn simplify(&mut self) -> bool {
        if let Some(tried) = self.tried.take() {
            self.search.keep(made(&tried), tried.history.len());
            self.smallest = tried;
        }
        self.next()
    }

    /// What was tried passes: what it lacks is needed. Something else is tried.
    fn complicate(&mut self) -> bool {
        self.next()
    }
}

impl fmt::Debug for RunTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.current().fmt(f)
    }
}

fn made(explored: &Explored) -> Named {
    explored.made.iter().copied().collect()
}

/// A run from its first event to its last. It prints as a scenario file that runs it again.
#[derive(Clone)]
pub struct Run {
    scenario: Scenario,
    explored: Arc<Explored>,
}

/// What a test says always holds, and does not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not always: {name}\n{event}")]
pub struct NotAlways {
    /// What should hold.
    pub name: String,
    /// The place of the event with which it does not, from 1.
    pub seq: u64,
    /// That event, on a line.
    pub event: String,
}

impl Run {
    /// Whether every law of swarm held.
    pub fn check(&self) -> Result<(), Broken> {
        self.explored.broken.clone().map_or(Ok(()), Err)
    }

    /// Whether something holds after every event.
    pub fn always(&self, name: &str, mut holds: impl FnMut(&At<'_>) -> bool) -> Result<(), NotAlways> {
        let history = self.history();
        let mut state = State::new();
        for (before, recorded) in history.iter().enumerate() {
            // A history that breaks law 14 does not fold. Then `check` says so.
            let _ = state.replay(&recorded.event);
            if !holds(&At { history: &history[..=before], state: &state }) {
                let event = line(recorded, history[0].time_ms);
                return Err(NotAlways { name: name.to_owned(), seq: recorded.seq, event });
            }
        }
        Ok(())
    }

    /// Every event, in order.
    pub fn history(&self) -> &[Recorded] {
        &self.explored.history
    }

    /// How it ended; none if a broken law ended it.
    pub fn outcome(&self) -> Option<Outcome> {
        self.explored.outcome
    }

    /// The choices that lead to it.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// All that is known of it.
    pub fn explored(&self) -> &Explored {
        &self.explored
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{}", ScenarioFile::from(self.scenario.clone()))
    }
}

/// A moment of a run: just after an event.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    history: &'a [Recorded],
    state: &'a State,
}

impl<'a> At<'a> {
    /// What has just happened.
    pub fn event(&self) -> &'a Event {
        &self.recorded().event
    }

    /// The same, with its place and its time.
    pub fn recorded(&self) -> &'a Recorded {
        self.history.last().expect("a moment is just after an event")
    }

    /// What had happened before.
    pub fn before(&self) -> &'a [Recorded] {
        &self.history[..self.history.len() - 1]
    }

    /// What everything so far adds up to.
    pub fn state(&self) -> &'a State {
        self.state
    }
}
