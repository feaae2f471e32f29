//! Drives the real core and the real journal through a simulated world, until the run comes to its end.
//!
//! It does what the actors do, without them: one command at a time through the real writer on a simulated disk, then
//! whatever is owed. Everything that is not swarm's decision is a named choice.

mod ending;
mod people;
mod turns;

use std::collections::{BTreeMap, BTreeSet};

use swarm_domain::fact::Outcome;
use swarm_domain::fact::{Request, Standing};
use swarm_domain::plan::Plan;
use swarm_domain::{Command, Key, NewRun, TaskId};
use swarm_journal::Sizes;
use swarm_journal::sim::SimDisk;

use crate::choice::Choices;
use crate::laws::Broken;
use crate::life::Life;
use crate::marks::{Mark, Matrix};
use crate::meters::Meters;
use crate::plans;
use crate::port::Shared;
use crate::sabotage::Sabotage;
use crate::setup::{Explored, Setup};
use crate::world::{News, World};

use self::ending::bound;

/// The value of [`crate::Site::Crash`] that stands for it.
const BETWEEN_EFFECTS: u32 = 5;

/// Small segments, so that even a short run fills some.
const SIZES: Sizes = Sizes { first_bytes: 8 << 10, max_bytes: 16 << 10 };

/// Runs a scenario to its end. A broken law ends it early. Law 10: where it is looked at closely, it is run twice.
pub fn run(setup: &Setup) -> Explored {
    let mut explored = once(setup);
    if setup.twice && explored.broken.is_none() {
        let again = once(setup);
        let same = again.history == explored.history;
        explored.broken =
            (!same).then(|| Broken::new(10, "the same scenario was run twice, and went two ways"));
    }
    explored
}

fn once(setup: &Setup) -> Explored {
    let mut drive = Drive::new(setup, Choices::new(setup.scenario.clone()));
    let broken = drive.drive_on().err();
    drive.explored(broken)
}

/// A run on its way.
pub(crate) struct Drive {
    pub(crate) world: Shared,
    pub(crate) life: Life,
    plan: Plan,
    meters: Meters,
    /// When the core wants to be woken, and when the timer for it rings, in milliseconds.
    wakeup: Option<(u64, u64)>,
    turn: u32,
    /// Steps that were not a look at a meter.
    steps: u32,
    /// Where they stood when faults stopped.
    faults_until: u32,
    resumes: u32,
    pub(crate) dies_after: Option<u32>,
    /// Tasks whose actor would be gone, since they are final and owe nothing.
    dismissed: BTreeSet<TaskId>,
    pub(crate) ended: Option<Outcome>,
    stopped_with: Option<Outcome>,
    pub(crate) matrix: Matrix,
}

impl Drive {
    pub(crate) fn new(setup: &Setup, mut choices: Choices) -> Self {
        choices.silence(setup.silent);
        let plan = setup.plan.clone().unwrap_or_else(|| plans::plan(&mut choices));
        let faults_until = 60 + 40 * u32::try_from(plan.tasks().len()).unwrap_or(u32::MAX / 64);
        let world = Shared::new(World::new(choices, &plan, setup));
        let life = Life::new(SimDisk::with_sizes(1, SIZES), world.clone(), setup);
        Self {
            world,
            life,
            plan,
            meters: Meters::default(),
            wakeup: None,
            turn: 0,
            steps: 0,
            faults_until,
            resumes: 0,
            dies_after: setup.dies_after,
            dismissed: BTreeSet::new(),
            ended: None,
            stopped_with: None,
            matrix: Matrix::default(),
        }
    }

    pub(crate) fn explored(self, broken: Option<Broken>) -> Explored {
        let world = self.world.lock();
        Explored {
            history: self.life.history,
            outcome: self.ended,
            made: world.choices.made().to_vec(),
            marks: world.marks.clone(),
            matrix: self.matrix,
            crashes: self.life.crashes,
            turns: self.turn,
            broken,
        }
    }

    /// Whether swarm lives and drives the run.
    fn is_up(&self) -> bool {
        self.life.writer.is_some()
    }

    /// Until the run is finished. Law 12: once faults have stopped, that takes a bounded number of steps.
    pub(crate) fn drive_on(&mut self) -> Result<(), Broken> {
        self.begin()?;
        while self.ended.is_none() {
            if self.is_up() {
                self.step()?;
            } else {
                self.open()?;
            }
            if let Some(broken) = self.world.lock().broken.take() {
                return Err(broken);
            }
        }
        self.at_end()
    }

    fn begin(&mut self) -> Result<(), Broken> {
        self.plan_it()?;
        if self.is_up() {
            self.turn(Command::Open { pid: 1, version: "sim".to_owned(), wall: Standing::default() }, None)?;
        }
        Ok(())
    }

    /// Records the plan. Nobody drives it yet.
    pub(crate) fn plan_it(&mut self) -> Result<(), Broken> {
        if self.life.writer.is_none() {
            self.life.create()?;
        }
        let new = NewRun {
            run: "sim".to_owned(),
            parent: None,
            version: "sim".to_owned(),
            source: "sim".to_owned(),
            plan: self.plan.clone(),
            carried: BTreeMap::new(),
        };
        self.turn(Command::Plan(Box::new(new)), None)
    }

