//! Small runs for tests: the real core, driven by a world that answers at once and as it is told. Exists only under test.

use std::collections::{BTreeMap, BTreeSet};

use swarm_actors::Recorded;
use swarm_domain::effect::Effect;
use swarm_domain::event::{
    AgentExited, GateEnded, MergeBuilt, Merged, Preserved, RecordsLost, TargetSeen, WorktreeMade,
    WorktreeRemoved,
};
use swarm_domain::fact::{Anchor, Cost, Ending, Request, Standing, Usage, Verdict};
use swarm_domain::plan::{
    Allowed, Gate, GateScope, Isolation, MergeOrder, MergePolicy, Meter, NeedWhen, OnChangeless, OnConflict,
    OnFailure, OnLimit, OnStray, OnUnknownCost, Plan, Retries, RetryFrom, RetryOn, Settings, Strategy, Tree,
    Work, Workspace,
};
use swarm_domain::state::State;
use swarm_domain::{AtCap, Caps};
use swarm_domain::{Command, Event, Moment, NewRun, Oid, Program, TaskId, TaskSpec, Usd};

/// When every sample run begins.
pub(super) const BEGIN_MS: u64 = 1_700_000_000_000;
/// How long every attempt takes.
pub(super) const ATTEMPT_MS: u64 = 192_000;

/// The answer to an effect; nothing stands for the usual one.
pub(super) type Answer<'a> = dyn FnMut(&Effect) -> Option<Vec<Event>> + 'a;

/// A run and all that happened to it.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) state: State,
    pub(super) history: Vec<Recorded>,
    pub(super) now_ms: u64,
    target: Option<Oid>,
    asked: u32,
}

pub(super) fn id(text: &str) -> TaskId {
    TaskId::new(text).unwrap()
}

pub(super) fn oid(digit: char) -> Oid {
    Oid::new(&digit.to_string().repeat(40))
}

/// A task that an agent does, for $2.00 at most and $0.40 at first.
pub(super) fn task(name: &str, needs: &[&str]) -> TaskSpec {
    TaskSpec {
        id: id(name),
        title: format!("Do {name}"),
        work: Work::Agent {
            agent: "builder".to_owned(),
            adapter: "shell".to_owned(),
            command: None,
            model: None,
            permission: "run".to_owned(),
            args: Vec::new(),
            instructions: String::new(),
            prompt: "do it".to_owned(),
        },
        needs: needs.iter().map(|need| (id(need), NeedWhen::Merged)).collect(),
        files: vec![],
        caps: Caps::of_usd(Some(Usd::from_dollars(2))),
        learned: None,
        estimate: Some(Usd::from_micros(400_000)),
        timeout_ms: None,
        idle_timeout_ms: None,
        retries: Retries {
            max: 1,
            from: RetryFrom::Previous,
            after: BTreeSet::from([RetryOn::Crash, RetryOn::Gate, RetryOn::Conflict]),
            delay_ms: 10_000,
            factor_percent: 200,
            delay_max_ms: 60_000,
        },
        gates: vec![],
        if_no_changes: OnChangeless::Ok,
        on_claim_violation: OnStray::Warn,
        env: BTreeMap::new(),
        pass_env: vec![],
        setup: vec![],
        priority: 0,
        optional: false,
        labels: vec![],
    }
}

/// A gate before the landing.
pub(super) fn gate(name: &str) -> Gate {
    Gate {
        name: name.to_owned(),
        run: Program::Shell("true".to_owned()),
        timeout_ms: 1000,
        advisory: false,
        hint: "run it at home first".to_owned(),
        scope: GateScope::Merge,
        dir: String::new(),
        paths: vec![],
        clean: false,
        baseline_skip: true,
        pass_env: vec![],
        network: true,
    }
}

