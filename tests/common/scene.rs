//! A scratch repository with swarm's own folders beside it, and nothing of the machine's configuration. When it goes, so do its
//! processes and files, and what its runs recorded is held to the laws.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use swarm_proptests::Recorded;
use tempfile::TempDir;

use super::process::{Signal, describe, kill, members_of};
use super::running::{Ran, Running};
use super::wait::{until, until_true};
use super::{Event, Events};

/// The built binary.
const SWARM: &str = env!("CARGO_BIN_EXE_swarm");

/// What every script of a scene may call.
const PRELUDE: &str = r#"
usage() { printf '{"usd": %s}\n' "$1" >>"$SWARM_USAGE"; }
flag() { : >"$ROOT/flags/$1"; }
await() { while ! [ -e "$ROOT/flags/$1" ]; do sleep 0.02; done; }
"#;

/// The repository `repo`, plans and scripts in `root`, and swarm's worktrees in `root/state`.
pub(crate) struct Scene {
    _dir: TempDir,
    pub(crate) root: PathBuf,
    pub(crate) repo: PathBuf,
    started: Cell<usize>,
}

impl Scene {
    /// A repository on `main` with one commit of `README.md`, `src/lib.rs` and `.gitignore`.
    pub(crate) fn new() -> Self {
        Self::empty().with_repository()
    }

    /// The same in a folder, for programs whose own sandbox hides where scenes are otherwise.
    pub(crate) fn below(folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("folders can be made");
        let dir = tempfile::Builder::new().prefix("swarm-e2e-").tempdir_in(folder);
        Self::laid_out(dir.expect("a temporary folder")).with_repository()
    }

    fn with_repository(self) -> Self {
        let scene = self;
        scene.git(&["init", "--quiet", "--initial-branch=main"]);
        scene.git(&["config", "user.name", "Ada"]);
        scene.git(&["config", "user.email", "ada@example.org"]);
        for (path, text) in
            [("README.md", "# Scratch\n"), ("src/lib.rs", "//! lib\n"), (".gitignore", "*.log\n.env\n")]
        {
            write(&scene.repo.join(path), text);
        }
        scene.commit("first");
        scene
    }

    /// A folder that is no repository yet.
    pub(crate) fn empty() -> Self {
        Self::laid_out(scratch())
    }

    fn laid_out(dir: TempDir) -> Self {
        let root = dir.path().canonicalize().expect("it exists");
        for folder in ["repo", "state", "home", "tmp", "logs", "do", "flags"] {
            fs::create_dir(root.join(folder)).expect("the folder is empty");
        }
        write(&root.join("prelude"), PRELUDE);
        let repo = root.join("repo");
        Self { _dir: dir, root, repo, started: Cell::new(0) }
    }

    fn bare(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(&self.repo);
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .env("USER", "ada");
        command.env("HOME", self.root.join("home")).env("TMPDIR", self.root.join("tmp"));
        command.env("SWARM_STATE_DIR", self.root.join("state")).env("NO_COLOR", "1");
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        command
    }

