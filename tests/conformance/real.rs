//! The real world with hands: a scratch repository, holders of the built binary, programs in Bash, a stranger with git.
//!
//! A crash forgets the world and lets its threads be: those wait for programs as before, and nobody hears what they
//! find. That nothing outlives a real kill but programs and files is what `killed.rs` is for.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::time::Duration;

use swarm::git::Repo;
use swarm::world::{Places, RealWorld, Wall};
use swarm_actors::World;
use swarm_domain::fact::Usage;
use swarm_domain::{Effect, Event, Oid, Program, TaskId, Tree, Usd};
use swarm_proptests::conformance::stage::{Deed, Stage, Step, TARGET};
use tokio::runtime::{Builder, Runtime};

use crate::common::{Scene, Signal, kill, lives, members_of, until, until_true, write};
use crate::script;

/// No effect of a check takes as long, on any machine.
const LIMIT: Duration = Duration::from_mins(2);
/// What a keeper's command line has, and no program's.
const KEEPER: &[u8] = b"\0__holder\0";
/// What the environment of everything has that a keeper started.
const MARK: &[u8] = b"SWARM_HOLDER=";

pub(crate) struct Real {
    tree: Tree,
    scene: Scene,
    base: Oid,
    world: RealWorld,
    epoch: u64,
    programs: usize,
    let_go: usize,
    deeds: usize,
    /// Taken at the end.
    runtime: Option<Runtime>,
}

impl Real {
    /// A scene whose attempts work in this.
    pub(crate) fn working_in(tree: Tree) -> Self {
        let scene = Scene::new();
        // Names of holders are made from it, and no two scenes may have the same.
        write(&scene.repo.join("SCENE.md"), scene.root.as_os_str().as_encoded_bytes());
        let base = Oid::new(&scene.commit("the base"));
        let runtime = Builder::new_multi_thread().worker_threads(1).build().expect("threads can be made");
        let world = world(&scene, 1);
        Self { tree, scene, base, world, epoch: 1, programs: 0, let_go: 0, deeds: 0, runtime: Some(runtime) }
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is taken at the end")
    }

    /// Has an effect performed. Nobody needs to wait for its facts.
    fn start(&self, mut effect: Effect) -> Receiver<Vec<Event>> {
        if let Effect::MakeWorktree { tree, .. } = &mut effect {
            *tree = self.tree;
        }
        let (done, facts) = channel();
        let doing = self.world.perform(effect, Arc::new(|_| ()));
        self.runtime().spawn(async move { drop(done.send(doing.await)) });
        facts
    }

    /// How many flags of a kind were raised by programs.
    fn flags(&self, kind: &str) -> usize {
        let flags = fs::read_dir(self.scene.root.join("flags")).expect("each scene has it").flatten();
        flags.filter(|flag| flag.file_name().to_string_lossy().starts_with(kind)).count()
    }

    fn target_ref(&self) -> String {
        let pattern = format!("refs/heads/{TARGET}");
        self.scene.git(&["for-each-ref", "--format=%(objectname)", &pattern])
    }

    fn move_target(&self, to: &str) {
        self.scene.git(&["update-ref", &format!("refs/heads/{TARGET}"), to]);
    }

    /// A commit by a stranger, in a checkout of its own that is detached, so that the target is not in use.
    fn commit(&mut self, path: &str) {
        self.deeds += 1;
        let folder = self.folder("stranger");
        let from = self.target().pop().unwrap_or_else(|| self.base.clone());
        self.scene.git(&["worktree", "add", "--quiet", "--detach", &folder, from.as_str()]);
        write(&PathBuf::from(&folder).join(path), format!("stranger {}\n", self.deeds));
        self.scene.git(&["-C", &folder, "add", "--all"]);
        self.scene.git(&["-C", &folder, "commit", "--quiet", "--message", "A stranger's"]);
        let commit = self.scene.git(&["-C", &folder, "rev-parse", "HEAD"]);
        self.scene.git(&["worktree", "remove", "--force", &folder]);
        self.move_target(&commit);
    }

    fn folder(&self, name: &str) -> String {
        self.scene.root.join(name).to_string_lossy().into_owned()
    }

    /// Everything that a keeper started or that keeps, by whether it is a keeper.
    fn processes(&self, keepers: bool) -> Vec<u32> {
        let mut members = members_of(&self.scene.root);
        members.retain(|pid| has(*pid, "environ", MARK) && has(*pid, "cmdline", KEEPER) == keepers);
        members
    }

