//! The JSON Schema of a plan, read off the table of keys. What no schema can say (names that must exist, one of two keys) stays with the check.

use serde_json::{Map, Value, json};

use super::table::{Field, PLAN, Section, Shape};
use super::value::Scalar;

const ID: &str = "^[a-zA-Z0-9][a-zA-Z0-9._-]{0,79}$";
const MONEY: &str = r"^\$?[0-9]+(\.[0-9]+)?( ?[uU][sS][dD])?$";
const DURATION: &str = "^([0-9]+d)? ?([0-9]+h)? ?([0-9]+m)? ?([0-9]+s)? ?([0-9]+ms)?$";

/// The schema of a plan, draft 2020-12.
pub fn plan_schema() -> Value {
    let mut schema = section(&PLAN);
    let object = schema.as_object_mut().expect("a section is an object");
    object.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    object.insert("title".to_owned(), json!("A plan of swarm, version 1"));
    // The table leaves the budget to the check, which has a better message for it.
    object.insert("required".to_owned(), json!(["version", "budget", "tasks"]));
    schema
}

fn section(section: &Section) -> Value {
    let properties: Map<String, Value> =
        section.all().map(|field| (field.name.to_owned(), property(field))).collect();
    let mut object = json!({"type": "object", "additionalProperties": false, "properties": properties});
    if !section.required.is_empty() {
        object["required"] = json!(section.required);
    }
    object
}

fn property(field: &Field) -> Value {
    let mut schema = shape(&field.shape);
    schema["description"] = json!(field.doc);
    schema
}

fn shape(of: &Shape) -> Value {
    match of {
        Shape::One(one) => scalar(*one),
        Shape::List(item) => json!({"type": "array", "items": shape(item)}),
        Shape::Some(item) => json!({"type": "array", "items": shape(item), "minItems": 1}),
        Shape::Map(key, value) => {
            json!({"type": "object", "propertyNames": scalar(*key), "additionalProperties": shape(value)})
        }
        Shape::Keys(keys) => section(keys),
        Shape::Either(shapes) => json!({"anyOf": shapes.iter().map(shape).collect::<Vec<_>>()}),
    }
}

fn scalar(of: Scalar) -> Value {
    match of {
        Scalar::Version => json!({"const": 1}),
        Scalar::Flag => json!({"type": "boolean"}),
        Scalar::Text => json!({"type": "string"}),
        Scalar::Filled | Scalar::Glob => json!({"type": "string", "minLength": 1}),
        Scalar::PlainGlob => json!({"type": "string", "pattern": "^[^!]"}),
        Scalar::Id => json!({"type": ["string", "integer"], "pattern": ID}),
        Scalar::GateName => json!({"type": "string", "pattern": ID.replace('^', r"^\+?")}),
        Scalar::Slug => json!({"type": "string", "pattern": "^[a-z0-9-]{1,64}$"}),
        Scalar::Branch => json!({"type": "string", "minLength": 1, "maxLength": 200}),
        Scalar::Commit => json!({"type": ["string", "integer"], "minLength": 1}),
        Scalar::Place => json!({"type": "string", "pattern": "^(/.|~/.)"}),
        Scalar::Path => json!({"type": "string", "pattern": "^[^/]"}),
        Scalar::Word(words) => json!({"enum": words}),
        Scalar::Whole(first, last) => json!({"type": "integer", "minimum": first, "maximum": last}),
        Scalar::Factor => json!({"type": "number", "minimum": 1, "maximum": 100}),
        Scalar::Percent => {
            json!({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 100}, {"type": "string", "pattern": "^[0-9]{1,3} ?%?$"}]})
        }
        Scalar::Money => money(0, &json!({"type": "string", "pattern": MONEY})),
        Scalar::Budget => {
            let mut amount = money(0, &json!({"type": "string", "pattern": format!("{MONEY}|^unlimited$")}));
            amount["anyOf"][0] = json!({"type": "number", "exclusiveMinimum": 0});
            amount
        }
        Scalar::Duration | Scalar::Timeout => json!({"type": "string", "minLength": 2, "pattern": DURATION}),
        Scalar::Limit => json!({"type": "string", "minLength": 2, "pattern": format!("{DURATION}|^none$")}),
        Scalar::Tokens | Scalar::Count => {
            json!({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[0-9]+ ?[kKMG]?$"}]})
        }
        Scalar::EnvName => json!({"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}),
        Scalar::EnvPattern => json!({"type": "string", "pattern": r"^([A-Za-z_][A-Za-z0-9_]*\*?|\*)$"}),
        Scalar::EnvValue => json!({"type": ["string", "number"]}),
    }
}

fn money(minimum: u32, text: &Value) -> Value {
    json!({"anyOf": [{"type": "number", "minimum": minimum}, text]})
}
