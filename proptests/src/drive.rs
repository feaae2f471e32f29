//! Drives the real core and the real journal through a simulated world, until the run comes to its end.
//!
//! It does what the actors do, without them: one command at a time through the real writer on a simulated disk, then
//! whatever is owed. Everything that is not swarm's decision is a named choice.

use std::collections::BTreeSet;
use std::sync::Arc;

use swarm_actors::{Committed, Recorded, Submit};
use swarm_domain::effect::Actor;
use swarm_domain::event::RoomLost;
use swarm_domain::fact::{Outcome, Request};
use swarm_domain::plan::Plan;
use swarm_domain::{Command, Effect, Event, Key, NewRun, Policy, TaskId, Usd};
use swarm_journal::Sizes;
use swarm_journal::sim::SimDisk;

use crate::choice::{Choices, Scenario, Site, Who};
use crate::laws::Broken;
use crate::life::Life;
use crate::marks::{Mark, Marks, Matrix};
use crate::meters::Meters;
use crate::plans;
use crate::port::Shared;
use crate::sabotage::Sabotage;
use crate::world::{News, World};

/// The value of [`Site::Crash`] that stands for it.
const BETWEEN_EFFECTS: u32 = 5;

/// How long a clock is off that somebody set, in milliseconds.
const HOUR_MS: i64 = 3_600_000;

/// Small segments, so that even a short run fills some.
const SIZES: Sizes = Sizes { first_bytes: 8 << 10, max_bytes: 16 << 10 };

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Explored {
    /// Every event, in order.
    pub history: Vec<Recorded>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Every choice that was not kind.
    pub made: Vec<(crate::choice::Place, u32)>,
    /// Which branches it took.
    pub marks: Marks,
    /// What met what in it.
    pub matrix: Matrix,
    /// How often swarm died in it.
    pub crashes: u32,
    /// The law that was broken, if one was.
    pub broken: Option<Broken>,
}

/// How a run is to be driven.
#[derive(Clone)]
pub struct Setup {
    /// What is chosen.
    pub scenario: Scenario,
    /// The plan, if it is not the scenario's. In it no two tasks write the same path, but where `task.paths` says so.
    pub plan: Option<Plan>,
    /// Who chooses where the plan leaves a choice.
    pub policy: Arc<dyn Policy>,
    /// A fault that is planted.
    pub sabotage: Option<Sabotage>,
    /// Swarm dies, once, a moment after so much has happened in the world.
    pub dies_after: Option<u32>,
    /// Sites that are kind, whatever the scenario says.
    pub silent: &'static [Site],
    /// Whether laws 3 and 10 are checked at every event, and not only at crashes.
    pub thorough: bool,
}

impl Setup {
    /// A scenario under the plan's own policy.
    pub fn of(scenario: Scenario) -> Self {
        // One seed in sixteen is looked at more closely: that costs twice the time.
        let thorough = scenario.seed.is_none_or(|seed| seed.is_multiple_of(16));
        Self {
            scenario,
            dies_after: None,
            silent: &[],
            plan: None,
            policy: Arc::new(swarm_domain::AsPlanned),
            sabotage: None,
            thorough,
        }
    }
}

