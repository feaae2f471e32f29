//! Documents for machines: the state of a run, the list of runs, and what the list is read from. Checked with a small judge of schemas.

use serde_json::{Value, json};
use swarm_domain::Usd;

use super::super::scenes::{all, cut_off, partial, preflight, stormy};
use super::super::{Row, ls_json, ls_text, schema_event, schema_status, status_json, summary, with_notes};
use super::{DEAD, LIVE};

/// What is wrong with a value by a schema: the part of JSON Schema that our own schemas use.
pub(super) fn problems(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(expected) = schema.get("const").filter(|expected| *expected != value) {
        found.push(format!("{at}: not {expected}"));
    }
    if let Some(options) =
        schema.get("enum").and_then(Value::as_array).filter(|options| !options.contains(value))
    {
        found.push(format!("{at}: none of {options:?}"));
    }
    if let Some(types) = schema.get("type") {
        let types = types.as_array().cloned().unwrap_or_else(|| vec![types.clone()]);
        if !types.iter().any(|name| is_type(name.as_str().unwrap(), value)) {
            found.push(format!("{at}: {value} is none of {types:?}"));
        }
    }
    if schema.get("pattern").is_some() && value.as_str().is_some_and(|text| Usd::parse(text).is_err()) {
        found.push(format!("{at}: {value} is no amount"));
    }
    if let Some(least) = schema.get("minimum").and_then(Value::as_u64) {
        found
            .extend(value.as_u64().filter(|n| *n < least).map(|n| format!("{at}: {n} is less than {least}")));
    }
    found.extend(fields(schema, value, at));
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(
            schema
                .get("items")
                .into_iter()
                .flat_map(|items| problems(items, item, &format!("{at}[{index}]"))),
        );
    }
    for rule in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        if problems(&rule["if"], value, at).is_empty() {
            found.extend(problems(&rule["then"], value, at));
        }
    }
    found
}

fn fields(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let Some(object) = value.as_object() else { return Vec::new() };
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let missing = required.filter_map(Value::as_str).filter(|name| !object.contains_key(*name));
    let mut found: Vec<String> = missing.map(|name| format!("{at}.{name} is missing")).collect();
    for (name, field) in object {
        let known = schema.get("properties").and_then(|known| known.get(name));
        let schema = known.or_else(|| schema.get("additionalProperties"));
        found.extend(schema.into_iter().flat_map(|schema| problems(schema, field, &format!("{at}.{name}"))));
    }
    found
}

fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("no such type: {other}"),
    }
}

#[test]
fn both_schemas_name_their_dialect() {
    for schema in [schema_event(), schema_status()] {
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["type"], "object");
    }
}

#[test]
fn the_state_of_every_run_is_valid_by_the_schema() {
    let schema = schema_status();
    for (name, sample) in all() {
        for live in [LIVE, DEAD] {
            let document = status_json(&sample.state, &live, "d1");
            assert_eq!(problems(&schema, &document, "$"), Vec::<String>::new(), "{name}");
            assert!(!document["next"].as_array().unwrap().is_empty(), "{name}");
            assert_eq!(document["tasks"].as_object().unwrap().len(), sample.state.run().tasks.len());
        }
    }
    let empty = status_json(&swarm_domain::state::State::new(), &DEAD, "d1");
    assert_eq!(problems(&schema, &empty, "$"), Vec::<String>::new());
    let mut wrong = empty;
    wrong["budget"]["spent_usd"] = json!(1.5);
    assert_eq!(problems(&schema, &wrong, "$").len(), 1);
}

#[test]
fn the_state_of_a_partial_run() {
    let document = status_json(&partial().state, &DEAD, "d1");
    assert_eq!((&document["state"], &document["outcome"]), (&json!("finished"), &json!("partial")));
    assert_eq!(document["target"]["branch"], "swarm/auth");
    assert_eq!(document["target"]["head"], document["tasks"]["tokens"]["commit"]);
    assert_eq!(document["budget"]["cap_usd"], "12.00");
    assert_eq!(document["budget"]["spent_usd"], "2.43");
    assert_eq!(document["budget"]["cost"], "metered");
    assert_eq!(document["digest"], "d1");
    let web = &document["tasks"]["web"];
    assert_eq!((&web["state"], &web["final"], &web["attempts"]), (&json!("failed"), &json!(true), &json!(2)));
    assert_eq!((&web["reason"], &web["commit"]), (&json!("exited with status 1"), &Value::Null));
    assert_eq!(web["ref"], "refs/swarm/r1/web/2");
    assert_eq!(document["tasks"]["docs"]["reason"], "needs web, which did not land");
}

#[test]
fn a_live_run_names_who_runs_and_what_is_held_back() {
    let document = status_json(&cut_off().state, &LIVE, "d1");
    assert_eq!((&document["state"], &document["pid"]), (&json!("running"), &json!(101)));
    assert_eq!(document["budget"]["reserved_usd"], "0.40");
    assert_eq!(document["tasks"]["tokens"]["state"], "running");
    assert_eq!(document["next"], json!(["swarm attach r1"]));
    assert_eq!(status_json(&preflight().state, &DEAD, "d1")["exit_code"], 8);
}

#[test]
fn kept_worktrees_and_notes_are_named() {
    let sample = stormy();
    let document = with_notes(status_json(&sample.state, &DEAD, "d1"), &sample.history);
    assert_eq!(document["kept"][0]["path"], "/trees/a-2");
    let warnings = document["warnings"].to_string();
    assert!(warnings.contains("wrote outside its claims") && warnings.contains("red"), "{warnings}");
}

#[test]
fn the_queue_is_in_landing_order() {
    let document = status_json(&super::super::scenes::held().state, &LIVE, "d1");
    assert_eq!(document["queue"], json!([{"task": "tokens", "state": "merging"}]));
    assert_eq!(document["target"]["held"], "/home/ann/my tree");
}

fn rows() -> Vec<Row> {
    let row = Row {
        run: "20261121-071812-k3f9".to_owned(),
        plan: "auth".to_owned(),
        state: "finished".to_owned(),
        outcome: Some("landed".to_owned()),
        tasks_done: 9,
        tasks: 9,
        spent: Usd::from_micros(5_120_000),
        started_ms: 1_700_000_000_000,
        bytes: 3 << 20,
        target: "swarm/auth".to_owned(),
        live: false,
    };
    let live =
        Row { state: "running".to_owned(), outcome: None, live: true, spent: Usd::ZERO, ..row.clone() };
    vec![row, live]
}

#[test]
fn the_list_of_runs() {
    let expected = "\
run                   plan  state               tasks  cost   began              size     target
20261121-071812-k3f9  auth  ✓ finished: landed  9/9    $5.12  2023-11-14 22:13Z  3.0 MiB  swarm/auth
20261121-071812-k3f9  auth  ● running           9/9    -      2023-11-14 22:13Z  3.0 MiB  swarm/auth
";
    assert_eq!(ls_text(&rows()), expected);
    let document = ls_json(&rows());
    assert_eq!(document["schema"], "swarm.ls/1");
    assert_eq!(document["runs"][0]["spent_usd"], "5.12");
    assert_eq!(document["runs"][1]["outcome"], Value::Null);
}

#[test]
fn the_summary_of_a_run() {
    let document = summary(&partial().state, "d1");
    assert_eq!((&document["tasks"], &document["tasks_landed"]), (&json!(3), &json!(1)));
    assert_eq!((&document["outcome"], &document["spent_usd"]), (&json!("partial"), &json!("2.43")));
    assert_eq!((&document["finished"], &document["digest"]), (&json!(true), &json!("d1")));
}
