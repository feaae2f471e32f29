//! Where the next attempt starts from, when, and with which conversation.

use super::{Sim, exited, id, settings, task};
use crate::event::{AgentExited, MergeConflicted, Preserved, WorktreeMade};
use crate::fact::{Ending, Report, Start, Trouble, TroubleKind};
use crate::plan::{RetryFrom, RetryOn};
use crate::task::Phase;
use crate::{Effect, Event, Retries, TaskSpec};

fn is_run(effect: &Effect) -> bool {
    matches!(effect, Effect::RunAttempt(_))
}

fn is_preserve(effect: &Effect) -> bool {
    matches!(effect, Effect::Preserve(_))
}

fn is_build(effect: &Effect) -> bool {
    matches!(effect, Effect::BuildMerge(_))
}

fn retried() -> TaskSpec {
    let after = [RetryOn::Crash, RetryOn::Conflict].into();
    TaskSpec { retries: Retries { max: 9, after, ..task("a").retries }, ..task("a") }
}

fn agent() -> TaskSpec {
    TaskSpec { retries: retried().retries, ..super::agent("a") }
}

fn end_program(sim: &mut Sim, code: i32) {
    let Effect::RunAttempt(run) = sim.the(is_run) else { unreachable!() };
    let fact = exited(&run, Ending::Exited { code }, None);
    sim.answer(&Effect::RunAttempt(run).key(), fact);
}

/// Whether the second attempt starts from the tip of the first.
fn starts_from_tip(sim: &Sim) -> bool {
    let starts = sim.events.iter().filter_map(|event| match event {
        Event::AttemptStarted(event) => Some(&event.from),
        _ => None,
    });
    match starts.collect::<Vec<_>>()[..] {
        [Start::Head, Start::Head] => false,
        [Start::Head, Start::Tip { attempt: 1, tip, base }] => {
            assert_eq!((tip.as_str(), base.as_str()), ("tip of a 1", "base"));
            true
        }
        ref other => panic!("{other:?}"),
    }
}

/// A run whose first attempt crashed and left what `change` makes of it.
fn after_a_crash(spec: TaskSpec, change: impl FnOnce(&mut Preserved)) -> Sim {
    let mut sim = Sim::new(settings(), vec![spec]);
    sim.settle(is_run);
    end_program(&mut sim, 1);
    let keep = sim.the(is_preserve);
    let Some(Event::Preserved(mut kept)) = sim.usual(&keep) else { unreachable!() };
    change(&mut kept);
    sim.answer(&keep.key(), kept);
    sim.settle(is_run);
    sim
}

#[test]
fn a_retry_starts_from_what_the_last_attempt_left_if_that_is_of_use() {
    let from_base = TaskSpec { retries: Retries { from: RetryFrom::Base, ..retried().retries }, ..retried() };
    assert!(starts_from_tip(&after_a_crash(retried(), |_| {})));
    assert!(!starts_from_tip(&after_a_crash(from_base, |_| {})));
    assert!(!starts_from_tip(&after_a_crash(retried(), |kept| kept.changed = false)));
    assert!(!starts_from_tip(&after_a_crash(retried(), |kept| kept.descends = false)));
    assert!(!starts_from_tip(&after_a_crash(retried(), |kept| kept.missing = true)));
}

#[test]
fn an_agent_resolves_its_conflict_and_a_command_runs_again_on_the_head() {
    for (spec, from_tip) in [(agent(), true), (retried(), false)] {
        let mut sim = Sim::new(settings(), vec![spec]);
        sim.settle(is_build);
        let paths = vec!["src/a.rs".to_owned()];
        let conflict = MergeConflicted { task: id("a"), attempt: 1, paths, detail: String::new() };
        sim.answer(&sim.the(is_build).key(), conflict);
        sim.settle(is_run);
        assert_eq!(starts_from_tip(&sim), from_tip);
    }
}

/// Whatever ended the attempt that was to resolve them.
#[test]
fn conflict_markers_that_an_attempt_left_are_the_next_ones_to_resolve() {
    let mut sim = Sim::new(settings(), vec![agent()]);
    let paths = vec!["src/a.rs".to_owned()];
    sim.settle(is_build);
    let conflict = MergeConflicted { task: id("a"), attempt: 1, paths: paths.clone(), detail: String::new() };
    sim.answer(&sim.the(is_build).key(), conflict);
    let is_make = |effect: &Effect| matches!(effect, Effect::MakeWorktree { .. });
    sim.settle(is_make);
    let Some(Event::WorktreeMade(made)) = sim.usual(&sim.the(is_make)) else { unreachable!() };
    sim.answer(&sim.the(is_make).key(), WorktreeMade { conflicts: paths.clone(), ..made });
    end_program(&mut sim, 1);
    let Some(Event::Preserved(kept)) = sim.usual(&sim.the(is_preserve)) else { unreachable!() };
    sim.answer(&sim.the(is_preserve).key(), Preserved { markers: paths.clone(), ..kept });
    sim.settle(is_run);
    let Effect::RunAttempt(run) = sim.the(is_run) else { unreachable!() };
    assert!(run.attempt == 3 && run.prompt.contains("conflict markers"), "{}", run.prompt);
    end_program(&mut sim, 0);
    let Effect::Preserve(keep) = sim.the(is_preserve) else { unreachable!() };
    assert_eq!(keep.conflicts, paths, "they are looked for");
}

