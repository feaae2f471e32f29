//! Makes what an attempt left behind reachable from a ref. Does not know whether it was any good.
//!
//! Law 17: everything git would track in the worktree is kept: the commits below HEAD, and on top of them one more
//! commit with what was left uncommitted. Nothing in the worktree is trusted: neither its `.git`, nor its index, nor
//! the branch it is on; HEAD is read from the admin folder and the files are compared with the private index.

use std::fs;

use super::error::GitError;
use super::history::CommitInfo;
use super::listing::{Listing, files_below, nul_terminated};
use super::merge::NewCommit;
use super::output::path_text;
use super::repo::{Identity, Repo};
use super::shadow::Shadow;
use super::worktree::{Worktree, remove_tree};
use crate::hazards::GITLINK;

/// The status that `Listing` reads. Without `--branch`, which takes as long as the rest. `dirty`: a submodule's own
/// git is never started, it has its own configuration.
pub(super) const STATUS: &[&str] =
    &["status", "--porcelain=v2", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=dirty"];

/// What to preserve, and under which ref.
#[derive(Clone, Debug)]
pub struct Preserve {
    /// Where the attempt worked.
    pub worktree: Worktree,
    /// The commit of the target that the attempt started from.
    pub base: String,
    /// The HEAD it was given: `base`, or an earlier tip rebuilt on it.
    pub start: String,
    /// `refs/swarm/<run>/<task>/<n>`.
    pub ref_name: String,
    /// The message of the commit for what is uncommitted.
    pub message: String,
    /// Its author and committer.
    pub who: Identity,
    /// Its date, in seconds since 1970.
    pub at_s: u64,
    /// Paths that the attempt was given with conflict markers in them.
    pub conflict_paths: Vec<String>,
}

/// What an attempt left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preserved {
    /// The commit the ref points to.
    pub tip: String,
    /// The tip's tree is not the base's.
    pub tree_changed: bool,
    /// The paths that differ between base and tip. One that is not UTF-8 is quoted as git does it.
    pub paths: Vec<String>,
    /// The base is an ancestor of the tip.
    pub descends: bool,
    /// Those of the given conflict paths that still hold conflict markers.
    pub markers: Vec<String>,
    /// The subjects of the attempt's own commits, oldest first.
    pub subjects: Vec<String>,
    /// The folder was deleted; the tip is the HEAD that git remembers, or the start.
    pub missing: bool,
    /// What the attempt changed of what ties its files to the repository, and of settings that are not its own.
    pub tampered: Vec<String>,
    /// Submodules with work in them: another commit, or changed files. It exists only in the worktree's copy of the
    /// submodule, so removing the worktree would lose it.
    pub submodules: Vec<String>,
    /// Why commits of a repository of its own could not be taken over. They exist only there.
    pub left_behind: Option<String>,
}

/// Syncing new objects in one batch has a price of its own; below this many files one by one is cheaper.
const BATCH_FROM: usize = 16;

/// The tip of an attempt, and what was learned on the way.
struct Tip {
    oid: String,
    /// HEAD as the attempt left it: the tip, or its parent.
    head: String,
    /// The attempt's own commits, newest first.
    commits: Vec<CommitInfo>,
    /// Submodules with changed files.
    submodules: Vec<String>,
    missing: bool,
    tampered: Vec<String>,
    left_behind: Option<String>,
}

/// HEAD as an attempt left it, with all its objects in the repository.
struct Taken {
    head: String,
    tampered: Option<String>,
    left_behind: Option<String>,
}

