//! The simulated repository: a small model, and not a coin. A commit is what each path holds; branches meet path by path.
//!
//! Knows no processes and no time. It remembers every landing, also those that somebody rewound.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use swarm_domain::effect::{BuildMerge, Preserve};
use swarm_domain::fact::Start;
use swarm_domain::{Oid, TaskId};

/// What each path holds. 0 is what the base has.
type Tree = Arc<[u64]>;

/// An attempt's worktree.
#[derive(Clone, Debug)]
struct Worktree {
    tree: Tree,
    /// Whether something in it is reachable from nowhere else.
    unkept: bool,
}

/// The repository.
#[derive(Clone, Debug)]
pub(crate) struct Repo {
    /// What the base has. The last path is a stranger's, and tasks write those before it.
    blank: Tree,
    trees: BTreeMap<Oid, Tree>,
    /// What each kept tip was based on, and each merge made on.
    bases: BTreeMap<Oid, Oid>,
    /// The target's commits above the base, oldest first.
    target: Vec<Oid>,
    /// Every move of the target by swarm: the commit, and whose it is.
    pub(crate) landings: Vec<(Oid, TaskId)>,
    /// What somebody took away again.
    rewound: Vec<Oid>,
    strangers: u32,
    worktrees: BTreeMap<(TaskId, u32), Worktree>,
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
    /// A base, for tasks that write so many paths.
    pub(crate) fn new(base: &Oid, paths: usize) -> Self {
        let blank: Tree = vec![0; paths + 1].into();
        Self {
            trees: [(base.clone(), blank.clone())].into(),
            blank,
            bases: BTreeMap::new(),
            target: Vec::new(),
            landings: Vec::new(),
            rewound: Vec::new(),
            strangers: 0,
            worktrees: BTreeMap::new(),
            held_until_ms: 0,
        }
    }

