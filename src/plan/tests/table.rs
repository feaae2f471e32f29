//! The table of keys against the decoder and the schema: what one takes the other takes.

use serde_json::{Value, json};

use super::super::problem::similar;
use super::super::shape::{Problems, check};
use super::super::table::{PLAN, Section, Shape};
use super::super::value::Scalar;
use super::super::{Source, Syntax, parse_duration, plan_schema, syntax};

/// A value that a shape takes.
fn sample(shape: &Shape) -> Value {
    match shape {
        Shape::One(scalar) => scalar_sample(*scalar),
        Shape::List(item) | Shape::Some(item) => json!([sample(item)]),
        Shape::Map(Scalar::EnvName, value) => json!({"A_B": sample(value)}),
        Shape::Map(_, value) => json!({"a": sample(value)}),
        Shape::Keys(section) => {
            section.all().map(|field| (field.name.to_owned(), sample(&field.shape))).collect()
        }
        Shape::Either(shapes) => sample(&shapes[shapes.len() - 1]),
    }
}

fn scalar_sample(scalar: Scalar) -> Value {
    match scalar {
        Scalar::Version => json!(1),
        Scalar::Flag => json!(true),
        Scalar::Word(words) => json!(words[words.len() - 1]),
        Scalar::Whole(_, last) => json!(last),
        Scalar::Factor => json!(1.5),
        Scalar::Percent => json!("80%"),
        Scalar::Money => json!("$1.50"),
        Scalar::Budget => json!("unlimited"),
        Scalar::Duration => json!("250ms"),
        Scalar::Timeout => json!("1h30m"),
        Scalar::Limit => json!("none"),
        Scalar::Tokens => json!("2M"),
        Scalar::Count => json!("2k"),
        Scalar::EnvName | Scalar::EnvPattern => json!("AWS_KEY"),
        Scalar::EnvValue => json!(8080),
        Scalar::GateName => json!("+unit"),
        Scalar::Place => json!("~/.cache"),
        _ => json!("abc"),
    }
}

fn problems(value: &Value, shape: &Shape) -> Vec<&'static str> {
    let Ok((mut node, _)) = syntax::read(&Source::new("p", &value.to_string()), Syntax::Json) else {
        panic!("no JSON")
    };
    let mut problems = Problems::default();
    check(&mut node, shape, "", &mut problems);
    problems.into_all().iter().map(|problem| problem.code).collect()
}

/// Every section with the schema of its map.
fn sections(shape: &Shape, schema: &Value, found: &mut Vec<(&'static Section, Value)>) {
    match shape {
        Shape::One(_) => {}
        Shape::List(item) | Shape::Some(item) => sections(item, &schema["items"], found),
        Shape::Map(_, value) => sections(value, &schema["additionalProperties"], found),
        Shape::Keys(section) => {
            found.push((section, schema.clone()));
            for field in section.all() {
                sections(&field.shape, &schema["properties"][field.name], found);
            }
        }
        Shape::Either(shapes) => {
            for (at, shape) in shapes.iter().enumerate() {
                sections(shape, &schema["anyOf"][at], found);
            }
        }
    }
}

fn all_sections() -> Vec<(&'static Section, Value)> {
    let mut found = Vec::new();
    sections(&Shape::Keys(&PLAN), &plan_schema(), &mut found);
    assert!(found.len() > 12, "the walk found {}", found.len());
    found
}

#[test]
fn every_field_is_taken_and_anything_else_refused() {
    for (section, _) in all_sections() {
        let shape = Shape::Keys(section);
        assert_eq!(problems(&sample(&shape), &shape), [""; 0], "{}", section.what);
        for field in section.all() {
            let mut wrong = sample(&shape);
            wrong[field.name] = json!([[[{"no": "such"}]]]);
            assert!(!problems(&wrong, &shape).is_empty(), "{}: {} takes anything", section.what, field.name);
        }
        let mut unknown = sample(&shape);
        unknown["qqqqqqqq"] = json!(1);
        assert_eq!(problems(&unknown, &shape), ["P0101"], "{}", section.what);
    }
}

#[test]
fn the_schema_says_what_the_table_says() {
    for (section, schema) in all_sections() {
        assert_eq!(schema["additionalProperties"], json!(false), "{}", section.what);
        let properties: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(properties.len(), section.all().count(), "{}", section.what);
        for field in section.all() {
            assert_eq!(schema["properties"][field.name]["description"], field.doc);
            let stated = type_of(&schema["properties"][field.name]);
            let value = sample(&field.shape);
            assert!(
                stated.is_empty() || stated.iter().any(|one| is(&value, one)),
                "{}: {value} is none of {stated:?}",
                field.name
            );
        }
        for required in section.required {
            assert!(schema["required"].as_array().unwrap().contains(&json!(required)), "{required}");
        }
    }
}

/// The types a schema allows; none if it lists values.
fn type_of(schema: &Value) -> Vec<String> {
    if let Some(any) = schema["anyOf"].as_array() {
        return any.iter().flat_map(type_of).collect();
    }
    match &schema["type"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn is(value: &Value, named: &str) -> bool {
    match value {
        Value::Bool(_) => named == "boolean",
        Value::Number(number) => named == "number" || (named == "integer" && number.is_i64()),
        Value::String(_) => named == "string",
        Value::Array(_) => named == "array",
        Value::Object(_) => named == "object",
        Value::Null => false,
    }
}

#[test]
fn other_tools_keys_point_to_ours() {
    for (section, _) in all_sections() {
        for (theirs, ours) in section.foreign {
            // `defaults` shares the list of tasks and has fewer keys.
            let known = section.field(ours).is_some() || section.what == "`defaults`";
            assert!(known && section.field(theirs).is_none(), "{}: {theirs} → {ours}", section.what);
        }
        for field in section.all() {
            let bad = ["on", "off", "yes", "no", "y", "n"].contains(&field.name);
            assert!(!bad, "`{}` is a boolean to some readers of YAML", field.name);
        }
    }
}

#[test]
fn durations() {
    for (text, ms) in [
        ("250ms", 250),
        ("10s", 10_000),
        ("5m", 300_000),
        ("8h", 28_800_000),
        ("1h30m", 5_400_000),
        ("14d", 1_209_600_000),
        ("1m 5s", 65_000),
        ("0s", 0),
    ] {
        assert_eq!(parse_duration(text), Ok(ms), "{text}");
    }
    for bad in [
        "",
        " ",
        "10",
        "s",
        "5 m",
        "1.5h",
        "-5m",
        "30m1h",
        "5m5m",
        "5min",
        "1H",
        "99999999999999999999s",
        "9999999d",
        "5é",
        "1hé",
    ] {
        assert!(parse_duration(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn suggestions() {
    let known = ["timeout", "title", "needs", "run"];
    for (given, meant) in [
        ("tiemout", Some("timeout")),
        ("Timeout", Some("timeout")),
        ("time_out", Some("timeout")),
        ("need", Some("needs")),
        ("xyz", None),
        ("r", None),
        ("colour", None),
    ] {
        assert_eq!(similar(given, known), meant, "{given}");
    }
}
