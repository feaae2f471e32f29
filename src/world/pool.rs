//! Worktrees that wait to be used again. Each is brought to exactly the commit that is wanted, ignored files gone, before anybody gets it.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::git::{GitError, Repo, Worktree};

/// Worktrees that wait at most: more attempts than this rarely end before another begins.
const POOL_MAX: usize = 16;

/// The pool of one run. Callers take turns, as with all operations on worktrees. The name of a spare one begins with `_`,
/// as no task's id does: what an attempt works in is never taken for it.
#[derive(Debug)]
pub(crate) struct Pool {
    waiting: Mutex<Vec<Worktree>>,
    next: AtomicU32,
}

impl Pool {
    /// The pool that an earlier process of the run left.
    pub(super) fn new(repo: &Repo, worktrees: &Path) -> Self {
        let entries = std::fs::read_dir(worktrees).into_iter().flatten().flatten();
        let mut waiting = Vec::new();
        let mut next = 0;
        for path in entries.map(|entry| entry.path()) {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let Some(number) = name.strip_prefix("_pool-").and_then(|number| number.parse::<u32>().ok())
            else {
                continue;
            };
            next = next.max(number + 1);
            let git_dir = repo.common_dir().join("worktrees").join(name);
            if git_dir.join("gitdir").is_file() {
                waiting.push(Worktree { path, git_dir });
            }
        }
        Self { waiting: Mutex::new(waiting), next: AtomicU32::new(next) }
    }

    /// A worktree at a path with exactly a commit: one that waits, or a new one.
    pub(super) fn take(&self, repo: &Repo, path: &Path, commit: &str) -> Result<Worktree, GitError> {
        if std::fs::symlink_metadata(path).is_err()
            && let Some(waiting) = self.pop()
        {
            match repo.move_worktree(&waiting, path).and_then(|moved| repo.exact(&moved.path, commit, true)) {
                Ok(worktree) => return Ok(worktree),
                Err(error @ GitError::NoSpace { .. }) => return Err(error),
                Err(error) => {
                    tracing::debug!(%error, "a used worktree is not fit to be used again; a new one is made");
                    repo.remove_worktree_at(&waiting.path)?;
                    repo.remove_worktree_at(path)?;
                }
            }
        }
        repo.add_worktree(path, commit)
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