/// Runs a scenario to its end. A broken law ends it early.
pub fn run(setup: &Setup) -> Explored {
    let mut drive = Drive::new(setup, Choices::new(setup.scenario.clone()));
    let broken = drive.to_the_end().err();
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
            broken,
        }
    }

    /// Whether swarm lives and drives the run.
    fn is_up(&self) -> bool {
        self.life.writer.is_some()
    }

    /// Until the run is finished. Law 12: once faults have stopped, that takes a bounded number of steps.
    pub(crate) fn to_the_end(&mut self) -> Result<(), Broken> {
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
            self.turn(Command::Open { pid: 1, version: "sim".to_owned() }, None)?;
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
            carried: std::collections::BTreeMap::new(),
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
        self.turn(Command::Open { pid: 1, version: "sim".to_owned() }, None)?;
        self.bring_money()
    }

    /// Whoever resumes a run that has spent its money brings some.
    fn bring_money(&mut self) -> Result<(), Broken> {
        match self.is_up().then(|| self.money()).flatten() {
            Some((id, request)) => self.ask(id, request),
            None => Ok(()),
        }
    }

    /// How much, and that it is brought once.
    pub(crate) fn money(&mut self) -> Option<(String, Request)> {
        self.stopped_with.take_if(|outcome| *outcome == Outcome::Budget)?;
        let usd = Usd::from_micros(100 << self.resumes.min(40));
        Some((format!("money-{}", self.life.openings), Request::AddBudget { usd }))
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

    /// Whether the moment has come at which it is to die. A millisecond later nobody is at anything.
    pub(crate) fn dies_now(&mut self) -> bool {
        let dies = self.dies_after.is_some_and(|after| after == self.world.lock().happened);
        if dies {
            self.dies_after = None;
            self.world.lock().now_ms += 1;
        }
        dies
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

    /// Takes a command and all that follows from it, as one turn of the writer does.
    fn turn(&mut self, command: Command, answered: Option<&Key>) -> Result<(), Broken> {
        self.turn += 1;
        let who = Who::Number(self.turn);
        let (crash, fault) = {
            let mut world = self.world.lock();
            (world.choices.once(Site::Crash, who), world.choices.once(Site::DiskFault, who))
        };
        if crash == 1 {
            self.die(crash);
            return Ok(());
        }
        self.life.sabotage_early(&command);
        self.life.arm(crash, fault);
        let met = self.met(&command);
        let turned = self.life.turn(Submit { command, reply: None });
        let Ok(committed) = turned else {
            self.die(crash);
            return Ok(());
        };
        self.life.disarm();
        if crash == 4
            && let Some(committed) = committed
        {
            self.life.unheard(committed);
            self.die(crash);
            return Ok(());
        }
        self.note(met, committed.as_ref());
        if let Some(committed) = committed {
            self.commit(committed, answered)?;
        }
        if crash != 0 && self.is_up() {
            self.die(crash);
        }
        Ok(())
    }

    /// Which state meets which fact.
    fn met(&self, command: &Command) -> Option<(&'static str, &'static str)> {
        let (Command::Fact(fact) | Command::Answer { fact, .. }) = command else { return None };
        let task = swarm_domain::state::task_of(fact)?;
        let state = self.life.state()?;
        let task = state.parts()?.tasks.get(task)?;
        Some((crate::marks::phase_name(&task.phase), fact.name()))
    }

    fn note(&mut self, met: Option<(&'static str, &'static str)>, committed: Option<&Committed>) {
        let Some((state, fact)) = met else { return };
        let taken =
            committed.is_some_and(|committed| committed.events.iter().any(|at| at.event.name() == fact));
        self.matrix.input(state, fact, taken);
        if !taken {
            self.world.lock().marks.hit(Mark::Refused);
        }
    }

    fn commit(&mut self, committed: Committed, answered: Option<&Key>) -> Result<(), Broken> {
        self.life.committed(&committed)?;
        for view in committed.views {
            self.owes(view.actor, view.owed, answered);
        }
        self.dismissed.extend(committed.idle);
        self.arm(committed.wakeup_ms);
        if let Some(outcome) = committed.ended {
            self.stop(outcome)?;
        }
        Ok(())
    }

    fn owes(&mut self, actor: Actor, owed: Vec<Effect>, answered: Option<&Key>) {
        let mut world = self.world.lock();
        if actor == Actor::Budget {
            self.meters.owes(world.now_ms, owed);
            return;
        }
        for effect in owed {
            let key = effect.key();
            if answered != Some(&key) && !world.is_under_way(&key) {
                world.begin(effect);
            }
        }
    }

    /// The run ended or stopped. If it stopped, somebody sees to what was in its way and resumes it.
    fn stop(&mut self, outcome: Outcome) -> Result<(), Broken> {
        self.life.close()?;
        self.stopped(outcome)
    }

    fn stopped(&mut self, outcome: Outcome) -> Result<(), Broken> {
        let finished =
            matches!(self.life.history.last().map(|last| &last.event), Some(Event::RunFinished(_)));
        let mut world = self.world.lock();
        world.forget();
        // Nobody can raise a cap on tokens, nor a deadline that is too near: that is an end, too.
        let out_of_tokens = outcome == Outcome::Budget && self.plan.settings().tokens.is_some();
        let out_of_time = outcome == Outcome::Deadline && self.resumes > 5;
        if finished || out_of_tokens || out_of_time {
            self.ended = Some(outcome);
            return Ok(());
        }
        world.marks.hit(Mark::Resumed);
        world.see_to_it();
        drop(world);
        self.resumes += 1;
        self.stopped_with = Some(outcome);
        if self.resumes > 20 + self.plan.tasks().len() as u32 * 4 {
            return Err(Broken::new(12, format!("it stops again and again, last with {}", outcome.word())));
        }
        Ok(())
    }

    /// What follows a life of the actors: it came to its end, or the journal failed under it.
    pub(crate) fn after_a_life(&mut self, outcome: Option<Outcome>) -> Result<(), Broken> {
        self.life.absorb();
        if let Some(broken) = self.world.lock().broken.take() {
            return Err(broken);
        }
        match outcome {
            Some(outcome) => self.stopped(outcome)?,
            None => self.die(BETWEEN_EFFECTS),
        }
        if self.ended.is_none() {
            self.life.open()?;
            if let Some(outcome) = self.life.state().and_then(|state| state.run().run.finished) {
                return self.stop(outcome);
            }
        }
        Ok(())
    }

    /// People, disks and clocks have a mind of their own.
    fn interfere(&mut self) -> Result<(), Broken> {
        let who = Who::Number(self.turn);
        let (clock, room, person) = {
            let mut world = self.world.lock();
            let mut once = |site| world.choices.once(site, who);
            (once(Site::ClockStep), once(Site::Room), once(Site::Person))
        };
        if clock != 0 {
            let step_ms = if clock == 1 { HOUR_MS } else { -HOUR_MS };
            self.world.lock().skew_ms += step_ms;
        }
        if room != 0 {
            self.world.lock().lose_room(if room == 1 { 5_000 } else { 1_200_000 });
            let full = RoomLost { detail: "full".to_owned(), at_ms: 0 };
            self.turn(Command::Fact(full.into()), None)?;
        }
        if person != 0 && self.is_up() {
            let request = self.request(person, who);
            return self.ask(format!("ask-{}", self.turn), request);
        }
        Ok(())
    }

    fn request(&self, which: u32, who: Who) -> Request {
        let whom = self.world.lock().choices.once(Site::PersonWhom, who) as usize;
        let tasks = self.plan.tasks();
        match which {
            1 => Request::Drain { signal: 2 },
            2 => Request::Interrupt { signal: 15 },
            3 => Request::Pause,
            4 => Request::Unpause,
            5 => Request::SetConcurrency { slots: 1 + u32::try_from(whom % 8).unwrap_or(0) },
            6 => Request::SetConcurrency { slots: 1 },
            7 => Request::Cancel { tasks: vec![tasks[whom % tasks.len()].id.clone()] },
            8 => Request::Cancel { tasks: Vec::new() },
            9 => Request::AddBudget { usd: Usd::from_micros(50) },
            10 => Request::SetBudget { usd: Usd::from_micros(10 + u64::try_from(whom).unwrap_or(0)) },
            _ => Request::Cancel { tasks: vec![TaskId::new("nobody").expect("letters are an id")] },
        }
    }

    fn ask(&mut self, id: String, request: Request) -> Result<(), Broken> {
        self.turn(Command::Ask { id, by: "sim".to_owned(), request }, None)
    }

    /// Swarm dies. What it had in memory goes.
    pub(crate) fn die(&mut self, point: u32) {
        let pending = self.world.lock().what_is_pending(self.life.has_unsettled());
        self.matrix.crash(point, pending);
        (self.meters, self.wakeup) = (Meters::default(), None);
        self.life.die();
    }

    pub(crate) fn at_end(&mut self) -> Result<(), Broken> {
        self.life.read_back()?;
        let finished =
            matches!(self.life.history.last().map(|last| &last.event), Some(Event::RunFinished(_)));
        if !finished {
            return Ok(());
        }
        let world = self.world.lock();
        world.books.at_end(Some(&world.repo))?;
        if world.running() > 0 {
            return Err(Broken::new(5, "the run is finished, and a program of it runs"));
        }
        Ok(())
    }
}

/// The most steps that a run takes once nothing goes wrong any more: each attempt is a worktree, a program, its work, its
/// gates, a merge and a landing; and what is natural fails a limited number of times.
fn bound(plan: &Plan) -> u32 {
    let per_attempt = |gates: usize| 30 + 20 * u32::try_from(gates).unwrap_or(10);
    let of_task = |task: &swarm_domain::TaskSpec| (task.retries.max + 8) * per_attempt(task.gates.len());
    200 + plan.tasks().iter().map(of_task).sum::<u32>()
}
