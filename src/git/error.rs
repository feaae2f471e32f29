//! What can go wrong with git: one variant for each cause that a caller or a human can act on.

use std::io;
use std::path::{Path, PathBuf};

/// A failed git operation. The text says what happened and what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// There is no `git` in `PATH`.
    #[error("git was not found in PATH; install git {}.{} or newer", FLOOR.0, FLOOR.1)]
    NoGit,
    /// The git found is older than what the merge queue relies on.
    #[error("git {found} is too old; swarm needs {}.{} or newer", FLOOR.0, FLOOR.1)]
    TooOld {
        /// What `git version` said.
        found: String,
    },
    /// No repository at or above the folder, or git refuses to use it.
    #[error("{} is not in a git repository; run `git init` there or name another folder with -C", path.display())]
    NotARepository {
        /// Where the search started.
        path: PathBuf,
        /// Git's own words.
        reason: String,
    },
    /// The repository belongs to somebody else, so git does not use it.
    #[error("git does not trust the repository of {}: it belongs to another user; `git config --global --add safe.directory {}` trusts it", path.display(), path.display())]
    Untrusted {
        /// The folder.
        path: PathBuf,
    },
    /// The repository has no checkout.
    #[error("{} is a bare repository; run swarm in a checkout of it (`git worktree add` makes one)", path.display())]
    Bare {
        /// The repository.
        path: PathBuf,
    },
    /// The repository has no commit yet.
    #[error("the repository has no commit yet; make the first one with `git commit`")]
    NoCommit,
    /// A name that stands for no commit.
    #[error("`{name}` is not a commit, branch or tag here; `git branch -a` and `git tag` list what there is")]
    UnknownRevision {
        /// The name as given.
        name: String,
    },
    /// A name that git does not accept for a branch.
    #[error("`{name}` is not a valid branch name; see `git help check-ref-format`")]
    InvalidBranch {
        /// The name as given.
        name: String,
    },
    /// A compare-and-swap lost: the ref has another value than expected.
    #[error("{name} moved: expected {}, found {}; somebody else wrote it", shown(expected.as_deref()), shown(found.as_deref()))]
    RefMoved {
        /// The full ref name.
        name: String,
        /// The value it should have had; `None` for absent.
        expected: Option<String>,
        /// The value it has; `None` for absent.
        found: Option<String>,
    },
    /// A ref cannot exist beside another one: one would be a folder, the other a file of the same name.
    #[error(
        "{name} cannot be made beside {with}: git cannot have both; choose another name or rename the other with `git branch -m`"
    )]
    RefClash {
        /// The name that was wanted.
        name: String,
        /// The ref in the way.
        with: String,
    },
    /// An object is not there, or not whole.
    #[error("the object {oid} cannot be read; `git fsck` says what else is damaged")]
    Unreadable {
        /// The object.
        oid: String,
    },
    /// A ref outside `refs/swarm/` was to be deleted.
    #[error("{name} is not below refs/swarm/; swarm deletes nothing else")]
    NotOurs {
        /// The full ref name.
        name: String,
    },
    /// The branch is in use by a checkout, so its ref must not be moved behind that checkout's back.
    #[error("branch `{branch}` is checked out in {} ({state}); switch that checkout to another branch first", path.display())]
    CheckedOut {
        /// The branch, without `refs/heads/`.
        branch: String,
        /// The checkout.
        path: PathBuf,
        /// `HEAD`, or the operation in progress.
        state: String,
    },
    /// `land` found uncommitted changes where it would have to merge.
    #[error("{} has {files} uncommitted file(s); commit or stash them and try again; nothing was changed", path.display())]
    LandDirty {
        /// The checkout.
        path: PathBuf,
        /// How many tracked files differ.
        files: usize,
    },
    /// `land` would conflict.
    #[error("`{target}` does not merge into `{into}` cleanly: {}; nothing was changed; merge it by hand with `git merge {target}`", paths.join(", "))]
    LandConflict {
        /// The branch to land.
        target: String,
        /// The branch to land on.
        into: String,
        /// The paths in conflict.
        paths: Vec<String>,
    },
    /// Another git process holds a lock file, or one that was killed left it behind.
    #[error("{} exists: another git is at work in the repository; if none is, delete that file", file.display())]
    Locked {
        /// The lock file.
        file: PathBuf,
    },
    /// The disk is full.
    #[error("no space left on the disk (`{args}`); free some and resume")]
    NoSpace {
        /// The command or the file operation.
        args: String,
    },
    /// Git did not end in time and was killed.
    #[error("`{args}` did not end within {seconds} s and was killed; is the disk or a filter stuck?")]
    TimedOut {
        /// The command.
        args: String,
        /// The limit.
        seconds: u64,
    },
    /// A file operation of our own failed.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// What was attempted, as a verb phrase.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Git failed in a way that nothing here has an answer to.
    #[error("`{args}` failed ({status}): {}", stderr.trim())]
    Failed {
        /// The command.
        args: String,
        /// The exit code, or the signal in words.
        status: String,
        /// What git said.
        stderr: String,
    },
}

/// The oldest git that has what the merge queue relies on: `--attr-source` without its crash.
pub(super) const FLOOR: (u32, u32, u32) = (2, 43, 0);

fn shown(oid: Option<&str>) -> &str {
    oid.map_or("nothing", |o| o.get(..12).unwrap_or(o))
}

impl GitError {
    /// Types a failure by what git wrote. `args` is the command for the reader.
    pub(super) fn from_stderr(args: String, status: String, stderr: String) -> GitError {
        if stderr.contains("No space left on device") || stderr.contains("Disk quota exceeded") {
            return GitError::NoSpace { args };
        }
        if let Some(file) = lock_file(&stderr) {
            return GitError::Locked { file };
        }
        GitError::Failed { args, status, stderr }
    }

    /// Types a failed file operation of our own.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> GitError {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                GitError::NoSpace { args: format!("{doing} {}", path.display()) }
            }
            _ => GitError::Io { doing, path, source },
        }
    }
}

/// `Unable to create '/x/y.lock': File exists.` names the lock in the way.
fn lock_file(stderr: &str) -> Option<PathBuf> {
    let (_, rest) = stderr.split_once("Unable to create '")?;
    let (file, rest) = rest.split_once('\'')?;
    rest.starts_with(": File exists").then(|| PathBuf::from(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_wrote_decides_the_variant() {
        let typed = |stderr: &str| GitError::from_stderr("git x".into(), "exit 128".into(), stderr.into());
        let full = "fatal: write error: No space left on device\n";
        assert!(matches!(typed(full), GitError::NoSpace { .. }));
        let locked = "fatal: Unable to create '/r/.git/index.lock': File exists.\n\nAnother git process seems to be running";
        assert!(
            matches!(typed(locked), GitError::Locked { file } if file == Path::new("/r/.git/index.lock"))
        );
        assert_eq!(typed("fatal: bad object\n").to_string(), "`git x` failed (exit 128): fatal: bad object");
    }
}
