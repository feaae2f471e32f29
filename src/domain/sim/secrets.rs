//! Secrets in what attempts leave and in what would land: none gets through, and the next attempt is told where they are.

use super::{Sim, gate, id, settings, task};
use crate::event::{MergeBuilt, MergeIntended, Preserved};
use crate::fact::{Cause, Leak, Outcome, Start};
use crate::plan::{RetryOn, Strategy};
use crate::{Effect, Event, GateScope, Hazard, HazardKind, Oid, Retries, Settings, TaskSpec};

fn is_run(effect: &Effect) -> bool {
    matches!(effect, Effect::RunAttempt(_))
}

fn is_preserve(effect: &Effect) -> bool {
    matches!(effect, Effect::Preserve(_))
}

fn is_build(effect: &Effect) -> bool {
    matches!(effect, Effect::BuildMerge(_))
}

fn leaks() -> Vec<Leak> {
    let leak = |line| Leak { rule: "github-pat".to_owned(), path: "src/a.rs".to_owned(), line };
    (1..=5).map(leak).collect()
}

fn link() -> Hazard {
    Hazard { kind: HazardKind::Link, path: "l".to_owned(), detail: "leads out".to_owned() }
}

fn retried(mut spec: TaskSpec) -> TaskSpec {
    spec.retries = Retries { max: 1, after: [RetryOn::Gate].into(), ..spec.retries };
    spec.gates = vec![gate(GateScope::Merge)];
    spec
}

/// A run whose first attempt left secrets.
fn after_a_leak(strategy: Strategy) -> Sim {
    after(strategy, |kept| Preserved { secrets: leaks(), ..kept })
}

/// A run whose first attempt left what it should not have.
fn after(strategy: Strategy, spoilt: fn(Preserved) -> Preserved) -> Sim {
    let plan = settings();
    let plan = Settings { merge: crate::MergePolicy { strategy, ..plan.merge }, ..plan };
    let mut sim = Sim::new(plan, vec![retried(super::agent("a"))]);
    sim.settle(is_preserve);
    let keep = sim.the(is_preserve);
    let Effect::Preserve(order) = &keep else { unreachable!() };
    assert_eq!(order.each_commit, strategy == Strategy::Merge);
    let Some(Event::Preserved(kept)) = sim.usual(&keep) else { unreachable!() };
    sim.answer(&keep.key(), spoilt(kept));
    sim.settle(is_run);
    sim
}

fn failure(sim: &Sim) -> (Cause, &str) {
    let mut failed = sim.events.iter().rev().filter_map(|event| match event {
        Event::AttemptFailed(event) => Some((event.cause, event.reason.as_str())),
        _ => None,
    });
    failed.next().expect("an attempt has failed")
}

#[test]
fn an_attempt_that_left_secrets_fails_and_the_next_is_told_where_they_are() {
    let mut sim = after_a_leak(Strategy::Squash);
    let (cause, reason) = failure(&sim);
    assert_eq!(cause, Cause::Secret);
    let expected = "what it added looks like a secret: `src/a.rs:1` (github-pat), `src/a.rs:2` (github-pat), \
                    `src/a.rs:3` (github-pat) and 2 more";
    assert_eq!(reason, expected);
    let Effect::RunAttempt(run) = sim.the(is_run) else { unreachable!() };
    assert!(
        run.prompt.contains("`src/a.rs:5` (github-pat)") && run.prompt.contains("The places"),
        "{}",
        run.prompt
    );
    assert!(run.prompt.contains("take every secret out"), "{}", run.prompt);
    sim.settle(|_| false);
    assert_eq!(sim.finished(), Some(Outcome::Landed), "the second attempt left none");
}

#[test]
fn where_every_commit_lands_an_attempt_after_a_leak_or_a_hazard_begins_without_those_that_hold_it() {
    let spoilt: [fn(Preserved) -> Preserved; 2] =
        [|kept| Preserved { secrets: leaks(), ..kept }, |kept| Preserved { hazards: vec![link()], ..kept }];
    let cases = spoilt
        .into_iter()
        .flat_map(|spoilt| [(Strategy::Squash, true, spoilt), (Strategy::Merge, false, spoilt)]);
    for (strategy, from_tip, spoilt) in cases {
        let sim = after(strategy, spoilt);
        let last = sim.events.iter().rev().find_map(|event| match event {
            Event::AttemptStarted(event) => Some(&event.from),
            _ => None,
        });
        assert_eq!(matches!(last, Some(Start::Tip { .. })), from_tip, "{strategy:?}: {last:?}");
    }
}

#[test]
fn what_would_bring_secrets_into_the_target_is_neither_checked_nor_landed() {
    let mut sim = Sim::new(settings(), vec![retried(task("a"))]);
    sim.settle(is_build);
    let order = sim.the(is_build);
    let Some(Event::MergeBuilt(built)) = sim.usual(&order) else { unreachable!() };
    let clean = sim.count("gate.started");
    sim.answer(&order.key(), MergeBuilt { secrets: leaks(), ..built });
    assert_eq!((sim.count("gate.started"), sim.count("merge.intended")), (clean, 0));
    assert_eq!(failure(&sim).0, Cause::Secret);
    sim.settle(|_| false);
    assert_eq!(sim.finished(), Some(Outcome::Landed), "the second attempt brought none");
}

/// Law 18, whatever a policy decides.
#[test]
fn no_intent_of_a_commit_with_secrets_is_a_fact() {
    let mut sim = Sim::new(settings(), vec![task("a")]);
    sim.settle(is_build);
    let order = sim.the(is_build);
    let Some(Event::MergeBuilt(built)) = sim.usual(&order) else { unreachable!() };
    let commit = built.commit.clone();
    sim.state.apply(&MergeBuilt { secrets: leaks(), ..built }.into()).unwrap();
    let intent =
        |commit: &Oid| MergeIntended { task: id("a"), attempt: 1, old: None, commit: commit.clone() };
    let refused = sim.state.apply(&intent(&commit).into()).unwrap_err();
    assert!(refused.to_string().contains("holds secrets"), "{refused}");
}
