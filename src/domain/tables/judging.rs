//! What an attempt came to, against its two decision tables: how its program ended, and what that left.

use super::decisions::{self, Case, Domain};
use super::words::{ENDINGS, ending, word_of};
use crate::event::Preserved;
use crate::fact::{Cap, Start, Stop};
use crate::plan::{OnChangeless, OnStray};
use crate::sim::{self, Sim};
use crate::task::{Finding, Phase, Task};
use crate::{AsPlanned, Event, GateScope, Hazard, HazardKind, Oid, TaskSpec, judge};

const ENDS: [Domain; 5] = [
    ("cancelled", &["no", "yes"]),
    ("its work", &["kept", "not kept", "no worktree"]),
    ("ended by", ENDINGS),
    ("asked to stop", &["no", "for its task", "by a signal", "by the deadline"]),
    ("more money refused", &["no", "by the task's cap", "by the run's cap"]),
];

const LEFT: [Domain; 10] = [
    ("worktree", &["there", "deleted"]),
    ("HEAD", &["descends", "elsewhere"]),
    ("secrets", &["no", "yes"]),
    ("markers", &["no", "yes"]),
    ("hazards", &["no", "yes"]),
    ("strays", &["none", "tolerated", "forbidden"]),
    ("changed", &["no", "yes"]),
    ("`if_no_changes`", &["ok", "fail"]),
    ("began at", &["the head", "an earlier tip"]),
    ("own gates", &["no", "yes"]),
];

pub(super) fn kept() -> Preserved {
    Preserved {
        task: sim::id("a"),
        attempt: 1,
        tip: Oid::new("tip"),
        changed: true,
        descends: true,
        missing: false,
        strays: Vec::new(),
        markers: Vec::new(),
        subjects: Vec::new(),
        hazards: Vec::new(),
        secrets: Vec::new(),
    }
}

fn link() -> Hazard {
    Hazard { kind: HazardKind::Link, path: "l".to_owned(), detail: "leads out".to_owned() }
}

/// A task whose attempt ended well and is to be judged.
fn judging(spec: TaskSpec, kept: Preserved) -> Task {
    let mut sim = Sim::new(sim::settings(), vec![spec]);
    sim.settle(|effect| matches!(effect, crate::Effect::RunAttempt(_)));
    let mut task = sim.state.run().tasks.at(0).clone();
    let nonce = task.attempt.as_ref().unwrap().nonce.clone();
    task.apply(&super::samples::exited(&sim::id("a"), 1, nonce)).unwrap();
    task.apply(&kept.into()).unwrap();
    task
}

/// What is decided about it, in the words of the page.
fn follows(task: &Task) -> &'static str {
    let parts = Sim::new(sim::settings(), vec![sim::task("a")]).state.run().clone();
    match judge::next(&parts, &AsPlanned, task, 0) {
        Some(Event::TaskQueued(_)) => "queued",
        Some(Event::AttemptPassed(_)) => "gates",
        Some(Event::TaskDone(_)) => "done",
        Some(Event::TaskCancelled(_)) => "cancelled",
        Some(Event::AttemptFailed(event)) => word_of(event.cause),
        other => unreachable!("{other:?}"),
    }
}

fn ended(case: &Case) -> &'static str {
    let mut task = judging(sim::task("a"), kept());
    task.cancel = case[0] == "yes";
    match case[1] {
        "not kept" => task.phase = Phase::Judging(Finding::Unkept(String::new())),
        "no worktree" => task.phase = Phase::Judging(Finding::NoWorktree(String::new())),
        _ => {}
    }
    let attempt = task.attempt.as_mut().unwrap();
    attempt.ending = Some(ending(case[2]));
    attempt.stop = match case[3] {
        "for its task" => Some(Stop::Cancelled),
        "by a signal" => Some(Stop::Interrupted),
        "by the deadline" => Some(Stop::Deadline),
        _ => None,
    };
    attempt.refused = match case[4] {
        "by the task's cap" => Some(Cap::Task),
        "by the run's cap" => Some(Cap::Run),
        _ => None,
    };
    let found = follows(&task);
    if found == "queued" { "what it left counts" } else { found }
}

fn left(case: &Case) -> &'static str {
    let mut spec = sim::task("a");
    spec.on_claim_violation = if case[5] == "tolerated" { OnStray::Warn } else { OnStray::Fail };
    spec.if_no_changes = if case[7] == "ok" { OnChangeless::Ok } else { OnChangeless::Fail };
    if case[9] == "yes" {
        spec.gates = vec![sim::gate(GateScope::Task)];
    }
    let paths = |some: bool| if some { vec!["a.txt".to_owned()] } else { Vec::new() };
    let kept = Preserved {
        missing: case[0] == "deleted",
        descends: case[1] == "descends",
        secrets: if case[2] == "yes" { vec![super::samples::leak()] } else { Vec::new() },
        markers: paths(case[3] == "yes"),
        hazards: if case[4] == "yes" { vec![link()] } else { Vec::new() },
        strays: paths(case[5] != "none"),
        changed: case[6] == "yes",
        ..kept()
    };
    let mut task = judging(spec, kept);
    if case[8] != "the head" {
        let (tip, base) = (Oid::new("earlier"), Oid::new("base"));
        task.attempt.as_mut().unwrap().from = Start::Tip { attempt: 1, tip, base };
    }
    follows(&task)
}

fn compare(title: &str, domains: &[Domain], found: fn(&Case) -> &'static str) {
    let cases: Vec<_> =
        decisions::cases(domains).into_iter().map(|case| (case.clone(), found(&case))).collect();
    let columns: Vec<_> = domains.iter().map(|(name, _)| *name).collect();
    decisions::match_the_page(title, &columns, &cases);
}

#[test]
fn how_a_program_ended_means_what_the_page_says() {
    compare("How a program ended", &ENDS, ended);
}

#[test]
fn what_a_program_left_means_what_the_page_says() {
    compare("What a program left", &LEFT, left);
}
