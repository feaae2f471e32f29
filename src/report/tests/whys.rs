//! Why a task is where it is: each thing it can wait for, and each way it can have ended.

use serde_json::json;
use swarm_domain::Usd;
use swarm_domain::effect::Effect;
use swarm_domain::fact::Request;
use swarm_domain::plan::MergeOrder;
use swarm_domain::state::State;

use super::super::sample::{Sample, id, settings, task};
use super::super::scenes::{budget, conflict, cut_off, held, pair, partial, preflight, red_gate};
use super::super::{Why, why};

fn ask(sample: &Sample, task: &str) -> Why {
    why(&sample.state, &sample.history, &id(task)).unwrap()
}

fn kinds(why: &Why) -> Vec<&str> {
    why.json["waits"].as_array().unwrap().iter().map(|wait| wait["kind"].as_str().unwrap()).collect()
}

/// Everything starts and nothing ends.
fn stuck(sample: &mut Sample) {
    sample.run(&mut |effect| match effect {
        Effect::RunAttempt(_) => Some(vec![]),
        _ => None,
    });
}

#[test]
fn a_task_that_waits_for_another() {
    let why = ask(&cut_off(), "docs");
    assert!(why.text.contains("docs is waiting: it has not started"), "{}", why.text);
    assert!(why.text.contains("needs tokens, which is running"), "{}", why.text);
    assert_eq!(why.json["waits"][0]["data"], json!({"task": "tokens", "state": "running"}));
}

#[test]
fn a_task_that_waits_for_a_slot() {
    let mut settings = settings();
    settings.concurrency = 1;
    let mut sample = Sample::opened(settings, vec![task("a", &[]), task("b", &[])]);
    stuck(&mut sample);
    let why = ask(&sample, "b");
    assert!(why.text.contains("for a slot; 1 of 1 are taken by a"), "{}", why.text);
    assert_eq!(kinds(&why), ["slot"]);
}

#[test]
fn a_task_that_waits_for_money_is_told_the_figures() {
    let mut settings = settings();
    settings.caps.usd = Some(Usd::from_micros(500_000));
    let mut sample = Sample::opened(settings, vec![task("a", &[]), task("b", &[])]);
    stuck(&mut sample);
    let why = ask(&sample, "b");
    let words = "for money; its next attempt reserves $0.40, and $0.10 of $0.50 is free ($0.00 spent, $0.40 reserved)";
    assert!(why.text.contains(words), "{}", why.text);
    assert_eq!(why.json["waits"][0]["data"]["free_usd"], "0.10");
    let why = ask(&budget(), "docs");
    assert_eq!(kinds(&why), ["money", "stopped"]);
    assert!(why.text.contains("swarm budget add r1 1usd"), "{}", why.text);
}

#[test]
fn a_task_that_waits_for_its_next_try() {
    let sample = partial();
    let until = sample.history.iter().position(|recorded| recorded.event.name() == "task.retrying").unwrap();
    let history = &sample.history[..=until];
    let mut state = State::new();
    for recorded in history {
        state.apply(&recorded.event).unwrap();
    }
    let why = why(&state, history, &id("web")).unwrap();
    assert_eq!(kinds(&why), ["backoff"]);
    assert!(why.text.contains("for its next try, not before 2023-11-14T22:19:54.000Z"), "{}", why.text);
    assert!(why.text.contains("attempt 1 failed: exited with status 1"), "{}", why.text);
}

#[test]
fn a_run_that_is_paused_or_not_fit() {
    let mut sample = Sample::planned(settings(), pair(), std::collections::BTreeMap::new());
    assert_eq!(kinds(&ask(&sample, "tokens")), ["unopened"]);
    sample.open();
    sample.ask(Request::Pause);
    let why = ask(&sample, "tokens");
    assert_eq!(kinds(&why), ["paused"]);
    assert!(why.text.contains("swarm unpause r1"), "{}", why.text);
    let why = ask(&preflight(), "docs");
    assert_eq!(kinds(&why), ["needs", "preflight_failed", "stopped"]);
    assert!(why.text.contains("| no such module"), "{}", why.text);
    assert!(why.text.contains("swarm logs --gate unit -r r1"), "{}", why.text);
    assert_eq!(why.json["preflight"]["verdict"], "red");
}

#[test]
fn work_that_cannot_land() {
    let why = ask(&held(), "tokens");
    assert_eq!(kinds(&why)[0], "target_held");
    assert!(why.text.contains("the target is checked out in /home/ann/my tree"), "{}", why.text);
    let why = ask(&conflict(), "tokens");
    assert_eq!(kinds(&why), ["held"]);
    assert!(why.text.contains("conflicts with the target in src/a.rs"), "{}", why.text);
}

#[test]
fn work_whose_turn_to_land_has_not_come() {
    let mut settings = settings();
    settings.merge.order = MergeOrder::Plan;
    let mut sample = Sample::opened(settings, vec![task("a", &[]), task("b", &[])]);
    sample.run(&mut |effect| match effect {
        Effect::RunAttempt(run) if run.task == id("a") => Some(vec![]),
        _ => None,
    });
    let why = ask(&sample, "b");
    assert_eq!(kinds(&why), ["order"]);
    assert!(why.text.contains("its turn to land comes after a"), "{}", why.text);
}

#[test]
fn a_task_that_failed_is_told_attempt_by_attempt() {
    let why = ask(&red_gate(), "tokens");
    let expected = "\
✗ tokens failed after 2 attempts: gate `unit` is red: exit status 101  (event 30)
  spent $1.62 of its budget of $2.00

  attempt 1  events 6 to 18  on bbbbbbbbbb  3m12s  $0.81
    its program exited with status 0
    ✗ gate `unit` red after 12s on attempt 1 merged with the target, aaaaaaaaaa: exit status 101  (event 15)
    attempt 1 failed: gate `unit` is red: exit status 101  (event 16)
    hint: run it at home first
    its work is kept as refs/swarm/r1/tokens/1

  attempt 2  events 19 to 30  on bbbbbbbbbb  3m12s  $0.81
    its program exited with status 0
    ✗ gate `unit` red after 12s on attempt 2 merged with the target, aaaaaaaaaa: exit status 101  (event 28)
      | one
      | two
      | assertion failed
    attempt 2 failed: gate `unit` is red: exit status 101  (event 29)
    hint: run it at home first
    its work is kept as refs/swarm/r1/tokens/2

next
  swarm logs tokens -r r1   all that its last attempt printed
  swarm diff tokens -r r1   what its last attempt changed
  swarm retry r1 tokens     a new run of this task
";
    assert_eq!(why.text, expected);
    assert_eq!(why.json["schema"], "swarm.why/1");
    assert_eq!(why.json["attempts"][1]["checks"][0]["verdict"], "red");
    assert_eq!(why.json["attempts"][0]["usd"], "0.81");
    assert_eq!(why.json["final"], true);
}

#[test]
fn a_task_that_was_skipped_points_at_the_one_that_failed() {
    let why = ask(&partial(), "docs");
    assert!(why.text.starts_with("- docs was skipped: needs web, which did not land"), "{}", why.text);
    assert!(why.text.contains("swarm why web -r r1"), "{}", why.text);
    assert!(super::super::why(&partial().state, &[], &id("nobody")).is_none());
}