pub(super) fn settings() -> Settings {
    Settings {
        name: "auth".to_owned(),
        base: oid('b'),
        target: "swarm/auth".to_owned(),
        target_at: None,
        caps: Caps::of_usd(Some(Usd::from_dollars(12))),
        agent_caps: BTreeMap::new(),
        per_day: None,
        warn: vec![50, 80, 100],
        at_cap: AtCap::Finish,
        on_unknown_cost: OnUnknownCost::Estimate,
        meter: Meter::Proxy,
        concurrency: 2,
        gate_slots: 1,
        on_failure: OnFailure::Continue,
        on_limit: OnLimit::Wait,
        instructions: String::new(),
        workspace: Workspace::default(),
        shared: vec![],
        pass_env: vec![],
        merge: MergePolicy {
            strategy: Strategy::Squash,
            order: MergeOrder::Ready,
            on_conflict: OnConflict::Retry,
        },
        preflight: true,
        identity: ("Ann".to_owned(), "ann@example.org".to_owned()),
        allow: Allowed::new(),
        tree: Tree::Worktree,
        secrets: swarm_domain::plan::Secrets::default(),
        isolation: Isolation::default(),
    }
}

impl Sample {
    /// A run that is planned and that nobody has opened.
    pub(super) fn planned(settings: Settings, tasks: Vec<TaskSpec>, carried: BTreeMap<TaskId, Oid>) -> Self {
        let mut sample =
            Self { state: State::new(), history: Vec::new(), now_ms: BEGIN_MS, target: None, asked: 0 };
        let new = NewRun {
            run: "r1".to_owned(),
            parent: (!carried.is_empty()).then(|| "r0".to_owned()),
            version: "1".to_owned(),
            source: "swarm.yaml".to_owned(),
            plan: Plan::new(settings, tasks).unwrap(),
            carried,
        };
        sample.take(&Command::Plan(Box::new(new)));
        sample
    }

    /// A run that a process has just opened.
    pub(super) fn opened(settings: Settings, tasks: Vec<TaskSpec>) -> Self {
        let mut sample = Self::planned(settings, tasks, BTreeMap::new());
        sample.open();
        sample
    }

    /// Another process takes the run over.
    pub(super) fn open(&mut self) {
        let epoch = self.state.run().run.epoch + 1;
        self.take(&Command::Open {
            pid: 100 + u32::try_from(epoch).unwrap(),
            version: "1".to_owned(),
            wall: Standing::default(),
        });
    }

    /// Takes a command, and whether it led to anything.
    pub(super) fn take(&mut self, command: &Command) -> bool {
        let anchor = || Anchor { seq: self.state.seq(), hash: "hash".to_owned() };
        let now = Moment { at_ms: self.now_ms, entropy: 7, anchor: &anchor };
        let Ok(events) = self.state.decide(&now, command) else { return false };
        let any = !events.is_empty();
        for event in events {
            self.state.apply(&event).unwrap();
            self.history.push(Recorded { seq: self.state.seq(), time_ms: self.now_ms, event });
        }
        any
    }

    /// The same run with these records destroyed; none if it is nothing without them.
    pub(super) fn without(&self, from: u64, to: u64) -> Option<Self> {
        let mut sample = Self { state: State::new(), history: Vec::new(), ..self.clone() };
        for recorded in &self.history {
            let event = match recorded.seq {
                seq if seq == to => RecordsLost { from, to }.into(),
                seq if (from..to).contains(&seq) => continue,
                _ => recorded.event.clone(),
            };
            sample.state.replay(&event).ok()?;
            sample.history.push(Recorded { event, ..recorded.clone() });
        }
        Some(sample)
    }

    pub(super) fn fact(&mut self, event: impl Into<Event>) -> bool {
        self.take(&Command::Fact(event.into()))
    }

    pub(super) fn ask(&mut self, request: Request) {
        self.asked += 1;
        assert!(self.take(&Command::Ask { id: format!("q{}", self.asked), by: "ann".to_owned(), request }));
    }

    /// Lets policy say all that it has to say.
    pub(super) fn settle(&mut self) {
        while self.take(&Command::Advance) {}
    }

    /// Goes on until nothing more happens by itself. Time passes where only time brings news.
    pub(super) fn run(&mut self, answer: &mut Answer<'_>) {
        for _ in 0..200 {
            self.settle();
            let owed = self.state.owed();
            let news = owed.iter().any(|effect| self.perform(effect, answer));
            if news {
                continue;
            }
            match self.state.wakeup_ms().filter(|at_ms| *at_ms > self.now_ms) {
                Some(at_ms) => self.now_ms = at_ms,
                None => return,
            }
        }
    }

