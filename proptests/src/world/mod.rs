//! The simulated world: programs, gates, a repository, people and a clock, which do what named choices say.
//!
//! It performs the effects of the core as the real world does: it looks first whether they have happened, and answers
//! with what then is true. It never sees the state of the core. What happened in it is what the laws are held against.

mod answers;
mod fate;
mod keepers;
mod program;
mod repo;
mod script;
mod stage;
mod tree;
mod worktree;

use std::collections::{BTreeMap, BTreeSet};

use swarm_actors::Recorded;
use swarm_domain::event::AgentStarted;
use swarm_domain::plan::Plan;
use swarm_domain::{Effect, Event, Key, Meter, TaskId, Usd};

use crate::choice::{Choices, Site, Who};
use crate::laws::{Books, Broken, Seen};
use crate::marks::{Mark, Marks};
use crate::plans;
use crate::sabotage::Sabotage;
use crate::setup::Setup;

use self::program::Program;
use self::script::Script;
use self::tree::Paths;

pub(crate) use self::fate::Fate;
pub(crate) use self::repo::Repo;
pub use self::stage::SimStage;

/// When the world begins, in milliseconds since 1970.
pub(crate) const BEGINNING_MS: u64 = 1_700_000_000_000;
/// Effects end at moments that leave this when divided by ten, so that no two actors' timers ever meet one.
const GRID_MS: u64 = 5;

/// An effect under way.
#[derive(Clone, Debug)]
struct Pending {
    effect: Effect,
    due_ms: u64,
    /// Whether it was said that its program runs.
    told: bool,
}

/// What an effect led to.
#[derive(Clone, Debug)]
pub(crate) struct News {
    /// The effect, unless it comes from nobody.
    pub(crate) key: Option<Key>,
    /// What is true now, in order.
    pub(crate) facts: Vec<Event>,
    /// Whether the effect is over with it.
    pub(crate) over: bool,
}

/// The world and its books.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) choices: Choices,
    pub(crate) books: Books,
    pub(crate) repo: Repo,
    pub(crate) marks: Marks,
    pub(crate) sabotage: Option<Sabotage>,
    /// The time that nobody can set, in milliseconds.
    pub(crate) now_ms: u64,
    /// How far the clock on the wall is from it, in milliseconds.
    pub(crate) skew_ms: i64,
    pub(crate) broken: Option<Broken>,
    /// How much has happened.
    pub(crate) happened: u32,
    places: BTreeMap<TaskId, u16>,
    /// The paths that each task writes, by their places.
    own: Vec<BTreeSet<usize>>,
    /// What programs do, in a world where that is not chosen.
    scripts: Option<Vec<Script>>,
    programs: BTreeMap<(TaskId, u32), Program>,
    /// The run's cap, and the most that it ever was, where proxies hold all programs to their grants.
    caps: Option<(Usd, Usd)>,
    /// Attempts that were told to stop before their programs were started.
    stopped: BTreeSet<(TaskId, u32)>,
    gates: BTreeMap<u32, Program>,
    /// When programs were let go.
    let_go_ms: Vec<u64>,
    pending: BTreeMap<Key, Pending>,
    /// What will be said once more, by nobody whom anybody asked.
    echoes: Vec<(u64, Event)>,
    strangers_rest: bool,
    room_at_ms: u64,
    last_ms: u64,
    calls: u64,
}

impl World {
    pub(crate) fn new(mut choices: Choices, plan: &Plan, setup: &Setup) -> Self {
        let places: BTreeMap<TaskId, u16> =
            plan.tasks().iter().zip(0..).map(|(task, place)| (task.id.clone(), place)).collect();
        let foreign = setup.plan.is_some();
        let paths = Paths::of_run(plans::SHARED_PATHS + if foreign { places.len() } else { 0 });
        let own = plan.tasks().iter().map(|task| {
            if foreign {
                return plans::paths(&mut choices, places[&task.id], true);
            }
            task.files.iter().filter_map(|path| paths.place(path)).collect()
        });
        Self {
            books: Books::new(plan),
            own: own.collect(),
            repo: Repo::new(&plan.settings().base, paths),
            marks: Marks::default(),
            sabotage: setup.sabotage,
            now_ms: BEGINNING_MS,
            skew_ms: 0,
            broken: None,
            happened: 0,
            places,
            scripts: None,
            programs: BTreeMap::new(),
            caps: (plan.settings().meter == Meter::Proxy)
                .then_some(plan.settings().caps.usd)
                .flatten()
                .map(|cap| (cap, cap)),
            stopped: BTreeSet::new(),
            gates: BTreeMap::new(),
            let_go_ms: Vec::new(),
            pending: BTreeMap::new(),
            echoes: Vec::new(),
            strangers_rest: false,
            room_at_ms: 0,
            last_ms: BEGINNING_MS,
            calls: 0,
            choices,
        }
    }

    /// What the clock on the wall says, in milliseconds since 1970.
    pub(crate) fn wall_ms(&self) -> u64 {
        self.now_ms.saturating_add_signed(self.skew_ms)
    }

