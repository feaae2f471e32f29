//! Compares a tree with the table of keys and reports every difference. Misspelt keys are put right in the tree, so that what is under them is looked at too.

use super::node::{Entry, Kind, Node};
use super::problem::{Problem, similar};
use super::source::Span;
use super::table::{PLAN, Section, Shape, TASK};
use super::value::{Fault, Scalar};

/// How many problems are collected. Nobody reads the next thousand, and a hostile file has millions.
pub const PROBLEMS_MAX: usize = 1000;

/// Problems so far, up to [`PROBLEMS_MAX`].
#[derive(Debug, Default)]
pub(super) struct Problems {
    all: Vec<Problem>,
}

impl Problems {
    /// Adds one, unless there are enough.
    pub(super) fn push(&mut self, problem: Problem) {
        if !self.full() {
            self.all.push(problem);
        }
    }

    /// Adds several.
    pub(super) fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        problems.into_iter().for_each(|problem| self.push(problem));
    }

    /// Whether more would be dropped.
    pub(super) fn full(&self) -> bool {
        self.all.len() >= PROBLEMS_MAX
    }

    /// All of them.
    pub(super) fn into_all(self) -> Vec<Problem> {
        self.all
    }
}

/// Reports what is wrong with `node`, the value of the key `name`, as a value of this shape.
pub(super) fn check(node: &mut Node, shape: &Shape, name: &str, problems: &mut Problems) {
    if problems.full() {
        return;
    }
    if matches!(node.kind, Kind::Null) {
        let problem = Problem::error("P0102", format!("`{name}` has no value"));
        problems.push(
            problem
                .at(node.span, format!("expected {}", expects(shape)))
                .help("give it a value, or leave the key out"),
        );
        return;
    }
    match shape {
        Shape::One(scalar) => one(node, *scalar, name, problems),
        Shape::List(item) | Shape::Some(item) => list(node, shape, item, name, problems),
        Shape::Map(key, value) => map(node, *key, value, shape, name, problems),
        Shape::Keys(section) => keys(node, section, name, problems),
        Shape::Either(shapes) => match shapes.iter().find(|shape| fits(node, shape)) {
            Some(shape) => check(node, shape, name, problems),
            None => problems.push(mismatch(node, shape, name)),
        },
    }
}

/// Whether the node is a value, a list or a map as the shape is.
fn fits(node: &Node, shape: &Shape) -> bool {
    match (&node.kind, shape) {
        (Kind::List(_), Shape::List(_) | Shape::Some(_))
        | (Kind::Map(_), Shape::Map(..) | Shape::Keys(_)) => true,
        (Kind::List(_) | Kind::Map(_), _) => false,
        (_, shape) => matches!(shape, Shape::One(_)),
    }
}

/// What a place takes, for people.
pub(super) fn expects(shape: &Shape) -> String {
    match shape {
        Shape::One(scalar) => scalar.expects(),
        Shape::List(_) | Shape::Some(_) => "a list".to_owned(),
        Shape::Map(..) => "a map".to_owned(),
        Shape::Keys(section) => {
            let names: Vec<String> = section.all().take(4).map(|field| format!("`{}`", field.name)).collect();
            let more = if section.all().count() > 4 { ", …" } else { "" };
            format!("a map with {}{more}", names.join(", "))
        }
        Shape::Either(shapes) => shapes.iter().map(expects).collect::<Vec<_>>().join(", or "),
    }
}

fn mismatch(node: &Node, shape: &Shape, name: &str) -> Problem {
    let problem =
        Problem::error("P0102", format!("`{name}`: expected {}, found {}", expects(shape), node.what()));
    let problem = problem.at(node.span, "wrong type");
    // A list of one is what is meant; only where lists are all that is taken is it said.
    match (&node.kind, shape) {
        (Kind::Text(_), Shape::List(_) | Shape::Some(_)) => {
            problem.help("put it in brackets: a list may have one item")
        }
        _ => problem,
    }
}

fn fault(fault: Fault, span: Span, name: &str) -> Problem {
    let message = if fault.code == "P0102" { format!("`{name}`: {}", fault.message) } else { fault.message };
    let label = if fault.code == "P0102" { "wrong type".to_owned() } else { format!("in `{name}`") };
    let mut problem = Problem::error(fault.code, message).at(span, label);
    problem.help = fault.help;
    match fault.instead {
        Some(instead) => problem.fix(span, instead),
        None => problem,
    }
}

fn one(node: &Node, scalar: Scalar, name: &str, problems: &mut Problems) {
    if matches!(node.kind, Kind::List(_) | Kind::Map(_)) {
        problems.push(mismatch(node, &Shape::One(scalar), name));
    } else if let Err(wrong) = scalar.check(node) {
        problems.push(fault(wrong, node.span, name));
    }
}

fn list(node: &mut Node, shape: &Shape, item: &Shape, name: &str, problems: &mut Problems) {
    let span = node.span;
    let Kind::List(items) = &mut node.kind else {
        problems.push(mismatch(node, shape, name));
        return;
    };
    if items.is_empty() && matches!(shape, Shape::Some(_)) {
        problems.push(
            Problem::error("P0102", format!("`{name}` is an empty list"))
                .at(span, "at least one item is needed"),
        );
    }
    for node in items {
        check(node, item, name, problems);
    }
}