impl Repo {
    /// Makes what is in the worktree reachable from the ref. When the ref is there already, its value is the answer.
    pub fn preserve(&self, p: &Preserve) -> Result<Preserved, GitError> {
        let folder = fs::symlink_metadata(&p.worktree.path).is_ok_and(|m| m.is_dir());
        let admin = p.worktree.git_dir.is_dir();
        let tip = if folder { self.tip_of_files(p)? } else { self.tip_of_head(p)? };
        if self.borrows() {
            self.prove_durable(&p.start, &tip.oid)?;
        }
        match self.update_ref(&p.ref_name, &tip.oid, None) {
            Ok(()) => self.describe(p, tip),
            Err(GitError::RefMoved { found: Some(oid), .. }) if oid == tip.oid => self.describe(p, tip),
            Err(GitError::RefMoved { found: Some(oid), .. }) => {
                let mut commits = self.commits_since(&p.start, &oid)?;
                // The commit made here is not the attempt's own.
                let first_line = p.message.lines().next().unwrap_or_default();
                commits =
                    commits.split_off(usize::from(commits.first().is_some_and(|c| c.subject == first_line)));
                // With the admin folder gone as well, it was we who removed the worktree.
                let head = oid.clone();
                self.describe(p, Tip { oid, head, commits, missing: !folder && admin, ..tip })
            }
            Err(error) => Err(error),
        }
    }

    fn tip_of_head(&self, p: &Preserve) -> Result<Tip, GitError> {
        let Taken { head, tampered, left_behind } = self.taken_over(p)?;
        let commits = self.commits_since(&p.start, &head)?;
        let tampered = tampered.into_iter().collect();
        let oid = head.clone();
        Ok(Tip { oid, head, commits, submodules: Vec::new(), missing: true, tampered, left_behind })
    }

    fn tip_of_files(&self, p: &Preserve) -> Result<Tip, GitError> {
        let mut tampered = p.worktree.restore(self, &p.start)?;
        let Taken { head, tampered: more, left_behind } = self.taken_over(p)?;
        tampered.extend(more);
        Shadow::of(self, &p.worktree.path).set_head(&head)?;
        let listing = self.listing(p)?;
        let commits = self.commits_since(&p.start, &head)?;
        let oid = if head == p.start && listing.is_clean() {
            head.clone()
        } else {
            self.commit_files(p, &head, &listing, commits.first())?
        };
        let submodules = self.changed_submodules(&p.worktree)?;
        Ok(Tip { oid, head, commits, submodules, missing: false, tampered, left_behind })
    }

    /// The start stands in for a HEAD that names no commit, or one that git refuses.
    fn taken_over(&self, p: &Preserve) -> Result<Taken, GitError> {
        let start = |tampered, left_behind| Taken { head: p.start.clone(), tampered, left_behind };
        let Some(head) = self.head_of(&p.worktree) else { return Ok(start(None, None)) };
        if !p.worktree.is_linked(self)
            && head != p.start
            && let Err(error) = self.import(&p.worktree, &head, &p.start)
        {
            if matches!(error, GitError::NoSpace { .. } | GitError::NoGit) {
                return Err(error);
            }
            // Its files are kept all the same, as they are.
            return Ok(start(None, Some(error.to_string())));
        }
        if self.commit_exists(&head) {
            return Ok(Taken { head, tampered: None, left_behind: None });
        }
        Ok(start(Some("HEAD, which names no commit".to_owned()), None))
    }

    /// A commit on HEAD with the files as they are; HEAD itself if that is what it holds. `newest` is the attempt's own
    /// newest commit.
    fn commit_files(
        &self,
        p: &Preserve,
        head: &str,
        listing: &Listing,
        newest: Option<&CommitInfo>,
    ) -> Result<String, GitError> {
        let wt = &p.worktree;
        self.update_private_index(wt, listing)?;
        let tree = wt.git(self, &wt.private_index(self)).arg("write-tree").run()?.line();
        let head_tree = match newest {
            Some(newest) => Some(newest.tree.clone()),
            // The private index was HEAD's tree and has changed since: no need to ask.
            None if head == p.start && listing.is_only_changed_files() => None,
            None => Some(self.tree_of(head)?),
        };
        if head_tree.is_some_and(|t| t == tree) {
            return Ok(head.to_owned());
        }
        let message = &p.message;
        self.commit_tree(&NewCommit { tree: &tree, parents: &[head], message, who: &p.who, at_s: p.at_s })
    }

    fn listing(&self, p: &Preserve) -> Result<Listing, GitError> {
        let index = p.worktree.private_index(self);
        let status = || Ok(Listing::parse(&p.worktree.git(self, &index).args(STATUS).run()?.stdout));
        if index.exists()
            && let Ok(listing) = status()
        {
            return Ok(listing);
        }
        // Gone or damaged: one made from the start's tree costs reading every file, and says the same.
        for name in ["index", "index.lock"] {
            remove_tree(&index.with_file_name(name))?;
        }
        p.worktree.git(self, &index).args(["read-tree", &p.start]).run()?;
        status()
    }

