//! The event stream: every kind has its line, the first names all tasks, the last is final.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use swarm_domain::{Event, TaskId};

use super::super::sample::Sample;
use super::super::scenes::{all, landed, partial, stormy};
use super::super::{EventStream, event_json, schema_event};
use super::documents::problems;

fn lines(sample: &Sample) -> Vec<Value> {
    let mut stream = EventStream::new("r1");
    sample.history.iter().flat_map(|recorded| stream.push(recorded)).collect()
}

#[test]
fn every_kind_of_event_has_its_line() {
    let mut told = BTreeSet::new();
    for (name, sample) in all() {
        for recorded in &sample.history {
            let line = event_json("r1", recorded);
            told.insert(recorded.event.name());
            assert_eq!(line["schema"], "swarm.event/1");
            assert_eq!(line["type"], recorded.event.name());
            assert_eq!((&line["seq"], &line["run"]), (&json!(recorded.seq), &json!("r1")));
            assert!(line["time"].as_str().is_some_and(|time| time.len() == 24 && time.ends_with('Z')));
            assert!(line["data"].is_object() && line["by"].is_string(), "{name}: {line}");
        }
    }
    let kinds: BTreeSet<&str> = Event::KINDS.iter().map(|(_, name)| *name).collect();
    assert_eq!(told, kinds);
}

#[test]
fn the_first_line_names_all_tasks_and_only_the_last_is_final() {
    for (name, sample) in all() {
        let lines = lines(&sample);
        assert_eq!(lines.len(), sample.history.len(), "{name}: one line an event");
        assert_eq!(lines[0]["type"], "run.planned");
        let ids: Vec<&str> = sample.state.run().tasks.iter().map(|task| task.spec.id.as_str()).collect();
        assert_eq!(lines[0]["data"]["tasks"], json!(ids), "{name}");
        let last = lines.len() - 1;
        let is_final: Vec<usize> = (0..=last).filter(|&at| lines[at]["final"] == true).collect();
        assert_eq!(is_final, if name == "cut off" { vec![] } else { vec![last] }, "{name}");
    }
}

#[test]
fn nothing_comes_out_until_the_plan_is_whole() {
    let sample = landed();
    let mut stream = EventStream::new("r1");
    let counts: Vec<usize> = sample.history.iter().map(|recorded| stream.push(recorded).len()).collect();
    assert_eq!(counts[..4], [0, 0, 3, 1]);
}

#[test]
fn lines_are_valid_by_the_schema() {
    let schema = schema_event();
    for (name, sample) in all() {
        for line in lines(&sample) {
            assert_eq!(problems(&schema, &line, "$"), Vec::<String>::new(), "{name}: {line}");
        }
    }
    let mut wrong = lines(&landed()).remove(0);
    wrong["seq"] = json!("1");
    wrong["data"].as_object_mut().unwrap().remove("tasks");
    assert_eq!(problems(&schema, &wrong, "$").len(), 2);
}

#[test]
fn causes_come_before_what_they_cause() {
    for (name, sample) in all() {
        for line in lines(&sample) {
            let cause = line.get("cause").map(|cause| cause.as_u64().unwrap());
            assert!(
                cause.is_none_or(|cause| cause >= 1 && cause < line["seq"].as_u64().unwrap()),
                "{name}: {line}"
            );
        }
    }
}

fn find<'a>(lines: &'a [Value], name: &str, task: &str) -> &'a Value {
    lines.iter().find(|line| line["type"] == name && line["task"] == task).unwrap()
}

#[test]
fn causes_and_origins_are_told_where_they_are_plain() {
    let lines = lines(&partial());
    let seq = |name: &str, task: &str| find(&lines, name, task)["seq"].clone();
    assert_eq!(find(&lines, "task.skipped", "docs")["cause"], seq("task.failed", "web"));
    assert_eq!(find(&lines, "attempt.failed", "web")["cause"], seq("attempt.preserved", "web"));
    assert_eq!(find(&lines, "task.ready", "web")["by"], "timer");
    assert_eq!(find(&lines, "agent.exited", "web")["by"], "world");
    assert_eq!(find(&lines, "task.merged", "tokens")["attempt"], 1);
    assert_eq!(lines[0]["by"], "user");
    let landed = super::stream::lines(&landed());
    assert_eq!(
        find(&landed, "attempt.started", "docs")["cause"],
        find(&landed, "task.merged", "tokens")["seq"]
    );
}

#[test]
fn what_a_gate_checked_is_told_at_its_end_too() {
    let lines = lines(&stormy());
    let ended =
        lines.iter().find(|line| line["type"] == "gate.ended" && line["data"]["verdict"] == "red").unwrap();
    assert_eq!((&ended["task"], &ended["attempt"]), (&json!("a"), &json!(4)));
    let started = lines.iter().find(|line| line["seq"] == ended["cause"]).unwrap();
    assert_eq!((&started["type"], &started["data"]["n"]), (&json!("gate.started"), &ended["data"]["n"]));
}

#[test]
fn money_is_written_exactly_and_by_name() {
    let lines = lines(&landed());
    assert_eq!(find(&lines, "agent.exited", "docs")["data"]["usd"], "0.81");
    assert_eq!(find(&lines, "attempt.started", "docs")["data"]["reserved_usd"], "0.40");
    assert_eq!(lines[0]["data"]["cap_usd"], "12.00");
}

#[test]
fn requests_name_their_asker_and_recovery_is_told() {
    let mut sample = super::super::scenes::cut_off();
    sample.ask(swarm_domain::fact::Request::Cancel { tasks: vec![TaskId::new("docs").unwrap()] });
    sample.settle();
    sample.open();
    let lines = lines(&sample);
    let asked = lines.iter().find(|line| line["type"] == "run.requested").unwrap();
    assert_eq!((&asked["by"], &asked["data"]["asker"]), (&json!("user"), &json!("ann")));
    assert_eq!(find(&lines, "task.cancelled", "docs")["cause"], asked["seq"]);
    assert_eq!(lines.last().unwrap()["by"], "recovery");
}

#[test]
fn nothing_that_may_be_secret_is_in_the_stream() {
    let mut tasks = super::super::scenes::pair();
    tasks[0].env.insert("KEY".to_owned(), "hunter2".to_owned());
    let sample = Sample::opened(super::super::sample::settings(), tasks);
    assert!(!lines(&sample).iter().any(|line| line.to_string().contains("hunter2")));
}
