//! Interleavings and crash points in which a run once hung, went round in circles, or paid twice.

use super::{Sim, exited, gate, green, id, settings, task};
use crate::Caps;
use crate::event::{MergeFailed, RoomBack, RoomLost, TargetSeen};
use crate::fact::{Ending, Outcome, Request};
use crate::task::{End, Phase};
use crate::{Command, Effect, Event, GateScope, MergeOrder, Oid, OnFailure, Usd};

const MINUTE_MS: u64 = 60_000;

fn is_read(effect: &Effect) -> bool {
    matches!(effect, Effect::ReadTarget { .. })
}

fn is_make(effect: &Effect) -> bool {
    matches!(effect, Effect::MakeWorktree { .. })
}

fn is_run(effect: &Effect) -> bool {
    matches!(effect, Effect::RunAttempt(_))
}

fn is_gate(effect: &Effect) -> bool {
    matches!(effect, Effect::RunGate(_))
}

fn is_build(effect: &Effect) -> bool {
    matches!(effect, Effect::BuildMerge(_))
}

fn is_land(effect: &Effect) -> bool {
    matches!(effect, Effect::Land { .. })
}

fn no_room() -> Event {
    RoomLost { detail: "full".to_owned(), at_ms: 0 }.into()
}

/// Ends the one program that runs.
fn end_program(sim: &mut Sim, ending: Ending, usd: Option<u64>) {
    let Effect::RunAttempt(run) = sim.the(is_run) else { unreachable!() };
    let fact = exited(&run, ending, usd);
    sim.answer(&Effect::RunAttempt(run).key(), fact);
}

#[test]
fn a_gate_of_an_earlier_merge_that_ends_late_does_not_disturb_the_present_one() {
    let mut a = task("a");
    a.gates = vec![gate(GateScope::Merge)];
    let mut sim = Sim::new(settings(), vec![a]);
    sim.settle(is_gate);
    sim.target = Some(Oid::new("moved by somebody"));
    sim.crash();
    sim.settle(is_gate);
    let gates: Vec<_> = sim.owed.values().filter(|effect| is_gate(effect)).map(Effect::key).collect();
    assert_eq!(gates.len(), 2, "one on the old head, adopted, and one on the new");
    sim.answer(&gates[0], green(1));
    assert_eq!(sim.count("gate.started"), 2, "the one that runs is not started again");
    sim.answer(&gates[1], green(2));
    sim.settle(|_| false);
    assert_eq!((sim.finished(), sim.count("gate.started")), (Some(Outcome::Landed), 2));
}

#[test]
fn a_landing_that_fails_right_after_a_crash_has_the_target_read() {
    let mut sim = Sim::new(settings(), vec![task("a")]);
    sim.settle(is_land);
    sim.crash();
    assert!(!sim.owes(is_read), "the landing asks the target itself");
    let land = sim.the(is_land).key();
    sim.answer(&land, MergeFailed { task: id("a"), attempt: 1, error: "no memory".to_owned() });
    assert!(sim.owes(is_read));
    sim.settle(|_| false);
    assert_eq!(sim.finished(), Some(Outcome::Landed));
}

#[test]
fn the_target_is_not_read_beside_a_merge_whose_landing_a_late_answer_would_undo() {
    let mut sim = Sim::new(settings(), vec![task("a")]);
    sim.settle(is_build);
    sim.target = Some(Oid::new("moved by somebody"));
    sim.crash();
    assert!(!sim.owes(is_read));
    let build = sim.the(is_build).key();
    sim.answer(&build, TargetSeen { found: sim.target.clone(), keeps: true });
    sim.settle(|_| false);
    assert_eq!((sim.finished(), sim.count("task.merged")), (Some(Outcome::Landed), 1));
}

#[test]
fn a_merge_that_is_built_right_after_a_crash_has_the_target_read_before_it_lands() {
    let mut sim = Sim::new(settings(), vec![task("a")]);
    sim.settle(is_build);
    sim.crash();
    sim.settle(|effect| is_read(effect) || is_land(effect));
    assert!(sim.owes(is_read) && !sim.owes(is_land));
    sim.settle(|_| false);
    assert_eq!(sim.finished(), Some(Outcome::Landed));
}

#[test]
fn what_reserves_nothing_and_costs_is_not_started_again_on_an_empty_purse() {
    let cap = Some(Usd::from_micros(3));
    let mut sim = Sim::new(crate::Settings { caps: Caps::of_usd(cap), ..settings() }, vec![task("a")]);
    sim.settle(is_run);
    end_program(&mut sim, Ending::Spent, Some(5));
    sim.settle(is_run);
    assert_eq!((sim.stopped(), sim.count("attempt.started")), (Some(Outcome::Budget), 1));
    sim.ask(Request::AddBudget { caps: Caps::of_usd(Some(Usd::from_micros(7))) });
    sim.crash();
    sim.settle(|_| false);
    assert_eq!((sim.finished(), sim.count("attempt.started")), (Some(Outcome::Landed), 2));
}

