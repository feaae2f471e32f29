//! Worktrees that wait to be used again. Each is brought to exactly the commit that is wanted, ignored files gone, before anybody gets it.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use swarm_domain::Tree;

use crate::git::{GitError, Repo, Worktree};

/// Worktrees that wait at most: more attempts than this rarely end before another begins.
const POOL_MAX: usize = 16;

/// A new tree of the kind that the plan asks for.
pub(super) fn add(repo: &Repo, path: &Path, commit: &str, tree: Tree) -> Result<Worktree, GitError> {
    match tree {
        Tree::Worktree => repo.add_worktree(path, commit),
        Tree::Clone => repo.add_clone(path, commit),
    }
}

/// The pool of one run. Callers take turns, as with all operations on worktrees. The name of a spare one begins with `_`,
/// as no task's id does: what an attempt works in is never taken for it.
#[derive(Debug)]
pub(crate) struct Pool {
    waiting: Mutex<Vec<Worktree>>,
    next: AtomicU32,
}

impl Pool {
    /// A pool without worktrees. Those of an earlier process are not used: a git that it started may live on and still
    /// clean one of them, wherever that is moved to.
    pub(super) fn new(worktrees: &Path) -> Self {
        let entries = std::fs::read_dir(worktrees).into_iter().flatten().flatten();
        let number = |name: std::ffi::OsString| name.to_str()?.strip_prefix("_pool-")?.parse::<u32>().ok();
        let last = entries.filter_map(|entry| number(entry.file_name())).max();
        Self {
            waiting: Mutex::default(),
            next: AtomicU32::new(last.map_or(0, |last| last.saturating_add(1))),
        }
    }

    /// A worktree at a path with exactly a commit: one that waits, or a new one. It is moved there only when it is ready:
    /// after a crash in between, one with the ignored files of its last use would pass for a new one.
    pub(super) fn take(
        &self,
        repo: &Repo,
        path: &Path,
        commit: &str,
        tree: Tree,
    ) -> Result<Worktree, GitError> {
        if std::fs::symlink_metadata(path).is_err()
            && let Some(waiting) = self.pop()
        {
            let ready = repo.exact(&waiting.path, commit, true);
            match ready.and_then(|ready| repo.move_worktree(&ready, path)) {
                Ok(worktree) => return Ok(worktree),
                Err(error @ GitError::NoSpace { .. }) => {
                    repo.remove_worktree_at(&waiting.path)?;
                    return Err(error);
                }
                Err(error) => {
                    tracing::debug!(%error, "a used worktree is not fit to be used again; a new one is made");
                    repo.remove_worktree_at(&waiting.path)?;
                    repo.remove_worktree_at(path)?;
                }
            }
        }
        add(repo, path, commit, tree)
    }

    /// Takes a worktree back that holds nothing of its own. One that cannot be used again is removed.
    pub(super) fn give(&self, repo: &Repo, worktree: &Worktree) -> Result<(), GitError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let spare = worktree.path.with_file_name(format!("_pool-{number}"));
        let full = self.lock().len() >= POOL_MAX;
        // One that its agent deleted cannot be moved, and half a move would leave git's half of it behind.
        if !full
            && worktree.path.is_dir()
            && let Ok(waiting) = repo.move_worktree(worktree, &spare)
        {
            self.lock().push(waiting);
            return Ok(());
        }
        repo.remove_worktree_at(&spare)?;
        repo.remove_worktree(worktree)
    }

    fn pop(&self) -> Option<Worktree> {
        self.lock().pop()
    }

    /// Nothing is left half done under the lock, so a panic of another holder of it changes nothing.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Worktree>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
