//! Landing: the one operation that may touch the user's checkout, on request. It changes everything or nothing.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::checkouts::Held;
use super::command::{Git, as_the_user};
use super::error::GitError;
use super::merge::{MergeOrder, Merged, Strategy};
use super::output::records;
use super::repo::{Identity, Repo};

/// What landing did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// The branch landed on.
    pub into: String,
    /// Its commit before.
    pub before: String,
    /// Its commit now.
    pub after: String,
    /// How it got there.
    pub how: LandedHow,
    /// The checkout that was updated with it, if the branch is checked out.
    pub checkout: Option<PathBuf>,
}

/// How a branch was brought to hold another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LandedHow {
    /// It held everything already.
    AlreadyThere,
    /// It was moved forward.
    FastForward,
    /// By a merge commit.
    Merge,
}

impl Repo {
    /// Brings branch `target` into branch `into`. A checkout of `into` must have no uncommitted changes, and is
    /// updated by git's own merge with the user's hooks and configuration. On any error nothing has changed.
    pub fn land(&self, target: &str, into: &str) -> Result<Landed, GitError> {
        let tip = self.branch(target)?;
        let before = self.branch(into)?;
        let how = if self.is_ancestor(&tip, &before)? {
            LandedHow::AlreadyThere
        } else if self.is_ancestor(&before, &tip)? {
            LandedHow::FastForward
        } else {
            LandedHow::Merge
        };
        let held = self.held(into)?;
        let checkout = held.as_ref().map(|h| h.path.clone());
        let after = match (how, held) {
            (LandedHow::AlreadyThere, _) => before.clone(),
            (_, Some(held)) => self.land_in_checkout(target, into, &tip, &before, how, &held)?,
            (_, None) => self.land_by_ref(target, into, &tip, &before, how)?,
        };
        Ok(Landed { into: into.to_owned(), before, after, how, checkout })
    }

    fn branch(&self, name: &str) -> Result<String, GitError> {
        self.ref_value(&format!("refs/heads/{name}"))?
            .ok_or_else(|| GitError::UnknownRevision { name: name.to_owned() })
    }

    fn land_by_ref(
        &self,
        target: &str,
        into: &str,
        tip: &str,
        before: &str,
        how: LandedHow,
    ) -> Result<String, GitError> {
        let after = match how {
            LandedHow::Merge => self.merge_in_memory(target, into, tip, before)?,
            LandedHow::FastForward | LandedHow::AlreadyThere => tip.to_owned(),
        };
        self.update_ref(&format!("refs/heads/{into}"), &after, Some(before))?;
        Ok(after)
    }

    /// The commit that merges the two branches; an error that names the paths if they conflict.
    fn merge_in_memory(&self, target: &str, into: &str, tip: &str, before: &str) -> Result<String, GitError> {
        let nobody = || Identity { name: "swarm".to_owned(), email: "swarm@localhost".to_owned() };
        let order = MergeOrder {
            old: before.to_owned(),
            tip: tip.to_owned(),
            strategy: Strategy::Merge,
            message: format!("Merge branch '{target}' into {into}"),
            who: self.identity().unwrap_or_else(nobody),
            at_s: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
        };
        match self.merge(&order)? {
            Merged::Commit { commit, .. } => Ok(commit),
            // The same content by other commits: there is nothing left to bring over.
            Merged::Empty => Ok(before.to_owned()),
            Merged::Conflict { paths, .. } => {
                Err(GitError::LandConflict { target: target.to_owned(), into: into.to_owned(), paths })
            }
        }
    }

    fn land_in_checkout(
        &self,
        target: &str,
        into: &str,
        tip: &str,
        before: &str,
        how: LandedHow,
        held: &Held,
    ) -> Result<String, GitError> {
        let path = &held.path;
        let refuse = |state: &str| GitError::CheckedOut {
            branch: into.to_owned(),
            path: path.clone(),
            state: state.to_owned(),
        };
        if held.state != "HEAD" {
            return Err(refuse(held.state));
        }
        if !self.is_checkout_of_ours(path) {
            return Err(refuse("its .git leads to another repository"));
        }
        let files = uncommitted(path)?;
        if files > 0 {
            return Err(GitError::LandDirty { path: path.clone(), files });
        }
        if how == LandedHow::FastForward {
            as_the_user(path, &["merge", "--ff-only", "--quiet", tip])?.into_success()?;
        } else {
            // Tried in memory first: git's own merge would leave its conflicts in the user's files.
            self.merge_in_memory(target, into, tip, before)?;
            let message = format!("Merge branch '{target}' into {into}");
            let merged =
                as_the_user(path, &["merge", "--no-edit", "--no-ff", "--quiet", "-m", &message, tip])?;
            if let Err(error) = merged.into_success() {
                // A hook refused after the files were merged. If nothing was begun, there is nothing to abort.
                let _ = as_the_user(path, &["merge", "--abort"]);
                return Err(error);
            }
        }
        self.branch(into)
    }

    /// Git is about to be run there by discovery, so that the user's hooks see what they always see.
    fn is_checkout_of_ours(&self, path: &Path) -> bool {
        Repo::discover(path)
            .is_ok_and(|r| r.common_dir() == self.common_dir() && r.top().is_some_and(|t| t == path))
    }
}

/// How many tracked files of a checkout differ from HEAD. Untracked ones are left to git, which refuses to overwrite.
fn uncommitted(path: &Path) -> Result<usize, GitError> {
    let git = Git::discovering(path).args(["status", "--porcelain", "-z", "--no-renames"]);
    let out = git.args(["--untracked-files=no", "--ignore-submodules=dirty"]).run()?;
    Ok(records(&out.stdout).count())
}
