//! The user's checkout, read without touching it: what is uncommitted, and what is ignored but wanted by every attempt.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::command::Git;
use super::error::GitError;
use super::output::records;
use super::repo::Repo;

impl Repo {
    /// How many files of the user's checkout are uncommitted: changed, staged or untracked.
    pub fn dirty_count(&self) -> Result<usize, GitError> {
        let Some(git) = self.in_checkout() else { return Ok(0) };
        let out =
            git.args(["status", "--porcelain", "-z", "--no-renames", "--ignore-submodules=dirty"]).run()?;
        Ok(records(&out.stdout).count())
    }

    /// The untracked files of the user's checkout, ignored ones too, that match one of these gitignore patterns;
    /// relative to the top.
    pub fn ignored_files(&self, patterns: &[String]) -> Result<Vec<PathBuf>, GitError> {
        let Some(git) = self.in_checkout().filter(|_| !patterns.is_empty()) else { return Ok(Vec::new()) };
        let excludes = patterns.iter().map(|p| format!("--exclude={p}"));
        let out = git.args(["ls-files", "-z", "--others", "--ignored"]).args(excludes).run()?;
        Ok(out.records().map(|r| PathBuf::from(OsStr::from_bytes(r))).collect())
    }

    /// The patterns in the checkout's `.worktreeinclude`; none if there is no such file.
    pub fn worktree_include(&self) -> Result<Vec<String>, GitError> {
        let Some(path) = self.top().map(|t| t.join(".worktreeinclude")) else { return Ok(Vec::new()) };
        match fs::read_to_string(&path) {
            Ok(text) => {
                let lines = text.lines().map(str::trim_end).filter(|l| !l.is_empty() && !l.starts_with('#'));
                Ok(lines.map(str::to_owned).collect())
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(e) => Err(GitError::io("reading", &path)(e)),
        }
    }

    /// A command that reads the user's files and index.
    fn in_checkout(&self) -> Option<Git> {
        let top = self.top()?;
        Some(Git::files(self.git_dir(), self.common_dir(), top, &self.git_dir().join("index")))
    }
}
