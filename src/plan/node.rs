//! What all three syntaxes are read into: values with the place they stand at. Knows neither the syntax nor what a plan may hold.

use super::source::Span;

/// How deep maps and lists may nest. A plan needs six levels.
pub(super) const DEPTH_MAX: usize = 64;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// Its bytes in the source.
    pub(super) span: Span,
    /// What it is.
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Nothing: `null`, `~` or an empty place.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A number as it was written, so that no amount of money passes through a float.
    Number(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Keys and values in the order of the file.
    Map(Vec<Entry>),
    /// What no plan has a use for, by its name for people.
    Foreign(&'static str),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Where the key stands.
    pub(super) key_span: Span,
    /// The value.
    pub(super) value: Node,
}

impl Node {
    /// A value at a place.
    pub(super) fn new(span: Span, kind: Kind) -> Self {
        Self { span, kind }
    }

    /// What it is, for people.
    pub(super) fn what(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Flag(flag) => format!("`{flag}`"),
            Kind::Number(text) => format!("the number `{}`", short(text)),
            Kind::Text(text) => format!("the text `{}`", short(text)),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
            Kind::Foreign(what) => (*what).to_owned(),
        }
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Text, or a number as it was written.
    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) | Kind::Number(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list; none for anything else.
    pub(super) fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of a map; none for anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The entry under a key.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value under a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// A whole number, also in hexadecimal, octal or binary.
    pub(super) fn whole(&self) -> Option<i64> {
        let Kind::Number(text) = &self.kind else { return None };
        let digits = text.strip_prefix('+').unwrap_or(text);
        match digits.get(..2) {
            Some("0x") => i64::from_str_radix(&digits[2..], 16).ok(),
            Some("0o") => i64::from_str_radix(&digits[2..], 8).ok(),
            Some("0b") => i64::from_str_radix(&digits[2..], 2).ok(),
            _ => digits.parse().ok(),
        }
    }
}

/// The first line of a text, cut where it gets long.
pub(super) fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let cut: String = line.chars().take(40).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}
