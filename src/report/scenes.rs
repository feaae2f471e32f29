//! Ways in which a sample run can go, each once: every outcome, and every kind of event. Exists only under test.

pub(super) mod agents;

use std::collections::BTreeMap;

use swarm_domain::effect::Effect;
use swarm_domain::event::{
    AgentStarted, DaySeen, MergeConflicted, MergeEmpty, MergeFailed, MergeRefused, Noted, PreserveFailed,
    RoomBack, RoomLost, TargetFreed, TargetHeld, TargetSeen, UsageReported, WorktreeFailed, WorktreeKept,
};
use swarm_domain::fact::{Ending, Request, Usage};
use swarm_domain::plan::{OnConflict, OnFailure, OnUnknownCost, Settings};
use swarm_domain::{Caps, Event, GateScope, Hazard, HazardKind, TaskId, TaskSpec, Usd};

use super::sample::{Sample, ended, exited, gate, id, kept, oid, red, settings, task, worktree};

/// Text that would steer a terminal.
pub(super) const EVIL: &str = "\x1b[31mred\x1b[0m\x07 \u{9b}2J\u{202e}back\x1b]0;t\x07";

/// Two tasks, one after the other.
pub(super) fn pair() -> Vec<TaskSpec> {
    vec![task("tokens", &[]), task("docs", &["tokens"])]
}

/// Everything lands.
pub(super) fn landed() -> Sample {
    Sample::opened(settings(), pair()).run_well()
}

fn opened(change: impl FnOnce(&mut Settings), tasks: Vec<TaskSpec>) -> Sample {
    let mut settings = settings();
    change(&mut settings);
    Sample::opened(settings, tasks)
}

/// The answer to the program of one task: it exits with status 1.
pub(super) fn crash(name: &'static str) -> impl FnMut(&Effect) -> Option<Vec<Event>> {
    move |effect| match effect {
        Effect::RunAttempt(run) if run.task.as_str() == name => {
            Some(vec![exited(name, run.attempt, &run.nonce, Ending::Exited { code: 1 })])
        }
        _ => None,
    }
}

/// `web` fails twice, `tokens` lands, `docs` is skipped.
pub(super) fn partial() -> Sample {
    let mut sample =
        Sample::opened(settings(), vec![task("tokens", &[]), task("web", &[]), task("docs", &["web"])]);
    sample.run(&mut crash("web"));
    sample
}

pub(super) fn failed() -> Sample {
    let mut sample = Sample::opened(settings(), pair());
    sample.run(&mut crash("tokens"));
    sample
}

/// The gate before the landing is red twice.
pub(super) fn red_gate() -> Sample {
    let mut tasks = pair();
    tasks[0].gates = vec![gate("unit")];
    let mut sample = Sample::opened(settings(), tasks);
    sample.run(&mut |effect| match effect {
        Effect::RunGate(run) => Some(vec![ended(run.n, red(), "one\ntwo\nassertion failed")]),
        _ => None,
    });
    sample
}

pub(super) fn preflight() -> Sample {
    let mut tasks = pair();
    tasks[0].gates = vec![gate("unit")];
    tasks[0].gates[0].baseline_skip = false;
    let mut sample = Sample::opened(settings(), tasks);
    sample.run(&mut |effect| match effect {
        Effect::RunGate(run) => Some(vec![ended(run.n, red(), "no such module")]),
        _ => None,
    });
    sample
}

pub(super) fn budget() -> Sample {
    opened(|settings| settings.caps.usd = Some(Usd::from_micros(1_000_000)), pair()).run_well()
}

fn tokens() -> Sample {
    opened(|settings| settings.caps.tokens = Some(100), pair()).run_well()
}

fn deadline() -> Sample {
    opened(|settings| settings.caps.time_ms = Some(1000), pair()).run_well()
}

fn cancelled() -> Sample {
    let mut sample = Sample::opened(settings(), pair());
    sample.ask(Request::Cancel { tasks: vec![] });
    sample.run_well()
}

/// The target is checked out when the first work is to land.
pub(super) fn held() -> Sample {
    let mut sample = Sample::opened(settings(), pair());
    sample.run(&mut |effect| match effect {
        Effect::BuildMerge(_) => Some(vec![TargetHeld { path: "/home/ann/my tree".to_owned() }.into()]),
        _ => None,
    });
    sample
}

fn lost() -> Sample {
    let mut sample = Sample::opened(settings(), pair());
    let mut merges = 0;
    sample.run(&mut |effect| match effect {
        Effect::BuildMerge(_) if merges == 1 => {
            Some(vec![TargetSeen { found: Some(oid('d')), keeps: false }.into()])
        }
        Effect::BuildMerge(_) => {
            merges += 1;
            None
        }
        _ => None,
    });
    sample
}

/// Git cannot merge, whatever it is given.
fn broken() -> Sample {
    let mut sample = Sample::opened(settings(), pair());
    sample.run(&mut |effect| {
        let Effect::BuildMerge(merge) = effect else { return None };
        let (task, attempt) = (merge.task.clone(), merge.attempt);
        Some(vec![MergeFailed { task, attempt, error: EVIL.to_owned() }.into()])
    });
    sample
}

