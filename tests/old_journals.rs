//! Journals that earlier versions wrote, as they wrote them: each still opens, and means what it meant. Law 16.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod common;
#[path = "old_journals/kept.rs"]
mod kept;
#[path = "old_journals/write.rs"]
mod write;

use serde_json::{Value, json};
use swarm_proptests::Recorded;

use common::Scene;
use kept::Kept;

/// What a status says in words of its own, or works out from how the program is built. A later one may say it better.
const WORDS_OF_STATUS: [&str; 5] = ["digest", "needs_you", "next", "reason", "warnings"];
/// What an event has besides what is recorded.
const WORDS_OF_EVENT: [&str; 2] = ["by", "cause"];

fn without(words: &[&str], mut document: Value) -> Value {
    match &mut document {
        Value::Object(fields) => {
            fields.retain(|name, _| !words.contains(&name.as_str()));
            fields.values_mut().for_each(|value| *value = without(words, value.take()));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| *value = without(words, value.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    document
}

/// Where a document is not what it was. What is new in an object is no difference.
fn difference(place: &str, then: &Value, now: &Value) -> Option<String> {
    match (then, now) {
        (Value::Object(then), Value::Object(now)) => then.iter().find_map(|(key, then)| {
            difference(&format!("{place}.{key}"), then, now.get(key).unwrap_or(&Value::Null))
        }),
        (Value::Array(then), Value::Array(now)) if then.len() == now.len() => {
            let mut pairs = then.iter().zip(now).enumerate();
            pairs.find_map(|(at, (then, now))| difference(&format!("{place}[{at}]"), then, now))
        }
        _ => (then != now).then(|| format!("{place} was {then} and is {now}")),
    }
}

/// Fails unless these public events are in the run, and no other before them.
fn assert_begins_so(kept: &Kept, now: Value) {
    let then = without(&WORDS_OF_EVENT, kept.events());
    let mut now = without(&WORDS_OF_EVENT, now);
    now.as_array_mut().unwrap().truncate(then.as_array().unwrap().len());
    assert_eq!(difference("events", &then, &now), None, "{kept}");
}

#[test]
fn every_journal_that_is_kept_is_still_the_same_run() {
    let all = Kept::all();
    assert!(!all.is_empty(), "no journal is kept");
    for kept in all {
        let scene = Scene::empty();
        let run = kept.unpack(&scene);
        scene.swarm(&["replay", &run, "--verify"]).assert_code(0);
        let now = without(&WORDS_OF_STATUS, kept::status(&scene, &run));
        let then = without(&WORDS_OF_STATUS, kept.status());
        assert_eq!(difference("status", &then, &now), None, "{kept}");
        let now = kept::events(&scene, &run);
        assert_eq!(now.as_array().unwrap().len(), kept.events().as_array().unwrap().len(), "{kept}");
        assert_begins_so(&kept, now);
    }
}

#[test]
fn every_journal_that_is_kept_keeps_the_laws() {
    for kept in Kept::all() {
        let scene = Scene::empty();
        let recorded = Recorded::open(kept.unpack(&scene)).unwrap();
        let checked = recorded.check().unwrap_or_else(|broken| panic!("{kept}: {broken}"));
        assert!(checked.rests > 0, "{kept}");
        recorded.what_if().crash_at_every_point().check().unwrap_or_else(|failed| panic!("{kept}: {failed}"));
    }
}

/// Law 14, for them too: every prefix is a run.
#[test]
fn every_moment_of_them_can_be_shown() {
    for kept in Kept::all() {
        let scene = Scene::empty();
        let run = kept.unpack(&scene);
        for seq in 0..=kept.events().as_array().unwrap().len() {
            let at = seq.to_string();
            let ran = scene.swarm(&["replay", &run, "--at", &at, "--format", "json"]).assert_code(0);
            let state: Value = serde_json::from_str(&ran.out).unwrap();
            assert_eq!(state["seq"], seq, "{kept}");
        }
    }
}

/// This version writes on where an older one stopped.
#[test]
fn a_run_that_has_not_ended_takes_a_request() {
    for kept in Kept::all() {
        let scene = Scene::new();
        let run = kept.unpack(&scene);
        let asked = scene.swarm(&["budget", "add", &run, "1usd"]);
        if kept.has("run.finished") {
            asked.assert_code(2);
            continue;
        }
        asked.assert_code(0);
        scene.swarm(&["replay", &run, "--verify"]).assert_code(0);
        let now = kept::events(&scene, &run);
        assert_eq!(now.as_array().unwrap().last().unwrap()["type"], "run.requested", "{kept}");
        assert_begins_so(&kept, now);
    }
}

#[test]
fn a_difference_is_found_wherever_it_is() {
    let then = json!({"a": [{"b": 1}, {"b": 2}], "c": null});
    let with = |place: &str, value: Value| {
        let mut now = then.clone();
        *now.pointer_mut(place).unwrap() = value;
        difference("x", &then, &now)
    };
    assert_eq!(with("/a/1", json!({"b": 2, "new": 3})), None);
    assert_eq!(with("/a/1/b", json!(3)).unwrap(), "x.a[1].b was 2 and is 3");
    assert_eq!(with("/a/1", json!({})).unwrap(), "x.a[1].b was 2 and is null");
    assert_eq!(with("/a", json!([{"b": 1}])).unwrap(), r#"x.a was [{"b":1},{"b":2}] and is [{"b":1}]"#);
    assert_eq!(with("/c", json!(1)).unwrap(), "x.c was null and is 1");
    assert_eq!(without(&["b"], then.clone()), json!({"a": [{}, {}], "c": null}));
}
