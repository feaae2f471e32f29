//! What each effect leads to. Each looks first whether it has happened: it may have been asked for before a crash.

use swarm_domain::effect::{BuildMerge, Preserve, RunAttempt};
use swarm_domain::event::{
    AgentExited, GateEnded, MergeBuilt, MergeConflicted, MergeEmpty, MergeFailed, Merged, PreserveFailed,
    Preserved, RoomBack, TargetFreed, TargetHeld, TargetSeen, WorktreeFailed, WorktreeKept, WorktreeMade,
    WorktreeRemoved,
};
use swarm_domain::fact::{Cost, Ending, Start, Verdict};
use swarm_domain::{Effect, Event, Oid, TaskId, Usd};

use crate::choice::{Site, Who};
use crate::marks::Mark;
use crate::sabotage::Sabotage;

use super::program::Fate;
use super::repo::Merged as InMemory;
use super::{GateRun, Program, World};

/// How long somebody has the target checked out, in milliseconds.
const HELD_MS: u64 = 700;
/// When what an attempt led to is said once more, in milliseconds.
const ECHO_MS: u64 = 400;
/// The most of a program's output that is kept with its end.
const TAIL_BYTES: usize = 2_000;

impl World {
    /// Starts a program, or finds the one that runs. Returns when there is something to say.
    pub(super) fn start_program(&mut self, run: &RunAttempt) -> u64 {
        let key = (run.task.clone(), run.attempt);
        let soon = self.now_ms + 10;
        let known = self.programs.contains_key(&key) && !self.is(Sabotage::OrphanNotAdopted);
        if known {
            let over = self.programs[&key].is_over(self.now_ms);
            self.marks.hit(if over { Mark::FoundEnded } else { Mark::Adopted });
            return soon;
        }
        if run.stopping {
            self.marks.hit(Mark::StoppedBeforeItBegan);
            return soon;
        }
        self.alone(&run.task, run.attempt);
        let who = self.who(&run.task, run.attempt);
        let program = Program::start(&mut self.choices, who, run, soon);
        if program.fate.writes() {
            let place = usize::from(self.places[&run.task]);
            let mut paths = self.paths[place].clone();
            if program.fate == Fate::Strays {
                paths.insert((place + 1) % 6);
            }
            self.repo.write(&key, &paths);
        }
        self.programs.insert(key, program);
        soon
    }

    /// Laws 5 and 17: nothing else of the task runs, nothing of the attempt ran before, and its worktree is there.
    fn alone(&mut self, task: &TaskId, attempt: u32) {
        let of_task = |(whose, _): &&(TaskId, u32)| whose == task;
        let now_ms = self.now_ms;
        let live = self.programs.iter().any(|(key, program)| of_task(&key) && !program.is_over(now_ms));
        if live || self.programs.contains_key(&(task.clone(), attempt)) {
            self.blame(5, format!("a second program starts for {task}, attempt {attempt}"));
        }
        if !self.repo.has_worktree(&(task.clone(), attempt)) {
            self.blame(17, format!("a program of {task} starts outside a worktree of its own"));
        }
    }

    pub(super) fn start_gate(&mut self, n: u32, commit: &Oid, base: &Oid) -> u64 {
        let soon = self.now_ms + 10;
        if self.gates.contains_key(&n) {
            self.marks.hit(Mark::GateFound);
            return soon;
        }
        let who = Who::Number(n);
        let on_base = commit == base || commit == &self.base;
        let verdict = match self.choices.once(Site::GateVerdict, who) {
            1 if !on_base => Verdict::Red { detail: "exit status 1".to_owned() },
            2 => Verdict::None { detail: "killed".to_owned() },
            _ => Verdict::Green,
        };
        let takes_ms = 20 << (2 * self.choices.once(Site::GateTime, who));
        self.gates.insert(n, GateRun { ends_ms: soon + takes_ms, verdict });
        soon
    }

