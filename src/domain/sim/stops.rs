//! What keeps a run from going on, and what it still does meanwhile: failures, a red base, a target that is held, a signal.

use super::{Sim, exited, gate, green, id, settings, task};
use crate::event::{GateEnded, TargetFreed, TargetHeld, TargetSeen};
use crate::fact::{Anchor, Ending, Moment, Outcome, Request, Verdict};
use crate::run::{Pause, Preflight};
use crate::{Command, Effect, Event, GateScope, OnFailure, Program, Settings, TaskSpec};

fn is_run(effect: &Effect) -> bool {
    matches!(effect, Effect::RunAttempt(_))
}

fn is_gate(effect: &Effect) -> bool {
    matches!(effect, Effect::RunGate(_))
}

/// Ends the program of a task, and lets all else go on until only programs run.
fn end_program(sim: &mut Sim, name: &str, code: i32) {
    let of_task = |effect: &Effect| matches!(effect, Effect::RunAttempt(run) if run.task == id(name));
    let Effect::RunAttempt(run) = sim.the(of_task) else { unreachable!() };
    let fact = exited(&run, Ending::Exited { code }, None);
    sim.answer(&Effect::RunAttempt(run).key(), fact);
    sim.settle(is_run);
}

#[test]
fn a_failure_pauses_the_run_where_the_plan_says_so_and_the_task_is_required() {
    for (on_failure, optional, pauses) in [
        (OnFailure::Pause, false, true),
        (OnFailure::Pause, true, false),
        (OnFailure::Continue, false, false),
        (OnFailure::Stop, false, false),
    ] {
        let a = TaskSpec { optional, ..task("a") };
        let mut sim = Sim::new(Settings { on_failure, concurrency: 1, ..settings() }, vec![a, task("b")]);
        sim.settle(is_run);
        end_program(&mut sim, "a", 1);
        let pause = pauses.then(|| Pause::Failed(id("a")));
        assert_eq!((sim.count("run.paused"), &sim.state.run().run.pause), (usize::from(pauses), &pause));
        assert_eq!(sim.stopped(), pauses.then_some(Outcome::Paused), "{on_failure:?}, optional: {optional}");
        let starts = if pauses || on_failure == OnFailure::Stop { 1 } else { 2 };
        assert_eq!(sim.count("attempt.started"), starts);
    }
}

#[test]
fn a_run_that_is_paused_is_not_paused_again() {
    let mut sim =
        Sim::new(Settings { on_failure: OnFailure::Pause, ..settings() }, vec![task("a"), task("b")]);
    sim.settle(is_run);
    end_program(&mut sim, "a", 1);
    end_program(&mut sim, "b", 1);
    assert_eq!(sim.count("run.paused"), 1);
}

#[test]
fn what_is_red_on_the_base_is_named_and_tried_again_when_the_run_is_opened() {
    for (greens, name) in [(0, "setup"), (1, "unit")] {
        let a = TaskSpec {
            gates: vec![crate::Gate { baseline_skip: false, ..gate(GateScope::Task) }],
            ..task("a")
        };
        let mut settings = Settings { preflight: true, ..settings() };
        settings.workspace.setup = vec![Program::Shell("make".to_owned())];
        let mut sim = Sim::new(settings, vec![a]);
        sim.settle(is_gate);
        for n in 1..=greens {
            sim.answer(&sim.the(is_gate).key(), green(n));
        }
        let red = Verdict::Red { detail: String::new() };
        let n = greens + 1;
        sim.answer(&sim.the(is_gate).key(), GateEnded { verdict: red, ..green(n) });
        let run = &sim.state.run().run;
        assert_eq!(run.preflight, Preflight::Failed { name: name.to_owned(), n });
        let (outcome, detail) = run.stopped.as_ref().unwrap();
        assert_eq!(*outcome, Outcome::Environment);
        assert_eq!(detail, &format!("`{name}` fails on the base, before any agent ran"));
        sim.crash();
        sim.settle(|_| false);
        assert_eq!((sim.finished(), sim.count("preflight.passed")), (Some(Outcome::Landed), 1));
    }
}

