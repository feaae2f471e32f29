//! TOML into the common tree. The parser goes on after an error, so several are shown, and repeated keys do not hide the rest.

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue, Error};

use super::{DEPTH_MAX, Entry, Kind, Node, Problem, Read, Source, Span, TooDeep, syntax_error};
use crate::plan::source::Lines;

/// How many dots one key may have. The parser bounds brackets by itself, dotted keys it does not.
const DOTS_MAX: usize = 200;

/// Of errors on neighbouring lines only the first is worth showing: the rest follow from it.
const ERRORS_MAX: usize = 10;

pub(super) fn read(source: &Source) -> Read {
    if let Some(at) = long_key(&source.text) {
        return Err(TooDeep(Span::new(at, at + 1)).into());
    }
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    let repeated = |error: &Error| error.message() == "duplicate key";
    if !errors.iter().all(repeated) {
        return Err(first_of_each_region(source, &errors));
    }
    let problems = errors.iter().map(|error| twice(source, error)).collect();
    let root = map(table.get_ref(), 0)?;
    Ok((Node::new(Span::new(0, 0), root), problems))
}

/// Where a run of key characters has more dots than a key may have. Prose that has as many is refused too; none was seen.
fn long_key(text: &str) -> Option<usize> {
    let mut dots = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'.' => dots += 1,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b' ' | b'\t' | b'"' | b'\'' | 0x80.. => {}
            _ => dots = 0,
        }
        if dots > DOTS_MAX {
            return Some(at);
        }
    }
    None
}

fn twice(source: &Source, error: &Error) -> Problem {
    let span = place(error);
    Problem::error(
        "P0104",
        format!("the key `{}` is given twice", super::super::node::short(source.slice(span))),
    )
    .at(span, "given again")
}

fn place(error: &Error) -> Span {
    error.span().map_or_else(Span::default, |range| Span::new(range.start, range.end))
}

fn first_of_each_region(source: &Source, errors: &[Error]) -> Vec<Problem> {
    let lines = Lines::new(&source.text);
    let mut last_line = None;
    let mut shown = Vec::new();
    for error in errors {
        let line = lines.line(place(error).start.min(source.text.len()));
        let follows = last_line.is_some_and(|last: usize| line <= last + 1);
        last_line = Some(line);
        if !follows {
            shown.push(syntax_error(place(error), format!("not TOML: {}", error.message()), "here"));
        }
    }
    shown.truncate(ERRORS_MAX);
    shown
}

fn span(range: std::ops::Range<usize>) -> Span {
    Span::new(range.start, range.end)
}

fn map(table: &DeTable<'_>, depth: usize) -> Result<Kind, TooDeep> {
    let mut entries = Vec::with_capacity(table.len());
    for (key, value) in table {
        let value = node(value, depth + 1)?;
        entries.push(Entry { key: key.get_ref().clone().into_owned(), key_span: span(key.span()), value });
    }
    // The parser's tables are sorted by key; a plan's order is that of the file.
    entries.sort_by_key(|entry| entry.key_span.start);
    Ok(Kind::Map(entries))
}

fn node(value: &Spanned<DeValue<'_>>, depth: usize) -> Result<Node, TooDeep> {
    let at = span(value.span());
    if depth > DEPTH_MAX {
        return Err(TooDeep(at));
    }
    let kind = match value.get_ref() {
        DeValue::String(text) => Kind::Text(text.clone().into_owned()),
        DeValue::Integer(number) => Kind::Number(number.to_string()),
        DeValue::Float(number) => Kind::Number(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Kind::Flag(*flag),
        DeValue::Datetime(_) => Kind::Foreign("a date"),
        DeValue::Array(array) => {
            Kind::List(array.iter().map(|item| node(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => map(table, depth)?,
    };
    Ok(Node::new(at, kind))
}
