//! One git process: its environment, its limits and what it reads and writes. Knows no operation.
//!
//! Nothing is ever discovered: the repository, the work tree and the index are named in the environment, so that
//! a tree written by an agent cannot redirect git to another repository and its configuration.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::error::GitError;
use super::output::Output;

/// Long enough for a checkout of a large tree on a slow disk; only a stuck disk or filter gets there.
const TIMEOUT: Duration = Duration::from_mins(20);

/// What swarm's git never does, whatever the user's configuration says.
const QUIET: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    // Git's default syncs neither loose objects nor refs; the journal says "merged" only of what survives power loss.
    ("core.fsync", "committed"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("commit.gpgSign", "false"),
    ("i18n.commitEncoding", "UTF-8"),
    ("i18n.logOutputEncoding", "UTF-8"),
    ("core.quotePath", "false"),
    ("core.ignoreStat", "false"),
    ("core.untrackedCache", "false"),
    ("core.splitIndex", "false"),
    // Whoever may write objects may write these beside them, and git would believe them more than the objects.
    ("core.commitGraph", "false"),
    ("core.multiPackIndex", "false"),
    ("submodule.recurse", "false"),
    ("color.ui", "false"),
];

/// What of the caller's environment git may see. Not a single `GIT_*` except where the user's configuration lives.
const KEPT: &[&str] = &["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "USER", "LOGNAME", "SSH_AUTH_SOCK"];
const KEPT_FOR_USER: &[&str] = &["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"];

/// Whose configuration a command obeys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Config {
    /// The repository's alone: objects, refs and merges come out the same for everybody.
    Repository,
    /// The user's too: line endings, filters and the global ignore file decide what a work tree holds.
    User,
}

/// A git command being put together.
#[derive(Debug)]
pub(super) struct Git {
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    config: Vec<(String, String)>,
    whose: Config,
    cwd: Option<PathBuf>,
    streams: Streams,
}

/// What a git process reads, and where what it prints goes. What may be large goes by files.
#[derive(Debug, Default)]
struct Streams {
    stdin: Vec<u8>,
    from: Option<File>,
    into: Option<File>,
}

impl Git {
    /// A command that obeys only the repository's configuration.
    pub(super) fn plumbing(git_dir: &Path) -> Git {
        Git::new(Config::Repository).env("GIT_DIR", git_dir).cwd(git_dir)
    }

    /// A command that reads or writes the files of a work tree as the user's own git would.
    pub(super) fn files(git_dir: &Path, common_dir: &Path, work_tree: &Path, index: &Path) -> Git {
        Git::new(Config::User)
            .env("GIT_DIR", git_dir)
            .env("GIT_COMMON_DIR", common_dir)
            .env("GIT_WORK_TREE", work_tree)
            .env("GIT_INDEX_FILE", index)
            .cwd(work_tree)
    }

    /// A command that reads the user's configuration, but no files.
    pub(super) fn user(git_dir: &Path) -> Git {
        Git::new(Config::User).env("GIT_DIR", git_dir).cwd(git_dir)
    }

    /// The only command that may discover a repository: the one the user stands in.
    pub(super) fn discovering(from: &Path) -> Git {
        Git::new(Config::User).cwd(from)
    }

    /// A command without a repository.
    pub(super) fn nowhere() -> Git {
        Git::new(Config::Repository)
    }

    fn new(whose: Config) -> Git {
        Git {
            args: Vec::new(),
            env: Vec::new(),
            config: Vec::new(),
            whose,
            cwd: None,
            streams: Streams::default(),
        }
    }

    /// Another command in the same place, with the same configuration.
    pub(super) fn beside(&self) -> Git {
        let (env, config, cwd) = (self.env.clone(), self.config.clone(), self.cwd.clone());
        Git { env, config, cwd, ..Git::new(self.whose) }
    }