fn disk() -> Sample {
    let mut sample = Sample::opened(settings(), pair());
    sample.fact(RoomLost { detail: "journal".to_owned(), at_ms: 0 });
    sample.run_well()
}

fn surroundings() -> Sample {
    let mut sample = Sample::opened(settings(), pair());
    sample.run(&mut |effect| match effect {
        Effect::MakeWorktree { task, attempt, .. } => Some(vec![
            WorktreeFailed { task: task.clone(), attempt: *attempt, error: EVIL.to_owned() }.into(),
        ]),
        _ => None,
    });
    sample
}

pub(super) fn paused() -> Sample {
    // The slot is free as soon as the program ends, so one more task starts before the failure is known.
    let mut tasks = vec![task("tokens", &[]), task("web", &[]), task("docs", &[])];
    tasks[0].retries.max = 0;
    let change = |settings: &mut Settings| {
        settings.on_failure = OnFailure::Pause;
        settings.concurrency = 1;
    };
    let mut sample = opened(change, tasks);
    sample.run(&mut crash("tokens"));
    sample
}

/// A conflict that waits for a person.
pub(super) fn conflict() -> Sample {
    let mut sample = opened(|settings| settings.merge.on_conflict = OnConflict::Hold, pair());
    sample.run(&mut |effect| match effect {
        Effect::BuildMerge(merge) => Some(vec![conflicted(&merge.task, merge.attempt)]),
        _ => None,
    });
    sample
}

/// A merge that would land a link out of the tree, twice.
pub(super) fn refused() -> Sample {
    let mut sample = opened(|_| (), pair());
    sample.run(&mut |effect| match effect {
        Effect::BuildMerge(merge) => {
            let (path, detail) = (EVIL.to_owned(), "is a symbolic link that is absolute".to_owned());
            let hazards = vec![Hazard { kind: HazardKind::Link, path, detail }];
            Some(vec![MergeRefused { task: merge.task.clone(), attempt: merge.attempt, hazards }.into()])
        }
        _ => None,
    });
    sample
}

fn conflicted(task: &TaskId, attempt: u32) -> Event {
    let paths = vec!["src/a.rs".to_owned(), EVIL.to_owned()];
    MergeConflicted { task: task.clone(), attempt, paths, detail: "CONFLICT (content)".to_owned() }.into()
}

pub(super) fn interrupted(signal: i32) -> Sample {
    let mut sample = cut_off();
    sample.ask(Request::Interrupt { signal });
    sample.run(&mut |effect| match effect {
        Effect::RunAttempt(run) => {
            Some(vec![exited(run.task.as_str(), run.attempt, &run.nonce, Ending::Stopped)])
        }
        _ => None,
    });
    sample
}

/// A process that died while its first attempt ran.
pub(super) fn cut_off() -> Sample {
    let mut sample = Sample::opened(settings(), pair());
    sample.run(&mut |effect| match effect {
        Effect::RunAttempt(_) => Some(vec![]),
        _ => None,
    });
    sample
}

/// The first merge cannot be tried at once, and then there is nothing in it.
pub(super) fn empty() -> Sample {
    let mut sample = Sample::opened(settings(), pair());
    let mut merges = 0;
    sample.run(&mut |effect| {
        let Effect::BuildMerge(merge) = effect else { return None };
        merges += 1;
        let (task, attempt) = (merge.task.clone(), merge.attempt);
        match merges {
            1 => Some(vec![MergeFailed { task, attempt, error: EVIL.to_owned() }.into()]),
            2 => Some(vec![MergeEmpty { task, attempt }.into()]),
            _ => None,
        }
    });
    sample
}

/// Agents that never say what they cost, where the plan allows that.
pub(super) fn unknown_cost(policy: OnUnknownCost) -> Sample {
    let mut sample = opened(|settings| settings.on_unknown_cost = policy, pair());
    sample.run(&mut |effect| {
        let Effect::RunAttempt(run) = effect else { return None };
        let mut event = exited(run.task.as_str(), run.attempt, &run.nonce, Ending::Exited { code: 0 });
        if let Event::AgentExited(exited) = &mut event {
            exited.usage = Usage::default();
        }
        Some(vec![event])
    });
    sample
}

/// What a parent landed is carried over.
pub(super) fn carried() -> Sample {
    let mut sample = Sample::planned(settings(), pair(), BTreeMap::from([(id("tokens"), oid('a'))]));
    sample.open();
    sample.run_well()
}

