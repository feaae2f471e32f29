//! Whole runs of the core alone: it is driven as the actors drive it, by what each commit says is owed, and crashes by folding its events anew.

mod caps;
mod choices;
mod day;
mod debts;
mod faults;
mod holds;
mod holes;
mod landing;
mod money;
mod retries;
mod secrets;
mod stops;

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{
    AgentExited, GateEnded, MergeBuilt, Merged, Preserved, TargetSeen, WorktreeMade, WorktreeRemoved,
};
use crate::fact::{Anchor, Cost, Ending, Outcome, Request, Standing, Usage, Verdict};
use crate::state::State;
use crate::{
    Allowed, AsPlanned, AtCap, Caps, Command, Effect, Event, Gate, GateScope, Isolation, Key, MergeOrder,
    MergePolicy, Meter, Moment, NewRun, Oid, OnChangeless, OnConflict, OnFailure, OnLimit, OnStray,
    OnUnknownCost, Plan, Policy, Program, Refusal, Retries, RetryFrom, Settings, Strategy, TaskId, TaskSpec,
    Tree, Usd, Work, Workspace,
};

/// More decisions than this after one fact, or more effects in one run, and policy goes round in circles.
const ROUNDS_MAX: u32 = 1_000;

/// A run, the events that are durable, and the effects that its actors know of.
pub(crate) struct Sim {
    pub(crate) state: State,
    policy: Box<dyn Policy>,
    pub(crate) events: Vec<Event>,
    owed: BTreeMap<Key, Effect>,
    published: u64,
    now_ms: u64,
    /// Where the world's target stands.
    target: Option<Oid>,
}

impl Sim {
    pub(crate) fn new(settings: Settings, tasks: Vec<TaskSpec>) -> Self {
        Self::under(AsPlanned, settings, tasks)
    }

    fn under(policy: impl Policy + 'static, settings: Settings, tasks: Vec<TaskSpec>) -> Self {
        let mut sim = Self {
            state: State::new(),
            policy: Box::new(policy),
            events: Vec::new(),
            owed: BTreeMap::new(),
            published: 0,
            now_ms: 1_000,
            target: None,
        };
        let new = NewRun {
            run: "r".to_owned(),
            parent: None,
            version: "1".to_owned(),
            source: "swarm.yaml".to_owned(),
            plan: Plan::new(settings, tasks).unwrap(),
            carried: BTreeMap::new(),
        };
        sim.turn(&Command::Plan(Box::new(new))).unwrap();
        sim.open();
        sim
    }

    fn open(&mut self) {
        self.turn(&Command::Open { pid: 1, version: "1".to_owned(), wall: Standing::default() }).unwrap();
    }

    /// Forgets all but the events, and takes the run over again.
    fn crash(&mut self) {
        self.state = State::new();
        for event in &self.events {
            self.state.apply(event).unwrap();
        }
        self.owed.clear();
        self.published = 0;
        self.open();
    }

    fn decide(&mut self, command: &Command) -> Result<bool, Refusal> {
        let entropy = self.events.len() as u64;
        let now = Moment { at_ms: self.now_ms, entropy, anchor: &Anchor::default };
        let events = self.state.decide_by(&*self.policy, &now, command)?;
        for event in &events {
            self.state.apply(event).unwrap();
        }
        self.events.extend(events.iter().cloned());
        Ok(!events.is_empty())
    }

    /// One turn of the writer: a command, all that follows from it, and the news for the actors.
    fn turn(&mut self, command: &Command) -> Result<(), Refusal> {
        let decided = self.decide(command);
        let mut rounds = 0;
        while self.decide(&Command::Advance).unwrap() {
            rounds += 1;
            assert!(rounds < ROUNDS_MAX, "policy goes round in circles: {:?}", self.events.last());
        }
        for view in self.state.views_since(self.published) {
            self.owed.extend(view.owed.into_iter().map(|effect| (effect.key(), effect)));
        }
        self.published = self.state.seq();
        decided.map(drop)
    }