#[test]
fn the_wait_grows_by_its_factor_up_to_the_longest() {
    let mut spec = retried();
    spec.retries.delay_ms = 1_000;
    spec.retries.factor_percent = 150;
    spec.retries.delay_max_ms = 3_000;
    let mut sim = Sim::new(settings(), vec![spec]);
    for wait_ms in [1_000, 1_500, 2_250, 3_000, 3_000] {
        sim.settle(is_run);
        end_program(&mut sim, 1);
        sim.settle(is_run);
        let until_ms = sim.now_ms + wait_ms;
        assert_eq!(sim.state.run().tasks.get(&id("a")).unwrap().phase, Phase::Backoff { at_ms: until_ms });
        assert_eq!(sim.state.wakeup_ms(), Some(until_ms));
        sim.now_ms = until_ms;
        sim.turn(&crate::Command::Advance).unwrap();
    }
}

#[test]
fn what_is_nobodys_fault_is_waited_for_longer_each_time_and_counts_the_third_time() {
    let mut sim = Sim::new(settings(), vec![task("a")]);
    for wait_ms in [1_000, 2_000] {
        sim.settle(is_run);
        let Effect::RunAttempt(run) = sim.the(is_run) else { unreachable!() };
        sim.answer(&Effect::RunAttempt(run.clone()).key(), exited(&run, Ending::Unknown, None));
        sim.settle(is_run);
        sim.now_ms += wait_ms;
        assert_eq!(sim.state.wakeup_ms(), Some(sim.now_ms));
        sim.turn(&crate::Command::Advance).unwrap();
    }
    sim.settle(is_run);
    let Effect::RunAttempt(run) = sim.the(is_run) else { unreachable!() };
    sim.answer(&Effect::RunAttempt(run.clone()).key(), exited(&run, Ending::Unknown, None));
    sim.settle(|_| false);
    assert_eq!(sim.finished(), Some(crate::fact::Outcome::Environment));
}

fn said(kind: Option<TroubleKind>, bookmark: &str) -> Report {
    let trouble = kind.map(|kind| Trouble { kind, said: String::new(), until_ms: None });
    Report { trouble, bookmark: Some(bookmark.to_owned()), ..Report::default() }
}

#[test]
fn an_agent_goes_on_with_the_conversation_of_its_last_attempt_unless_that_failed_by_its_own_word() {
    let mut sim = Sim::new(settings(), vec![agent()]);
    let (exit, unborn) = (Ending::Exited { code: 1 }, Ending::NotStarted { error: String::new() });
    for (no, report, ending, goes_on) in [
        (1, Some(said(Some(TroubleKind::Limit), "one")), &exit, Some((1, "one"))),
        (2, None, &unborn, Some((1, "one"))),
        (3, Some(said(Some(TroubleKind::Login), "three")), &exit, Some((3, "three"))),
        (4, Some(said(Some(TroubleKind::Error), "four")), &exit, None),
        (5, Some(said(None, "five")), &exit, None),
        (6, Some(Report { finished: true, ..said(None, "six") }), &exit, Some((6, "six"))),
        (7, Some(said(None, "seven")), &Ending::Unknown, Some((7, "seven"))),
    ] {
        sim.settle(is_run);
        let Effect::RunAttempt(run) = sim.the(is_run) else { unreachable!() };
        assert_eq!(run.attempt, no);
        let report = report.map(Box::new);
        let fact = AgentExited { report, ..exited(&run, ending.clone(), None) };
        sim.answer(&Effect::RunAttempt(run).key(), fact);
        sim.settle(is_run);
        // Logins are seen to, and times pass.
        sim.now_ms += 3_600_000;
        sim.crash();
        sim.settle(is_run);
        let Effect::RunAttempt(next) = sim.the(is_run) else { unreachable!() };
        let taken_up = next.takes_up.map(|earlier| (earlier.attempt, earlier.bookmark));
        assert_eq!(taken_up, goes_on.map(|(no, bookmark)| (no, bookmark.to_owned())), "after attempt {no}");
    }
}
