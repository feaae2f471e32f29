//! The three syntaxes. Each file reads one into the common tree; which keys a plan has is not known here.

mod json;
mod toml;
mod yaml;

use std::path::Path;

use super::node::{DEPTH_MAX, Entry, Kind, Node};
use super::problem::Problem;
use super::source::{Source, Span};

/// The stack for a parser. The parsers' own limits and the two guards keep them well inside it.
const STACK_BYTES: usize = 64 << 20;

/// A tree and what is wrong with it so far, or what made a tree impossible.
pub(super) type Read = Result<(Node, Vec<Problem>), Vec<Problem>>;

/// A syntax, by the file's extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// `.yaml` and `.yml`.
    Yaml,
    /// `.toml`.
    Toml,
    /// `.json` and `.jsonc`.
    Json,
}

impl Syntax {
    /// The syntax of a file.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            "json" | "jsonc" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Reads the text into a tree.
///
/// The parsers recurse, and free their trees by recursion, so they get a thread with a stack that is larger than what their limits allow to be used.
/// A panic in one ends that thread alone.
pub(super) fn read(source: &Source, syntax: Syntax) -> Read {
    let read = move || match syntax {
        Syntax::Yaml => yaml::read(source),
        Syntax::Toml => toml::read(source),
        Syntax::Json => json::read(source),
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("plan".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, read);
        match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(read)) => read,
            Ok(Err(_)) => {
                Err(vec![syntax_error(Span::default(), "the parser cannot cope with this file", "")])
            }
            Err(error) => {
                Err(vec![Problem::error("P0001", format!("no thread to read the plan on: {error}"))])
            }
        }
    })
}

fn syntax_error(span: Span, message: impl Into<String>, label: &str) -> Problem {
    Problem::error("P0001", message).at(span, label)
}

/// Where a tree nests deeper than a plan may.
struct TooDeep(Span);

impl From<TooDeep> for Vec<Problem> {
    fn from(TooDeep(span): TooDeep) -> Self {
        vec![syntax_error(
            span,
            format!("maps and lists are nested more than {DEPTH_MAX} deep"),
            "too deep here",
        )]
    }
}

/// Entries without those whose key came before; each of these is a problem.
fn without_duplicates(entries: Vec<Entry>, problems: &mut Vec<Problem>) -> Vec<Entry> {
    let mut first_at = std::collections::BTreeMap::new();
    let mut kept: Vec<Entry> = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Some(&first) = first_at.get(&entry.key) {
            problems.push(duplicate(&entry.key, first, entry.key_span));
        } else {
            first_at.insert(entry.key.clone(), entry.key_span);
            kept.push(entry);
        }
    }
    kept
}

fn duplicate(key: &str, first: Span, second: Span) -> Problem {
    Problem::error("P0104", format!("the key `{}` is given twice", super::node::short(key)))
        .at(second, "given again")
        .at(first, "first given here")
}
