//! Plan files: three syntaxes, one tree, one table of keys, one draft. The library never prints and never asks; problems are returned.
//!
//! `load` reads a file, `shape` compares the tree with the `table`, `decode` makes a [`Draft`], `check` looks at it as a whole, `render` shows
//! what is wrong. What the repository holds is not known here.

mod check;
mod decode;
mod draft;
mod learn;
mod load;
mod node;
mod problem;
mod render;
mod schema;
mod secrets;
mod shape;
mod source;
mod summary;
mod syntax;
mod table;
mod template;
mod value;

pub use decode::TASKS_MAX;
pub use decode::agents::ADAPTERS;
pub use decode::files::PROMPT_BYTES_MAX;
pub use draft::{Draft, Resolved};
pub use learn::{Known, PastAttempt, learn};
pub use load::{Loaded, PLAN_BYTES_MAX, Place, find, load, load_with, parse, parse_with};
pub use problem::{Fix, Label, Problem, Refused, Severity};
pub use render::{SHOWN_MAX, render, to_json};
pub use schema::plan_schema;
pub use secrets::exceptions;
pub use shape::PROBLEMS_MAX;
pub use source::{Source, Span};
pub use summary::{Money, Summary, summary_json, summary_text};
pub use syntax::Syntax;
pub use template::starter;
pub use value::{parse_count, parse_duration};

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
mod tests;