    /// Bits that are never the same twice.
    pub(crate) fn entropy(&mut self) -> u64 {
        self.calls += 1;
        self.calls.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    pub(crate) fn who(&self, task: &TaskId, attempt: u32) -> Who {
        Who::Attempt(self.place(task), u16::try_from(attempt).unwrap_or(u16::MAX))
    }

    /// The place of a task in the plan. Checks have tasks without one.
    fn place(&self, task: &TaskId) -> u16 {
        self.places.get(task).copied().unwrap_or_default()
    }

    pub(crate) fn is(&self, sabotage: Sabotage) -> bool {
        self.sabotage == Some(sabotage)
    }

    fn blame(&mut self, law: u8, what: &str) {
        self.broken.get_or_insert(Broken::new(law, format!("at {}: {what}", self.books.seq())));
    }

    /// Begins an effect. Law 1: its intent is on record.
    pub(crate) fn begin(&mut self, effect: Effect) {
        if let Err(broken) = self.books.permits(&effect) {
            self.broken.get_or_insert(broken);
        }
        self.undertake(effect);
    }

    fn undertake(&mut self, effect: Effect) {
        let due_ms = self.start(&effect);
        self.pending.insert(effect.key(), Pending { effect, due_ms, told: false });
    }

    pub(crate) fn is_under_way(&self, key: &Key) -> bool {
        self.pending.contains_key(key)
    }

    /// What begins at once; and when the effect is over, unless something else decides that.
    fn start(&mut self, effect: &Effect) -> u64 {
        let soon = self.now_ms + 10;
        match effect {
            Effect::RunAttempt(run) => self.start_program(run),
            Effect::RunGate(gate) => self.start_gate(gate),
            Effect::StopAttempt { task, attempt, .. } => self.stop_program(task, *attempt),
            Effect::MakeWorktree { task, attempt, .. } | Effect::RemoveWorktree { task, attempt, .. } => {
                soon + self.step_ms(task, *attempt)
            }
            Effect::Preserve(keep) => soon + self.step_ms(&keep.task, keep.attempt),
            Effect::BuildMerge(merge) => soon + self.step_ms(&merge.task, merge.attempt),
            Effect::Land { task, attempt, .. } => soon + self.step_ms(task, *attempt),
            Effect::ReadTarget { .. }
            | Effect::WatchTarget { .. }
            | Effect::WatchRoom { .. }
            | Effect::Meter { .. } => soon,
        }
    }

    fn step_ms(&mut self, task: &TaskId, attempt: u32) -> u64 {
        let who = self.who(task, attempt);
        10 * u64::from(self.choices.ask(Site::EffectTime, who))
    }

    /// None: it waits for somebody.
    fn due_ms(&self, pending: &Pending) -> Option<u64> {
        let since_ms = match &pending.effect {
            Effect::RunAttempt(run) => match self.programs.get(&(run.task.clone(), run.attempt)) {
                Some(program) if pending.told => program.end()?.0,
                _ => 0,
            },
            Effect::RunGate(gate) => match self.gates.get(&gate.n) {
                Some(gate) => gate.end()?.0,
                None => 0,
            },
            Effect::WatchTarget { .. } => self.repo.held_until_ms,
            Effect::WatchRoom { .. } => self.room_at_ms,
            _ => 0,
        };
        Some(since_ms.max(pending.due_ms))
    }

    fn first(&self) -> Option<(u64, Option<&Key>)> {
        let due = |(key, pending)| Some((self.due_ms(pending)?, Some(key)));
        let effects = self.pending.iter().filter_map(due);
        let echoes = self.echoes.iter().map(|(due_ms, _)| (*due_ms, None));
        effects.chain(echoes).min()
    }

    /// When the next effect is over; none if nothing is under way.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        let (due_ms, _) = self.first()?;
        Some(on_grid(due_ms.max(self.last_ms + 1)))
    }

    /// The time has come: what the next effect led to.
    pub(crate) fn next(&mut self) -> Option<News> {
        self.last_ms = self.now_ms;
        self.happened += 1;
        let (_, key) = self.first()?;
        let Some(key) = key.cloned() else {
            let at = (0..self.echoes.len()).min_by_key(|at| self.echoes[*at].0)?;
            let (_, fact) = self.echoes.remove(at);
            self.marks.hit(Mark::Echo);
            return Some(News { key: None, facts: vec![fact], over: true });
        };
        if let Some(fact) = self.begun(&key) {
            return Some(News { key: Some(key), facts: vec![fact], over: false });
        }
        let pending = self.pending.remove(&key)?;
        let mut facts = self.complete(&pending.effect);
        if self.again(&pending.effect) {
            self.marks.hit(Mark::Twice);
            // In no time at all nobody else does anything.
            self.strangers_rest = true;
            facts.extend(self.complete(&pending.effect));
            self.strangers_rest = false;
        }
        Some(News { key: Some(key), facts, over: true })
    }

