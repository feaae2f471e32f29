//! Merges and commits made in memory. No checkout is touched, and the same order gives the same commit every time.

use std::collections::BTreeSet;
use std::fs;

use super::command::Git;
use super::error::GitError;
use super::output::{Output, path_text};
use super::refs::is_oid;
use super::repo::{Identity, Repo};

/// Configuration that would make a merge depend on whose machine it is.
const FIXED: &[(&str, &str)] = &[
    ("core.attributesFile", "/dev/null"),
    ("merge.default", "text"),
    ("merge.renormalize", "false"),
    ("merge.renames", "true"),
    ("merge.renameLimit", "7000"),
    ("merge.directoryRenames", "conflict"),
    ("merge.conflictStyle", "merge"),
    ("diff.algorithm", "histogram"),
];

/// In place of a merge driver from the configuration, which would be a command to run: the text merge, for the
/// markers, and a conflict in any case, because the driver's own answer is unknown.
const NO_DRIVER: &str = "git merge-file -q --marker-size=%L -L ours -L base -L theirs %A %O %B; exit 1";

/// What becomes of a task's commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// One commit on top of the target.
    Squash,
    /// A merge commit that keeps them.
    Merge,
}

/// A merge to be made.
#[derive(Clone, Debug)]
pub struct MergeOrder {
    /// The target's commit.
    pub old: String,
    /// The commit to merge into it.
    pub tip: String,
    /// How.
    pub strategy: Strategy,
    /// The whole message, with its trailers.
    pub message: String,
    /// Author and committer.
    pub who: Identity,
    /// The date of both, in seconds since 1970.
    pub at_s: u64,
}

/// How a merge came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// A commit that nothing points to yet.
    Commit {
        /// The commit.
        commit: String,
        /// Its tree.
        tree: String,
    },
    /// The tip brings nothing that the target does not have.
    Empty,
    /// It does not merge.
    Conflict {
        /// The paths in conflict, sorted.
        paths: Vec<String>,
        /// What git says about each.
        messages: Vec<String>,
    },
}

/// A merged tree; with conflict markers in its files if there are conflicts.
pub(super) struct MergedTree {
    pub(super) tree: String,
    pub(super) conflicts: Vec<String>,
    messages: Vec<String>,
}

/// A commit to be written.
pub(super) struct NewCommit<'a> {
    pub(super) tree: &'a str,
    pub(super) parents: &'a [&'a str],
    pub(super) message: &'a str,
    pub(super) who: &'a Identity,
    pub(super) at_s: u64,
}

impl Repo {
    /// Merges `tip` into `old` and writes the commit. No ref moves.
    pub fn merge(&self, m: &MergeOrder) -> Result<Merged, GitError> {
        let merged = self.merge_trees(&m.old, &m.tip, None)?;
        if !merged.conflicts.is_empty() {
            return Ok(Merged::Conflict { paths: merged.conflicts, messages: merged.messages });
        }
        let tree = merged.tree;
        if tree == self.tree_of(&m.old)? {
            return Ok(Merged::Empty);
        }
        let parents: &[&str] = match m.strategy {
            Strategy::Squash => &[&m.old],
            Strategy::Merge => &[&m.old, &m.tip],
        };
        let commit = NewCommit { tree: &tree, parents, message: &m.message, who: &m.who, at_s: m.at_s };
        Ok(Merged::Commit { commit: self.commit_tree(&commit)?, tree })
    }

    /// Attributes come from `ours`: `merge-tree` alone takes them from whatever folder it runs in, and then merges
    /// lock files that `git merge` refuses and refuses what a union would merge.
    pub(super) fn merge_trees(
        &self,
        ours: &str,
        theirs: &str,
        base: Option<&str>,
    ) -> Result<MergedTree, GitError> {
        let mut git = self.plumbing();
        for &(key, value) in FIXED {
            git = git.config(key, value);
        }
        for driver in self.merge_drivers()? {
            git = git.config(driver, NO_DRIVER);
        }
        git = git.arg(format!("--attr-source={ours}")).args([
            "merge-tree",
            "--write-tree",
            "-z",
            "--name-only",
            "--messages",
        ]);
        git = git.args(base.map(|b| format!("--merge-base={b}"))).args([ours, theirs]);
        let out = git.run_any()?;
        match out.code {
            // "Conflict" is 1, and so is "no such commit": only a tree makes it a verdict on the content.
            Some(0 | 1) if is_oid(&first_field(&out.stdout)) => Ok(parse(&out)),
            _ => Err(out.into_error()),
        }
    }