    /// Runs git as the user would, and returns its trimmed output.
    #[track_caller]
    pub(crate) fn git<A: AsRef<OsStr>>(&self, args: &[A]) -> String {
        let mut command = self.bare("git");
        let out = command.env("GIT_OPTIONAL_LOCKS", "0").args(args).output().expect("git is installed");
        let words = args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect::<Vec<_>>().join(" ");
        assert!(out.status.success(), "git {words}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }

    /// Commits everything in the checkout.
    pub(crate) fn commit(&self, subject: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", subject]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Writes `root/plan.yaml`: `head` and `tasks` as YAML, with the agent `script`, which runs the task's script. Flags can
    /// be raised behind the wall that the machine offers.
    pub(crate) fn plan(&self, head: &str, tasks: &str) -> PathBuf {
        let open = format!("isolation: {{ write: ['{}'] }}\n", self.root.join("flags").display());
        let head = if head.contains("isolation:") { head.to_owned() } else { open + head };
        let script = self.root.join("do");
        let agent = format!("command: 'bash -e {}/$SWARM_TASK'", script.display());
        let agent = format!("agents:\n  script: {{ adapter: shell, estimate: 0.10usd, {agent} }}\n");
        self.file("plan.yaml", format!("version: 1\nname: t\n{agent}{head}\ntasks:\n{tasks}"))
    }

    /// Writes a file beside the repository.
    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root.join(name);
        write(&path, text);
        path
    }

    /// What the agent of a task does: Bash with `usage`, `flag` and `await`.
    pub(crate) fn script(&self, task: &str, lines: &str) {
        let root = self.root.display();
        self.file(&format!("do/{task}"), format!("ROOT='{root}'\n. '{root}/prelude'\n{lines}\n"));
    }

    /// Raises a flag that a script awaits.
    pub(crate) fn flag(&self, name: &str) {
        self.file(&format!("flags/{name}"), "");
    }

    /// Waits for a flag that a script raises.
    pub(crate) fn await_flag(&self, name: &str) {
        until_true(name, || self.root.join("flags").join(name).exists());
    }

    /// Runs swarm to its end.
    pub(crate) fn swarm<A: AsRef<OsStr>>(&self, args: &[A]) -> Ran {
        self.start(args).end()
    }

    /// Starts swarm.
    pub(crate) fn start<A: AsRef<OsStr>>(&self, args: &[A]) -> Running {
        self.start_with(args, |_| ())
    }

    /// Starts swarm after a change of its surroundings.
    pub(crate) fn start_with<A: AsRef<OsStr>>(
        &self,
        args: &[A],
        change: impl FnOnce(&mut Command),
    ) -> Running {
        let mut command = self.bare(SWARM);
        command.args(args);
        change(&mut command);
        let words = args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect::<Vec<_>>().join(" ");
        self.spawn(command, format!("swarm {words}"))
    }

    /// Starts any program in the scene, with the path of the binary in `$SWARM`.
    pub(crate) fn start_program(&self, program: &str, args: &[&str]) -> Running {
        let mut command = self.bare(program);
        command.args(args).env("SWARM", SWARM);
        self.spawn(command, program.to_owned())
    }

    fn spawn(&self, command: Command, what: String) -> Running {
        let number = self.started.replace(self.started.get() + 1);
        Running::spawn(command, what, &self.root.join("logs"), number)
    }

    /// Runs the plan that [`Self::plan`] wrote, with more arguments.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.start_run(args).end()
    }

    /// Starts the plan that [`Self::plan`] wrote.
    pub(crate) fn start_run(&self, args: &[&str]) -> Running {
        let plan = self.root.join("plan.yaml");
        let plan = plan.to_str().expect("temporary folders have plain names");
        self.start(&[&["run", plan], args].concat())
    }

    /// The folders of all runs, oldest first.
    pub(crate) fn runs(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.repo.join(".git/swarm/runs")) else { return Vec::new() };
        let mut runs: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        runs.retain(|dir| dir.join("journal").is_dir());
        runs.sort();
        runs
    }

    /// The folder of the latest run.
    pub(crate) fn run_dir(&self) -> PathBuf {
        until("a run", || self.runs().pop())
    }

    /// The id of the latest run.
    pub(crate) fn run_id(&self) -> String {
        self.run_dir().file_name().and_then(OsStr::to_str).expect("ids are plain").to_owned()
    }

    /// A file of an attempt, empty if it is not there.
    pub(crate) fn attempt_file(&self, task: &str, attempt: u32, name: &str) -> String {
        let path = self.run_dir().join(format!("attempts/{task}/{attempt}/{name}"));
        String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
    }

    /// What happened in the latest run.
    #[track_caller]
    pub(crate) fn events(&self) -> Events {
        self.events_of("latest")
    }

    /// What happened in a run.
    #[track_caller]
    pub(crate) fn events_of(&self, run: &str) -> Events {
        Events::parse(&self.swarm(&["replay", run, "--events"]).assert_code(0).out)
    }

    /// Waits until the events of the latest run are so.
    pub(crate) fn until(&self, what: &str, mut so: impl FnMut(&Events) -> bool) -> Events {
        until(what, || {
            self.runs().pop()?;
            let ran = self.swarm(&["replay", "latest", "--events"]);
            let events = Events::parse(if ran.code == 0 { &ran.out } else { "" });
            so(&events).then_some(events)
        })
    }

