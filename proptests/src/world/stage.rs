//! The simulated world as a stage: the same world, with hands and eyes for checks, and programs that do as they are told.

use std::collections::BTreeSet;

use swarm_domain::fact::Usage;
use swarm_domain::{Effect, Event, Oid, Program, TaskId, Usd};

use crate::choice::{Choices, Scenario};
use crate::conformance::stage::{Deed, Stage, Step};
use crate::plans;
use crate::setup::Setup;

use super::World;
use super::program::Program as Kept;
use super::repo::Repo;
use super::script::on;
use super::tree::Paths;

/// Paths that checks may name.
const PATHS: usize = 16;
/// How long it takes until a program that was begun waits, in milliseconds.
const BEGUN_MS: u64 = 20;

/// The world of the simulation, in which nothing goes wrong by chance.
#[derive(Clone, Debug)]
pub struct SimStage(World);

impl SimStage {
    /// A world in which nothing has happened.
    #[must_use]
    pub fn new() -> Self {
        let mut choices = Choices::new(Scenario::default());
        let plan = plans::plan(&mut choices);
        let mut world = World::new(choices, &plan, &Setup::of(Scenario::default()));
        world.repo = Repo::new(&plan.settings().base, Paths::unnamed(PATHS));
        world.own.clear();
        world.scripts = Some(Vec::new());
        Self(world)
    }
}

impl Default for SimStage {
    fn default() -> Self {
        Self::new()
    }
}

impl Stage for SimStage {
    fn perform(&mut self, effect: Effect) -> Vec<Event> {
        let key = effect.key();
        self.0.undertake(effect);
        let mut facts = Vec::new();
        while self.0.is_under_way(&key) {
            self.0.now_ms = self.0.next_ms().expect("what waits has a limit, or was let go");
            facts.extend(self.0.next().into_iter().flat_map(|news| news.facts));
        }
        assert_eq!(self.0.broken, None, "to be asked for what a check asks breaks no law");
        facts
    }

    fn begin(&mut self, effect: Effect) {
        self.0.undertake(effect);
        self.0.now_ms += BEGUN_MS;
        self.0.forget();
    }

    fn set_grant(&mut self, task: &TaskId, attempt: u32, grant: Usd) {
        self.0.set_grant(task, attempt, grant);
    }

    fn usage(&mut self, task: &TaskId, attempt: u32) -> Usage {
        self.0.usage(task, attempt)
    }

    fn crash(&mut self) {
        self.0.crash(false);
    }

    fn program(&mut self, steps: &[Step]) -> Program {
        let paths = &mut self.0.repo.paths;
        let script = steps.iter().map(|step| (0, on(step, |path| paths.named(path)))).collect();
        let scripts = self.0.scripts.get_or_insert_default();
        scripts.push(script);
        Program::Argv(vec![(scripts.len() - 1).to_string()])
    }

    fn let_go(&mut self) {
        self.0.let_go();
    }

    fn stranger(&mut self, deed: Deed) {
        let repo = &mut self.0.repo;
        match deed {
            Deed::Commit(path) => {
                let place = repo.paths.named(path);
                repo.stranger_lands(Some(place));
            }
            Deed::MoveBack => assert!(repo.stranger_rewinds(), "there is a commit to take away"),
            Deed::CheckOut => repo.held_until_ms = u64::MAX,
            Deed::Leave => repo.held_until_ms = 0,
            Deed::KillKeepers => self.0.lose_keepers(),
        }
    }

    fn base(&self) -> Oid {
        self.0.repo.base().clone()
    }

    fn target(&self) -> Vec<Oid> {
        self.0.repo.target().to_vec()
    }

    fn changes(&self, commit: &Oid) -> BTreeSet<String> {
        let repo = &self.0.repo;
        repo.changes(commit, repo.base()).map(|path| repo.paths.name(path).to_owned()).collect()
    }

    fn is_kept(&self, commit: &Oid) -> bool {
        self.0.repo.is_kept(commit)
    }

    fn starts(&self) -> usize {
        self.0.programs.values().chain(self.0.gates.values()).map(|program| program.starts).sum()
    }

    fn living(&self) -> usize {
        let programs = self.0.programs.values().chain(self.0.gates.values());
        programs.filter(|program: &&Kept| !program.is_over(self.0.now_ms)).count()
    }
}