    pub(crate) fn head(&self) -> Option<&Oid> {
        self.target.last()
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

    fn tree(&self, commit: &Oid) -> Tree {
        self.trees.get(commit).expect("swarm names only commits that it was told of").clone()
    }

    /// Makes a worktree, anew if there is one. Returns where it starts, and the paths in conflict.
    pub(crate) fn make(
        &mut self,
        key: (TaskId, u32),
        onto: &Oid,
        from: &Start,
        materialise: bool,
    ) -> (Oid, Vec<String>) {
        let head = self.tree(onto);
        let (tree, start, conflicts) = match from {
            Start::Head => (head, onto.clone(), Vec::new()),
            Start::Tip { tip, base, .. } => match three_way(&self.tree(base), &head, &self.tree(tip)) {
                Ok(tree) => {
                    let start = Oid::new(&format!("r{:016x}", mixed(&tree, tip.as_str())));
                    (tree, start, Vec::new())
                }
                Err(paths) if materialise => (head, onto.clone(), names(&paths)),
                Err(_) => (head, onto.clone(), Vec::new()),
            },
        };
        self.trees.insert(start.clone(), tree.clone());
        self.worktrees.insert(key, Worktree { tree, unkept: false });
        (start, conflicts)
    }

    /// A program writes paths in its worktree.
    pub(crate) fn write(&mut self, key: &(TaskId, u32), paths: &BTreeSet<usize>) {
        let content = mixed(&[u64::from(key.1)], key.0.as_str());
        if let Some(worktree) = self.worktrees.get_mut(key) {
            let tree = Arc::make_mut(&mut worktree.tree);
            for path in paths {
                tree[*path] = content;
            }
            worktree.unkept = true;
        }
    }

    pub(crate) fn has_worktree(&self, key: &(TaskId, u32)) -> bool {
        self.worktrees.contains_key(key)
    }

    /// Makes what is in a worktree reachable, unless `really` is false: its tip, and whether it differs from where it began.
    pub(crate) fn preserve(&mut self, keep: &Preserve, really: bool) -> (Oid, bool) {
        let key = (keep.task.clone(), keep.attempt);
        let tip = tip(&keep.task, keep.attempt);
        let base = self.tree(&keep.base);
        let tree = self.worktrees.get_mut(&key).map_or_else(
            || base.clone(),
            |worktree| {
                worktree.unkept &= !really;
                worktree.tree.clone()
            },
        );
        let changed = tree != base;
        self.trees.insert(tip.clone(), tree);
        self.bases.insert(tip.clone(), keep.base.clone());
        (tip, changed)
    }

    /// Removes a worktree; false if that destroys work. Law 17.
    pub(crate) fn remove(&mut self, key: &(TaskId, u32)) -> bool {
        self.worktrees.remove(key).is_none_or(|worktree| !worktree.unkept)
    }

    /// A merge in memory: with the same fields the same commit.
    pub(crate) fn merge(&mut self, order: &BuildMerge) -> Merged {
        let base = self.bases.get(&order.tip).map_or_else(|| self.blank.clone(), |base| self.tree(base));
        let (ours, theirs) = (self.tree(&order.onto), self.tree(&order.tip));
        match three_way(&base, &ours, &theirs) {
            Err(paths) => Merged::Conflict(names(&paths)),
            Ok(tree) if tree == ours => Merged::Empty,
            Ok(tree) => {
                let name = format!("{}{}{}{}", order.onto, order.tip, order.message, order.at_s);
                let commit = Oid::new(&format!("m{:016x}", mixed(&tree, &name)));
                self.trees.insert(commit.clone(), tree);
                self.bases.insert(commit.clone(), order.onto.clone());
                Merged::Commit(commit)
            }
        }
    }

    /// Whether a commit was made on the target's head, so that nothing is lost when it lands.
    pub(crate) fn is_above_head(&self, commit: &Oid) -> bool {
        self.head().is_none_or(|head| self.bases.get(commit) == Some(head))
    }

    /// Moves the target.
    pub(crate) fn land(&mut self, task: &TaskId, commit: &Oid) {
        self.target.push(commit.clone());
        self.landings.push((commit.clone(), task.clone()));
    }

    /// Somebody else commits to the target, on a path of a task's or on one of nobody's.
    pub(crate) fn stranger_lands(&mut self, path: Option<usize>, base: &Oid) {
        self.strangers += 1;
        let mut tree = self.tree(self.head().unwrap_or(base));
        let own = tree.len() - 1;
        Arc::make_mut(&mut tree)[path.unwrap_or(own)] = mixed(&[u64::from(self.strangers)], "stranger");
        let commit = Oid::new(&format!("stranger-{}", self.strangers));
        self.trees.insert(commit.clone(), tree);
        self.target.push(commit);
    }

    /// Somebody else brings to the target what an attempt has done, by a commit of their own.
    pub(crate) fn stranger_lands_work_of(&mut self, task: &TaskId, attempt: u32, base: &Oid) {
        let tip = tip(task, attempt);
        let (Some(made), Some(onto)) = (self.trees.get(&tip), self.bases.get(&tip)) else { return };
        let head = self.tree(self.head().unwrap_or(base));
        if let Ok(tree) = three_way(&self.tree(onto), &head, made) {
            self.strangers += 1;
            let commit = Oid::new(&format!("stranger-{}", self.strangers));
            self.trees.insert(commit.clone(), tree);
            self.target.push(commit);
        }
    }

    /// Somebody takes the last commit of the target away.
    pub(crate) fn stranger_rewinds(&mut self) -> bool {
        let gone = self.target.pop();
        let any = gone.is_some();
        self.rewound.extend(gone);
        any
    }

    /// The landings of swarm that nobody has taken away since.
    pub(crate) fn standing(&self) -> impl Iterator<Item = &(Oid, TaskId)> {
        self.landings.iter().filter(|(commit, _)| !self.rewound.contains(commit))
    }

    /// Whoever resumes a run has seen to what was in the way: what was taken away is put back.
    pub(crate) fn put_back(&mut self) {
        self.held_until_ms = 0;
        for commit in std::mem::take(&mut self.rewound) {
            let whose =
                self.landings.iter().find(|(landed, _)| *landed == commit).map(|(_, task)| task.clone());
            let again = whose
                .is_some_and(|task| self.landings.iter().filter(|(_, whose)| *whose == task).count() > 1);
            if again {
                self.rewound.push(commit);
            } else {
                self.target.push(commit);
            }
        }
    }
}

/// The commit that keeps what an attempt did.
fn tip(task: &TaskId, attempt: u32) -> Oid {
    Oid::new(&format!("tip-{task}-{attempt}"))
}

/// Path by path: who did not change it takes the other's.
fn three_way(base: &[u64], ours: &[u64], theirs: &[u64]) -> Result<Tree, Vec<usize>> {
    let mut tree = ours.to_vec();
    let mut conflicts = Vec::new();
    for path in 0..base.len() {
        if theirs[path] == base[path] || theirs[path] == ours[path] {
            continue;
        }
        if ours[path] == base[path] {
            tree[path] = theirs[path];
        } else {
            conflicts.push(path);
        }
    }
    if conflicts.is_empty() { Ok(tree.into()) } else { Err(conflicts) }
}

fn names(paths: &[usize]) -> Vec<String> {
    paths.iter().map(|path| format!("p{path}")).collect()
}

/// FNV-1a: the content decides the name.
fn mixed(numbers: &[u64], text: &str) -> u64 {
    let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).chain(text.bytes());
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}
