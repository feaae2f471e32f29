//! Refs: read, compared and swapped. Every write names the value it replaces, and only refs/swarm/ is ever deleted.

use std::fs;
use std::path::Path;

use super::command::Git;
use super::error::GitError;
use super::repo::Repo;

impl Repo {
    /// The value of a full ref name. Reads the files when git keeps refs in files, so that it costs no process.
    pub fn ref_value(&self, name: &str) -> Result<Option<String>, GitError> {
        match self.ref_in_files(name)? {
            InFiles::Oid(oid) => Ok(Some(oid)),
            InFiles::Absent => Ok(None),
            InFiles::AskGit => {
                let out = self
                    .plumbing()
                    .args(["rev-parse", "--verify", "--quiet", "--end-of-options", name])
                    .run_any()?;
                match out.code {
                    Some(0) => Ok(Some(out.line())),
                    Some(1) => Ok(None),
                    _ => Err(out.into_error()),
                }
            }
        }
    }

    /// A ref that is not loose is looked up among the packed ones *after* that: git packs in the other order, so a
    /// ref that is being packed is seen in one place or the other.
    fn ref_in_files(&self, name: &str) -> Result<InFiles, GitError> {
        if !name.starts_with("refs/") || name.contains("..") || self.common_dir().join("reftable").exists() {
            return Ok(InFiles::AskGit);
        }
        match fs::read_to_string(self.common_dir().join(name)) {
            Ok(text) if is_oid(text.trim_end()) => return Ok(InFiles::Oid(text.trim_end().to_owned())),
            Ok(_) => return Ok(InFiles::AskGit),
            Err(_) => {}
        }
        let path = self.common_dir().join("packed-refs");
        match fs::read(&path) {
            Ok(bytes) => Ok(packed(&bytes, name).map_or(InFiles::Absent, InFiles::Oid)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(InFiles::Absent),
            Err(e) => Err(GitError::io("reading", &path)(e)),
        }
    }

    /// Moves a ref from `old` to `new`, atomically; with `None` it must not exist yet.
    pub fn update_ref(&self, name: &str, new: &str, old: Option<&str>) -> Result<(), GitError> {
        let mut git = self.plumbing();
        if name.starts_with("refs/swarm/") {
            // Written once, so a log of it would say nothing.
            git = git.config("core.logAllRefUpdates", "false");
        }
        // An empty old value means "must not exist" in repositories of either hash.
        let out = git.args(["update-ref", name, new, old.unwrap_or_default()]).run_any()?;
        if out.code == Some(0) {
            return Ok(());
        }
        let found = self.ref_value(name)?;
        if found.as_deref() != old {
            return Err(GitError::RefMoved {
                name: name.to_owned(),
                expected: old.map(str::to_owned),
                found,
            });
        }
        match self.clash(name)? {
            Some(with) => Err(GitError::RefClash { name: name.to_owned(), with }),
            None => Err(out.into_error()),
        }
    }

    /// Deletes a ref below `refs/swarm/`; one that is not there is fine.
    pub fn delete_ref(&self, name: &str) -> Result<(), GitError> {
        if !name.starts_with("refs/swarm/") {
            return Err(GitError::NotOurs { name: name.to_owned() });
        }
        self.plumbing().args(["update-ref", "-d", name]).run().map(drop)
    }

    /// All refs at or below a prefix, as (name, object), sorted by name.
    pub fn list_refs(&self, prefix: &str) -> Result<Vec<(String, String)>, GitError> {
        self.for_each_ref(&[prefix])
    }

    pub(super) fn for_each_ref(&self, patterns: &[&str]) -> Result<Vec<(String, String)>, GitError> {
        let out = self
            .plumbing()
            .args(["for-each-ref", "--format=%(objectname) %(refname)"])
            .args(patterns)
            .run()?;
        let pair = |line: &str| line.split_once(' ').map(|(oid, name)| (name.to_owned(), oid.to_owned()));
        Ok(out.text().lines().filter_map(pair).collect())
    }

    /// Whether a branch of this name could be made or moved: the name is valid, and no ref is in its way.
    pub fn check_target_name(&self, branch: &str) -> Result<(), GitError> {
        let name = format!("refs/heads/{branch}");
        let invalid = || GitError::InvalidBranch { name: branch.to_owned() };
        if branch.starts_with('-') || branch == "HEAD" {
            return Err(invalid());
        }
        let out = Git::nowhere().args(["check-ref-format", &name]).run_any()?;
        match out.code {
            Some(0) => {}
            Some(1) => return Err(invalid()),
            _ => return Err(out.into_error()),
        }
        match self.clash(&name)? {
            Some(with) => Err(GitError::RefClash { name, with }),
            None => Ok(()),
        }
    }

    /// The ref that would have to be a folder for `name` to be a file, or the other way round.
    fn clash(&self, name: &str) -> Result<Option<String>, GitError> {
        let parents: Vec<&str> = name.match_indices('/').map(|(i, _)| &name[..i]).skip(2).collect();
        let below = format!("{name}/");
        let patterns: Vec<&str> = parents.iter().copied().chain([below.as_str()]).collect();
        let refs = self.for_each_ref(&patterns)?;
        Ok(refs.into_iter().map(|(r, _)| r).find(|r| parents.contains(&r.as_str()) || r.starts_with(&below)))
    }

    /// Whether HEAD and the other per-worktree refs can be read as files.
    pub(super) fn head_in_file(git_dir: &Path) -> Option<String> {
        let text = fs::read_to_string(git_dir.join("HEAD")).ok()?;
        let text = text.trim_end();
        // What reftable leaves in the file, so that old tools see a repository.
        (text != "ref: refs/heads/.invalid").then(|| text.to_owned())
    }
}

enum InFiles {
    Oid(String),
    Absent,
    AskGit,
}

/// Whether the text is a full object id of either hash.
pub(super) fn is_oid(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

pub(super) fn packed(bytes: &[u8], name: &str) -> Option<String> {
    let line = bytes
        .split(|&b| b == b'\n')
        .find(|line| line.strip_suffix(name.as_bytes()).is_some_and(|l| l.last() == Some(&b' ')))?;
    let oid = std::str::from_utf8(line).ok()?.split(' ').next()?;
    is_oid(oid).then(|| oid.to_owned())
}
