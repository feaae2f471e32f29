//! Starts the processes of a job with what they inherit: the pipes and the tree's lock. Knows no limits.

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::error::HolderError;
use super::gateway::Gateway;
use super::group::Group;
use super::job::Job;
use super::{files, lock, trampoline};

/// This very binary, also after the file at its path was replaced by an upgrade.
const OURSELVES: &str = "/proc/self/exe";
/// What a start that came to nothing may need to vanish.
const EARLIER_MS: u64 = 5_000;

/// Takes the tree's lock on a descriptor that every process started from here on inherits.
pub(super) fn own_tree(dir: &Path) -> Result<File, HolderError> {
    let path = dir.join(files::TREE);
    let until = Instant::now() + Duration::from_millis(EARLIER_MS);
    loop {
        if let Some(tree) = lock::try_own(&path).map_err(HolderError::file(&path))? {
            fcntl_setfd(&tree, FdFlags::empty()).map_err(|error| HolderError::file(&path)(error.into()))?;
            return Ok(tree);
        }
        if Instant::now() > until {
            let said = "something of an earlier start still lives".to_owned();
            return Err(HolderError::GaveUp { dir: dir.to_path_buf(), said });
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// What each process of the job gets. While it exists the pipes cannot end and the tree's lock stays held.
pub(super) struct Spawner {
    group: Option<Group>,
    stdout: PipeWriter,
    stderr: PipeWriter,
    _tree: File,
}

/// A process of ours, with a descriptor that wakes the loop when it ends.
pub(super) struct Child {
    pub(super) pid: Pid,
    pub(super) ended: OwnedFd,
}

/// The job's process, waiting for its go.
pub(super) struct Main {
    pub(super) child: Child,
    socket: UnixStream,
}

impl Spawner {
    /// The spawner and the read ends of the job's standard output and error.
    pub(super) fn new(tree: File, group: Option<Group>) -> io::Result<(Self, [PipeReader; 2])> {
        let (out_read, stdout) = io::pipe()?;
        let (err_read, stderr) = io::pipe()?;
        Ok((Self { group, stdout, stderr, _tree: tree }, [out_read, err_read]))
    }

    /// The control group of what it starts.
    pub(super) fn group(&self) -> Option<&Group> {
        self.group.as_ref()
    }

    /// Starts the job's process up to the point where it waits. It alone is told where the proxy is.
    pub(super) fn main(&self, job: &Job, gateway: Option<&Gateway>) -> io::Result<Main> {
        let (socket, theirs) = UnixStream::pair()?;
        let fill_in = |text: &str| gateway.and_then(|gateway| gateway.fill_in(text));
        let mut command = Command::new(OURSELVES);
        command.arg(trampoline::SUBCOMMAND).arg(&job.cwd);
        command.arg(job.stdin.as_deref().map_or(OsStr::new(""), Path::as_os_str));
        command.args(job.main.iter().map(|word| fill_in(word).unwrap_or_else(|| word.clone())));
        let filled = env::vars_os().filter_map(|(name, value)| Some((name, fill_in(value.to_str()?)?)));
        command.envs(filled);
        let child = self.spawn(command.stdin(OwnedFd::from(theirs)))?;
        Ok(Main { child, socket })
    }

    /// Starts one setup command.
    pub(super) fn step(&self, job: &Job, argv: &[String]) -> Result<Child, String> {
        let [program, arguments @ ..] = argv else { return Err("the command is empty".to_owned()) };
        let mut command = Command::new(program);
        let spawned = self.spawn(command.args(arguments).current_dir(&job.cwd).stdin(Stdio::null()));
        spawned.map_err(|error| trampoline::cannot_start(program, &error))
    }

    /// In a process group of its own: a job that signals its group must not hit the holder. The loop reaps it.
    fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        command.process_group(0).stdout(self.stdout.try_clone()?).stderr(self.stderr.try_clone()?);
        let child = command.spawn()?;
        let pid = Pid::from_child(&child);
        // The job's own process waits for its go meanwhile. A setup command runs already; its mark finds what it has started.
        if let Some(group) = &self.group {
            group.take(pid.as_raw_nonzero().get());
        }
        Ok(Child { pid, ended: pidfd_open(pid, PidfdFlags::empty())? })
    }
}

impl Main {
    /// Lets it become the job. If it is gone already, its status tells.
    pub(super) fn go(&self) {
        drop((&self.socket).write_all(&[1]));
    }

    /// Why it could not become the job; asked after its end.
    pub(super) fn complaint(&self) -> Option<String> {
        self.socket.set_nonblocking(true).ok()?;
        let mut said = Vec::new();
        // The end of the stream or nothing to read: what was said is there either way.
        drop((&self.socket).read_to_end(&mut said));
        (!said.is_empty()).then(|| String::from_utf8_lossy(&said).into_owned())
    }
}
