//! The simulated world: programs, a target, a clock. It keeps its own books, against which the laws are checked.

use std::collections::BTreeMap;

use swarm_domain::effect::{BuildMerge, Preserve, RunAttempt, RunGate};
use swarm_domain::event::{
    AgentExited, GateEnded, MergeBuilt, MergeConflicted, MergeEmpty, MergeFailed, Merged, PreserveFailed,
    Preserved, RoomBack, TargetFreed, TargetHeld, TargetSeen, UsageReported, WorktreeFailed, WorktreeMade,
    WorktreeRemoved,
};
use swarm_domain::fact::{Cost, Ending, Usage, Verdict};
use swarm_domain::{Effect, Event, Oid, TaskId, Usd};

use crate::fate::Fates;

/// The world and its books.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) fates: Fates,
    pub(crate) now_ms: u64,
    /// What the target holds, oldest first: the commit, and whose it is if swarm landed it.
    pub(crate) target: Vec<(Oid, Option<TaskId>)>,
    /// How each program that was ever started ended. Law 5: never started twice.
    pub(crate) programs: BTreeMap<(TaskId, u32), (Ending, Usage)>,
    /// How often each place was asked, for fates that differ from time to time.
    times: BTreeMap<String, u64>,
}

impl World {
    pub(crate) fn new(fates: Fates) -> Self {
        Self {
            fates,
            now_ms: 1_000_000,
            target: Vec::new(),
            programs: BTreeMap::new(),
            times: BTreeMap::new(),
        }
    }

    /// The next unkindness of a place.
    fn unkind(&mut self, place: &str, whose: &str) -> bool {
        let time = self.times.entry(format!("{place}/{whose}")).or_default();
        *time += 1;
        self.fates.unkind(place, whose, *time)
    }

    fn head(&self) -> Option<Oid> {
        self.target.last().map(|(oid, _)| oid.clone())
    }

    fn holds(&self, commit: &Oid) -> bool {
        self.target.iter().any(|(oid, _)| oid == commit)
    }

    /// Does what an effect asks for, unless it is done, and says what then is true. The facts may be lost in a crash;
    /// then the effect is asked for again.
    pub(crate) fn perform(&mut self, effect: &Effect) -> Vec<Event> {
        match effect {
            Effect::ReadTarget { landed, .. } => vec![self.seen(landed.as_ref())],
            Effect::MakeWorktree { task, attempt, onto, .. } => vec![self.make(task, *attempt, onto)],
            Effect::RunAttempt(run) => self.run(run),
            Effect::Preserve(keep) => vec![self.preserve(keep)],
            Effect::RemoveWorktree { task, attempt, .. } => {
                vec![WorktreeRemoved { task: task.clone(), attempt: *attempt }.into()]
            }
            Effect::RunGate(gate) => vec![self.gate(gate)],
            Effect::BuildMerge(merge) => vec![self.build(merge)],
            Effect::Land { task, attempt, old, commit, .. } => {
                vec![self.land(task, *attempt, old.as_ref(), commit)]
            }
            Effect::WatchTarget { .. } => vec![TargetFreed {}.into()],
            Effect::WatchRoom { .. } if self.unkind("room", "run") => Vec::new(),
            Effect::WatchRoom { .. } => vec![RoomBack {}.into()],
            Effect::StopAttempt { .. } | Effect::Meter { .. } => Vec::new(),
        }
    }

    fn seen(&self, landed: Option<&Oid>) -> Event {
        TargetSeen { found: self.head(), keeps: landed.is_none_or(|landed| self.holds(landed)) }.into()
    }

    fn make(&mut self, task: &TaskId, attempt: u32, onto: &Oid) -> Event {
        if self.unkind("worktree", task.as_str()) && self.unkind("worktree again", task.as_str()) {
            return WorktreeFailed { task: task.clone(), attempt, error: "git is in a bad mood".to_owned() }
                .into();
        }
        WorktreeMade {
            task: task.clone(),
            attempt,
            start: onto.clone(),
            path: format!("/w/{task}-{attempt}"),
            git_dir: String::new(),
            conflicts: Vec::new(),
        }
        .into()
    }

    fn run(&mut self, run: &RunAttempt) -> Vec<Event> {
        let key = (run.task.clone(), run.attempt);
        if !self.programs.contains_key(&key) {
            let (ending, usage) =
                if run.stopping { (Ending::Stopped, Usage::default()) } else { self.fate_of(run) };
            self.programs.insert(key.clone(), (ending, usage));
        }
        let (ending, usage) = self.programs[&key].clone();
        let report = UsageReported { task: run.task.clone(), attempt: run.attempt, usage };
        let exited = AgentExited {
            task: run.task.clone(),
            attempt: run.attempt,
            nonce: run.nonce.clone(),
            ending,
            usage,
            charge: Usd::ZERO,
            cost: Cost::Metered,
            tail: "the end of the output".to_owned(),
            stragglers: 0,
            at_ms: 0,
        };
        vec![report.into(), exited.into()]
    }