    /// Waits for an event about a task.
    pub(crate) fn await_event(&self, kind: &str, task: &str) -> Event {
        self.until(&format!("{kind} of {task}"), |events| events.has(kind, task)).first(kind, task).clone()
    }

    /// The document of `swarm status`.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        let out = self.swarm(&["status", "latest", "--format", "json"]).assert_code(0).out;
        serde_json::from_str(&out).expect("status is JSON")
    }

    /// The state of a task, as `swarm status` has it.
    #[track_caller]
    pub(crate) fn state_of(&self, task: &str) -> String {
        self.status()["tasks"][task]["state"].as_str().unwrap_or("unknown").to_owned()
    }

    /// Fails unless nothing of any run is left but records and refs: no process, no lock, no worktree; and every
    /// journal folds to what its run reported.
    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        // A process that was told to go may need a moment to be reaped.
        until_true("the end of all processes", || members_of(&self.root).is_empty());
        let worktrees = self.git(&["worktree", "list", "--porcelain"]);
        assert_eq!(worktrees.matches("worktree ").count(), 1, "{worktrees}");
        assert_eq!(self.worktree_folders(), Vec::<PathBuf>::new());
        for run in self.runs() {
            let head = fs::File::open(run.join("journal/HEAD")).expect("each journal has a head");
            head.try_lock().expect("nobody holds the journal");
            drop(head);
            self.swarm(&[OsStr::new("replay"), run.as_os_str(), OsStr::new("--verify")]).assert_code(0);
        }
    }

    /// Folders in which attempts and gates worked and which are still there.
    pub(crate) fn worktree_folders(&self) -> Vec<PathBuf> {
        let Ok(repositories) = fs::read_dir(self.root.join("state/worktrees")) else { return Vec::new() };
        let runs =
            repositories.flatten().filter_map(|entry| fs::read_dir(entry.path()).ok()).flatten().flatten();
        let trees = runs.filter_map(|entry| fs::read_dir(entry.path()).ok()).flatten().flatten();
        trees.map(|entry| entry.path()).collect()
    }

    /// Ends everything that runs in the scene, by SIGKILL.
    pub(crate) fn kill_all(&self) {
        until_true("the end of all processes", || {
            let members = members_of(&self.root);
            for pid in &members {
                kill(*pid, Signal::KILL);
            }
            members.is_empty()
        });
    }

    /// Fails if what a run recorded breaks a law. Of a journal that a test has damaged nothing can be said.
    fn assert_lawful(&self) {
        for run in self.runs() {
            if let Ok(recorded) = Recorded::open(&run)
                && let Err(broken) = recorded.check()
            {
                panic!("{}: {broken}", run.display());
            }
        }
    }

    fn tell(&self) {
        for pid in members_of(&self.root) {
            eprintln!("still there: {}", describe(pid));
        }
        for run in self.runs() {
            let ran = self.swarm(&[OsStr::new("replay"), run.as_os_str()]);
            eprintln!("--- {}\n{}{}", run.display(), ran.out, ran.err);
            let log = fs::read_to_string(run.join("swarm.log")).unwrap_or_default();
            let from = log.lines().count().saturating_sub(30);
            eprintln!("--- swarm.log\n{}", log.lines().skip(from).collect::<Vec<_>>().join("\n"));
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell();
        }
        self.kill_all();
        if !std::thread::panicking() {
            self.assert_lawful();
        }
    }
}

/// A folder in memory, where there is some: a test of kill -9 is no test of the disk, and a sync to memory costs nothing.
fn scratch() -> TempDir {
    let mut folder = tempfile::Builder::new();
    folder.prefix("swarm-e2e-");
    folder.tempdir_in("/dev/shm").or_else(|_| folder.tempdir()).expect("a temporary folder")
}

/// Writes a file and the folders above it.
pub(crate) fn write(path: &Path, text: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("no test writes to the root")).expect("folders can be made");
    fs::write(path, text).expect("files can be written");
}
