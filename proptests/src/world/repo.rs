//! The simulated repository: a small model, and not a coin. A commit is what each path holds; branches meet path by path.
//!
//! Knows no processes and no time. It remembers every landing, also those that somebody rewound.

use std::collections::BTreeMap;
use std::sync::Arc;

use swarm_domain::effect::{BuildMerge, Preserve};
use swarm_domain::fact::Start;
use swarm_domain::{Oid, TaskId};

use super::tree::{self, Paths, Tree, mixed, three_way};
use super::worktree::Worktree;

/// A commit.
#[derive(Clone, Debug)]
struct Commit {
    tree: Tree,
    parent: Option<Oid>,
}

/// The repository.
#[derive(Clone, Debug)]
pub(crate) struct Repo {
    base: Oid,
    pub(super) paths: Paths,
    commits: BTreeMap<Oid, Commit>,
    /// The target's commits from the base on, oldest first. None: nobody has made it.
    target: Vec<Oid>,
    /// Every move of the target by swarm: the commit, and whose it is.
    pub(crate) landings: Vec<(Oid, TaskId)>,
    /// What somebody took away again.
    rewound: Vec<Oid>,
    strangers: u32,
    pub(super) worktrees: BTreeMap<(TaskId, u32), Worktree>,
    /// The refs that keep the work of attempts.
    refs: BTreeMap<(TaskId, u32), Oid>,
    /// Until when the target is checked out somewhere, in milliseconds.
    pub(crate) held_until_ms: u64,
}

/// What a merge in memory came to.
pub(crate) enum Merged {
    Commit(Oid),
    Empty,
    Conflict(Vec<String>),
}

impl Repo {
    pub(super) fn new(base: &Oid, paths: Paths) -> Self {
        Self {
            base: base.clone(),
            commits: [(base.clone(), Commit { tree: paths.blank(), parent: None })].into(),
            paths,
            target: Vec::new(),
            landings: Vec::new(),
            rewound: Vec::new(),
            strangers: 0,
            worktrees: BTreeMap::new(),
            refs: BTreeMap::new(),
            held_until_ms: 0,
        }
    }

    pub(crate) fn head(&self) -> Option<&Oid> {
        self.target.last()
    }

    /// What the target has beyond the base, oldest first.
    pub(super) fn target(&self) -> &[Oid] {
        self.target.get(1..).unwrap_or_default()
    }

    pub(crate) fn holds(&self, commit: &Oid) -> bool {
        self.target.contains(commit)
    }

    /// How often swarm has moved the target to a commit.
    pub(crate) fn landed(&self, commit: &Oid) -> usize {
        self.landings.iter().filter(|(landed, _)| landed == commit).count()
    }

    /// Whether anything of a task has ever landed.
    pub(crate) fn has_landed(&self, task: &TaskId) -> bool {
        self.landings.iter().any(|(_, whose)| whose == task)
    }

    pub(super) fn base(&self) -> &Oid {
        &self.base
    }

    fn commit(&self, commit: &Oid) -> &Commit {
        self.commits.get(commit).expect("swarm names only commits that it was told of")
    }

    pub(super) fn tree(&self, commit: &Oid) -> &Tree {
        &self.commit(commit).tree
    }

    fn add(&mut self, name: &str, tree: Tree, parent: Option<&Oid>) -> Oid {
        let commit = Oid::new(name);
        self.commits.insert(commit.clone(), Commit { tree, parent: parent.cloned() });
        commit
    }

    /// A commit and all before it, newest first.
    fn history<'a>(&'a self, commit: &'a Oid) -> impl Iterator<Item = &'a Oid> {
        std::iter::successors(Some(commit), |commit| self.commit(commit).parent.as_ref())
    }

    pub(super) fn descends(&self, commit: &Oid, from: &Oid) -> bool {
        self.history(commit).any(|before| before == from)
    }

    /// Whether a commit is reachable from a ref.
    pub(super) fn is_kept(&self, commit: &Oid) -> bool {
        self.refs.values().chain(self.head()).any(|kept| self.descends(kept, commit))
    }

