//! Drives the real core through a simulated world, with crashes between any two steps, until the run comes to its end.

use std::collections::{BTreeMap, BTreeSet};

use swarm_domain::event::RoomLost;
use swarm_domain::fact::{Anchor, Moment, Outcome, Request};
use swarm_domain::run::Pause;
use swarm_domain::state::State;
use swarm_domain::{Command, Effect, Event, Key, NewRun};

use crate::fate::Fates;
use crate::laws::{Books, Broken};
use crate::plans::{self, Shape};
use crate::world::World;

/// More steps than this and the run goes round in circles. Law 12.
const STEPS_MAX: u64 = 20_000;
/// How often a run that stopped is taken up again.
const RESUMES_MAX: u32 = 12;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Explored {
    /// Every event, in order.
    pub events: Vec<Event>,
    /// How it ended, or stopped for the last time.
    pub outcome: Option<Outcome>,
    /// How often it crashed.
    pub crashes: u32,
}

/// Runs a plan of a shape through the fates of a seed. The first broken law ends it.
pub fn explore(fates: Fates, shape: Shape) -> Result<Explored, Broken> {
    let mut run = Run::begin(fates, shape)?;
    for _ in 0..RESUMES_MAX {
        run.open()?;
        run.until_it_rests()?;
        if run.state.run().run.finished.is_some() {
            break;
        }
        // Whoever resumes has seen to what was in the way: next time fate is kinder.
        run.world.fates.unkind_percent /= 2;
        run.ask_for_money()?;
    }
    run.books.at_end(&run.state)?;
    let parts = run.state.run();
    let outcome = parts.run.finished.or(parts.run.stopped.as_ref().map(|(outcome, _)| *outcome));
    Ok(Explored { events: run.events, outcome, crashes: run.crashes })
}

struct Run {
    state: State,
    events: Vec<Event>,
    world: World,
    books: Books,
    owed: BTreeMap<Key, Effect>,
    steps: u64,
    crashes: u32,
}

impl Run {
    fn begin(fates: Fates, shape: Shape) -> Result<Self, Broken> {
        let plan = plans::plan(&fates, shape);
        let mut run = Self {
            state: State::new(),
            events: Vec::new(),
            books: Books::new(&plan),
            world: World::new(fates),
            owed: BTreeMap::new(),
            steps: 0,
            crashes: 0,
        };
        let new = NewRun {
            run: "sim".to_owned(),
            parent: None,
            version: "sim".to_owned(),
            source: "sim".to_owned(),
            plan,
            carried: BTreeMap::new(),
        };
        run.take(&Command::Plan(Box::new(new)))?;
        Ok(run)
    }

    fn open(&mut self) -> Result<(), Broken> {
        self.take(&Command::Open { pid: 1, version: "sim".to_owned() })?;
        self.owed = self.state.owed().into_iter().map(|effect| (effect.key(), effect)).collect();
        Ok(())
    }

    fn ask_for_money(&mut self) -> Result<(), Broken> {
        if self.state.run().ledger.cap().is_some() && self.state.run().run.finished.is_none() {
            let usd = swarm_domain::Usd::from_micros(500);
            self.ask(Request::AddBudget { usd })?;
        }
        Ok(())
    }

