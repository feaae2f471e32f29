//! Runs around a run: the same but for one thing that goes wrong, for every such thing. Knows no laws of its own.

use std::fmt;

use crate::choice::{Choices, Draw, Place, Scenario, Site, Who};
use crate::drive::{Drive, run};
use crate::each::each;
use crate::laws::Broken;
use crate::setup::{Explored, Setup};

/// What is tried around a run.
#[derive(Clone)]
pub struct WhatIf {
    setup: Setup,
    crashes: bool,
    faults: bool,
}

/// What was tried, and held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// Runs, each in full; the first is the one that the others are around.
    pub runs: u64,
    /// How often swarm died in them.
    pub crashes: u64,
    /// How many events they recorded.
    pub events: u64,
}

impl Tried {
    pub(crate) fn add(&mut self, explored: &Explored) {
        self.runs += 1;
        self.crashes += u64::from(explored.crashes);
        self.events += explored.history.len() as u64;
    }

    pub(crate) fn sum(all: Vec<Self>) -> Self {
        all.into_iter().fold(Self::default(), |sum, one| Self {
            runs: sum.runs + one.runs,
            crashes: sum.crashes + one.crashes,
            events: sum.events + one.events,
        })
    }
}

/// A run that did not go as it must.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{why}\nin the run of {}", Words(scenario))]
pub struct Failed {
    /// What went wrong.
    pub why: Why,
    /// The run in which it did.
    pub scenario: Scenario,
}

/// What went wrong in a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// A law does not hold.
    #[error(transparent)]
    Law(#[from] Broken),
    /// Something did not happen that must happen in every run.
    #[error("it is not so that {0}")]
    Not(String),
}

/// A scenario on a few lines.
struct Words<'a>(&'a Scenario);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.seed {
            Some(seed) => write!(f, "seed {seed}")?,
            None => f.write_str("no seed")?,
        }
        self.0
            .named
            .iter()
            .try_for_each(|(place, value)| write!(f, "\n    {place} = {}", place.site.word(*value)))
    }
}

impl WhatIf {
    /// Around a run of one's own.
    ///
    /// ```
    /// use swarm_proptests::{Scenario, Setup, Site, WhatIf, Who};
    ///
    /// let two = Scenario::default().with(Site::PlanTasks, Who::Run, 1);
    /// let tried = WhatIf::of(Setup::of(two)).crash_at_every_point().check()?;
    /// assert!(tried.crashes > 100);
    /// # Ok::<(), swarm_proptests::Failed>(())
    /// ```
    pub fn of(setup: Setup) -> Self {
        // What is compared at every event in the run itself is compared at each crash in those around it.
        Self { setup: Setup { thorough: false, twice: false, ..setup }, crashes: false, faults: false }
    }

    /// Swarm dies once: in every turn of the writer, at every point of it; with its machine, whatever becomes of what was
    /// not synced, and without.
    #[must_use]
    pub fn crash_at_every_point(self) -> Self {
        Self { crashes: true, ..self }
    }

    /// One thing goes wrong that went well: every fault there is, wherever there is occasion for it.
    ///
    /// ```
    /// use swarm_proptests::{Scenario, Setup, WhatIf};
    ///
    /// let tried = WhatIf::of(Setup::of(Scenario::default())).one_fault_anywhere().check()?;
    /// assert!(tried.runs > 100);
    /// # Ok::<(), swarm_proptests::Failed>(())
    /// ```
    #[must_use]
    pub fn one_fault_anywhere(self) -> Self {
        Self { faults: true, ..self }
    }

    /// Tries all of it, on every core. Fails with the first law that is broken, and the run that breaks it.
    ///
    /// ```
    /// use swarm_proptests::{Sabotage, Scenario, Setup, WhatIf};
    ///
    /// let lying = Setup { sabotage: Some(Sabotage::SkipSync), ..Setup::of(Scenario::default()) };
    /// let failed = WhatIf::of(lying).one_fault_anywhere().check().unwrap_err();
    /// assert!(failed.to_string().starts_with("law "));
    /// ```
    pub fn check(&self) -> Result<Tried, Failed> {
        let (explored, asked) = self.first();
        let mut first = Tried::default();
        first.add(&explored);
        held(explored, &self.setup.scenario)?;
        let variants = self.variants(&asked);
        let sums = each(variants.len() as u64, |tried: &mut Tried, number| {
            let scenario = &variants[usize::try_from(number).expect("it was a length")];
            let explored = run(&Setup { scenario: scenario.clone(), ..self.setup.clone() });
            tried.add(&explored);
            held(explored, scenario)
        })?;
        Ok(Tried::sum([sums, vec![first]].concat()))
    }

    /// The run itself, and everything that it was asked.
    fn first(&self) -> (Explored, Vec<(Place, u32)>) {
        let setup = Setup { thorough: true, ..self.setup.clone() };
        let mut choices = Choices::new(setup.scenario.clone());
        choices.remember_asked();
        let mut drive = Drive::new(&setup, choices);
        let broken = drive.drive_on().err();
        let asked = drive.world.lock().choices.asked().collect();
        (drive.explored(broken), asked)
    }

    fn variants(&self, asked: &[(Place, u32)]) -> Vec<Scenario> {
        let turns = asked.iter().filter(|(place, value)| place.site == Site::Crash && *value == 0);
        let crashes = turns.filter(|_| self.crashes).flat_map(|(place, _)| self.crashes_in(*place));
        let is_fault = |place: &Place| matches!(place.site.draw(), Draw::Fault | Draw::Rare);
        let kind = asked.iter().filter(|(place, value)| is_fault(place) && *value == 0);
        let faults = kind.filter(|_| self.faults).flat_map(|(place, _)| self.faults_at(*place));
        crashes.chain(faults).collect()
    }

    fn crashes_in(&self, turn: Place) -> impl Iterator<Item = Scenario> {
        // The power goes, and with it an unsynced tail, or not, or half of it; or the process dies alone.
        const KINDS: [(u32, u32); 4] = [(0, 0), (0, 1), (0, 2), (1, 0)];
        let first = Who::Number(1);
        self.faults_at(turn).flat_map(move |scenario| {
            KINDS.map(|(power, tail)| {
                scenario.clone().with(Site::CrashPower, first, power).with(Site::CrashTail, first, tail)
            })
        })
    }

    fn faults_at(&self, place: Place) -> impl Iterator<Item = Scenario> {
        (1..place.site.values().count()).map(move |value| {
            let mut scenario = self.setup.scenario.clone();
            scenario.named.insert(place, value);
            scenario
        })
    }
}

/// An error, if a law is broken.
pub(crate) fn held(explored: Explored, scenario: &Scenario) -> Result<(), Failed> {
    match explored.broken {
        Some(broken) => Err(Failed { why: broken.into(), scenario: scenario.clone() }),
        None => Ok(()),
    }
}