    /// The places of the paths in which a commit differs from another, in order.
    pub(super) fn changes<'a>(&'a self, commit: &Oid, from: &Oid) -> impl Iterator<Item = usize> + use<'a> {
        tree::between(self.tree(commit), self.tree(from))
    }

    pub(super) fn names(&self, paths: &[usize]) -> Vec<String> {
        paths.iter().map(|path| self.paths.name(*path).to_owned()).collect()
    }

    /// Makes a worktree, anew if there is one. Returns where it starts, and the paths in conflict.
    pub(super) fn make(
        &mut self,
        key: (TaskId, u32),
        onto: &Oid,
        from: &Start,
        materialise: bool,
    ) -> (Oid, Vec<String>) {
        let head = self.tree(onto).clone();
        let (mut start, mut files, mut names) = (onto.clone(), head.clone(), Vec::new());
        if let Start::Tip { tip, base, .. } = from {
            let (tree, conflicts) = three_way(self.tree(base), &head, self.tree(tip));
            if conflicts.is_empty() && tree != head {
                let name = mixed(&tree, tip.as_str()) ^ mixed(&[], onto.as_str());
                start = self.add(&format!("r{name:016x}"), tree.clone(), Some(onto));
                files = tree;
            } else if materialise && !conflicts.is_empty() {
                (files, names) = (tree, self.names(&conflicts));
            }
        }
        self.worktrees.insert(key, Worktree::new(start.clone(), files));
        (start, names)
    }

    pub(super) fn has_worktree(&self, key: &(TaskId, u32)) -> bool {
        self.worktrees.contains_key(key)
    }

    /// What the worktree of an attempt holds.
    pub(super) fn files(&self, key: &(TaskId, u32)) -> &Tree {
        let files = self.worktrees.get(key).and_then(|worktree| worktree.files.as_ref());
        files.unwrap_or_else(|| self.tree(&self.base))
    }

    /// Commits what a worktree holds, on its HEAD or, without `parent`, on nothing.
    pub(super) fn commit_in(&mut self, key: &(TaskId, u32), tree: Tree, parent: Option<&Oid>) -> Oid {
        let name = format!("work-{}-{}-{}", key.0, key.1, self.commits.len());
        self.add(&name, tree, parent)
    }

    /// Makes what is in a worktree reachable, unless `really` is false. A ref that is there already is the answer.
    /// Returns the tip, and whether the folder is missing.
    pub(super) fn preserve(&mut self, keep: &Preserve, really: bool) -> (Oid, bool) {
        let key = (keep.task.clone(), keep.attempt);
        let missing = self.worktrees.get(&key).is_some_and(|worktree| worktree.files.is_none());
        if let Some(tip) = self.refs.get(&key) {
            return (tip.clone(), missing);
        }
        let tip = self.tip(&key).unwrap_or_else(|| keep.start.clone());
        if really {
            self.refs.insert(key.clone(), tip.clone());
            if let Some(worktree) = self.worktrees.get_mut(&key) {
                worktree.unkept = false;
            }
        }
        (tip, missing)
    }

    /// What a worktree holds, as a commit: its HEAD, or one more on that.
    fn tip(&mut self, key: &(TaskId, u32)) -> Option<Oid> {
        let worktree = self.worktrees.get(key)?;
        let (head, files) = (worktree.head.clone(), worktree.files.clone());
        let Some(tree) = files.filter(|files| files != self.tree(&head)) else { return Some(head) };
        Some(self.add(&format!("tip-{}-{}", key.0, key.1), tree, Some(&head)))
    }

    /// Those of some paths that hold conflict markers in a commit.
    pub(super) fn marked(&self, commit: &Oid, paths: &[String]) -> Vec<String> {
        let tree = self.tree(commit);
        let is_marked = |path: &&String| self.paths.place(path).is_some_and(|at| tree::is_marked(tree[at]));
        paths.iter().filter(is_marked).cloned().collect()
    }

    /// Whether a commit has conflict markers in a path that it changes in the target.
    pub(super) fn brings_markers(&self, commit: &Oid) -> bool {
        let tree = self.tree(commit);
        self.changes(commit, self.head().unwrap_or(&self.base)).any(|path| tree::is_marked(tree[path]))
    }

    /// Removes a worktree; false if that destroys work. Law 17.
    pub(super) fn remove(&mut self, key: &(TaskId, u32)) -> bool {
        self.worktrees.remove(key).is_none_or(|worktree| !worktree.unkept)
    }

    /// A merge in memory: with the same fields the same commit.
    pub(super) fn merge(&mut self, order: &BuildMerge) -> Merged {
        let (ours, theirs) = (self.tree(&order.onto), self.tree(&order.tip));
        let (tree, conflicts) = three_way(self.common(&order.tip, &order.onto), ours, theirs);
        if !conflicts.is_empty() {
            return Merged::Conflict(self.names(&conflicts));
        }
        if tree == *ours {
            return Merged::Empty;
        }
        let fields =
            format!("{}{}{}{}{:?}", order.onto, order.tip, order.message, order.at_s, order.strategy);
        Merged::Commit(self.add(&format!("m{:016x}", mixed(&tree, &fields)), tree, Some(&order.onto)))
    }

    /// What a tip and the target's head have in common. `head` is the base where there is no target.
    fn common(&self, tip: &Oid, head: &Oid) -> &Tree {
        let common = self.history(tip).find(|commit| *commit == head || self.holds(commit));
        self.tree(common.unwrap_or(&self.base))
    }

    /// Whether a commit was made on the target's head, so that nothing is lost when it lands.
    pub(super) fn is_above_head(&self, commit: &Oid) -> bool {
        self.head().is_none_or(|head| self.commit(commit).parent.as_ref() == Some(head))
    }

    fn move_to(&mut self, commit: Oid) {
        if self.target.is_empty() {
            self.target.push(self.base.clone());
        }
        self.target.push(commit);
    }

    /// Moves the target.
    pub(super) fn land(&mut self, task: &TaskId, commit: &Oid) {
        self.move_to(commit.clone());
        self.landings.push((commit.clone(), task.clone()));
    }

    fn stranger_commits(&mut self, tree: Tree, onto: &Oid) {
        self.strangers += 1;
        let commit = self.add(&format!("stranger-{}", self.strangers), tree, Some(onto));
        self.move_to(commit);
    }

    /// Somebody else commits to the target, on a path of a task's or on one of nobody's.
    pub(super) fn stranger_lands(&mut self, path: Option<usize>) {
        let head = self.head().unwrap_or(&self.base).clone();
        let mut tree = self.tree(&head).clone();
        let path = path.unwrap_or_else(|| self.paths.strangers());
        Arc::make_mut(&mut tree)[path] = mixed(&[u64::from(self.strangers) + 1], "stranger");
        self.stranger_commits(tree, &head);
    }

    /// Somebody else brings to the target what an attempt has done, by a commit of their own.
    pub(super) fn stranger_lands_work_of(&mut self, task: &TaskId, attempt: u32) {
        let Some(tip) = self.refs.get(&(task.clone(), attempt)) else { return };
        let head = self.head().unwrap_or(&self.base).clone();
        let (tree, conflicts) = three_way(self.common(tip, &head), self.tree(&head), self.tree(tip));
        if conflicts.is_empty() && tree == tree::resolved(&tree) {
            self.stranger_commits(tree, &head);
        }
    }

    /// Somebody takes the last commit of the target away. The branch stays.
    pub(super) fn stranger_rewinds(&mut self) -> bool {
        let any = self.target.len() > 1;
        if any {
            self.rewound.extend(self.target.pop());
        }
        any
    }

    /// The landings of swarm that nobody has taken away since.
    pub(crate) fn standing(&self) -> impl Iterator<Item = &(Oid, TaskId)> {
        self.landings.iter().filter(|(commit, _)| !self.rewound.contains(commit))
    }

    /// Whoever resumes a run has seen to what was in the way: what was taken away is put back.
    pub(super) fn put_back(&mut self) {
        self.held_until_ms = 0;
        for commit in std::mem::take(&mut self.rewound).into_iter().rev() {
            let whose = self.landings.iter().find(|(landed, _)| *landed == commit).map(|(_, task)| task);
            let again =
                whose.is_some_and(|task| self.landings.iter().filter(|(_, whose)| whose == task).count() > 1);
            if again {
                self.rewound.push(commit);
            } else {
                self.bring_back(commit);
            }
        }
    }

    /// A commit goes back to where it was, or is merged with what came to the target since.
    fn bring_back(&mut self, commit: Oid) {
        let head = self.head().unwrap_or(&self.base).clone();
        let lost = self.commit(&commit);
        let parent = lost.parent.as_ref().unwrap_or(&self.base);
        let fits = *parent == head;
        let (tree, _) = three_way(self.tree(parent), self.tree(&head), &lost.tree);
        self.move_to(commit);
        if !fits {
            self.stranger_commits(tree::resolved(&tree), &head);
        }
    }
}