/// All that can go wrong on the way, with evil text wherever text is foreign; in the end most of it lands.
pub(super) fn stormy() -> Sample {
    let mut tasks = vec![task("a", &[]), task("b", &[]), task("c", &["a"]), task("d", &["b"])];
    for spec in &mut tasks {
        spec.title = format!("{EVIL} {}", spec.id);
        spec.gates = vec![gate(EVIL)];
        spec.gates[0].scope = GateScope::Both;
        spec.gates[0].hint = EVIL.to_owned();
        spec.gates[0].baseline_skip = false;
        spec.retries.max = 3;
    }
    let change = |settings: &mut Settings| {
        settings.caps.usd = Some(Usd::from_dollars(9));
        settings.per_day = Some(Usd::from_dollars(50));
    };
    let mut sample = opened(change, tasks);
    let (allowed, elsewhere) = (Usd::from_dollars(30), Usd::from_dollars(4));
    let until_ms = sample.now_ms + 86_400_000;
    sample.fact(DaySeen { date: "2023-11-14".to_owned(), until_ms, elsewhere, allowed });
    sample.fact(RoomLost { detail: EVIL.to_owned(), at_ms: 0 });
    sample.fact(RoomBack {});
    sample.fact(Noted { task: Some(id("a")), text: EVIL.to_owned() });
    let more = Request::AddBudget { caps: Caps::of_usd(Some(Usd::from_dollars(5))) };
    let cancel = Request::Cancel { tasks: vec![id("d")] };
    for request in [Request::Pause, Request::Unpause, Request::SetConcurrency { slots: 3 }, more, cancel] {
        sample.ask(request);
    }
    sample.fact(TargetHeld { path: EVIL.to_owned() });
    sample.fact(TargetFreed {});
    let mut seen = BTreeMap::new();
    sample.run(&mut |effect| {
        let nth = seen.entry(format!("{:?}", std::mem::discriminant(effect))).or_insert(0);
        *nth += 1;
        storm(effect, *nth)
    });
    sample
}

/// The `nth` effect of its kind goes wrong in a way of its own.
fn storm(effect: &Effect, nth: u32) -> Option<Vec<Event>> {
    match (effect, nth) {
        (Effect::MakeWorktree { task, attempt, .. }, 1) => Some(vec![
            WorktreeFailed { task: task.clone(), attempt: *attempt, error: EVIL.to_owned() }.into(),
        ]),
        (Effect::MakeWorktree { task, attempt, onto, .. }, 3) => {
            Some(vec![worktree(task, *attempt, onto, &[EVIL])])
        }
        (Effect::RunAttempt(run), 1) => {
            let usage = |micros| Usage { usd: Some(Usd::from_micros(micros)), ..Usage::default() };
            let used =
                |micros| UsageReported { task: run.task.clone(), attempt: run.attempt, usage: usage(micros) };
            let begun = AgentStarted { task: run.task.clone(), attempt: run.attempt, pid: 4242 };
            let end = exited(run.task.as_str(), run.attempt, &run.nonce, Ending::Spent);
            Some(vec![
                begun.into(),
                used(390_000).into(),
                used(1_900_000).into(),
                used(1_990_000).into(),
                end,
            ])
        }
        (Effect::Preserve(keep), 1) => {
            let (task, attempt) = (keep.task.clone(), keep.attempt);
            Some(vec![PreserveFailed { task, attempt, error: EVIL.to_owned() }.into()])
        }
        (Effect::Preserve(keep), 2) => {
            Some(vec![kept(keep.task.as_str(), keep.attempt, &[EVIL, "b", "c", "d", "e"])])
        }
        (Effect::RemoveWorktree { task, attempt, .. }, 1) => {
            Some(vec![WorktreeKept { task: task.clone(), attempt: *attempt, error: EVIL.to_owned() }.into()])
        }
        (Effect::RunGate(run), 3) => Some(vec![ended(run.n, red(), &format!("{EVIL}\n{EVIL}"))]),
        (Effect::BuildMerge(merge), 1) => Some(vec![conflicted(&merge.task, merge.attempt)]),

        _ => None,
    }
}

/// Records of a run that landed were destroyed; some of what came after does not fit any more.
pub(super) fn destroyed() -> Sample {
    landed().without(7, 9).expect("the plan is whole")
}

/// Every way, by name.
pub(super) fn all() -> Vec<(&'static str, Sample)> {
    vec![
        ("landed", landed()),
        ("partial", partial()),
        ("failed", failed()),
        ("red gate", red_gate()),
        ("preflight", preflight()),
        ("budget", budget()),
        ("tokens", tokens()),
        ("deadline", deadline()),
        ("cancelled", cancelled()),
        ("held", held()),
        ("lost", lost()),
        ("broken", broken()),
        ("disk", disk()),
        ("surroundings", surroundings()),
        ("paused", paused()),
        ("conflict", conflict()),
        ("refused", refused()),
        ("SIGINT", interrupted(2)),
        ("SIGTERM", interrupted(15)),
        ("cut off", cut_off()),
        ("empty", empty()),
        ("estimated", unknown_cost(OnUnknownCost::Estimate)),
        ("unknown", unknown_cost(OnUnknownCost::Allow)),
        ("carried", carried()),
        ("stormy", stormy()),
        ("destroyed", destroyed()),
        ("limited", agents::limited()),
        ("signed out", agents::signed_out()),
    ]
}
