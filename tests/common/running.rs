//! A process of the built binary with its output in files, and what it left when it ended.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use super::process::{Signal, kill};
use super::wait::until;

/// A process that may still run. It is killed when the test forgets it.
pub(crate) struct Running {
    child: Child,
    what: String,
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    pub(super) fn spawn(mut command: Command, what: String, logs: &Path, number: usize) -> Self {
        let (out, err) = (logs.join(format!("{number}.out")), logs.join(format!("{number}.err")));
        let to = |path: &Path| File::create(path).expect("the logs' folder exists");
        command.stdin(Stdio::null()).stdout(to(&out)).stderr(to(&err));
        let child = command.spawn().unwrap_or_else(|error| panic!("{what}: {error}"));
        Self { child, what, out, err }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal);
    }

    /// Whether it has not ended yet.
    pub(crate) fn lives(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }

    /// Ends it as a crash would, and waits until it is gone.
    pub(crate) fn kill_9(mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }

    /// What it has printed for people so far.
    pub(crate) fn err_so_far(&self) -> String {
        text(&self.err)
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        let what = format!("the end of {}", self.what);
        let status = until(&what, || self.child.try_wait().expect("it is our child"));
        Ran { what: self.what.clone(), code: code(status), out: text(&self.out), err: text(&self.err) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, unless the test failed before its end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The exit code; for a process that was killed, 1000 and the signal.
fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 1000 + status.signal().unwrap_or(0))
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// A process that ended.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    pub(crate) what: String,
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Fails unless it ended with this exit code.
    #[track_caller]
    pub(crate) fn assert_code(self, code: i32) -> Self {
        let Self { what, code: found, out, err } = &self;
        assert_eq!(*found, code, "{what}\n--- stdout\n{out}\n--- stderr\n{err}");
        self
    }

    /// Fails unless it said this to people.
    #[track_caller]
    pub(crate) fn assert_says(self, words: &str) -> Self {
        assert!(self.err.contains(words), "{}: nothing of `{words}` in\n{}", self.what, self.err);
        self
    }

    /// Fails unless it tells what to do next: a hint, a next command, or a help line.
    #[track_caller]
    pub(crate) fn assert_hints(self) -> Self {
        let hinted =
            ["help:", "\nnext\n", "next:", "`swarm ", "`git "].iter().any(|hint| self.err.contains(hint));
        assert!(hinted, "{}: no word about what to do next in\n{}", self.what, self.err);
        self
    }
}