fn map(node: &mut Node, key: Scalar, value: &Shape, shape: &Shape, name: &str, problems: &mut Problems) {
    let Kind::Map(entries) = &mut node.kind else {
        problems.push(mismatch(node, shape, name));
        return;
    };
    for entry in entries {
        if let Err(wrong) = key.check(&Node::new(entry.key_span, Kind::Text(entry.key.clone()))) {
            problems.push(fault(wrong, entry.key_span, name));
        }
        check(&mut entry.value, value, &entry.key, problems);
    }
}

fn keys(node: &mut Node, section: &'static Section, name: &str, problems: &mut Problems) {
    let span = node.span;
    let Kind::Map(entries) = &mut node.kind else {
        problems.push(mismatch(node, &Shape::Keys(section), name));
        return;
    };
    let mut excused: Vec<&str> = Vec::new();
    for at in 0..entries.len() {
        if problems.full() {
            return;
        }
        if section.field(&entries[at].key).is_some() {
            continue;
        }
        let (problem, meant) = unknown(&entries[at], section);
        problems.push(problem);
        if let Some(meant) = meant {
            excused.push(meant);
            // Put right, unless the key is there already or the value is in a unit of its own.
            if !in_a_unit(&entries[at].key) && !entries.iter().any(|entry| entry.key == meant) {
                meant.clone_into(&mut entries[at].key);
            }
        }
    }
    for required in section.required {
        if !excused.contains(required) && !entries.iter().any(|entry| entry.key == *required) {
            problems.push(missing(required, section, name, span));
        }
    }
    for entry in entries {
        if let Some(field) = section.field(&entry.key) {
            check(&mut entry.value, &field.shape, field.name, problems);
        }
    }
}

fn missing(key: &str, section: &Section, name: &str, span: Span) -> Problem {
    let place = if name.is_empty() { section.what.to_owned() } else { format!("{} `{name}`", section.what) };
    let place = if section.what.ends_with('`') { section.what.to_owned() } else { place };
    let problem =
        Problem::error("P0103", format!("{place} has no `{key}`")).at(span, format!("`{key}` is missing"));
    match key {
        "version" => problem.help("write `version: 1`"),
        _ => problem,
    }
}

/// The problem with a key that the section does not have, and the key that was meant.
fn unknown(entry: &Entry, section: &'static Section) -> (Problem, Option<&'static str>) {
    let key = entry.key.as_str();
    let shown = super::node::short(key);
    let named = |code, text: String| {
        Problem::error(code, text).at(entry.key_span, format!("not a key of {}", section.what))
    };
    let plain = || named("P0101", format!("unknown key `{shown}` in {}", section.what));
    if let Some((_, reason)) = section.refused.iter().find(|(refused, _)| *refused == key) {
        return (plain().help(*reason), None);
    }
    if key == "<<" {
        return (plain().help("merge keys are not read; what tasks share goes under `defaults`"), None);
    }
    if let Some(ours) = foreign(key, section) {
        let problem = named("P0107", format!("`{shown}` is another tool's spelling of `{ours}`"));
        let help = if in_a_unit(key) {
            format!("write `{ours}` with a unit, such as `{ours}: 30m`")
        } else {
            format!("rename it to `{ours}`")
        };
        let problem = problem.help(help);
        return (if in_a_unit(key) { problem } else { problem.fix(entry.key_span, ours) }, Some(ours));
    }
    if let Some(ours) = similar(key, section.all().map(|field| field.name)) {
        return (plain().help(format!("did you mean `{ours}`?")).fix(entry.key_span, ours), Some(ours));
    }
    let elsewhere = if PLAN.field(key).is_some() && !std::ptr::eq(section, &raw const PLAN) {
        Some("this key belongs to the plan itself, at the top level")
    } else if TASK.field(key).is_some() {
        Some("this key belongs to a task, or under `defaults`")
    } else {
        None
    };
    let all: Vec<String> = section.all().map(|field| format!("`{}`", field.name)).collect();
    let help = elsewhere
        .map_or_else(|| format!("the keys of {} are {}", section.what, all.join(", ")), str::to_owned);
    (plain().help(help), None)
}

/// Whether the key names a unit of time, so that its value has none.
fn in_a_unit(key: &str) -> bool {
    key.ends_with("minutes") || key.ends_with("seconds")
}

/// Our name for another tool's key, or for one of ours in another style of writing.
fn foreign(key: &str, section: &'static Section) -> Option<&'static str> {
    let listed =
        section.foreign.iter().find(|(theirs, ours)| *theirs == key && section.field(ours).is_some());
    if let Some((_, ours)) = listed {
        return Some(ours);
    }
    let mut snake = String::new();
    for c in key.chars().take(64) {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(if c == '-' { '_' } else { c.to_ascii_lowercase() });
    }
    section.field(&snake).filter(|_| snake != key).map(|field| field.name)
}
