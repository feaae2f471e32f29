//! Worktrees that are used again: moving one is quick, and bringing it to another commit costs what differs instead of
//! a whole checkout. Does not know what it was used for.

use std::fs;
use std::io;
use std::path::Path;

use super::checkouts::folder_of;
use super::error::GitError;
use super::repo::Repo;
use super::shadow::Shadow;
use super::worktree::{Worktree, own_git_dir, remove_tree, settled};

/// What an admin folder needs. All else in it is left over from the last use: merges and rebases that were begun,
/// private refs, logs, settings.
const NEEDED: &[&str] = &["HEAD", "commondir", "gitdir", "index"];

/// What a repository of its own needs to be told apart from nothing, and to be used as it is.
const NEEDED_ALONE: &[&str] = &["HEAD", "config", "index", "objects", "refs", "info", "shallow"];

impl Repo {
    /// Gives a worktree another path, and its admin folder the name that goes with it. Nothing may be in the way.
    pub fn move_worktree(&self, wt: &Worktree, to: &Path) -> Result<Worktree, GitError> {
        let path = settled(to)?;
        let name = path.file_name().unwrap_or_default();
        let linked = wt.is_linked(self);
        let git_dir =
            if linked { self.common_dir().join("worktrees").join(name) } else { own_git_dir(&path) };
        for taken in [&path, &git_dir] {
            if fs::symlink_metadata(taken).is_ok() {
                return Err(GitError::io("moving a worktree to", taken)(io::ErrorKind::AlreadyExists.into()));
            }
        }
        if !fs::symlink_metadata(&wt.git_dir).is_ok_and(|meta| meta.is_dir()) {
            return Err(GitError::io("moving", &wt.git_dir)(io::ErrorKind::NotADirectory.into()));
        }
        strip(&wt.git_dir, if linked { NEEDED } else { NEEDED_ALONE })?;
        fs::rename(&wt.git_dir, &git_dir).map_err(GitError::io("moving", &wt.git_dir))?;
        fs::rename(&wt.path, &path).map_err(GitError::io("moving", &wt.path))?;
        Shadow::of(self, &wt.path).move_to(&Shadow::of(self, &path))?;
        let moved = Worktree { path, git_dir };
        moved.write_backlink(self)?;
        Ok(moved)
    }
}

impl Repo {
    /// Removes git's records of worktrees below a folder whose files are gone, as a kill in the middle of a move leaves
    /// them.
    pub fn forget_worktrees(&self, below: &Path) -> Result<(), GitError> {
        for git_dir in self.linked()? {
            let gone =
                folder_of(&git_dir).is_some_and(|folder| folder.starts_with(below) && !folder.exists());
            if gone {
                remove_tree(&git_dir)?;
            }
        }
        self.forget_shadows(below)
    }
}

fn strip(git_dir: &Path, needed: &[&str]) -> Result<(), GitError> {
    let entries = fs::read_dir(git_dir).map_err(GitError::io("reading", git_dir))?;
    for entry in entries {
        let entry = entry.map_err(GitError::io("reading", git_dir))?;
        if !needed.iter().any(|name| entry.file_name() == *name) {
            remove_tree(&entry.path())?;
        }
    }
    Ok(())
}