    /// Whether an effect is performed once more, as when its actor was restarted in between.
    fn again(&mut self, effect: &Effect) -> bool {
        let who = match effect {
            Effect::MakeWorktree { task, attempt, .. } | Effect::RemoveWorktree { task, attempt, .. } => {
                self.who(task, *attempt)
            }
            Effect::RunAttempt(run) => self.who(&run.task, run.attempt),
            Effect::Preserve(keep) => self.who(&keep.task, keep.attempt),
            Effect::BuildMerge(merge) => self.who(&merge.task, merge.attempt),
            Effect::Land { task, attempt, .. } => self.who(task, *attempt),
            _ => return false,
        };
        self.choices.ask(Site::EffectTwice, who) == 1
    }

    /// The program of an attempt was seen to run, if that is the news.
    fn begun(&mut self, key: &Key) -> Option<Event> {
        let pending = self.pending.get_mut(key)?;
        let Effect::RunAttempt(run) = &pending.effect else { return None };
        if std::mem::replace(&mut pending.told, true) {
            return None;
        }
        let (task, attempt) = (run.task.clone(), run.attempt);
        let program = self.programs.get(&(task.clone(), attempt))?;
        if program.is_over(self.now_ms) {
            return None;
        }
        let started = AgentStarted { task: task.clone(), attempt, pid: 100 + attempt }.into();
        self.echo(&task, attempt, &started);
        Some(started)
    }

    /// The disk fills up for so long.
    pub(crate) fn lose_room(&mut self, for_ms: u64) {
        self.room_at_ms = self.now_ms + for_ms;
    }

    /// Swarm is gone, perhaps with the whole machine. What git was at may have happened all the same; programs live on
    /// under their holders unless the power went.
    pub(crate) fn crash(&mut self, power: bool) {
        for (_, pending) in std::mem::take(&mut self.pending) {
            self.by_other_hands(&pending.effect);
        }
        if power {
            self.lose_keepers();
        }
    }

    fn by_other_hands(&mut self, effect: &Effect) {
        let who = match effect {
            Effect::MakeWorktree { task, attempt, .. } | Effect::RemoveWorktree { task, attempt, .. } => {
                self.who(task, *attempt)
            }
            Effect::Preserve(keep) => self.who(&keep.task, keep.attempt),
            Effect::BuildMerge(merge) => self.who(&merge.task, merge.attempt),
            Effect::Land { task, attempt, .. } => self.who(task, *attempt),
            _ => return,
        };
        if self.choices.ask(Site::CrashHand, who) == 1 {
            self.marks.hit(Mark::DoneUnreported);
            self.complete(effect);
        }
    }

    /// Takes an event into the books. Law 8, from the world itself: only a program that is gone has ended.
    pub(crate) fn enter(&mut self, recorded: &Recorded) -> Result<(), Broken> {
        let event = &recorded.event;
        let said = self.last_word(event);
        self.books.enter(recorded, Some(Seen { repo: &self.repo, said: said.as_ref() }))?;
        match event {
            Event::AgentExited(exited) => self.compare_exit(exited),
            Event::GrantRaised(_) => self.marks.hit(Mark::Raised),
            Event::RaiseRefused(_) => self.marks.hit(Mark::RaiseRefused),
            Event::AgentHeld(held) => self.marks.hit(match held.until_ms {
                None => Mark::ShutOut,
                Some(_) => Mark::Limited,
            }),
            Event::AgentFreed(_) => self.marks.hit(Mark::Freed),
            Event::Requested(requested) => {
                self.caps = self.caps.map(|caps| keepers::after(&requested.request, caps));
            }
            _ => {}
        }
        self.compare_spent();
        Ok(())
    }

    /// Nobody waits for anything any more.
    pub(crate) fn forget(&mut self) {
        self.pending.clear();
        self.echoes.clear();
    }

    /// What swarm is at, in the order of what would hurt most.
    pub(crate) fn what_is_pending(&self, unsynced: bool) -> &'static str {
        let any = |which: fn(&Effect) -> bool| self.pending.values().any(|pending| which(&pending.effect));
        if unsynced {
            "records"
        } else if any(|effect| matches!(effect, Effect::Land { .. })) {
            "a landing"
        } else if any(|effect| matches!(effect, Effect::BuildMerge(_))) {
            "a merge"
        } else if any(|effect| matches!(effect, Effect::Preserve(_))) {
            "work to keep"
        } else if any(|effect| matches!(effect, Effect::RunGate(_))) {
            "a gate"
        } else if any(|effect| matches!(effect, Effect::RunAttempt(_))) {
            "a program"
        } else if self.pending.is_empty() {
            "nothing"
        } else {
            "something else"
        }
    }

    /// Whoever resumes a run has seen to what was in its way.
    pub(crate) fn see_to_it(&mut self) {
        self.room_at_ms = 0;
        self.repo.put_back();
    }
}

fn on_grid(ms: u64) -> u64 {
    ms + (10 + GRID_MS - ms % 10) % 10
}
