//! Landings that do not come about: the target is held, git fails, the target moves under a merge.

use super::{Sim, exited, id, settings, task};
use crate::event::{MergeFailed, TargetHeld, TargetSeen};
use crate::fact::{Ending, Outcome};
use crate::{Command, Effect, Oid, Settings, Usd};

fn is_build(effect: &Effect) -> bool {
    matches!(effect, Effect::BuildMerge(_))
}

fn stop(sim: &Sim) -> (Outcome, &str) {
    let (outcome, detail) = sim.state.run().run.stopped.as_ref().expect("it has stopped");
    (*outcome, detail)
}

#[test]
fn work_that_waits_for_a_target_which_is_held_stops_the_run() {
    let mut sim = Sim::new(settings(), vec![task("a")]);
    sim.settle(is_build);
    let held = TargetHeld { path: "/elsewhere".to_owned() };
    sim.answer(&sim.the(is_build).key(), held);
    sim.settle(|_| false);
    let detail = "`swarm/t` is checked out in /elsewhere, so nothing can land on it";
    assert_eq!(stop(&sim), (Outcome::Merge, detail));
    sim.crash();
    sim.settle(|_| false);
    assert_eq!(sim.finished(), Some(Outcome::Landed), "whoever opens the run has seen to it");
}

#[test]
fn a_target_that_is_held_is_no_reason_to_stop_where_nothing_waits_for_it() {
    let mut dear = task("dear");
    dear.estimate = Some(Usd::from_micros(1_000));
    let is_run = |effect: &Effect| matches!(effect, Effect::RunAttempt(_));
    let mut sim = Sim::new(settings(), vec![task("a"), dear]);
    sim.settle(is_run);
    sim.turn(&Command::Fact(TargetHeld { path: "/elsewhere".to_owned() }.into())).unwrap();
    let Effect::RunAttempt(run) = sim.the(is_run) else { unreachable!() };
    let crashed = exited(&run, Ending::Exited { code: 1 }, None);
    sim.answer(&Effect::RunAttempt(run).key(), crashed);
    sim.settle(|_| false);
    assert!(sim.state.run().train.held().is_some());
    assert_eq!(stop(&sim).0, Outcome::Budget);
}

#[test]
fn a_merge_that_fails_three_times_stops_the_run_until_it_is_opened_again() {
    let mut sim = Sim::new(settings(), vec![task("a")]);
    for opening in 0..2 {
        for tries in 1..=3 {
            sim.settle(is_build);
            let error = format!("no memory, {tries}");
            sim.answer(&sim.the(is_build).key(), MergeFailed { task: id("a"), attempt: 1, error });
            assert_eq!(sim.count("merge.prepared"), opening * 3 + 3.min(tries + 1));
        }
        assert_eq!(stop(&sim), (Outcome::Merge, "git cannot merge: no memory, 3"));
        sim.crash();
    }
    sim.settle(|_| false);
    assert_eq!(sim.finished(), Some(Outcome::Landed));
}

#[test]
fn a_merge_is_made_on_what_the_target_has_and_on_the_base_before_it_has_anything() {
    let (base, other, moved) = (Oid::new("base"), Oid::new("other"), Oid::new("moved"));
    for (target_at, found, onto) in [
        (None, None, &base),
        (Some(&other), Some(&other), &base),
        (Some(&other), Some(&moved), &moved),
        (None, Some(&moved), &moved),
    ] {
        let target_at = target_at.cloned();
        let mut sim = Sim::new(Settings { target_at: target_at.clone(), ..settings() }, vec![task("a")]);
        let read = sim.the(|effect| matches!(effect, Effect::ReadTarget { .. }));
        let Effect::ReadTarget { expected, .. } = &read else { unreachable!() };
        assert_eq!(*expected, target_at);
        sim.answer(&read.key(), TargetSeen { found: found.cloned(), keeps: true });
        sim.settle(is_build);
        let Effect::BuildMerge(merge) = sim.the(is_build) else { unreachable!() };
        assert_eq!((merge.old.as_ref(), &merge.onto), (found, onto));
    }
}

#[test]
fn a_merge_is_made_anew_when_the_target_moves_under_it() {
    let mut sim = Sim::new(settings(), vec![task("a")]);
    sim.settle(is_build);
    let seen = |found| TargetSeen { found, keeps: true };
    sim.turn(&Command::Fact(seen(None).into())).unwrap();
    assert_eq!(sim.count("merge.prepared"), 1, "it is where it was");
    sim.turn(&Command::Fact(seen(Some(Oid::new("moved"))).into())).unwrap();
    assert_eq!(sim.count("merge.prepared"), 2);
}