    /// Does what an effect asks for, unless it is done, and says what then is true.
    pub(super) fn complete(&mut self, effect: &Effect) -> Vec<Event> {
        match effect {
            Effect::ReadTarget { landed, .. } => vec![self.seen(landed.as_ref())],
            Effect::MakeWorktree { task, attempt, onto, from, materialise, .. } => {
                vec![self.make(task, *attempt, onto, from, *materialise)]
            }
            Effect::RunAttempt(run) => vec![self.exited(run)],
            Effect::Preserve(keep) => vec![self.preserve(keep)],
            Effect::RemoveWorktree { task, attempt, .. } => vec![self.remove(task, *attempt)],
            Effect::RunGate(gate) => {
                let verdict = self.gates[&gate.n].verdict.clone();
                vec![GateEnded { n: gate.n, verdict, tail: String::new(), took_ms: 20 }.into()]
            }
            Effect::BuildMerge(merge) => vec![self.build(merge)],
            Effect::Land { task, attempt, old, commit, landed, .. } => {
                vec![self.land(task, *attempt, old.as_ref(), commit, landed.as_ref())]
            }
            Effect::WatchTarget { .. } => vec![TargetFreed {}.into()],
            Effect::WatchRoom { .. } => vec![RoomBack {}.into()],
            Effect::StopAttempt { .. } | Effect::Meter { .. } => Vec::new(),
        }
    }

    fn seen(&self, landed: Option<&Oid>) -> Event {
        let keeps = landed.is_none_or(|landed| self.repo.holds(landed));
        TargetSeen { found: self.repo.head().cloned(), keeps }.into()
    }

    fn make(&mut self, task: &TaskId, attempt: u32, onto: &Oid, from: &Start, materialise: bool) -> Event {
        let who = self.who(task, attempt);
        let key = (task.clone(), attempt);
        if self.choices.ask(Site::WorktreeMake, who) == 1 {
            return WorktreeFailed { task: task.clone(), attempt, error: "git is in a bad mood".to_owned() }
                .into();
        }
        if self.repo.has_worktree(&key) {
            self.marks.hit(Mark::WorktreeMadeAgain);
        }
        let (start, conflicts) = self.repo.make(key, onto, from, materialise);
        let path = path(task, attempt);
        WorktreeMade { task: task.clone(), attempt, start, path, git_dir: String::new(), conflicts }.into()
    }

    fn exited(&mut self, run: &RunAttempt) -> Event {
        let key = (run.task.clone(), run.attempt);
        let now_ms = self.now_ms;
        let (ending, usage, flood) = match self.programs.get(&key) {
            Some(program) => (program.end().1, program.usage(now_ms), program.flood),
            None => (
                Ending::NotStarted { error: "it was stopped before it began".to_owned() },
                Default::default(),
                false,
            ),
        };
        let exited: Event = AgentExited {
            task: run.task.clone(),
            attempt: run.attempt,
            nonce: run.nonce.clone(),
            ending,
            usage,
            charge: Usd::ZERO,
            cost: Cost::Metered,
            tail: if flood { "x".repeat(TAIL_BYTES) } else { String::new() },
            stragglers: 0,
            at_ms: 0,
        }
        .into();
        self.echo(&run.task, run.attempt, &exited);
        exited
    }

    fn echo(&mut self, task: &TaskId, attempt: u32, fact: &Event) {
        let who = self.who(task, attempt);
        if self.choices.once(Site::AgentEcho, who) == 1 {
            self.echoes.push((self.now_ms + ECHO_MS, fact.clone()));
        }
    }

    fn preserve(&mut self, keep: &Preserve) -> Event {
        let who = self.who(&keep.task, keep.attempt);
        let (task, attempt) = (keep.task.clone(), keep.attempt);
        if self.choices.ask(Site::WorktreeKeep, who) == 1 {
            return PreserveFailed { task, attempt, error: "the disk is in a bad mood".to_owned() }.into();
        }
        let fate = self.programs.get(&(task.clone(), attempt)).map(|program| program.fate);
        let (tip, changed) = self.repo.preserve(keep, !self.is(Sabotage::WorkNotKept));
        let strays = if fate == Some(Fate::Strays) { vec!["elsewhere".to_owned()] } else { Vec::new() };
        let markers = if fate == Some(Fate::LeavesMarkers) { vec!["p0".to_owned()] } else { Vec::new() };
        let preserved: Event = Preserved {
            tip,
            task,
            attempt,
            changed,
            descends: fate != Some(Fate::MovesHead),
            missing: fate == Some(Fate::Wrecks),
            strays,
            markers,
            subjects: Vec::new(),
        }
        .into();
        self.echo(&keep.task, keep.attempt, &preserved);
        preserved
    }

