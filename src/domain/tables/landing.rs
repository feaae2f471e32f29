//! The merge train's car against its table.

use super::samples::{
    failed, gate_ended, gate_started, id, no_verdict, of_the_landing, of_the_task, prepared, red,
};
use super::{Machine, row};
use crate::event::{Opened, TargetFreed, TargetHeld, TargetSeen};
use crate::fact::{Cause, Site, Standing, Verdict};
use crate::sim;
use crate::task::Illegal;
use crate::train::{Car, CarStage, Train};
use crate::{Event, Gate, GateScope, Oid, TaskId};

/// An event and the gates of its task.
#[derive(Debug)]
struct Told {
    event: Event,
    gates: Vec<Gate>,
}

/// Who is on the way, or who would be.
fn own(train: &Train) -> TaskId {
    train.car().map_or_else(|| id("a"), |car| car.task.clone())
}

/// The commit that its gates are about, or that is being landed.
fn commit(train: &Train) -> Oid {
    match train.car().map(|car| &car.stage) {
        Some(CarStage::Checking { commit: Some(commit), .. } | CarStage::Landing { commit, .. }) => {
            commit.clone()
        }
        _ => Oid::new("c"),
    }
}

fn events(train: &Train) -> Vec<(String, Told)> {
    let mut found = Vec::new();
    for gates in [vec![], vec![sim::gate(GateScope::Merge), sim::gate(GateScope::Task)]] {
        let follow = if gates.is_empty() { "no gate follows" } else { "gates follow" };
        let mut add = |which: &str, event: Event| {
            found.push((row(&event, which), Told { event, gates: gates.clone() }));
        };
        for event in of_the_landing(&own(train), 1, &commit(train)) {
            match &event {
                Event::TaskQueued(_) | Event::MergePrepared(_) => {}
                Event::MergeBuilt(_) | Event::MergeEmpty(_) => add(follow, event),
                Event::MergeIntended(_) => add(intent(train, true), event),
                Event::Merged(_) => add(landing(train), event),
                _ => add("", event),
            }
        }
        line(train, &mut add);
        ends(train, &mut add);
        strangers(train, &mut add);
        gates_of(train, &mut add);
        target(train, &mut add);
    }
    found
}

/// The same, without the names.
pub(super) fn told(train: &Train) -> Vec<Event> {
    events(train).into_iter().map(|(_, told)| told.event).collect()
}

/// Whether the commit of an intent, and where it is to be moved from, are those that were checked.
fn intent(train: &Train, as_checked: bool) -> &'static str {
    let checking =
        train.car().is_some_and(|car| matches!(car.stage, CarStage::Checking { commit: Some(_), .. }));
    if as_checked && checking { "of what is checked" } else { "of anything else" }
}

fn landing(train: &Train) -> &'static str {
    let is_landing = train.car().is_some_and(|car| matches!(car.stage, CarStage::Landing { .. }));
    if is_landing { "of what is being landed" } else { "of anything else" }
}

fn line(train: &Train, add: &mut impl FnMut(&str, Event)) {
    if train.line().count() < 3 {
        for event in of_the_landing(&id("b"), 1, &commit(train)) {
            if matches!(event, Event::TaskQueued(_)) && own(train) != id("b") {
                add("", event);
            }
        }
    }
    if let Some(waiting) = train.line().next() {
        add("of who waits in line", prepared(&waiting.task, 1));
    }
    if let Some(car) = train.car() {
        add("of who is on the way", prepared(&car.task, 1));
    }
    add("of anyone else", prepared(&id("stranger"), 1));
}

/// What ends the landing of a task.
fn ends(train: &Train, add: &mut impl FnMut(&str, Event)) {
    for task in [own(train), id("b"), id("stranger")] {
        let on_the_way = train.car().is_some_and(|car| car.task == task);
        let which = if on_the_way { "of who is on the way" } else { "of anyone else" };
        add(which, failed(&task, 1, Cause::Gate, true));
        for event in of_the_task(&task) {
            if matches!(event, Event::TaskDone(_) | Event::TaskCancelled(_)) {
                add(which, event);
            }
        }
    }
}

