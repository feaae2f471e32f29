//! What each effect leads to. Each looks first whether it has happened: it may have been asked for before a crash.

use swarm_domain::effect::{BuildMerge, Preserve};
use swarm_domain::event::{
    MergeBuilt, MergeConflicted, MergeEmpty, MergeFailed, Merged, PreserveFailed, Preserved, RoomBack,
    TargetFreed, TargetHeld, TargetSeen, WorktreeFailed, WorktreeKept, WorktreeMade, WorktreeRemoved,
};
use swarm_domain::fact::Start;
use swarm_domain::{Effect, Event, Oid, TaskId, claims};

use crate::choice::Site;
use crate::marks::Mark;
use crate::sabotage::Sabotage;

use super::World;
use super::repo::Merged as InMemory;

/// How long somebody has the target checked out, in milliseconds.
const HELD_MS: u64 = 700;
/// When what an attempt led to is said once more, in milliseconds.
const ECHO_MS: u64 = 400;

impl World {
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
            Effect::RunGate(gate) => vec![self.gate_ended(gate)],
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
        // Law 17: where a program has worked, nothing is made anew.
        if self.programs.contains_key(&key) {
            let error = "something was started in it already".to_owned();
            return WorktreeFailed { task: task.clone(), attempt, error }.into();
        }
        if self.repo.has_worktree(&key) {
            self.marks.hit(Mark::WorktreeMadeAgain);
        }
        let (start, conflicts) = self.repo.make(key, onto, from, materialise);
        let path = path(task, attempt);
        WorktreeMade { task: task.clone(), attempt, start, path, git_dir: String::new(), conflicts }.into()
    }

    pub(super) fn echo(&mut self, task: &TaskId, attempt: u32, fact: &Event) {
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
        self.leave(&(task.clone(), attempt));
        let (tip, missing) = self.repo.preserve(keep, !self.is(Sabotage::WorkNotKept));
        let preserved: Event = Preserved {
            task,
            attempt,
            changed: self.repo.changes(&tip, &keep.base).next().is_some(),
            descends: self.repo.descends(&tip, &keep.base),
            missing,
            strays: self.strays(keep, &tip),
            markers: self.repo.marked(&tip, &keep.conflicts),
            subjects: Vec::new(),
            tip,
        }
        .into();
        self.echo(&keep.task, keep.attempt, &preserved);
        preserved
    }

    /// What was written outside the claims. What a task writes by its nature it may write, whatever a plan that knows nothing
    /// of this world's paths says.
    fn strays(&self, keep: &Preserve, tip: &Oid) -> Vec<String> {
        let own = self.own.get(usize::from(self.place(&keep.task)));
        let paths = &self.repo.paths;
        let strays = self.repo.changes(tip, &keep.base).filter(|path| {
            let by_nature = own.is_some_and(|own| own.contains(path));
            !by_nature && !claims::matches(&keep.claims, &keep.shared, paths.name(*path))
        });
        strays.map(|path| paths.name(path).to_owned()).collect()
    }

    fn remove(&mut self, task: &TaskId, attempt: u32) -> Event {
        let who = self.who(task, attempt);
        let task = task.clone();
        if self.choices.ask(Site::WorktreeRemove, who) == 1 {
            return WorktreeKept { task, attempt, error: "it is in use".to_owned() }.into();
        }
        self.leave(&(task.clone(), attempt));
        if !self.repo.remove(&(task.clone(), attempt)) {
            self.blame(17, &format!("the worktree of {task}, attempt {attempt}, is removed with work in it"));
        }
        WorktreeRemoved { task, attempt }.into()
    }

    /// Somebody else may be at the target, too.
    fn stranger(&mut self, task: &TaskId, attempt: u32) {
        if self.strangers_rest {
            return;
        }
        let who = self.who(task, attempt);
        match self.choices.ask(Site::Stranger, who) {
            1 => self.repo.stranger_lands(None),
            2 => {
                let path = self.own[usize::from(self.places[task])].first();
                self.repo.stranger_lands(path.copied());
            }
            3 => self.repo.held_until_ms = self.now_ms + HELD_MS,
            4 if self.repo.stranger_rewinds() => self.marks.hit(Mark::Rewound),
            5 => self.repo.stranger_lands_work_of(task, attempt),
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
            self.blame(6, &format!("{task} lands on a head that it was not made for"));
        }
        if self.repo.brings_markers(commit) {
            self.blame(6, &format!("{task} lands with conflict markers in its files"));
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
