//! A large plan and its whole schedule, decided without a world. Does not know what is measured.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;

use swarm::plan::{Loaded, Resolved};
use swarm_domain::event::{
    AgentExited, MergeBuilt, Merged, Preserved, TargetSeen, UsageReported, WorktreeMade, WorktreeRemoved,
};
use swarm_domain::fact::{Anchor, Cost, Ending, Standing, Usage};
use swarm_domain::state::State;
use swarm_domain::{Command, Effect, Event, Key, Moment, NewRun, Oid, Plan, TaskId, Usd};

/// Layers of a hundred tasks; each task needs two of the layer before.
pub(crate) fn plan_text(tasks: usize) -> String {
    let mut text = "version: 1\nname: graph\nbudget: 100usd\nconcurrency: 8\ntasks:\n".to_owned();
    for task in 0..tasks {
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

/// The plan of a file, as a run takes it.
pub(crate) fn resolve(loaded: Loaded) -> Plan {
    let resolved = Resolved {
        base: Oid::new("base"),
        target: "swarm/graph".to_owned(),
        target_at: None,
        identity: ("b".to_owned(), "b@localhost".to_owned()),
        preflight: false,
    };
    loaded.draft.into_plan(resolved).unwrap()
}

/// Sees every event.
pub(crate) type Sink<'a> = dyn FnMut(&Event) + 'a;

/// A run in a world in which everything works at once.
pub(crate) struct Run {
    pub(crate) state: State,
    seen: u64,
    todo: Vec<Effect>,
    /// How often an attempt says what it has used.
    reports: u64,
    facts: VecDeque<Event>,
    /// Attempts that ran: each is owed again after all that it reports.
    ran: BTreeSet<Key>,
}

impl Run {
    /// The plan is recorded, and a process has taken it over.
    pub(crate) fn begin(plan: Plan, reports: u64, sink: &mut Sink<'_>) -> Self {
        let (todo, facts, ran) = (Vec::new(), VecDeque::new(), BTreeSet::new());
        let mut run = Self { state: State::new(), seen: 0, todo, reports, facts, ran };
        let new = NewRun {
            run: "r".to_owned(),
            parent: None,
            version: "bench".to_owned(),
            source: "plan.yaml".to_owned(),
            plan,
            carried: BTreeMap::new(),
        };
        run.take(&Command::Plan(Box::new(new)), sink);
        run.take(&Command::Open { pid: 1, version: "bench".to_owned(), wall: Standing::default() }, sink);
        run
    }

    /// The answer to what is owed next; none if nothing is.
    pub(crate) fn next(&mut self) -> Option<Event> {
        while self.facts.is_empty() {
            let effect = self.todo.pop()?;
            if let Effect::RunAttempt(run) = &effect {
                if !self.ran.insert(effect.key()) {
                    continue;
                }
                self.facts.extend((1..=self.reports).map(|n| used(run.task.clone(), run.attempt, n)));
            }
            self.facts.extend(answer(effect));
        }
        self.facts.pop_front()
    }

    /// Takes a command and all that follows from it.
    pub(crate) fn take(&mut self, command: &Command, sink: &mut Sink<'_>) {
        let seq = self.state.seq();
        let now = Moment { at_ms: seq, entropy: seq, anchor: &Anchor::default };
        // A fact that comes twice is refused, as in a run.
        let mut events = self.state.decide(&now, command).unwrap_or_default();
        loop {
            for event in &events {
                self.state.apply(event).unwrap();
                sink(event);
            }
            events = self.state.decide(&now, &Command::Advance).unwrap();
            if events.is_empty() {
                break;
            }
        }
        self.todo.extend(self.state.owed_since(self.seen));
        self.seen = self.state.seq();
    }
}

fn used(task: TaskId, attempt: u32, tokens: u64) -> Event {
    let usage = Usage { output_tokens: tokens, ..Usage::default() };
    UsageReported { task, attempt, usage }.into()
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
            report: None,
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
            hazards: Vec::new(),
            secrets: Vec::new(),
        }
        .into(),
        Effect::RemoveWorktree { task, attempt, .. } => WorktreeRemoved { task, attempt }.into(),
        Effect::BuildMerge(merge) => {
            let commit = Oid::new(merge.task.as_str());
            MergeBuilt {
                task: merge.task,
                attempt: merge.attempt,
                tree: commit.clone(),
                commit,
                secrets: Vec::new(),
            }
            .into()
        }
        Effect::Land { task, attempt, commit, .. } => Merged { task, attempt, commit }.into(),
        Effect::RunGate(_)
        | Effect::StopAttempt { .. }
        | Effect::WatchTarget { .. }
        | Effect::WatchRoom { .. }
        | Effect::Meter { .. } => return None,
    })
}