    fn ask(&mut self, request: Request) {
        let id = self.events.len().to_string();
        self.turn(&Command::Ask { id, by: "test".to_owned(), request }).unwrap();
    }

    /// Records the answer to an effect.
    fn answer(&mut self, key: &Key, fact: impl Into<Event>) {
        assert!(self.owed.remove(key).is_some(), "{key:?} is not owed");
        self.turn(&Command::Fact(fact.into())).unwrap();
    }

    /// Performs what is owed in the usual way, besides what is held back, until nothing of it is left.
    pub(crate) fn settle(&mut self, held: impl Fn(&Effect) -> bool) {
        for _ in 0..ROUNDS_MAX {
            let watches =
                |effect: &Effect| matches!(effect, Effect::WatchRoom { .. } | Effect::WatchTarget { .. });
            let next = self.owed.values().find(|effect| !held(effect) && !watches(effect)).cloned();
            let Some(effect) = next else { return };
            match self.usual(&effect) {
                Some(fact) => self.answer(&effect.key(), fact),
                None => drop(self.owed.remove(&effect.key())),
            }
        }
        panic!("no end of effects: {:?}", self.events.last());
    }

    fn usual(&mut self, effect: &Effect) -> Option<Event> {
        Some(match effect.clone() {
            Effect::ReadTarget { .. } => TargetSeen { found: self.target.clone(), keeps: true }.into(),
            Effect::MakeWorktree { task, attempt, onto, .. } => {
                let path = format!("/w/{task}-{attempt}");
                let git_dir = path.clone();
                WorktreeMade { task, attempt, start: onto, path, git_dir, conflicts: Vec::new() }.into()
            }
            Effect::RunAttempt(run) => exited(&run, Ending::Exited { code: 0 }, None).into(),
            Effect::Preserve(keep) => Preserved {
                tip: Oid::new(&format!("tip of {} {}", keep.task, keep.attempt)),
                task: keep.task,
                attempt: keep.attempt,
                changed: true,
                descends: true,
                missing: false,
                strays: Vec::new(),
                markers: Vec::new(),
                subjects: Vec::new(),
                hazards: Vec::new(),
                secrets: Vec::new(),
            }
            .into(),
            Effect::RemoveWorktree { task, attempt, .. } => WorktreeRemoved { task, attempt }.into(),
            Effect::RunGate(gate) => green(gate.n).into(),
            Effect::BuildMerge(merge) => {
                let commit = Oid::new(&format!("{} on {}", merge.tip.as_str(), merge.onto.as_str()));
                MergeBuilt {
                    task: merge.task,
                    attempt: merge.attempt,
                    tree: commit.clone(),
                    commit,
                    secrets: Vec::new(),
                }
                .into()
            }
            Effect::Land { task, attempt, commit, .. } => {
                self.target = Some(commit.clone());
                Merged { task, attempt, commit }.into()
            }
            Effect::StopAttempt { .. }
            | Effect::Meter { .. }
            | Effect::WatchTarget { .. }
            | Effect::WatchRoom { .. } => return None,
        })
    }

    /// The one effect of a kind that is owed.
    fn the(&self, wanted: impl Fn(&Effect) -> bool) -> Effect {
        let mut found = self.owed.values().filter(|effect| wanted(effect));
        let effect = found.next().expect("an effect of that kind is owed").clone();
        assert_eq!(found.next(), None, "one effect of that kind");
        effect
    }

    fn owes(&self, wanted: impl Fn(&Effect) -> bool) -> bool {
        self.owed.values().any(wanted)
    }

    fn count(&self, name: &str) -> usize {
        self.events.iter().filter(|event| event.name() == name).count()
    }

    fn stopped(&self) -> Option<Outcome> {
        self.state.run().run.stopped.as_ref().map(|(outcome, _)| *outcome)
    }

