//! Which checkouts the repository has and what each has as HEAD. Reads the admin folders; starts git only where
//! those cannot answer.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::command::Git;
use super::error::GitError;
use super::repo::Repo;

/// Files that name the branch an unfinished operation will go back to, and what the operation is.
const UNFINISHED: &[(&str, &str)] = &[
    ("rebase-merge/head-name", "being rebased"),
    ("rebase-apply/head-name", "being rebased"),
    ("BISECT_START", "being bisected"),
];

/// A checkout that has a branch in use.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) path: PathBuf,
    /// `HEAD`, or the unfinished operation.
    pub(super) state: &'static str,
}

impl Repo {
    /// The checkout that has this branch as HEAD, or will have it again when its rebase or bisect ends.
    pub fn checked_out(&self, branch: &str) -> Result<Option<PathBuf>, GitError> {
        Ok(self.held(branch)?.map(|h| h.path))
    }

    pub(super) fn held(&self, branch: &str) -> Result<Option<Held>, GitError> {
        if let Some(state) = in_use(self.common_dir(), branch)?
            && !self.first_is_bare()?
        {
            return Ok(Some(Held { path: self.first_checkout(), state }));
        }
        for git_dir in self.linked()? {
            // A worktree whose folder is gone holds nothing: `git worktree prune` is going to drop it.
            let Some(path) = folder_of(&git_dir).filter(|p| p.exists()) else { continue };
            if let Some(state) = in_use(&git_dir, branch)? {
                return Ok(Some(Held { path, state }));
            }
        }
        Ok(None)
    }

    /// The admin folders of all linked worktrees.
    pub(super) fn linked(&self) -> Result<Vec<PathBuf>, GitError> {
        let folder = self.common_dir().join("worktrees");
        match fs::read_dir(&folder) {
            Ok(entries) => Ok(entries.filter_map(Result::ok).map(|e| e.path()).collect()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(e) => Err(GitError::io("reading", &folder)(e)),
        }
    }

    fn first_checkout(&self) -> PathBuf {
        match (self.top(), self.common_dir().parent()) {
            (Some(top), _) if self.git_dir() == self.common_dir() => top.to_owned(),
            (_, Some(parent)) if self.common_dir().ends_with(".git") => parent.to_owned(),
            _ => self.common_dir().to_owned(),
        }
    }

    /// A bare repository has a HEAD, but no checkout of it.
    fn first_is_bare(&self) -> Result<bool, GitError> {
        Ok(self.plumbing().args(["config", "--type=bool", "core.bare"]).run_any()?.line() == "true")
    }
}

/// How a checkout with this admin folder uses the branch, if it does.
fn in_use(git_dir: &Path, branch: &str) -> Result<Option<&'static str>, GitError> {
    let full = format!("refs/heads/{branch}");
    let head = match Repo::head_in_file(git_dir) {
        Some(head) => head.strip_prefix("ref: ").map(str::to_owned),
        None => Some(Git::plumbing(git_dir).args(["symbolic-ref", "--quiet", "HEAD"]).run_any()?.line()),
    };
    if head.is_some_and(|h| h == full) {
        return Ok(Some("HEAD"));
    }
    let names_it = |file: &str| {
        fs::read_to_string(git_dir.join(file)).is_ok_and(|t| t.trim_end() == full || t.trim_end() == branch)
    };
    Ok(UNFINISHED.iter().find(|(file, _)| names_it(file)).map(|&(_, state)| state))
}

/// The work tree that an admin folder belongs to.
pub(super) fn folder_of(git_dir: &Path) -> Option<PathBuf> {
    let text = fs::read(git_dir.join("gitdir")).ok()?;
    let pointer = Path::new(OsStr::from_bytes(text.trim_ascii_end()));
    // Newer git can write it relative to the admin folder.
    let pointer = if pointer.is_absolute() { pointer.to_owned() } else { git_dir.join(pointer) };
    let folder = pointer.parent()?;
    Some(folder.canonicalize().unwrap_or_else(|_| folder.to_owned()))
}
