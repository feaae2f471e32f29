//! A graph of 10,000 tasks: checked, and its whole schedule decided, without a world.
//!
//! `cargo bench --bench graph`. The floor is what it takes to read the file and to encode and apply its events once.
#![expect(clippy::unwrap_used, reason = "a benchmark that stops there says where")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use swarm::plan::{self, Resolved};
use swarm_domain::event::{
    AgentExited, MergeBuilt, Merged, Preserved, TargetSeen, WorktreeMade, WorktreeRemoved,
};
use swarm_domain::fact::{Cost, Ending, Usage};
use swarm_domain::state::State;
use swarm_domain::{Command, Effect, Event, Moment, NewRun, Oid, Usd};

const TASKS: usize = 10_000;
const LIMIT: Duration = Duration::from_secs(1);

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("plan.yaml");
    std::fs::write(&file, plan_text()).unwrap();
    let begun = Instant::now();
    let loaded = plan::load(&file, 4).unwrap();
    let checked = begun.elapsed();
    let resolved = Resolved {
        base: Oid::new("base"),
        target: "swarm/graph".to_owned(),
        target_at: None,
        identity: ("b".to_owned(), "b@localhost".to_owned()),
        preflight: false,
    };
    let plan = loaded.draft.into_plan(resolved).unwrap();
    let (decided, events) = schedule(plan);
    println!("{:<44} {:>10} {:>8}", "row", "time", "limit");
    for (row, took) in
        [("10,000 tasks checked", checked), ("10,000 tasks scheduled, every decision", decided)]
    {
        let verdict = if took < LIMIT { "" } else { "  MISSED" };
        println!("{row:<44} {took:>9.2?} {LIMIT:>8.0?}{verdict}");
    }
    println!("{events} events");
}

/// A hundred layers of a hundred tasks; each needs two of the layer before.
fn plan_text() -> String {
    let mut text = "version: 1\nname: graph\nbudget: 100usd\nconcurrency: 8\ntasks:\n".to_owned();
    for task in 0..TASKS {
        let (layer, place) = (task / 100, task % 100);
        let needs = match layer {
            0 => String::new(),
            _ => format!(", needs: [t{}-{place}, t{}-{}]", layer - 1, layer - 1, (place + 1) % 100),
        };
        writeln!(
            text,
            "  t{layer}-{place}: {{ run: make t{task}, files: [\"d{task}/**\"], priority: {}{needs} }}",
            task % 3
        )
        .unwrap();
    }
    text
}

/// Decides the whole run; the time is that of `decide`, `apply` and `owed_since` alone.
fn schedule(plan: swarm_domain::Plan) -> (Duration, u64) {
    let mut core = Core { state: State::new(), took: Duration::ZERO, seen: 0 };
    let new = NewRun {
        run: "r".to_owned(),
        parent: None,
        version: "bench".to_owned(),
        source: "plan.yaml".to_owned(),
        plan,
        carried: BTreeMap::new(),
    };
    core.take(&Command::Plan(Box::new(new)));
    core.take(&Command::Open { pid: 1, version: "bench".to_owned() });
    let mut todo = core.news();
    while let Some(effect) = todo.pop() {
        if let Some(fact) = answer(effect) {
            core.take(&Command::Fact(fact));
            todo.extend(core.news());
        }
    }
    assert!(core.state.run().run.finished.is_some(), "the run came to its end");
    (core.took, core.state.seq())
}

struct Core {
    state: State,
    took: Duration,
    seen: u64,
}

impl Core {
    fn take(&mut self, command: &Command) {
        let now = Moment {
            at_ms: self.state.seq(),
            entropy: self.state.seq(),
            anchor_seq: 0,
            anchor_hash: String::new(),
        };
        let begun = Instant::now();
        // A fact that comes twice is refused, as in a run.
        for event in self.state.decide(&now, command).unwrap_or_default() {
            self.state.apply(&event).unwrap();
        }
        loop {
            let events = self.state.decide(&now, &Command::Advance).unwrap();
            if events.is_empty() {
                break;
            }
            for event in events {
                self.state.apply(&event).unwrap();
            }
        }
        self.took += begun.elapsed();
    }

    fn news(&mut self) -> Vec<Effect> {
        let begun = Instant::now();
        let owed = self.state.owed_since(self.seen);
        self.seen = self.state.seq();
        self.took += begun.elapsed();
        owed
    }
}

/// A world in which everything works at once.
fn answer(effect: Effect) -> Option<Event> {
    Some(match effect {
        Effect::ReadTarget { .. } => TargetSeen { found: None, keeps: true }.into(),
        Effect::MakeWorktree { task, attempt, onto, .. } => {
            let (path, git_dir, conflicts) = (String::new(), String::new(), Vec::new());
            WorktreeMade { task, attempt, start: onto, path, git_dir, conflicts }.into()
        }
        Effect::RunAttempt(run) => AgentExited {
            task: run.task,
            attempt: run.attempt,
            nonce: run.nonce,
            ending: Ending::Exited { code: 0 },
            usage: Usage { usd: Some(Usd::from_micros(10)), ..Usage::default() },
            charge: Usd::ZERO,
            cost: Cost::Metered,
            tail: String::new(),
            stragglers: 0,
            at_ms: 0,
        }
        .into(),
        Effect::Preserve(keep) => Preserved {
            tip: Oid::new(keep.task.as_str()),
            task: keep.task,
            attempt: keep.attempt,
            changed: true,
            descends: true,
            missing: false,
            strays: Vec::new(),
            markers: Vec::new(),
            subjects: Vec::new(),
        }
        .into(),
        Effect::RemoveWorktree { task, attempt, .. } => WorktreeRemoved { task, attempt }.into(),
        Effect::BuildMerge(merge) => {
            let commit = Oid::new(merge.task.as_str());
            MergeBuilt { task: merge.task, attempt: merge.attempt, tree: commit.clone(), commit }.into()
        }
        Effect::Land { task, attempt, commit, .. } => Merged { task, attempt, commit }.into(),
        Effect::RunGate(_)
        | Effect::StopAttempt { .. }
        | Effect::WatchTarget { .. }
        | Effect::WatchRoom { .. }
        | Effect::Meter { .. } => return None,
    })
}