    pub(crate) fn finished(&self) -> Option<Outcome> {
        self.state.run().run.finished
    }
}

fn exited(run: &crate::effect::RunAttempt, ending: Ending, usd: Option<u64>) -> AgentExited {
    AgentExited {
        task: run.task.clone(),
        attempt: run.attempt,
        nonce: run.nonce.clone(),
        ending,
        report: None,
        usage: Usage { usd: usd.map(Usd::from_micros), ..Usage::default() },
        charge: Usd::ZERO,
        cost: Cost::Metered,
        tail: String::new(),
        stragglers: 0,
        at_ms: 0,
    }
}

fn green(n: u32) -> GateEnded {
    GateEnded { n, verdict: Verdict::Green, tail: String::new(), took_ms: 1 }
}

pub(crate) fn id(name: &str) -> TaskId {
    TaskId::new(name).unwrap()
}

/// A command without budget, gates or retries.
pub(crate) fn task(name: &str) -> TaskSpec {
    TaskSpec {
        id: id(name),
        title: name.to_owned(),
        work: Work::Run(Program::Shell("true".to_owned())),
        needs: Vec::new(),
        files: Vec::new(),
        caps: Caps::NONE,
        estimate: None,
        learned: None,
        timeout_ms: None,
        idle_timeout_ms: None,
        retries: Retries {
            max: 0,
            from: RetryFrom::Previous,
            after: BTreeSet::new(),
            delay_ms: 0,
            factor_percent: 100,
            delay_max_ms: 0,
        },
        gates: Vec::new(),
        if_no_changes: OnChangeless::Ok,
        on_claim_violation: OnStray::Warn,
        env: BTreeMap::new(),
        pass_env: Vec::new(),
        setup: Vec::new(),
        priority: 0,
        optional: false,
        labels: Vec::new(),
    }
}

/// A task that an agent does, and for which nothing is reserved.
pub(crate) fn agent(name: &str) -> TaskSpec {
    let work = Work::Agent {
        agent: "claude".to_owned(),
        adapter: "claude".to_owned(),
        command: None,
        model: None,
        permission: String::new(),
        args: Vec::new(),
        instructions: "Be brief.\n".to_owned(),
        prompt: "Write it.\n\n".to_owned(),
    };
    TaskSpec { work, estimate: Some(Usd::ZERO), ..task(name) }
}

pub(crate) fn gate(scope: GateScope) -> Gate {
    Gate {
        name: "unit".to_owned(),
        run: Program::Shell("true".to_owned()),
        timeout_ms: 1,
        advisory: false,
        hint: String::new(),
        scope,
        dir: String::new(),
        paths: Vec::new(),
        clean: false,
        baseline_skip: true,
        pass_env: Vec::new(),
        network: true,
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        name: "t".to_owned(),
        base: Oid::new("base"),
        target: "swarm/t".to_owned(),
        target_at: None,
        caps: Caps::of_usd(Some(Usd::from_micros(100))),
        agent_caps: BTreeMap::new(),
        per_day: None,
        warn: vec![50, 80, 100],
        at_cap: AtCap::Finish,
        on_unknown_cost: OnUnknownCost::Estimate,
        meter: Meter::Proxy,
        concurrency: 2,
        gate_slots: 2,
        on_failure: OnFailure::Continue,
        on_limit: OnLimit::Wait,
        instructions: String::new(),
        workspace: Workspace::default(),
        shared: Vec::new(),
        pass_env: Vec::new(),
        merge: MergePolicy {
            strategy: Strategy::Squash,
            order: MergeOrder::Ready,
            on_conflict: OnConflict::Retry,
        },
        preflight: false,
        identity: ("t".to_owned(), "t@localhost".to_owned()),
        allow: Allowed::new(),
        tree: Tree::Worktree,
        secrets: crate::plan::Secrets::default(),
        isolation: Isolation::default(),
    }
}