    pub(super) fn arg(mut self, arg: impl AsRef<OsStr>) -> Git {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(super) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Git {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    pub(super) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Git {
        self.env.push((key.into(), value.as_ref().to_owned()));
        self
    }

    pub(super) fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Git {
        self.config.push((key.into(), value.into()));
        self
    }

    pub(super) fn cwd(mut self, cwd: &Path) -> Git {
        self.cwd = Some(cwd.to_owned());
        self
    }

    pub(super) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Git {
        self.streams.stdin = bytes.into();
        self
    }

    /// Reads a file.
    pub(super) fn stdin_file(mut self, file: File) -> Git {
        self.streams.from = Some(file);
        self
    }

    /// Prints into a file, and says nothing on stdout.
    pub(super) fn stdout_file(mut self, file: File) -> Git {
        self.streams.into = Some(file);
        self
    }

    /// Runs it; any exit code but 0 is an error.
    pub(super) fn run(self) -> Result<Output, GitError> {
        self.run_any()?.into_success()
    }

    /// Runs it and hands back whatever it exits with.
    pub(super) fn run_any(mut self) -> Result<Output, GitError> {
        let mut command = Command::new(program()?);
        command.env_clear().process_group(0);
        self.set_environment(&mut command);
        let streams = std::mem::take(&mut self.streams);
        run(command, &self.args, self.cwd.as_deref(), streams)
    }

    fn set_environment(&mut self, command: &mut Command) {
        let user: &[&str] = if self.whose == Config::User { KEPT_FOR_USER } else { &[] };
        for key in KEPT.iter().chain(user) {
            if let Some(value) = std::env::var_os(key) {
                command.env(key, value);
            }
        }
        if self.whose == Config::Repository {
            command
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_ATTR_NOSYSTEM", "1");
        }
        command
            .env("LANG", "C")
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "true")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_GRAFT_FILE", "/dev/null")
            .env("GIT_PAGER", "cat")
            .env("GIT_EDITOR", ":")
            .envs(self.env.drain(..));
        let config = QUIET.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).chain(self.config.drain(..));
        let mut count = 0;
        for (key, value) in config {
            command
                .env(format!("GIT_CONFIG_KEY_{count}"), key)
                .env(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
    }
}

/// Runs git as the user would at a prompt: their environment, configuration and hooks. Only `land` does this.
/// It stays in the terminal's process group: a hook may ask something, and Ctrl-C is meant for it.
pub(super) fn as_the_user(cwd: &Path, args: &[&str]) -> Result<Output, GitError> {
    let mut command = Command::new(program()?);
    let where_it_is = |key: &OsStr| {
        let key = key.as_bytes();
        key.starts_with(b"GIT_") && !KEPT_FOR_USER.iter().any(|k| k.as_bytes() == key)
    };
    for (key, _) in std::env::vars_os().filter(|(key, _)| where_it_is(key)) {
        command.env_remove(key);
    }
    command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0");
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    run(command, &args, Some(cwd), Streams::default())
}

/// The git in `PATH`, found once: what a run starts with is what it goes on with.
fn program() -> Result<&'static Path, GitError> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM.get_or_init(find_program).as_deref().ok_or(GitError::NoGit)
}

fn find_program() -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let runnable =
        |p: &PathBuf| p.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    std::env::split_paths(&std::env::var_os("PATH")?)
        .filter(|d| d.is_absolute())
        .map(|d| d.join("git"))
        .find(runnable)
}

fn run(
    mut command: Command,
    args: &[OsString],
    cwd: Option<&Path>,
    streams: Streams,
) -> Result<Output, GitError> {
    command.args(args);
    if let Some(cwd) = cwd {
        command.current_dir(cwd);
    }
    let Streams { stdin, from, into } = streams;
    let nothing = if stdin.is_empty() { Stdio::null() } else { Stdio::piped() };
    let mut child = command
        .stdin(from.map_or(nothing, Stdio::from))
        .stdout(into.map_or_else(Stdio::piped, Stdio::from))
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| spawn_error(e, cwd))?;
    let shown = show(args);
    let watchdog = Watchdog::over(&child);
    let feeder = feed(&mut child, stdin);
    let mut err = child.stderr.take().expect("stderr was asked to be piped");
    let stderr = thread::spawn(move || {
        let mut text = Vec::new();
        // What could be read is all there is to say; a broken pipe has no better answer.
        let _ = err.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut stdout = Vec::new();
    let read = child.stdout.take().map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut stdout));
    let stderr = stderr.join().expect("reading into memory does not panic");
    if let Some(feeder) = feeder {
        feeder.join().expect("writing from memory does not panic");
    }
    let timed_out = watchdog.dismiss(&child);
    let io = |source| GitError::Io { doing: "running", path: PathBuf::from(&shown), source };
    let status = child.wait().map_err(io)?;
    read.map_err(io)?;
    if timed_out {
        return Err(GitError::TimedOut { args: shown, seconds: TIMEOUT.as_secs() });
    }
    Ok(Output { code: status.code(), stdout, args: shown, status, stderr })
}

fn spawn_error(source: std::io::Error, cwd: Option<&Path>) -> GitError {
    match cwd {
        // The folder to start in is looked up by the same call as the program.
        Some(cwd) if !cwd.is_dir() => GitError::Io { doing: "entering", path: cwd.to_owned(), source },
        _ if source.kind() == std::io::ErrorKind::NotFound => GitError::NoGit,
        _ => GitError::Io { doing: "starting", path: PathBuf::from("git"), source },
    }
}

fn feed(child: &mut Child, bytes: Vec<u8>) -> Option<JoinHandle<()>> {
    let mut pipe = child.stdin.take()?;
    Some(thread::spawn(move || {
        // Git may exit without reading it all; its exit code is the answer then.
        let _ = pipe.write_all(&bytes);
    }))
}

/// Kills the process group of a git that does not end.
struct Watchdog {
    dismiss: mpsc::Sender<()>,
    thread: JoinHandle<bool>,
}

impl Watchdog {
    fn over(child: &Child) -> Watchdog {
        let group = Pid::from_child(child);
        let (dismiss, dismissed) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let timed_out = dismissed.recv_timeout(TIMEOUT) == Err(mpsc::RecvTimeoutError::Timeout);
            if timed_out {
                // It may have ended in this very moment; then there is nothing to kill.
                let _ = kill_process_group(group, Signal::KILL);
            }
            timed_out
        });
        Watchdog { dismiss, thread }
    }

    /// Waits until the child is dead but not yet reaped, so that its number cannot belong to another process
    /// while the watchdog could still fire.
    fn dismiss(self, child: &Child) -> bool {
        let _ = waitid(WaitId::Pid(Pid::from_child(child)), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        drop(self.dismiss);
        self.thread.join().expect("waiting and killing do not panic")
    }
}

fn show(args: &[OsString]) -> String {
    args.iter().fold(String::from("git"), |line, arg| line + " " + &arg.to_string_lossy())
}
