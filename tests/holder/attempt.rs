//! One attempt in a folder of its own, and what a test may ask about it. When it goes, so do its processes and files.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use swarm::holder::{self, Ended, Exit, Job, MARK, Probe, Start};
use tempfile::TempDir;

/// What is awaited happens in milliseconds; a machine that needs longer than this is broken, not slow.
const LIMIT: Duration = Duration::from_mins(1);

/// The built binary.
pub(crate) const SWARM: &str = env!("CARGO_BIN_EXE_swarm");

/// An attempt that may or may not have been started yet.
pub(crate) struct Attempt {
    root: TempDir,
    forgotten: Option<PathBuf>,
    pub(crate) job: Job,
}

impl Attempt {
    /// An attempt at a shell script, which works in [`Self::worktree`] and finds the attempt's folder in `$DIR`.
    pub(crate) fn script(script: &str) -> Self {
        Self::new(&["sh", "-c", script])
    }

    pub(crate) fn new(main: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("worktree")).unwrap();
        fs::create_dir(root.path().join("attempt")).unwrap();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let job = Job {
            nonce: format!("test-{}-{count}", std::process::id()),
            epoch: 7,
            cwd: root.path().join("worktree"),
            setup: Vec::new(),
            setup_timeout_ms: 60_000,
            main: main.iter().map(ToString::to_string).collect(),
            stdin: None,
            timeout_ms: None,
            idle_timeout_ms: None,
            grace_ms: 5_000,
            metered: false,
            owner_lock: None,
            nice: 0,
            listen: None,
            route: None,
        };
        Self { root, forgotten: None, job }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.root.path().join("attempt")
    }

    pub(crate) fn worktree(&self) -> PathBuf {
        self.root.path().join("worktree")
    }

    /// A file that is neither the attempt's nor in its worktree.
    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn env(&self) -> Vec<(OsString, OsString)> {
        let path = std::env::var_os("PATH").unwrap();
        vec![
            ("PATH".into(), path),
            ("DIR".into(), self.dir().into()),
            ("SWARM_USAGE".into(), self.dir().join("usage").into()),
        ]
    }

    pub(crate) fn launch(&self) {
        holder::launch(&self.dir(), &self.job, Path::new(SWARM), &self.env()).unwrap();
    }

    /// Launches it and waits for its end.
    pub(crate) fn run(&self) -> Exit {
        self.launch();
        self.exit()
    }

    pub(crate) fn ended(&self) -> Ended {
        self.run().ended
    }

    /// Waits for its end, which its holder must have recorded.
    pub(crate) fn exit(&self) -> Exit {
        match holder::wait(&self.dir()).unwrap() {
            Probe::Exited(exit) => exit,
            other => panic!("it did not end but is {other:?}"),
        }
    }

    pub(crate) fn probe(&self) -> Probe {
        holder::probe(&self.dir()).unwrap()
    }

    /// Waits for `name` to be in the attempt's folder and to end in a newline.
    pub(crate) fn await_file(&self, name: &str) -> String {
        let path = self.dir().join(name);
        until(name, || fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n')))
    }

    pub(crate) fn start(&self) -> Start {
        serde_json::from_str(&self.await_file("start.json")).unwrap()
    }

    /// Takes the control group out of the record of the start, as if the system had allowed none.
    pub(crate) fn forget_group(&mut self) {
        let start = self.start();
        self.forgotten.clone_from(&start.group);
        let text = serde_json::to_vec(&Start { group: None, ..start }).unwrap();
        fs::write(self.dir().join("start.json"), [text.as_slice(), b"\n"].concat()).unwrap();
    }

    /// Ids of all processes that carry this attempt's mark, its holder among them.
    pub(crate) fn marked(&self) -> Vec<u32> {
        let wanted = format!("{MARK}={}", self.job.nonce);
        pids(|pid| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
        })
    }

    /// The holder's process id.
    pub(crate) fn holder(&self) -> u32 {
        let holder = |pid: &u32| {
            fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| contains(&line, b"\0__holder\0"))
        };
        until("a holder", || self.marked().into_iter().find(holder))
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.dir().join(name)).unwrap()
    }

    /// The names in the attempt's folder, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir()).unwrap();
        let mut names =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>();
        names.sort();
        names
    }

    /// The holder process alone, as `launch` starts it, without waiting for anything.
    pub(crate) fn bare_holder(&self) -> Child {
        let mut command = Command::new(SWARM);
        command.arg("__holder").arg(self.dir()).env_clear().envs(self.env()).env(MARK, &self.job.nonce);
        command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let dir = self.dir();
        if matches!(holder::probe(&dir), Ok(Probe::Running { .. })) {
            drop(holder::stop(&dir, "the test is over", 0));
            drop(holder::wait(&dir));
        }
        drop(holder::sweep(&dir, &self.job.nonce, None, 0));
        if let Some(group) = &self.forgotten {
            drop(fs::remove_dir(group));
        }
    }
}

/// Waits for `look` to see something.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let give_up_at = Instant::now() + LIMIT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < give_up_at, "no {what}");
        sleep(Duration::from_millis(2));
    }
}

/// Waits for `look` to be true.
pub(crate) fn until_true(what: &str, mut look: impl FnMut() -> bool) {
    until(what, || look().then_some(()));
}

pub(crate) fn kill(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Whether the process exists and has not ended; a zombie has.
pub(crate) fn lives(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat[stat.rfind(')').unwrap()..].starts_with(") Z"))
}

pub(crate) fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

fn pids(is_wanted: impl Fn(u32) -> bool) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok()));
    pids.filter(|pid| is_wanted(*pid)).collect()
}
