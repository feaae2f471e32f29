//! Whole runs on real actors and a real journal, in a world that answers at once.
#![expect(clippy::unwrap_used, reason = "a test that stops there says where")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use swarm_actors::ports::Doing;
use swarm_actors::{Committed, Ended, Fold, Recorded, Start, Tell, TurnsOn, World, Writer, digest, start};
use swarm_domain::effect::{Actor, BuildMerge, Effect, Preserve};
use swarm_domain::event::{
    AgentExited, GateEnded, MergeBuilt, Merged, Preserved, TargetSeen, WorktreeMade, WorktreeRemoved,
};
use swarm_domain::fact::{Cost, Ending, Outcome, Standing, Usage, Verdict};
use swarm_domain::plan::{
    Allowed, Command as Program, Isolation, MergeOrder, MergePolicy, Meter, NeedWhen, OnChangeless,
    OnConflict, OnFailure, OnLimit, OnStray, OnUnknownCost, Plan, Retries, RetryFrom, Settings, Strategy,
    TaskSpec, Tree, Work, Workspace,
};
use swarm_domain::state::{Parts, State};
use swarm_domain::task::Task;
use swarm_domain::{AsPlanned, AtCap, Caps, Command, Event, NewRun, Oid, Policy, TaskId, Usd};
use swarm_journal::Log;

/// A world in which everything works at once, and actors panic when told to.
#[derive(Default)]
struct Kind {
    clock: AtomicU64,
    panics: Mutex<BTreeSet<Actor>>,
    runs: Mutex<BTreeMap<(TaskId, u32), u32>>,
    target: Mutex<Option<Oid>>,
}

