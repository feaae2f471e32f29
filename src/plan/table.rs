//! The keys of a plan, once: what each takes and means, which are required, and what other tools call them.
//!
//! The check, the suggestions and the JSON Schema are read off this table; the decoder asks only for keys that are in it.

mod agents;
mod money;
mod run;
mod tasks;

use super::value::Scalar;

pub(super) use run::PLAN;
pub(super) use tasks::TASK;

/// What a place in a plan takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// A single value.
    One(Scalar),
    /// A list.
    List(&'static Shape),
    /// A list that may not be empty.
    Some(&'static Shape),
    /// A map from names to values.
    Map(Scalar, &'static Shape),
    /// A map with known keys.
    Keys(&'static Section),
    /// One of several; at most one for each of value, list and map.
    Either(&'static [Shape]),
}

/// A key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    /// Its name.
    pub(super) name: &'static str,
    /// What it takes.
    pub(super) shape: Shape,
    /// What it means and what it is when left out, in one sentence.
    pub(super) doc: &'static str,
}

/// A map with known keys.
#[derive(Debug)]
pub(super) struct Section {
    /// What the map is, with its article.
    pub(super) what: &'static str,
    /// Its keys.
    pub(super) fields: &'static [&'static [Field]],
    /// Keys that must be there.
    pub(super) required: &'static [&'static str],
    /// Keys of other tools, and ours.
    pub(super) foreign: &'static [(&'static str, &'static str)],
    /// Keys that are refused with a reason.
    pub(super) refused: &'static [(&'static str, &'static str)],
}

impl Section {
    /// All keys in order.
    pub(super) fn all(&self) -> impl Iterator<Item = &'static Field> {
        self.fields.iter().flat_map(|fields| fields.iter())
    }

    /// One key.
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.all().find(|field| field.name == name)
    }
}

const fn field(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { name, shape, doc }
}
const NOTHING: &[(&str, &str)] = &[];

const TEXT: Shape = Shape::One(Scalar::Text);
const FILLED: Shape = Shape::One(Scalar::Filled);
const FLAG: Shape = Shape::One(Scalar::Flag);
const TIMEOUT: Shape = Shape::One(Scalar::Timeout);
const LIMIT: Shape = Shape::One(Scalar::Limit);
const ARGV: Shape = Shape::Some(&TEXT);
const COMMAND: Shape = Shape::Either(&[FILLED, ARGV]);
const COMMANDS: Shape = Shape::List(&COMMAND);
const GLOBS: Shape = Shape::List(&Shape::One(Scalar::PlainGlob));
const PATHS: Shape = Shape::List(&Shape::One(Scalar::Path));
const NAMES: Shape = Shape::List(&Shape::One(Scalar::EnvPattern));
const ENV: Shape = Shape::Map(Scalar::EnvName, &Shape::One(Scalar::EnvValue));

const PLANNED: &str = "it is not part of this version yet";