/// What is about another task than the one on the way, about another commit, or from elsewhere.
fn strangers(train: &Train, add: &mut impl FnMut(&str, Event)) {
    for event in of_the_landing(&id("stranger"), 1, &commit(train)) {
        let is_order = matches!(event, Event::TaskQueued(_) | Event::MergePrepared(_));
        let is_move = matches!(event, Event::MergeIntended(_) | Event::Merged(_));
        match (is_order, is_move) {
            (true, _) => {}
            (false, true) => add("of anything else", event),
            (false, false) => add("of another task", event),
        }
    }
    for event in of_the_landing(&own(train), 1, &Oid::new("another commit")) {
        if matches!(event, Event::MergeIntended(_) | Event::Merged(_)) {
            add("of anything else", event.clone());
        }
        if let Event::MergeIntended(mut intended) = event {
            intended.commit = commit(train);
            intended.old = Some(Oid::new("elsewhere"));
            add("of anything else", intended.into());
        }
    }
}

fn gates_of(train: &Train, add: &mut impl FnMut(&str, Event)) {
    let checks = match train.car().map(|car| &car.stage) {
        Some(CarStage::Checking { checks, .. }) => Some(checks),
        _ => None,
    };
    let due = checks.and_then(crate::checks::Checks::due);
    let site = |task| Site::Train { task, attempt: 1 };
    for index in [None, Some(0), Some(1)] {
        let which = if due == Some(index) { "of the check that is due" } else { "of any other check" };
        add(which, gate_started(site(own(train)), 1, index));
        add("of any other check", gate_started(site(id("stranger")), 1, index));
    }
    for verdict in [Verdict::Green, red(), no_verdict()] {
        add("of no check that runs", gate_ended(99, verdict));
    }
    if let Some((n, _)) = checks.and_then(crate::checks::Checks::running) {
        add("green, the last", gate_ended(n, Verdict::Green));
        add("red, or without a verdict", gate_ended(n, red()));
        add("red, or without a verdict", gate_ended(n, no_verdict()));
    }
}

fn target(train: &Train, add: &mut impl FnMut(&str, Event)) {
    let rests = train.car().is_some_and(|car| {
        !matches!(car.stage, CarStage::Waiting | CarStage::Conflicted | CarStage::Refused(_))
    });
    for keeps in [true, false] {
        // All merges of this test are prepared on a target that does not exist yet.
        let here = if rests { "where the merge was made" } else { "anywhere else" };
        add(here, TargetSeen { found: None, keeps }.into());
        add("anywhere else", TargetSeen { found: Some(Oid::new("moved")), keeps }.into());
    }
    add("", TargetHeld { path: "/w".to_owned() }.into());
    add("", TargetFreed {}.into());
    add("", Opened { epoch: 2, pid: 1, version: String::new(), at_ms: 1, wall: Standing::default() }.into());
}

fn take(train: &mut Train, told: &Told) -> Result<(), Illegal> {
    match &told.event {
        Event::GateStarted(event) => match &event.site {
            Site::Train { task, .. } => train.gate_started(task, event),
            Site::Preflight | Site::Task { .. } => unreachable!("not of the train"),
        },
        Event::GateEnded(event) => {
            train.gate_ended(event, false);
            Ok(())
        }
        event => {
            train.apply(1, event, &told.gates, false)?;
            train.target(1, event);
            Ok(())
        }
    }
}

fn word(train: &Train) -> &'static str {
    let Some(Car { stage, .. }) = train.car() else { return "empty" };
    match stage {
        CarStage::Waiting => "waiting",
        CarStage::Building(..) => "building",
        CarStage::Checking { commit: Some(_), checks, .. } if checks.passed() => "green",
        CarStage::Checking { commit: None, checks, .. } if checks.passed() => "contained",
        CarStage::Checking { commit: Some(_), .. } => "checking",
        CarStage::Checking { commit: None, .. } => "rechecking",
        CarStage::Conflicted => "conflicted",
        CarStage::Refused(_) => "refused",
        CarStage::Landing { .. } => "landing",
    }
}

#[test]
fn a_car_travels_as_the_page_says() {
    let empty = Train::new(Oid::new("base"), None);
    let mut one_waits = empty.clone();
    let queued = of_the_landing(&id("a"), 1, &Oid::new("c")).remove(0);
    one_waits.apply(1, &queued, &[], false).unwrap();
    let machine = Machine {
        title: "The car of the merge train",
        events,
        take,
        word,
        column: |word| word,
        follow: true,
    };
    machine.matches_the_page(vec![empty, one_waits]);
}