    fn moment(&self) -> Moment<'static> {
        Moment { at_ms: self.world.now_ms, entropy: self.steps, anchor: &Anchor::default }
    }

    /// Takes a command and all that follows from it, as one turn of the writer does.
    fn take(&mut self, command: &Command) -> Result<bool, Broken> {
        let before = self.state.seq();
        let mut next = Some(command);
        while let Some(command) = next {
            let now = self.moment();
            let decided = self.state.decide(&now, command);
            if decided != self.state.decide(&now, command) {
                return Err(Broken { law: 10, what: format!("{command:?} was decided in two ways") });
            }
            let events = decided.unwrap_or_default();
            next = (!events.is_empty() || !matches!(command, Command::Advance)).then_some(&Command::Advance);
            for event in events {
                self.record(event)?;
            }
            self.step()?;
        }
        if self.state.parts().is_some_and(|parts| parts.run.is_live()) {
            self.books.at_rest(&self.state, &self.world)?;
        }
        Ok(self.state.seq() > before)
    }

    fn record(&mut self, event: Event) -> Result<(), Broken> {
        self.state.apply(&event).map_err(|illegal| Broken { law: 9, what: illegal.to_string() })?;
        self.books.enter(&event, &self.world)?;
        self.events.push(event);
        Ok(())
    }

    fn step(&mut self) -> Result<(), Broken> {
        self.steps += 1;
        self.world.now_ms += 1;
        let what = || format!("no end after {STEPS_MAX} steps");
        if self.steps < STEPS_MAX { Ok(()) } else { Err(Broken { law: 12, what: what() }) }
    }

    /// Performs what is owed, one effect at a time in an order that fate draws, until nothing is.
    fn until_it_rests(&mut self) -> Result<(), Broken> {
        while self.state.run().run.is_live() {
            let Some(effect) = self.draw() else {
                if self.state.run().run.pause == Some(Pause::Asked) {
                    self.ask(Request::Unpause)?;
                    continue;
                }
                let Some(at_ms) = self.state.wakeup_ms() else {
                    return Err(Broken {
                        law: 12,
                        what: "nothing is owed, nothing is due, and the run goes on".to_owned(),
                    });
                };
                self.world.now_ms = self.world.now_ms.max(at_ms);
                self.take(&Command::Advance)?;
                self.news(0);
                self.step()?;
                continue;
            };
            self.perform(&effect)?;
        }
        Ok(())
    }

    fn draw(&mut self) -> Option<Effect> {
        let count = u64::try_from(self.owed.len()).ok().filter(|count| *count > 0)?;
        let place = self.world.fates.pick("order", "run", self.steps, count);
        let key = self.owed.keys().nth(usize::try_from(place).ok()?)?.clone();
        self.owed.remove(&key)
    }

    fn perform(&mut self, effect: &Effect) -> Result<(), Broken> {
        self.interfere()?;
        let facts = self.world.perform(effect);
        for fact in facts {
            if self.world.fates.unkind("crash", "run", self.steps) && self.crashes < 40 {
                return self.crash();
            }
            let seq = self.state.seq();
            self.take(&Command::Fact(fact))?;
            self.news(seq);
        }
        self.step()
    }

    /// People and disks have a mind of their own.
    fn interfere(&mut self) -> Result<(), Broken> {
        let fates = self.world.fates;
        if !(fates.unkind("interfere", "run", self.steps)
            && fates.unkind("really interfere", "run", self.steps))
        {
            return Ok(());
        }
        match fates.pick("how", "run", self.steps, 12) {
            0 => self.ask(Request::Drain { signal: 2 }),
            1 => self.ask(Request::Interrupt { signal: 15 }),
            2 | 3 => self.ask(Request::Pause),
            4 => self.ask(Request::Unpause),
            5 | 6 => {
                self.ask(Request::SetConcurrency { slots: 1 + u32::try_from(self.steps % 5).unwrap_or(0) })
            }
            7 | 8 => {
                let place = fates.pick("whom", "run", self.steps, self.state.run().tasks.len() as u64);
                let task = self.state.run().tasks.at(usize::try_from(place).unwrap_or(0)).spec.id.clone();
                self.ask(Request::Cancel { tasks: vec![task] })
            }
            9 => self.ask(Request::Cancel { tasks: Vec::new() }),
            _ => {
                let seq = self.state.seq();
                self.take(&Command::Fact(RoomLost { detail: "full".to_owned(), at_ms: 0 }.into()))?;
                self.news(seq);
                Ok(())
            }
        }
    }

    fn ask(&mut self, request: Request) -> Result<(), Broken> {
        let (seq, id) = (self.state.seq(), format!("ask-{}", self.steps));
        self.take(&Command::Ask { id, by: "sim".to_owned(), request })?;
        self.news(seq);
        self.step()
    }

    /// What became owed, and what is owed no more, since a seq.
    fn news(&mut self, seq: u64) {
        for view in self.state.views_since(seq) {
            let keys: BTreeSet<Key> = view.owed.iter().map(Effect::key).collect();
            self.owed.retain(|key, effect| effect.actor() != view.actor || keys.contains(key));
            for effect in view.owed {
                self.owed.insert(effect.key(), effect);
            }
        }
    }

    /// All memory goes; what is recorded and what happened in the world stays. Laws 3 and 14.
    fn crash(&mut self) -> Result<(), Broken> {
        self.crashes += 1;
        let mut state = State::new();
        for event in &self.events {
            state.apply(event).map_err(|illegal| Broken { law: 3, what: illegal.to_string() })?;
        }
        if state != self.state {
            return Err(Broken {
                law: 3,
                what: format!("the fold of {} events is not the live state", self.events.len()),
            });
        }
        self.state = state;
        self.open()
    }
}
