//! How a check asks a stage: effects with everything in them that no check is about, and the one fact that answers each.

use std::collections::BTreeSet;

use swarm_domain::effect::{Actor, BuildMerge, Effect, Preserve, RunAttempt, RunGate};
use swarm_domain::event::{AgentExited, GateEnded, Preserved, WorktreeMade};
use swarm_domain::fact::{Start, Stop, Verdict};
use swarm_domain::{
    Event, Gate, GateScope, Meter, Oid, OnUnknownCost, Program, Strategy, TaskId, Usd, Work, owed,
};

use super::stage::{Stage, Step, TARGET};

const RUN: &str = "conforming";
const AT_S: u64 = 1_700_000_000;
/// No check waits for it; it only has an end.
const LONG_MS: u64 = 120_000;
/// How long a program may take that is to be ended.
pub(super) const SHORT_MS: u64 = 400;
/// No world has it.
pub(super) const NO_PROGRAM: &str = "/no/such/program";

/// The fact that answers an effect, if it is of the kind that is expected.
macro_rules! answer {
    ($stage:expr, $effect:expr, $Kind:ident) => {{
        let effect: swarm_domain::Effect = $effect;
        match $crate::conformance::ask::the_answer($stage.perform(effect.clone())) {
            swarm_domain::Event::$Kind(fact) => fact,
            other => panic!("{} is expected of {effect:?}, and there is {other:?}", stringify!($Kind)),
        }
    }};
}
pub(super) use answer;

/// The one fact that is not told on the way.
pub(super) fn the_answer(facts: Vec<Event>) -> Event {
    let told =
        |fact: &Event| matches!(fact, Event::AgentStarted(_) | Event::UsageReported(_) | Event::Noted(_));
    let mut answers: Vec<Event> = facts.into_iter().filter(|fact| !told(fact)).collect();
    assert_eq!(answers.len(), 1, "an effect is answered by one fact: {answers:?}");
    answers.remove(0)
}

fn id(task: &str) -> TaskId {
    TaskId::new(task).expect("checks name their tasks well")
}

fn ada() -> (String, String) {
    ("Ada".to_owned(), "ada@example.org".to_owned())
}

/// A set of paths.
pub(super) fn paths<const N: usize>(paths: [&str; N]) -> BTreeSet<String> {
    paths.map(str::to_owned).into()
}

/// A worktree is wanted for an attempt.
pub(super) fn make(task: &str, attempt: u32, onto: &Oid, from: Start, materialise: bool) -> Effect {
    Effect::MakeWorktree { task: id(task), attempt, onto: onto.clone(), from, materialise, at_s: AT_S }
}

/// A worktree, and what it stands on.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) onto: Oid,
    pub(super) made: WorktreeMade,
}

impl Place {
    pub(super) fn run(&self, program: Program) -> RunAttempt {
        RunAttempt {
            task: self.made.task.clone(),
            attempt: self.made.attempt,
            nonce: format!("{}-{}-{}", self.made.path, self.made.task, self.made.attempt),
            path: self.made.path.clone(),
            git_dir: self.made.git_dir.clone(),
            work: Work::Run(program),
            prompt: String::new(),
            takes_up: None,
            setup: Vec::new(),
            setup_timeout_ms: LONG_MS,
            copy: Vec::new(),
            link: Vec::new(),
            timeout_ms: None,
            idle_timeout_ms: None,
            env: Vec::new(),
            pass_env: Vec::new(),
            grant: Usd::from_dollars(1),
            meter: Meter::Reported,
            on_unknown_cost: OnUnknownCost::Estimate,
            stopping: false,
            run: RUN.to_owned(),
            identity: ada(),
        }
    }

    pub(super) fn stop(&self) -> Effect {
        let (task, attempt) = (self.made.task.clone(), self.made.attempt);
        Effect::StopAttempt { task, attempt, why: Stop::Interrupted }
    }

    pub(super) fn preserve(&self) -> Preserve {
        Preserve {
            task: self.made.task.clone(),
            attempt: self.made.attempt,
            path: self.made.path.clone(),
            git_dir: self.made.git_dir.clone(),
            base: self.onto.clone(),
            start: self.made.start.clone(),
            ref_name: owed::ref_name(RUN, &self.made.task, self.made.attempt),
            title: "A task".to_owned(),
            claims: Vec::new(),
            shared: Vec::new(),
            conflicts: self.made.conflicts.clone(),
            identity: ada(),
            at_s: AT_S,
        }
    }