    fn kill_keepers(&self) {
        let keepers = self.processes(true);
        assert!(!keepers.is_empty(), "nobody keeps anything");
        for pid in &keepers {
            kill(*pid, Signal::KILL);
        }
        until_true("the end of all keepers", || !keepers.iter().any(|pid| lives(*pid)));
    }
}

/// The world of an orchestrator that has just begun.
fn world(scene: &Scene, epoch: u64) -> RealWorld {
    let places = Places {
        run_dir: scene.repo.join(".git/swarm/runs/conforming"),
        worktrees: scene.root.join("state/worktrees"),
        exe: PathBuf::from(env!("CARGO_BIN_EXE_swarm")),
    };
    let repo = Repo::discover(&scene.repo).expect("it was just made");
    RealWorld::new(repo, places, TARGET.to_owned(), epoch, Wall::none())
}

/// Whether a file of a process in `/proc` holds something.
fn has(pid: u32, file: &str, wanted: &[u8]) -> bool {
    let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

impl Stage for Real {
    fn perform(&mut self, effect: Effect) -> Vec<Event> {
        let what = format!("{effect:?}");
        match self.start(effect).recv_timeout(LIMIT) {
            Ok(facts) => facts,
            Err(RecvTimeoutError::Timeout) => panic!("waited in vain for the end of {what}"),
            Err(RecvTimeoutError::Disconnected) => panic!("the world panicked at {what}"),
        }
    }

    fn begin(&mut self, effect: Effect) {
        let before = self.flags("waits-");
        let facts = self.start(effect);
        until("a program that waits", || {
            match facts.try_recv() {
                Err(TryRecvError::Empty) => {}
                early => panic!("it was over before its program waited: {early:?}"),
            }
            (self.flags("waits-") > before).then_some(())
        });
    }

    fn set_grant(&mut self, task: &TaskId, attempt: u32, grant: Usd) {
        self.runtime().block_on(self.world.set_grant(task, attempt, grant, false));
    }

    fn usage(&mut self, task: &TaskId, attempt: u32) -> Usage {
        self.runtime().block_on(self.world.usage(task, attempt))
    }

    fn crash(&mut self) {
        self.epoch += 1;
        self.world = world(&self.scene, self.epoch);
    }

    fn program(&mut self, steps: &[Step]) -> Program {
        self.programs += 1;
        Program::Argv(script::write(&self.scene, self.programs, steps))
    }

    fn let_go(&mut self) {
        self.let_go += 1;
        self.scene.flag(&format!("go-{}", self.let_go));
    }

    fn stranger(&mut self, deed: Deed) {
        let elsewhere = self.folder("elsewhere");
        match deed {
            Deed::Commit(path) => self.commit(path),
            Deed::MoveBack => self.move_target(&format!("refs/heads/{TARGET}~1")),
            Deed::CheckOut => drop(self.scene.git(&["worktree", "add", "--quiet", &elsewhere, TARGET])),
            Deed::Leave => drop(self.scene.git(&["worktree", "remove", "--force", &elsewhere])),
            Deed::KillKeepers => self.kill_keepers(),
        }
    }

    fn base(&self) -> Oid {
        self.base.clone()
    }

    fn target(&self) -> Vec<Oid> {
        let head = self.target_ref();
        if head.is_empty() {
            return Vec::new();
        }
        let range = format!("{}..{head}", self.base);
        self.scene.git(&["rev-list", "--reverse", "--first-parent", &range]).lines().map(Oid::new).collect()
    }

    fn changes(&self, commit: &Oid) -> BTreeSet<String> {
        let diff = ["diff-tree", "-r", "--name-only", "--no-renames", self.base.as_str(), commit.as_str()];
        self.scene.git(&diff).lines().map(str::to_owned).collect()
    }

    fn is_kept(&self, commit: &Oid) -> bool {
        !self.scene.git(&["for-each-ref", "--count=1", "--contains", commit.as_str()]).is_empty()
    }

    fn starts(&self) -> usize {
        self.flags("started-")
    }

    fn living(&self) -> usize {
        self.processes(false).len()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        // Whoever still waits for a program waits for what is killed here.
        self.scene.kill_all();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(LIMIT);
        }
    }
}
