//! Puts an earlier attempt's work onto a new start, in a fresh worktree. Does not know why it is tried again.

use super::error::GitError;
use super::merge::NewCommit;
use super::repo::{Identity, Repo};
use super::worktree::Worktree;

/// How the earlier work fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rebuilt {
    /// HEAD is one new commit on the start that holds the work.
    Clean {
        /// That commit; the start itself if the work changes nothing there.
        commit: String,
    },
    /// HEAD is the start; the files hold the work, uncommitted, with conflict markers.
    Conflict {
        /// The paths in conflict, sorted.
        paths: Vec<String>,
    },
}

impl Repo {
    /// Applies what `tip` has changed since `tip_base` to a worktree that is at `onto`.
    #[expect(clippy::too_many_arguments, reason = "each is a field of the intent that the caller recorded")]
    pub fn rebuild(
        &self,
        wt: &Worktree,
        onto: &str,
        tip: &str,
        tip_base: &str,
        message: &str,
        who: &Identity,
        at_s: u64,
    ) -> Result<Rebuilt, GitError> {
        let merged = self.merge_trees(onto, tip, Some(tip_base))?;
        if merged.conflicts.is_empty() {
            if merged.tree == self.tree_of(onto)? {
                return Ok(Rebuilt::Clean { commit: onto.to_owned() });
            }
            let commit =
                self.commit_tree(&NewCommit { tree: &merged.tree, parents: &[onto], message, who, at_s })?;
            self.switch(wt, &commit)?;
            wt.keep(self, &commit)?;
            return Ok(Rebuilt::Clean { commit });
        }
        // Only the private index learns of the merged tree: for the agent's git all of it is uncommitted work.
        wt.keep(self, onto)?;
        wt.git(self, &wt.private_index(self)).args(["read-tree", "-m", "-u", onto, &merged.tree]).run()?;
        Ok(Rebuilt::Conflict { paths: merged.conflicts })
    }
}