    /// The configuration keys of merge drivers. Most repositories have none, and their file says so without a process.
    fn merge_drivers(&self) -> Result<Vec<String>, GitError> {
        let mentions = |file: &str| {
            let text = fs::read(self.common_dir().join(file)).unwrap_or_default().to_ascii_lowercase();
            [b"driver".as_slice(), b"include"].iter().any(|word| text.windows(word.len()).any(|w| w == *word))
        };
        if !mentions("config") && !mentions("config.worktree") {
            return Ok(Vec::new());
        }
        let out = self
            .plumbing()
            .args(["config", "-z", "--name-only", "--get-regexp", r"^merge\..*\.driver$"])
            .run_any()?;
        match out.code {
            Some(0 | 1) => Ok(out.records().map(|r| String::from_utf8_lossy(r).into_owned()).collect()),
            _ => Err(out.into_error()),
        }
    }

    pub(super) fn tree_of(&self, commit: &str) -> Result<String, GitError> {
        Ok(self.plumbing().args(["rev-parse", "--verify", &format!("{commit}^{{tree}}")]).run()?.line())
    }

    /// Writes a commit. Its id depends on these fields alone.
    pub(super) fn commit_tree(&self, c: &NewCommit<'_>) -> Result<String, GitError> {
        let parents = c.parents.iter().flat_map(|p| ["-p", p]);
        let mut message = c.message.to_owned();
        if !message.ends_with('\n') {
            message.push('\n');
        }
        let git =
            self.plumbing().args(["commit-tree", c.tree]).args(parents).args(["-F", "-"]).stdin(message);
        Ok(signed_by(git, c.who, c.at_s).run()?.line())
    }
}

/// Sets author and committer.
fn signed_by(git: Git, who: &Identity, at_s: u64) -> Git {
    let date = format!("@{at_s} +0000");
    ["AUTHOR", "COMMITTER"].iter().fold(git, |git, role| {
        git.env(&format!("GIT_{role}_NAME"), &who.name)
            .env(&format!("GIT_{role}_EMAIL"), &who.email)
            .env(&format!("GIT_{role}_DATE"), &date)
    })
}

fn first_field(stdout: &[u8]) -> String {
    String::from_utf8_lossy(stdout.split(|&b| b == 0).next().unwrap_or_default()).trim().to_owned()
}

/// `<tree> NUL (<path> NUL)* NUL (<n> NUL <path>*n <kind> NUL <message> NUL)*`
fn parse(out: &Output) -> MergedTree {
    let tree = first_field(&out.stdout);
    let mut fields = out.stdout.split(|&b| b == 0).skip(1);
    let conflicted = out.code == Some(1);
    let mut paths = BTreeSet::new();
    for path in fields.by_ref().take_while(|f| !f.is_empty()) {
        paths.insert(path_text(path));
    }
    let mut messages = Vec::new();
    while let Some(n) = fields.next().and_then(|n| std::str::from_utf8(n).ok()?.parse::<usize>().ok()) {
        let mut rest = fields.by_ref().skip(n);
        let kind = rest.next().unwrap_or_default();
        let text = String::from_utf8_lossy(rest.next().unwrap_or_default()).trim().to_owned();
        // "Auto-merging x" is said of what went well.
        if kind.starts_with(b"CONFLICT") {
            messages.push(text);
        }
    }
    if conflicted && paths.is_empty() {
        paths.insert("(git names no path)".to_owned());
    }
    MergedTree {
        tree,
        conflicts: if conflicted { paths.into_iter().collect() } else { Vec::new() },
        messages,
    }
}