#[test]
fn an_effect_that_waits_for_room_keeps_no_run_from_stopping() {
    for interrupted in [true, false] {
        let mut sim = Sim::new(settings(), vec![task("a")]);
        sim.settle(is_make);
        sim.turn(&Command::Fact(no_room())).unwrap();
        assert_eq!(sim.stopped(), None);
        let outcome = if interrupted {
            sim.ask(Request::Interrupt { signal: 15 });
            Outcome::Interrupted { signal: 15 }
        } else {
            sim.now_ms = sim.state.wakeup_ms().expect("somebody wakes it up");
            sim.turn(&Command::Advance).unwrap();
            Outcome::Environment
        };
        assert_eq!(sim.stopped(), Some(outcome));
        sim.crash();
        assert!(sim.owes(is_make), "what was not done is owed again");
        sim.settle(|_| false);
        assert_eq!(sim.finished(), Some(Outcome::Landed));
    }
}

#[test]
fn room_that_comes_and_goes_is_not_waited_for_for_ever() {
    let mut sim = Sim::new(settings(), vec![task("a")]);
    sim.settle(is_make);
    for _ in 0..30 {
        sim.turn(&Command::Fact(no_room())).unwrap();
        if sim.stopped().is_some() {
            break;
        }
        sim.turn(&Command::Fact(RoomBack {}.into())).unwrap();
        sim.now_ms += MINUTE_MS;
    }
    assert_eq!(sim.stopped(), Some(Outcome::Environment));
}

#[test]
fn what_comes_to_nothing_after_the_failure_that_stops_a_run_ends_too() {
    let settings = crate::Settings { on_failure: OnFailure::Stop, ..settings() };
    let mut sim = Sim::new(settings, vec![task("a"), task("b"), task("c")]);
    sim.settle(is_run);
    let runs: Vec<_> = sim.owed.values().filter(|effect| is_run(effect)).cloned().collect();
    for (effect, ending) in runs.into_iter().zip([Ending::Exited { code: 1 }, Ending::Unknown]) {
        let Effect::RunAttempt(run) = &effect else { unreachable!() };
        sim.answer(&effect.key(), exited(run, ending, None));
        sim.settle(is_run);
    }
    assert_eq!((sim.stopped(), sim.finished()), (None, Some(Outcome::Failed)));
    let end = |name| sim.state.run().tasks.get(&id(name)).unwrap().phase.clone();
    assert!(matches!(end("b"), Phase::Ended(End::Cancelled { .. })));
    assert!(matches!(end("c"), Phase::Ended(End::Cancelled { .. })));
}

#[test]
fn an_interruption_starts_no_more_gates_and_they_are_made_up_for_later() {
    for scope in [GateScope::Task, GateScope::Merge] {
        let mut a = task("a");
        a.gates = vec![gate(scope), gate(scope), gate(scope)];
        let mut sim = Sim::new(settings(), vec![a]);
        sim.settle(is_gate);
        sim.ask(Request::Interrupt { signal: 15 });
        if sim.stopped().is_none() {
            let gate = sim.the(is_gate).key();
            sim.answer(&gate, green(1));
        }
        assert_eq!(sim.stopped(), Some(Outcome::Interrupted { signal: 15 }));
        assert_eq!(sim.count("gate.started"), 1);
        sim.crash();
        sim.settle(|_| false);
        assert_eq!((sim.finished(), sim.count("gate.started")), (Some(Outcome::Landed), 3));
    }
}

#[test]
fn in_plan_order_work_that_waits_for_a_turn_which_never_comes_stops_the_run() {
    let mut settings = settings();
    settings.merge.order = MergeOrder::Plan;
    let mut dear = task("dear");
    dear.estimate = Some(Usd::from_micros(1_000));
    let mut sim = Sim::new(settings, vec![dear, task("b")]);
    sim.settle(|_| false);
    assert_eq!((sim.stopped(), sim.count("task.queued")), (Some(Outcome::Budget), 1));
    sim.ask(Request::AddBudget { caps: Caps::of_usd(Some(Usd::from_micros(1_000))) });
    sim.crash();
    sim.settle(|_| false);
    assert_eq!(sim.finished(), Some(Outcome::Landed));
}

#[test]
fn a_pause_does_not_outlast_the_deadline() {
    let mut settings = settings();
    settings.caps.time_ms = Some(MINUTE_MS);
    settings.warn.clear();
    let mut dear = task("dear");
    dear.estimate = Some(Usd::from_micros(1_000));
    let mut sim = Sim::new(settings, vec![dear]);
    sim.ask(Request::Pause);
    sim.settle(|_| false);
    assert_eq!(sim.stopped(), None);
    sim.now_ms = sim.state.wakeup_ms().expect("somebody wakes it up");
    sim.turn(&Command::Advance).unwrap();
    assert_eq!(sim.stopped(), Some(Outcome::Deadline));
}