    pub(super) fn remove(&self) -> Effect {
        let WorktreeMade { task, attempt, path, git_dir, .. } = self.made.clone();
        Effect::RemoveWorktree { task, attempt, path, git_dir }
    }
}

/// A gate is wanted on a commit. `base`: what the commit is compared with.
pub(super) fn gate(n: u32, commit: &Oid, base: &Oid, run: Program) -> RunGate {
    RunGate {
        n,
        nonce: format!("gate-{n}-of-{RUN}-on-{commit}"),
        actor: Actor::Merge,
        commit: commit.clone(),
        base: base.clone(),
        slot: 0,
        gate: Some(Gate {
            name: "gate".to_owned(),
            run,
            timeout_ms: LONG_MS,
            advisory: false,
            hint: String::new(),
            scope: GateScope::Both,
            dir: String::new(),
            paths: Vec::new(),
            clean: false,
            baseline_skip: false,
            pass_env: Vec::new(),
        }),
        setup: Vec::new(),
        setup_timeout_ms: LONG_MS,
        copy: Vec::new(),
        link: Vec::new(),
        pass_env: Vec::new(),
        run: RUN.to_owned(),
    }
}

/// The target is to be read. `landed`: what this run landed last.
pub(super) fn read_target(landed: Option<&Oid>) -> Effect {
    Effect::ReadTarget { epoch: 1, target: TARGET.to_owned(), expected: None, landed: landed.cloned() }
}

/// What is to land where this merge was made for is the commit that was built.
pub(super) fn land(merge: &BuildMerge, commit: &Oid) -> Effect {
    Effect::Land {
        seq: merge.seq + 1,
        task: merge.task.clone(),
        attempt: merge.attempt,
        target: merge.target.clone(),
        old: merge.old.clone(),
        commit: commit.clone(),
        landed: merge.landed.clone(),
    }
}

impl dyn Stage + '_ {
    /// The target's head, and the base where there is no target.
    pub(super) fn head(&self) -> Oid {
        self.target().pop().unwrap_or_else(|| self.base())
    }

    /// A worktree for the first attempt of a task, on the target's head.
    pub(super) fn place(&mut self, task: &str) -> Place {
        let onto = self.head();
        let made = answer!(self, make(task, 1, &onto, Start::Head, false), WorktreeMade);
        Place { onto, made }
    }

    /// Runs a program in a worktree to its end.
    pub(super) fn run(&mut self, place: &Place, steps: &[Step]) -> AgentExited {
        let run = place.run(self.program(steps));
        self.ran(&run)
    }

    /// Runs what is ordered to its end.
    pub(super) fn ran(&mut self, run: &RunAttempt) -> AgentExited {
        answer!(self, Effect::RunAttempt(Box::new(run.clone())), AgentExited)
    }

    /// Keeps what is in a worktree.
    pub(super) fn keep(&mut self, place: &Place) -> Preserved {
        answer!(self, Effect::Preserve(Box::new(place.preserve())), Preserved)
    }

    /// A task's first attempt, from its worktree to what is kept of it.
    pub(super) fn attempt(&mut self, task: &str, steps: &[Step]) -> (Place, Preserved) {
        let place = self.place(task);
        self.run(&place, steps);
        let kept = self.keep(&place);
        (place, kept)
    }

    /// Work is to be merged into the target as it is now.
    pub(super) fn merge(&self, task: &str, tip: &Oid) -> BuildMerge {
        BuildMerge {
            seq: 10,
            task: id(task),
            attempt: 1,
            target: TARGET.to_owned(),
            old: self.target().pop(),
            onto: self.head(),
            tip: tip.clone(),
            strategy: Strategy::Squash,
            message: format!("Work of {task}"),
            identity: ada(),
            at_s: AT_S,
            landed: None,
        }
    }

    /// The commit that is to land.
    pub(super) fn built(&mut self, merge: &BuildMerge) -> Oid {
        answer!(self, Effect::BuildMerge(Box::new(merge.clone())), MergeBuilt).commit
    }

    /// Builds and lands work.
    pub(super) fn landed(&mut self, task: &str, tip: &Oid) -> Oid {
        let merge = self.merge(task, tip);
        let commit = self.built(&merge);
        answer!(self, land(&merge, &commit), Merged).commit
    }

    /// Runs a gate to its end.
    pub(super) fn gated(&mut self, gate: &RunGate) -> Verdict {
        let ended: GateEnded = answer!(self, Effect::RunGate(Box::new(gate.clone())), GateEnded);
        assert_eq!(ended.n, gate.n, "the verdict of another gate run");
        ended.verdict
    }
}