impl World for Kind {
    fn now_ms(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn entropy(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn perform(&self, effect: Effect, _tell: Tell) -> Doing<Vec<Event>> {
        let facts = self.answer(effect);
        Box::pin(async move {
            tokio::task::yield_now().await;
            facts
        })
    }

    fn set_grant(&self, _task: &TaskId, _attempt: u32, _grant: Usd, _refused: bool) -> Doing<()> {
        Box::pin(std::future::ready(()))
    }

    fn usage(&self, _task: &TaskId, _attempt: u32) -> Doing<Usage> {
        Box::pin(std::future::ready(Usage::default()))
    }

    fn before(&self, actor: &Actor) -> Doing<()> {
        assert!(!self.panics.lock().unwrap().remove(actor), "a panic that the test asked for");
        Box::pin(std::future::ready(()))
    }
}

fn built(merge: BuildMerge) -> Event {
    let commit = Oid::new(&format!("commit-{}", merge.task));
    let (tree, secrets) = (commit.clone(), Vec::new());
    MergeBuilt { task: merge.task, attempt: merge.attempt, tree, commit, secrets }.into()
}

impl Kind {
    fn answer(&self, effect: Effect) -> Vec<Event> {
        let fact: Event = match effect {
            Effect::ReadTarget { .. } => {
                TargetSeen { found: self.target.lock().unwrap().clone(), keeps: true }.into()
            }
            Effect::MakeWorktree { task, attempt, onto, .. } => {
                let path = format!("/nowhere/{task}-{attempt}");
                WorktreeMade { task, attempt, start: onto, path, git_dir: String::new(), conflicts: vec![] }
                    .into()
            }
            Effect::RunAttempt(run) => {
                *self.runs.lock().unwrap().entry((run.task.clone(), run.attempt)).or_default() += 1;
                AgentExited {
                    task: run.task,
                    attempt: run.attempt,
                    nonce: run.nonce,
                    ending: Ending::Exited { code: 0 },
                    report: None,
                    usage: Usage { usd: Some(Usd::from_micros(10)), ..Usage::default() },
                    charge: Usd::ZERO,
                    cost: Cost::Metered,
                    tail: String::new(),
                    stragglers: 0,
                    at_ms: 0,
                }
                .into()
            }
            Effect::Preserve(keep) => preserved(*keep).into(),
            Effect::RemoveWorktree { task, attempt, .. } => WorktreeRemoved { task, attempt }.into(),
            Effect::RunGate(gate) => {
                GateEnded { n: gate.n, verdict: Verdict::Green, tail: String::new(), took_ms: 1 }.into()
            }
            Effect::BuildMerge(merge) => built(*merge),
            Effect::Land { task, attempt, old, commit, .. } => {
                let mut target = self.target.lock().unwrap();
                assert_eq!(*target, old, "a landing is a compare-and-swap");
                *target = Some(commit.clone());
                Merged { task, attempt, commit }.into()
            }
            Effect::StopAttempt { .. }
            | Effect::WatchTarget { .. }
            | Effect::WatchRoom { .. }
            | Effect::Meter { .. } => {
                return Vec::new();
            }
        };
        vec![fact]
    }
}

fn preserved(keep: Preserve) -> Preserved {
    Preserved {
        tip: Oid::new(&format!("tip-{}-{}", keep.task, keep.attempt)),
        task: keep.task,
        attempt: keep.attempt,
        changed: true,
        descends: true,
        missing: false,
        strays: vec![],
        markers: vec![],
        subjects: vec![],
        hazards: vec![],
        secrets: vec![],
    }
}

fn task(id: &str, needs: &[&str]) -> TaskSpec {
    TaskSpec {
        id: TaskId::new(id).unwrap(),
        title: id.to_owned(),
        work: Work::Run(Program::Shell("true".to_owned())),
        needs: needs.iter().map(|need| (TaskId::new(need).unwrap(), NeedWhen::Merged)).collect(),
        files: vec![],
        caps: Caps::NONE,
        estimate: Some(Usd::from_micros(20)),
        learned: None,
        timeout_ms: None,
        idle_timeout_ms: None,
        retries: Retries {
            max: 0,
            from: RetryFrom::Previous,
            after: BTreeSet::new(),
            delay_ms: 0,
            factor_percent: 200,
            delay_max_ms: 0,
        },
        gates: vec![],
        if_no_changes: OnChangeless::Ok,
        on_claim_violation: OnStray::Warn,
        env: BTreeMap::new(),
        pass_env: vec![],
        setup: vec![],
        priority: 0,
        optional: false,
        labels: vec![],
    }
}

fn plan(tasks: Vec<TaskSpec>) -> Plan {
    let settings = Settings {
        name: "test".to_owned(),
        base: Oid::new("base"),
        target: "swarm/test".to_owned(),
        target_at: None,
        caps: Caps::of_usd(Some(Usd::from_dollars(1))),
        agent_caps: BTreeMap::new(),
        per_day: None,
        warn: vec![50, 80, 100],
        at_cap: AtCap::Finish,
        on_unknown_cost: OnUnknownCost::Estimate,
        meter: Meter::Proxy,
        concurrency: 4,
        gate_slots: 1,
        on_failure: OnFailure::Continue,
        on_limit: OnLimit::Wait,
        instructions: String::new(),
        workspace: Workspace::default(),
        shared: vec![],
        pass_env: vec![],
        merge: MergePolicy {
            strategy: Strategy::Squash,
            order: MergeOrder::Ready,
            on_conflict: OnConflict::Retry,
        },
        preflight: true,
        identity: ("swarm".to_owned(), "swarm@localhost".to_owned()),
        allow: Allowed::new(),
        tree: Tree::Worktree,
        secrets: swarm_domain::plan::Secrets::default(),
        isolation: Isolation::default(),
    };
    Plan::new(settings, tasks).unwrap()
}

async fn run(world: Arc<Kind>, tasks: Vec<TaskSpec>) -> (Ended, Vec<Recorded>) {
    Box::pin(run_by(Arc::new(AsPlanned), world, tasks)).await
}

async fn run_by(policy: Arc<dyn Policy>, world: Arc<Kind>, tasks: Vec<TaskSpec>) -> (Ended, Vec<Recorded>) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("journal");
    let log = Log::create(&dir, [7; 16]).unwrap();
    let mut writer = Writer::new(log, State::new(), world.clone()).with_policy(policy);
    let new = NewRun {
        run: "r1".to_owned(),
        parent: None,
        version: "test".to_owned(),
        source: "swarm.yaml".to_owned(),
        plan: plan(tasks),
        carried: BTreeMap::new(),
    };
    writer.record(&Command::Plan(Box::new(new))).unwrap();
    let published = Arc::new(Mutex::new(Vec::new()));
    let seen = published.clone();
    let observer = Box::new(move |committed: &Committed| {
        seen.lock().unwrap().extend(committed.events.iter().cloned());
    });
    let (pid, version, turns) = (1, "test".to_owned(), TurnsOn::Thread);
    let wall = Standing::default();
    let start_with = Start { writer, world, observer, pid, version, wall, turns };
    let (_handle, ended) = Box::pin(start(start_with)).await.unwrap();
    let ended = ended.await.unwrap().unwrap();
    let mut fold = Fold::new();
    swarm_journal::replay(&dir, &mut |item| fold.take(&item)).unwrap();
    assert_eq!(
        digest(&fold.state().unwrap()),
        digest(&ended.state),
        "law 3: the fold of the journal is the live state"
    );
    let published = published.lock().unwrap().clone();
    (ended, published)
}

fn all_merged(ended: &Ended) {
    assert_eq!(ended.outcome, Outcome::Landed);
    assert!(ended.state.run().tasks.iter().all(|task| task.word() == "merged"));
}

#[tokio::test]
async fn a_graph_lands_and_its_journal_folds_to_the_same_state() {
    let tasks = vec![task("a", &[]), task("b", &["a"]), task("c", &["a"]), task("d", &["b", "c"])];
    let (ended, published) = Box::pin(run(Arc::new(Kind::default()), tasks)).await;
    all_merged(&ended);
    assert_eq!(ended.state.run().ledger.spent(), Usd::from_micros(40));
    assert_eq!(ended.state.run().ledger.reserved(), Usd::ZERO);
    assert!(
        published.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1),
        "every event is published once, in order"
    );
}

