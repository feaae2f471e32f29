//! The repository: where it is, who its user is, and what its names stand for. Writes nothing.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::command::Git;
use super::error::{FLOOR, GitError};

/// A git repository, by its common folder: all worktrees of it are the same `Repo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repo {
    common_dir: PathBuf,
    git_dir: PathBuf,
    top: Option<PathBuf>,
    /// The only filters that are run; none: whatever the configuration says.
    pub(super) only: Option<super::filters::Filters>,
}

/// Who commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `user.name`.
    pub name: String,
    /// `user.email`.
    pub email: String,
}

impl Repo {
    /// Finds the repository that `from` lies in: the only discovery there is, and it looks where the user stands.
    pub fn discover(from: &Path) -> Result<Repo, GitError> {
        let out = Git::discovering(from)
            .args([
                "rev-parse",
                "--path-format=absolute",
                "--is-bare-repository",
                "--absolute-git-dir",
                "--git-common-dir",
            ])
            .arg("--show-toplevel")
            .run_any()?;
        let mut lines = out.stdout.split(|&b| b == b'\n').filter(|l| !l.is_empty());
        let bare = lines.next() == Some(b"true");
        let mut path = || lines.next().map(|l| PathBuf::from(OsStr::from_bytes(l)));
        match (path(), path(), path()) {
            (Some(git_dir), Some(common_dir), Some(top)) if out.code == Some(0) => {
                Ok(Repo { common_dir: real(common_dir), git_dir: real(git_dir), top: Some(top), only: None })
            }
            (Some(path), _, _) if bare => Err(GitError::Bare { path }),
            _ if out.stderr().contains("dubious ownership") => {
                Err(GitError::Untrusted { path: from.to_owned() })
            }
            _ if out.stderr().contains("not a git repository") => {
                Err(GitError::NotARepository { path: from.to_owned(), reason: reason(out.stderr()) })
            }
            _ => Err(out.into_error()),
        }
    }

    /// The repository with this common folder, without a checkout of the user.
    pub fn at(common_dir: &Path) -> Repo {
        let common_dir = real(common_dir.to_owned());
        Repo { git_dir: common_dir.clone(), common_dir, top: None, only: None }
    }

    /// The folder that all worktrees share: `.git` of the first checkout.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// The top of the checkout the user stood in, if the repository was discovered from one.
    pub fn top(&self) -> Option<&Path> {
        self.top.as_deref()
    }

    /// The git folder of the user's checkout; the common one unless that is a linked worktree.
    pub(super) fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The version of git; an error below 2.43.
    pub fn version() -> Result<(u32, u32, u32), GitError> {
        let line = Git::nowhere().arg("version").run()?.line();
        let version = parse_version(&line);
        version
            .filter(|v| *v >= FLOOR)
            .ok_or_else(|| GitError::TooOld { found: line.replace("git version ", "") })
    }

    /// A command on objects and refs.
    pub(super) fn plumbing(&self) -> Git {
        Git::plumbing(&self.common_dir)
    }

    /// The commit that a name stands for in the user's checkout.
    pub fn resolve(&self, commitish: &str) -> Result<String, GitError> {
        let verify = |name: &str| {
            let spec = format!("{name}^{{commit}}");
            Git::plumbing(&self.git_dir)
                .args(["rev-parse", "--verify", "--quiet", "--end-of-options", &spec])
                .run_any()
        };
        let out = verify(commitish)?;
        if out.code == Some(0) {
            return Ok(out.line());
        }
        // A repository without a commit has no other name for one either.
        if verify("HEAD")?.code == Some(0) || !self.list_refs("refs/")?.is_empty() {
            return Err(GitError::UnknownRevision { name: commitish.to_owned() });
        }
        Err(GitError::NoCommit)
    }

    /// The user's name and address from their configuration; `None` unless both are set.
    pub fn identity(&self) -> Option<Identity> {
        let out = Git::user(&self.git_dir)
            .args(["config", "-z", "--get-regexp", r"^user\.(name|email)$"])
            .run()
            .ok()?;
        let text = out.text();
        let last = |key: &str| {
            let value =
                text.split('\0').rev().find_map(|r| r.split_once('\n').filter(|(k, _)| *k == key))?.1.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        Some(Identity { name: last("user.name")?, email: last("user.email")? })
    }

    /// The branch that the user's checkout is on, without `refs/heads/`.
    pub fn head_branch(&self) -> Option<String> {
        let out = Git::plumbing(&self.git_dir).args(["symbolic-ref", "--quiet", "HEAD"]).run().ok()?;
        out.line().strip_prefix("refs/heads/").map(str::to_owned)
    }

    /// Whether `a` is reachable from `b`; a commit is its own ancestor.
    pub fn is_ancestor(&self, a: &str, b: &str) -> Result<bool, GitError> {
        let out = self.plumbing().args(["merge-base", "--is-ancestor", a, b]).run_any()?;
        match out.code {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(out.into_error()),
        }
    }

    /// Whether the repository has this commit.
    pub fn commit_exists(&self, oid: &str) -> bool {
        self.plumbing().args(["cat-file", "-e", &format!("{oid}^{{commit}}")]).run().is_ok()
    }
}

fn real(path: PathBuf) -> PathBuf {
    path.canonicalize().unwrap_or(path)
}

fn reason(stderr: &str) -> String {
    let line = stderr.lines().find(|l| l.starts_with("fatal: ")).unwrap_or("git found none");
    line.trim_start_matches("fatal: ").to_owned()
}

fn parse_version(line: &str) -> Option<(u32, u32, u32)> {
    let mut numbers = line.strip_prefix("git version ")?.split(['.', ' ', '-']).map_while(|n| n.parse().ok());
    Some((numbers.next()?, numbers.next()?, numbers.next().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::parse_version;

    #[test]
    fn versions_of_all_vendors_are_read() {
        assert_eq!(parse_version("git version 2.47.3"), Some((2, 47, 3)));
        assert_eq!(parse_version("git version 2.39.5 (Apple Git-154)"), Some((2, 39, 5)));
        assert_eq!(parse_version("git version 2.44.0.windows.1"), Some((2, 44, 0)));
        assert_eq!(parse_version("git version 2.50-rc1"), Some((2, 50, 0)));
        assert_eq!(parse_version("git, a version"), None);
    }
}