#[test]
fn nothing_is_merged_while_the_target_is_held_or_lost() {
    let held = TargetHeld { path: "/elsewhere".to_owned() };
    let seen = |keeps| TargetSeen { found: None, keeps };
    let cases: [(Event, Event); 2] =
        [(held.into(), TargetFreed {}.into()), (seen(false).into(), seen(true).into())];
    for (stops, frees) in cases {
        let mut sim = Sim::new(settings(), vec![task("a"), task("b")]);
        sim.settle(is_run);
        sim.turn(&Command::Fact(stops.clone())).unwrap();
        end_program(&mut sim, "a", 0);
        assert_eq!((sim.count("task.queued"), sim.count("merge.prepared")), (1, 0), "{stops:?}");
        sim.turn(&Command::Fact(frees)).unwrap();
        sim.settle(is_run);
        assert_eq!(sim.count("task.merged"), 1, "{stops:?}");
    }
}

#[test]
fn an_interruption_waits_for_work_that_is_being_kept() {
    let mut sim = Sim::new(settings(), vec![task("a")]);
    let is_preserve = |effect: &Effect| matches!(effect, Effect::Preserve(_));
    sim.settle(is_preserve);
    sim.ask(Request::Interrupt { signal: 15 });
    assert_eq!(sim.stopped(), None);
    sim.settle(|_| false);
    assert_eq!(sim.stopped(), Some(Outcome::Interrupted { signal: 15 }));
}

#[test]
fn a_full_disk_is_waited_for_ten_minutes() {
    let mut sim = Sim::new(settings(), vec![task("a")]);
    sim.settle(|effect| matches!(effect, Effect::MakeWorktree { .. }));
    sim.turn(&Command::Fact(crate::event::RoomLost { detail: "full".to_owned(), at_ms: 0 }.into())).unwrap();
    let until_ms = sim.now_ms + 600_000;
    assert_eq!(sim.state.wakeup_ms(), Some(until_ms));
    for (now_ms, outcome) in [(until_ms - 1, None), (until_ms, Some(Outcome::Environment))] {
        sim.now_ms = now_ms;
        sim.turn(&Command::Advance).unwrap();
        assert_eq!(sim.stopped(), outcome);
    }
}

#[test]
fn no_two_holders_have_one_name_whatever_the_random_bits_are() {
    for entropy in [0, u64::MAX] {
        let mut sim = Sim::new(settings(), vec![task("a"), task("b")]);
        let read = sim.the(|effect| matches!(effect, Effect::ReadTarget { .. }));
        let seen = sim.usual(&read).unwrap();
        sim.state.apply(&seen).unwrap();
        let now = Moment { at_ms: 1, entropy, anchor: &Anchor::default };
        let mut start = || {
            let events = sim.state.decide(&now, &Command::Advance).unwrap();
            let [Event::AttemptStarted(started)] = &events[..] else { panic!("{events:?}") };
            sim.state.apply(&events[0]).unwrap();
            started.nonce.clone()
        };
        assert_ne!(start(), start(), "entropy {entropy:x}");
    }
}

#[test]
fn where_a_failure_stops_the_run_nothing_takes_the_place_of_what_is_not_judged_yet() {
    for (on_failure, starts) in [(OnFailure::Stop, 2), (OnFailure::Pause, 2), (OnFailure::Continue, 3)] {
        let tasks = ["a", "b", "c"].map(task).to_vec();
        let mut sim = Sim::new(Settings { on_failure, ..settings() }, tasks);
        sim.settle(is_run);
        let Some(Effect::RunAttempt(run)) = sim.owed.values().find(|effect| is_run(effect)).cloned() else {
            unreachable!()
        };
        let fact = exited(&run, Ending::Exited { code: 0 }, None);
        sim.answer(&Effect::RunAttempt(run).key(), fact);
        assert_eq!(sim.count("attempt.started"), starts, "{on_failure:?}");
        sim.settle(is_run);
        assert_eq!(sim.count("attempt.started"), 3, "it is judged");
    }
}

#[test]
fn a_run_is_not_over_before_its_worktrees_are_removed() {
    let mut sim = Sim::new(settings(), vec![task("a")]);
    sim.settle(|effect| matches!(effect, Effect::RemoveWorktree { .. }));
    assert_eq!((sim.count("task.merged"), sim.finished(), sim.stopped()), (1, None, None));
    sim.settle(|_| false);
    assert_eq!(sim.finished(), Some(Outcome::Landed));
}

#[test]
fn a_task_that_waits_holds_up_no_decision_about_those_behind_it_in_the_plan() {
    let first = TaskSpec { needs: vec![(id("a"), crate::NeedWhen::Merged)], ..task("b") };
    let mut sim = Sim::new(settings(), vec![first, task("a")]);
    sim.settle(|_| false);
    assert_eq!(sim.finished(), Some(Outcome::Landed));
}