/// Starts the last first.
struct LastFirst;

impl Policy for LastFirst {
    fn start(&self, _: &Parts, ready: &mut dyn Iterator<Item = &Task>) -> Option<TaskId> {
        ready.last().map(|task| task.spec.id.clone())
    }
}

#[tokio::test]
async fn a_run_is_driven_by_the_policy_that_its_writer_was_given() {
    for (policy, order) in [(Arc::new(AsPlanned) as Arc<dyn Policy>, "abc"), (Arc::new(LastFirst), "cba")] {
        let tasks = ["a", "b", "c"].map(|name| task(name, &[])).to_vec();
        let (ended, published) = Box::pin(run_by(policy, Arc::new(Kind::default()), tasks)).await;
        all_merged(&ended);
        let started = published.iter().filter_map(|recorded| match &recorded.event {
            Event::AttemptStarted(event) => Some(event.task.as_str()),
            _ => None,
        });
        assert_eq!(started.collect::<String>(), order);
    }
}

#[tokio::test]
async fn hundreds_of_tasks_land() {
    let tasks = (0..300).map(|at| task(&format!("t{at}"), &[])).collect();
    let (ended, _) = Box::pin(run(Arc::new(Kind::default()), tasks)).await;
    all_merged(&ended);
}

#[tokio::test]
async fn an_actor_that_panics_is_restarted_from_its_view() {
    for who in [Actor::Task(TaskId::new("b").unwrap()), Actor::Merge, Actor::Budget] {
        let world = Arc::new(Kind::default());
        world.panics.lock().unwrap().insert(who.clone());
        let tasks = vec![task("a", &[]), task("b", &["a"]), task("c", &["b"])];
        let (ended, _) = Box::pin(run(world.clone(), tasks)).await;
        all_merged(&ended);
        assert!(world.panics.lock().unwrap().is_empty(), "{who:?} did not panic");
    }
}