    /// How a program ends and what it has spent by then: up to its grant, and beyond where fate is unkind.
    fn fate_of(&mut self, run: &RunAttempt) -> (Ending, Usage) {
        let whose = format!("{}-{}", run.task, run.attempt);
        let grant = run.grant.micros().max(1);
        let mut spent = self.fates.draw("spent", &whose, 0) % grant;
        if self.unkind("overspend", &whose) {
            spent = grant + self.fates.draw("overspend", &whose, 1) % 30;
        }
        let silent = self.unkind("silent", &whose);
        let usage = Usage { usd: (!silent).then(|| Usd::from_micros(spent)), ..Usage::default() };
        if !self.unkind("program", &whose) {
            return (Ending::Exited { code: 0 }, usage);
        }
        let ending = match self.fates.pick("ending", &whose, 0, 7) {
            0 => Ending::Exited { code: 1 },
            1 => Ending::Signaled { signal: 9 },
            2 => Ending::TimedOut,
            3 => Ending::Idle,
            4 => Ending::Spent,
            5 => Ending::Unknown,
            _ => Ending::NotStarted { error: "no such program".to_owned() },
        };
        (ending, usage)
    }

    fn preserve(&mut self, keep: &Preserve) -> Event {
        let whose = format!("{}-{}", keep.task, keep.attempt);
        let (task, attempt) = (keep.task.clone(), keep.attempt);
        if self.unkind("preserve", &whose) && self.unkind("preserve again", &whose) {
            return PreserveFailed { task, attempt, error: "the disk is in a bad mood".to_owned() }.into();
        }
        Preserved {
            tip: Oid::new(&format!("tip-{whose}")),
            task,
            attempt,
            changed: !self.unkind("changeless", &whose),
            descends: !self.unkind("moved", &whose) || self.unkind("moved back", &whose),
            missing: false,
            strays: Vec::new(),
            markers: Vec::new(),
            subjects: Vec::new(),
        }
        .into()
    }

    fn gate(&mut self, gate: &RunGate) -> Event {
        let whose = gate.commit.as_str().to_owned();
        let red = gate.commit != gate.base && self.fates.unkind("gate", &whose, 0);
        let verdict = if self.unkind("no verdict", &whose) {
            Verdict::None { detail: "killed".to_owned() }
        } else if red {
            Verdict::Red { detail: "exit status 1".to_owned() }
        } else {
            Verdict::Green
        };
        GateEnded { n: gate.n, verdict, tail: String::new(), took_ms: 1 }.into()
    }

    fn build(&mut self, merge: &BuildMerge) -> Event {
        let whose = merge.tip.as_str().to_owned();
        let (task, attempt) = (merge.task.clone(), merge.attempt);
        if self.unkind("somebody lands", &whose) && self.unkind("really", &whose) {
            let time = self.target.len();
            self.target.push((Oid::new(&format!("foreign-{time}")), None));
        }
        if self.unkind("checked out", &whose) {
            return TargetHeld { path: "/elsewhere".to_owned() }.into();
        }
        if self.head() != merge.old {
            return self.seen(merge.landed.as_ref());
        }
        if self.unkind("merge fails", &whose) {
            return MergeFailed { task, attempt, error: "git is in a bad mood".to_owned() }.into();
        }
        if self.fates.unkind("conflict", &format!("{whose} on {}", merge.onto), 0) {
            return MergeConflicted { task, attempt, paths: vec!["a".to_owned()], detail: String::new() }
                .into();
        }
        if self.fates.unkind("empty", &whose, 0) {
            return MergeEmpty { task, attempt }.into();
        }
        let commit = Oid::new(&format!("{whose} on {} at {}", merge.onto, merge.at_s));
        MergeBuilt { task, attempt, tree: commit.clone(), commit }.into()
    }

    fn land(&mut self, task: &TaskId, attempt: u32, old: Option<&Oid>, commit: &Oid) -> Event {
        let merged = Merged { task: task.clone(), attempt, commit: commit.clone() };
        if self.holds(commit) {
            return merged.into();
        }
        if self.unkind("moved at the last moment", task.as_str())
            && self.unkind("really moved", task.as_str())
        {
            let time = self.target.len();
            self.target.push((Oid::new(&format!("foreign-{time}")), None));
        }
        if self.head().as_ref() != old {
            return self.seen(old);
        }
        self.target.push((commit.clone(), Some(task.clone())));
        merged.into()
    }
}