    fn update_private_index(&self, wt: &Worktree, listing: &Listing) -> Result<(), GitError> {
        let nested = self.nested_files(wt, listing)?;
        let mut paths = listing.to_update();
        paths.extend(nested.iter().map(Vec::as_slice));
        if paths.is_empty() {
            return Ok(());
        }
        let sync = if paths.len() < BATCH_FROM { "fsync" } else { "batch" };
        let git = wt.git(self, &wt.private_index(self)).config("core.fsyncMethod", sync);
        // Names that other systems take for git's own are kept like any other. What may land is another matter.
        let git = git.config("core.protectNTFS", "false").config("core.protectHFS", "false");
        git.args(["update-index", "-z", "--add", "--remove", "--replace", "--stdin"])
            .stdin(nul_terminated(paths))
            .run()?;
        Ok(())
    }

    /// The files of nested repositories that the ignore rules leave.
    fn nested_files(&self, wt: &Worktree, listing: &Listing) -> Result<Vec<Vec<u8>>, GitError> {
        let mut files = Vec::new();
        for folder in &listing.nested {
            files_below(&wt.path, folder, &mut files)?;
        }
        if files.is_empty() {
            return Ok(files);
        }
        let git = wt.git(self, &wt.private_index(self)).args(["check-ignore", "-z", "--stdin"]);
        let out = git.stdin(nul_terminated(files.iter().map(Vec::as_slice))).run_any()?;
        if !matches!(out.code, Some(0 | 1)) {
            return Err(out.into_error());
        }
        let ignored: std::collections::HashSet<&[u8]> = out.records().collect();
        files.retain(|f| !ignored.contains(f.as_slice()));
        Ok(files)
    }

    fn describe(&self, p: &Preserve, tip: Tip) -> Result<Preserved, GitError> {
        let changes = if tip.oid == p.base { Vec::new() } else { self.changes(&p.base, &tip.oid)? };
        let mut submodules: Vec<String> = changes
            .iter()
            .filter(|c| c.after.as_ref().is_some_and(|o| o.mode == GITLINK))
            .map(|c| path_text(&c.path))
            .collect();
        submodules.extend(tip.submodules.iter().cloned());
        submodules.sort();
        submodules.dedup();
        let paths: Vec<String> = changes.iter().map(|c| path_text(&c.path)).collect();
        let mut subjects: Vec<String> = tip.commits.iter().map(|c| c.subject.clone()).collect();
        subjects.reverse();
        Ok(Preserved {
            tree_changed: !paths.is_empty(),
            paths,
            descends: self.descends(p, &tip)?,
            markers: self.markers(&tip.oid, &p.conflict_paths)?,
            subjects,
            missing: tip.missing,
            tampered: tip.tampered,
            submodules,
            left_behind: tip.left_behind,
            tip: tip.oid,
        })
    }

    /// The log from start to HEAD already shows it in the usual cases.
    fn descends(&self, p: &Preserve, tip: &Tip) -> Result<bool, GitError> {
        let from_start = tip.head == p.start || tip.commits.iter().any(|c| c.parents.contains(&p.start));
        if p.start == p.base && from_start { Ok(true) } else { self.is_ancestor(&p.base, &tip.oid) }
    }

    fn markers(&self, tip: &str, paths: &[String]) -> Result<Vec<String>, GitError> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let git = self.plumbing().env("GIT_LITERAL_PATHSPECS", "1").args([
            "grep",
            "-z",
            "-l",
            "-a",
            "-E",
            "--all-match",
        ]);
        let out = git
            .args(["-e", "^<{7,} ", "-e", "^={7,}\r?$", "-e", "^>{7,} ", tip, "--"])
            .args(paths)
            .run_any()?;
        if !matches!(out.code, Some(0 | 1)) {
            return Err(out.into_error());
        }
        let path = |record: &[u8]| record.get(tip.len() + 1..).map(path_text);
        Ok(out.records().filter_map(path).collect())
    }
}