    fn remove(&mut self, task: &TaskId, attempt: u32) -> Event {
        let who = self.who(task, attempt);
        let task = task.clone();
        if self.choices.ask(Site::WorktreeRemove, who) == 1 {
            return WorktreeKept { task, attempt, error: "it is in use".to_owned() }.into();
        }
        if !self.repo.remove(&(task.clone(), attempt)) {
            self.blame(17, format!("the worktree of {task}, attempt {attempt}, is removed with work in it"));
        }
        WorktreeRemoved { task, attempt }.into()
    }

    /// Somebody else may be at the target, too.
    fn stranger(&mut self, task: &TaskId, attempt: u32) {
        if self.strangers_rest {
            return;
        }
        let who = self.who(task, attempt);
        let base = self.base.clone();
        match self.choices.ask(Site::Stranger, who) {
            1 => self.repo.stranger_lands(None, &base),
            2 => {
                let path = self.paths[usize::from(self.places[task])].first().copied();
                self.repo.stranger_lands(path, &base);
            }
            3 => self.repo.held_until_ms = self.now_ms + HELD_MS,
            4 if self.repo.stranger_rewinds() => self.marks.hit(Mark::Rewound),
            5 => self.repo.stranger_lands_work_of(task, attempt, &base),
            _ => {}
        }
    }

    fn held(&self) -> Option<Event> {
        let held = self.repo.held_until_ms > self.now_ms;
        held.then(|| TargetHeld { path: "/elsewhere".to_owned() }.into())
    }

    fn build(&mut self, merge: &BuildMerge) -> Event {
        let (task, attempt) = (merge.task.clone(), merge.attempt);
        self.stranger(&task, attempt);
        if let Some(held) = self.held() {
            return held;
        }
        if self.repo.head() != merge.old.as_ref() {
            self.marks.hit(Mark::MovedBeforeMerge);
            return self.seen(merge.landed.as_ref());
        }
        let who = self.who(&task, attempt);
        if self.choices.ask(Site::MergeGit, who) == 1 {
            return MergeFailed { task, attempt, error: "git is in a bad mood".to_owned() }.into();
        }
        match self.repo.merge(merge) {
            InMemory::Conflict(paths) => {
                self.marks.hit(Mark::Conflict);
                MergeConflicted { task, attempt, paths, detail: String::new() }.into()
            }
            InMemory::Empty => {
                self.marks.hit(Mark::NothingToMerge);
                MergeEmpty { task, attempt }.into()
            }
            InMemory::Commit(commit) => MergeBuilt { task, attempt, tree: commit.clone(), commit }.into(),
        }
    }

    fn land(
        &mut self,
        task: &TaskId,
        attempt: u32,
        old: Option<&Oid>,
        commit: &Oid,
        landed: Option<&Oid>,
    ) -> Event {
        let merged = Merged { task: task.clone(), attempt, commit: commit.clone() };
        if self.repo.holds(commit) && !self.is(Sabotage::MergeTwice) {
            self.marks.hit(Mark::FoundLanded);
            return merged.into();
        }
        self.stranger(task, attempt);
        if self.repo.head() != old && !self.is(Sabotage::NoCompareAndSwap) {
            self.marks.hit(Mark::MovedBeforeLanding);
            return self.seen(landed);
        }
        if let Some(held) = self.held() {
            return held;
        }
        if self.repo.head() != old || !self.repo.is_above_head(commit) {
            self.blame(6, format!("{task} lands on a head that it was not made for"));
        }
        self.repo.land(task, commit);
        self.echo(task, attempt, &merged.clone().into());
        merged.into()
    }
}

/// Where the worktree of an attempt is.
fn path(task: &TaskId, attempt: u32) -> String {
    format!("/w/{task}-{attempt}")
}