    /// Goes on as if everything worked.
    pub(super) fn run_well(mut self) -> Self {
        self.run(&mut |_| None);
        self
    }

    fn perform(&mut self, effect: &Effect, answer: &mut Answer<'_>) -> bool {
        if matches!(effect, Effect::RunAttempt(_)) {
            self.now_ms += ATTEMPT_MS;
        }
        let facts = answer(effect).unwrap_or_else(|| self.usual(effect));
        let mut news = false;
        for fact in facts {
            news |= self.fact(fact);
        }
        news
    }

    fn usual(&mut self, effect: &Effect) -> Vec<Event> {
        let fact = match effect {
            Effect::ReadTarget { .. } => TargetSeen { found: self.target.clone(), keeps: true }.into(),
            Effect::MakeWorktree { task, attempt, onto, .. } => worktree(task, *attempt, onto, &[]),
            Effect::RunAttempt(run) => {
                exited(run.task.as_str(), run.attempt, &run.nonce, Ending::Exited { code: 0 })
            }
            Effect::Preserve(keep) => kept(keep.task.as_str(), keep.attempt, &[]),
            Effect::RemoveWorktree { task, attempt, .. } => {
                WorktreeRemoved { task: task.clone(), attempt: *attempt }.into()
            }
            Effect::RunGate(gate) => ended(gate.n, Verdict::Green, ""),
            Effect::BuildMerge(merge) => {
                let commit = oid('a');
                let commit = Oid::new(&format!("{}{:0>8}", &commit.as_str()[..32], merge.seq));
                MergeBuilt {
                    task: merge.task.clone(),
                    attempt: merge.attempt,
                    tree: oid('e'),
                    commit,
                    secrets: Vec::new(),
                }
                .into()
            }
            Effect::Land { task, attempt, commit, .. } => {
                self.target = Some(commit.clone());
                Merged { task: task.clone(), attempt: *attempt, commit: commit.clone() }.into()
            }
            Effect::StopAttempt { .. }
            | Effect::WatchTarget { .. }
            | Effect::WatchRoom { .. }
            | Effect::Meter { .. } => {
                return Vec::new();
            }
        };
        vec![fact]
    }
}

/// A worktree is there.
pub(super) fn worktree(task: &TaskId, attempt: u32, onto: &Oid, conflicts: &[&str]) -> Event {
    WorktreeMade {
        task: task.clone(),
        attempt,
        start: onto.clone(),
        path: format!("/trees/{task}-{attempt}"),
        git_dir: String::new(),
        conflicts: conflicts.iter().map(|&path| path.to_owned()).collect(),
    }
    .into()
}

/// A program ended, having used $0.81.
pub(super) fn exited(task: &str, attempt: u32, nonce: &str, ending: Ending) -> Event {
    AgentExited {
        task: id(task),
        attempt,
        nonce: nonce.to_owned(),
        ending,
        report: None,
        usage: Usage {
            usd: Some(Usd::from_micros(810_000)),
            priced: false,
            input_tokens: 1000,
            output_tokens: 200,
            calls: None,
            turns: None,
            wants: Usd::ZERO,
        },
        charge: Usd::ZERO,
        cost: Cost::Metered,
        tail: "first line\nthe last line".to_owned(),
        stragglers: 0,
        at_ms: 0,
    }
    .into()
}

/// The work of an attempt was kept.
pub(super) fn kept(task: &str, attempt: u32, strays: &[&str]) -> Event {
    Preserved {
        task: id(task),
        attempt,
        tip: oid('c'),
        changed: true,
        descends: true,
        missing: false,
        strays: strays.iter().map(|&path| path.to_owned()).collect(),
        markers: vec![],
        subjects: vec!["one".to_owned()],
        hazards: vec![],
        secrets: Vec::new(),
    }
    .into()
}

/// A gate ended.
pub(super) fn ended(n: u32, verdict: Verdict, tail: &str) -> Event {
    GateEnded { n, verdict, tail: tail.to_owned(), took_ms: 12_000 }.into()
}

/// A red verdict.
pub(super) fn red() -> Verdict {
    Verdict::Red { detail: "exit status 101".to_owned() }
}