    fn open(&mut self) -> Result<(), Broken> {
        (self.meters, self.wakeup) = (Meters::default(), None);
        self.dismissed.clear();
        self.life.open()?;
        if self.life.history.is_empty() {
            return self.begin();
        }
        if let Some(outcome) = self.life.state().and_then(|state| state.run().run.finished) {
            return self.stop(outcome);
        }
        self.turn(Command::Open { pid: 1, version: "sim".to_owned(), wall: Standing::default() }, None)?;
        self.bring_money()
    }

    /// The next thing that happens in the world.
    fn step(&mut self) -> Result<(), Broken> {
        self.interfere()?;
        if !self.is_up() {
            return Ok(());
        }
        let (effect_ms, beat_ms) = (self.world.lock().next_ms(), self.meters.next_ms());
        let ring_ms = self.wakeup.map(|(_, ring_ms)| ring_ms);
        let Some(now_ms) = [effect_ms, beat_ms, ring_ms].into_iter().flatten().min() else {
            return self.nothing_is_due();
        };
        self.pass_to(now_ms);
        if effect_ms == Some(now_ms) {
            self.count_step()?;
            let news = self.world.lock().next();
            news.map_or(Ok(()), |news| self.hear(news))?;
            if self.is_up() && self.dies_now() {
                self.die(BETWEEN_EFFECTS);
            }
            Ok(())
        } else if beat_ms == Some(now_ms) {
            self.beat()
        } else {
            self.count_step()?;
            self.ring()
        }
    }

    fn pass_to(&self, now_ms: u64) {
        let mut world = self.world.lock();
        world.now_ms = world.now_ms.max(now_ms);
    }

    fn count_step(&mut self) -> Result<(), Broken> {
        self.steps += 1;
        if self.steps == self.faults_until {
            let mut world = self.world.lock();
            world.choices.stop_faults();
            world.marks.hit(Mark::FaultsStopped);
        }
        let bound = self.faults_until.saturating_add(bound(&self.plan));
        if self.steps < bound {
            return Ok(());
        }
        Err(Broken::new(12, format!("no end {} steps after faults stopped", self.steps - self.faults_until)))
    }

    fn nothing_is_due(&mut self) -> Result<(), Broken> {
        self.count_step()?;
        let paused = self.life.state().is_some_and(|state| state.run().run.pause.is_some());
        if paused {
            return self.ask(format!("unpause-{}", self.steps), Request::Unpause);
        }
        let seq = self.life.history.len();
        Err(Broken::new(12, format!("at {seq}: nothing is owed, nothing is due, and the run goes on")))
    }

    fn hear(&mut self, news: News) -> Result<(), Broken> {
        if self.forgets(&news) {
            return Ok(());
        }
        let last = news.facts.len();
        for (at, fact) in news.facts.into_iter().enumerate() {
            // Whoever is dismissed says no more.
            if news.key.as_ref().and_then(Key::task).is_some_and(|task| self.dismissed.contains(task)) {
                break;
            }
            let fact = self.life.port(fact);
            // The effect is over with its last fact: what that leaves owed is not begun again on its account.
            let answered = news.key.as_ref().filter(|_| news.over || at + 1 < last);
            let command = match &news.key {
                Some(to) if news.over => Command::Answer { to: to.clone(), fact },
                _ => Command::Fact(fact),
            };
            self.turn(command, answered)?;
            if !self.is_up() {
                break;
            }
        }
        Ok(())
    }

    fn forgets(&self, news: &News) -> bool {
        let preserving = matches!(news.key, Some(Key::Preserve(..)));
        preserving && self.world.lock().is(Sabotage::EffectForgotten)
    }

    fn beat(&mut self) -> Result<(), Broken> {
        let facts = self.meters.beat(&mut self.world.lock());
        for fact in facts {
            self.turn(Command::Fact(fact), None)?;
            if !self.is_up() {
                break;
            }
        }
        Ok(())
    }

    /// The timer rings. If the clock was set back meanwhile it is too early, and set again.
    fn ring(&mut self) -> Result<(), Broken> {
        let Some((at_ms, _)) = self.wakeup.take() else { return Ok(()) };
        let wall_ms = self.world.lock().wall_ms();
        if wall_ms < at_ms {
            self.world.lock().marks.hit(Mark::ClockBack);
            self.arm(Some(at_ms));
            return Ok(());
        }
        self.turn(Command::Advance, None)
    }

    fn arm(&mut self, wakeup_ms: Option<u64>) {
        let world = self.world.lock();
        if self.wakeup.map(|(at_ms, _)| at_ms) == wakeup_ms || world.is(Sabotage::TimerForgotten) {
            return;
        }
        self.wakeup =
            wakeup_ms.map(|at_ms| (at_ms, world.now_ms + at_ms.saturating_sub(world.wall_ms()) + 1));
    }
}
