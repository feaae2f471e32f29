//! The worktree of an attempt, and what steps do to it. Knows neither programs nor the target.

use std::sync::Arc;

use swarm_domain::{Oid, TaskId};

use crate::conformance::stage::Step;

use super::repo::Repo;
use super::tree::{Tree, is_marked, mixed};

/// An attempt's worktree.
#[derive(Clone, Debug)]
pub(super) struct Worktree {
    pub(super) head: Oid,
    /// None: somebody deleted the folder.
    pub(super) files: Option<Tree>,
    /// Whether something in it is reachable from nowhere else.
    pub(super) unkept: bool,
    has_commits: bool,
}

impl Worktree {
    pub(super) fn new(head: Oid, files: Tree) -> Self {
        Self { head, files: Some(files), unkept: false, has_commits: false }
    }

    fn write(&mut self, path: usize, content: u64) {
        if let Some(files) = &mut self.files {
            Arc::make_mut(files)[path] = content;
            self.unkept = true;
        }
    }

    /// What was uncommitted goes with the folder.
    fn delete(&mut self) {
        self.files = None;
        self.unkept = self.has_commits;
    }

    fn move_head(&mut self, head: Oid) {
        (self.head, self.has_commits, self.unkept) = (head, true, true);
    }
}

impl Repo {
    /// Does in the worktree of an attempt what its program does.
    pub(super) fn act(&mut self, key: &(TaskId, u32), step: &Step<usize>) {
        let commit = self.commit_by(key, step);
        let Some(worktree) = self.worktrees.get_mut(key) else { return };
        match step {
            Step::Write(path) => {
                let content = mixed(&[u64::from(key.1)], key.0.as_str());
                worktree.write(*path, content);
            }
            Step::DeleteWorktree => worktree.delete(),
            _ => commit.into_iter().for_each(|commit| worktree.move_head(commit)),
        }
    }

    /// The commit that a step makes, if it makes one.
    fn commit_by(&mut self, key: &(TaskId, u32), step: &Step<usize>) -> Option<Oid> {
        let worktree = self.worktrees.get(key)?;
        let head = &worktree.head;
        let (tree, parent) = match step {
            Step::Commit => (worktree.files.clone()?, Some(head.clone())),
            Step::Uproot => (self.tree(head).clone(), None),
            _ => return None,
        };
        Some(self.commit_in(key, tree, parent.as_ref()))
    }

    /// Whether a path of a worktree has conflict markers in it.
    pub(super) fn has_markers(&self, key: &(TaskId, u32), path: usize) -> bool {
        let files = self.worktrees.get(key).and_then(|worktree| worktree.files.as_ref());
        files.is_some_and(|files| is_marked(files[path]))
    }
}
