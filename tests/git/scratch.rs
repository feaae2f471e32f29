//! A repository in a temporary folder, and an attempt in a worktree of it. Knows nothing of what is tested.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use swarm::git::{Identity, MergeOrder, Merged, Preserve, Preserved, Repo, Strategy, Worktree};

/// 2023-11-14, as every commit made here.
pub(crate) const AT_S: u64 = 1_700_000_000;

pub(crate) struct Scratch {
    /// Removed with everything in it at the end of the test.
    _dir: tempfile::TempDir,
    pub(crate) top: PathBuf,
    pub(crate) repo: Repo,
}

impl Scratch {
    /// A repository with `a.txt`, `b.txt` and `src/lib.rs`, and `*.log` ignored.
    pub(crate) fn new() -> Scratch {
        Scratch::with(&[])
    }

    /// The same, made by `git init` with more arguments.
    pub(crate) fn with(init: &[&str]) -> Scratch {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let top = dir.path().canonicalize().expect("it exists").join("project");
        fs::create_dir(&top).expect("the parent exists");
        git(&top, &[&["init", "-q", "-b", "main"], init].concat());
        git(&top, &["config", "user.name", "Ada"]);
        git(&top, &["config", "user.email", "ada@example.org"]);
        let lines = (1..=20).fold(String::new(), |text, n| format!("{text}line {n}\n"));
        for (path, text) in [
            ("a.txt", lines.as_str()),
            ("b.txt", "b\n"),
            ("src/lib.rs", "//! lib\n"),
            (".gitignore", "*.log\n"),
        ] {
            write(&top.join(path), text);
        }
        commit_all(&top, "first");
        let repo = Repo::discover(&top).expect("it was just made");
        Scratch { _dir: dir, top, repo }
    }

    pub(crate) fn head(&self) -> String {
        git(&self.top, &["rev-parse", "HEAD"])
    }

    pub(crate) fn worktree_path(&self, name: &str) -> PathBuf {
        self.top.parent().expect("it is in the temporary folder").join("worktrees").join(name)
    }

    /// What swarm knows of a worktree, where no agent writes.
    pub(crate) fn shadow(&self, name: &str) -> PathBuf {
        self.repo.common_dir().join("swarm/trees/worktrees").join(name)
    }

    /// A fresh attempt at HEAD.
    pub(crate) fn attempt(&self, name: &str) -> Attempt<'_> {
        let base = self.head();
        let wt = self.repo.add_worktree(&self.worktree_path(name), &base).expect("a worktree");
        Attempt {
            scratch: self,
            name: name.to_owned(),
            start: base.clone(),
            base,
            wt,
            conflict_paths: Vec::new(),
        }
    }

    /// To keep what was done in a tree that stands on HEAD.
    pub(crate) fn order(&self, wt: &Worktree, ref_name: &str) -> Preserve {
        Preserve {
            worktree: wt.clone(),
            base: self.head(),
            start: self.head(),
            ref_name: ref_name.to_owned(),
            message: "swarm: what the attempt left".to_owned(),
            who: ada(),
            at_s: AT_S,
            conflict_paths: Vec::new(),
        }
    }

    /// A commit on a detached worktree of its own, made from HEAD by `change`.
    pub(crate) fn tip(&self, name: &str, change: impl FnOnce(&Path)) -> String {
        let attempt = self.attempt(name);
        change(&attempt.wt.path);
        attempt.preserve().tip
    }

    pub(crate) fn merge(&self, old: &str, tip: &str) -> Merged {
        self.repo.merge(&order(old, tip, Strategy::Squash)).expect("git can answer")
    }

    /// A file of a commit.
    pub(crate) fn show(&self, commit: &str, path: &str) -> String {
        git(&self.top, &["show", &format!("{commit}:{path}")])
    }

    /// `<mode> <path>` of everything in a commit, sorted.
    pub(crate) fn tree(&self, commit: &str) -> Vec<String> {
        let listing = git(&self.top, &["ls-tree", "-r", "--format=%(objectmode) %(path)", commit]);
        listing.lines().map(str::to_owned).collect()
    }
}

pub(crate) struct Attempt<'a> {
    pub(crate) scratch: &'a Scratch,
    pub(crate) name: String,
    pub(crate) base: String,
    pub(crate) start: String,
    pub(crate) wt: Worktree,
    pub(crate) conflict_paths: Vec<String>,
}

impl Attempt<'_> {
    pub(crate) fn ref_name(&self) -> String {
        format!("refs/swarm/run/{}/1", self.name)
    }

    pub(crate) fn order(&self) -> Preserve {
        Preserve {
            base: self.base.clone(),
            start: self.start.clone(),
            conflict_paths: self.conflict_paths.clone(),
            ..self.scratch.order(&self.wt, &self.ref_name())
        }
    }

    pub(crate) fn preserve(&self) -> Preserved {
        self.scratch.repo.preserve(&self.order()).expect("it can be preserved")
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        write(&self.wt.path.join(path), text);
    }

    /// Runs git as the agent would.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        git(&self.wt.path, args)
    }
}

pub(crate) fn order(old: &str, tip: &str, strategy: Strategy) -> MergeOrder {
    let (old, tip, message) = (old.to_owned(), tip.to_owned(), "Task\n\nSwarm-Task: t\n".to_owned());
    MergeOrder { old, tip, strategy, message, who: ada(), at_s: AT_S }
}

pub(crate) fn ada() -> Identity {
    Identity { name: "Ada".to_owned(), email: "ada@example.org".to_owned() }
}

/// Runs git as a person would, without anybody's configuration, and returns its trimmed output.
pub(crate) fn git<A: AsRef<OsStr>>(cwd: &Path, args: &[A]) -> String {
    let out = git_output(cwd, args);
    assert!(
        out.status.success(),
        "git {:?}: {}",
        args.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

pub(crate) fn git_output<A: AsRef<OsStr>>(cwd: &Path, args: &[A]) -> std::process::Output {
    let mut command = Command::new("git");
    command.args(args).current_dir(cwd).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", cwd);
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Ada").env(format!("GIT_{role}_EMAIL"), "ada@example.org");
        command.env(format!("GIT_{role}_DATE"), format!("@{AT_S} +0000"));
    }
    command.output().expect("git is installed")
}

pub(crate) fn commit_all(cwd: &Path, subject: &str) -> String {
    git(cwd, &["add", "-A"]);
    git(cwd, &["commit", "-q", "-m", subject]);
    git(cwd, &["rev-parse", "HEAD"])
}

pub(crate) fn write(path: &Path, text: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("no test writes to the root")).expect("folders can be made");
    fs::write(path, text).expect("files can be written");
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
