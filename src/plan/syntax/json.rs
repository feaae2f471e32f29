//! JSON, with comments and trailing commas, into the common tree. The parser lets duplicate keys through, so they are refused here.

use jsonc_parser::ast::Value;
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::{
    DEPTH_MAX, Entry, Kind, Node, Problem, Read, Source, Span, TooDeep, syntax_error, without_duplicates,
};

pub(super) fn read(source: &Source) -> Read {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(&source.text, &CollectOptions::default(), &options);
    let value = parsed
        .map_err(|error| {
            vec![syntax_error(
                span(error.range()),
                format!("not JSON: {}", lower(&error.kind().to_string())),
                "here",
            )]
        })?
        .value
        .ok_or_else(|| vec![syntax_error(Span::default(), "the plan is empty", "")])?;
    let mut problems = Vec::new();
    let node = node(value, 0, &mut problems)?;
    Ok((node, problems))
}

fn span(range: Range) -> Span {
    Span::new(range.start, range.end)
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

fn node(value: Value<'_>, depth: usize, problems: &mut Vec<Problem>) -> Result<Node, TooDeep> {
    let at = span(value.range());
    if depth > DEPTH_MAX {
        return Err(TooDeep(at));
    }
    let kind = match value {
        Value::StringLit(text) => Kind::Text(text.value.into_owned()),
        Value::NumberLit(number) => Kind::Number(number.value.to_owned()),
        Value::BooleanLit(flag) => Kind::Flag(flag.value),
        Value::NullKeyword(_) => Kind::Null,
        Value::Array(array) => {
            let items = array.elements.into_iter().map(|item| node(item, depth + 1, problems));
            Kind::List(items.collect::<Result<_, _>>()?)
        }
        Value::Object(object) => {
            let mut entries = Vec::with_capacity(object.properties.len());
            for property in object.properties {
                let key_span = span(property.name.range());
                let value = node(property.value, depth + 1, problems)?;
                entries.push(Entry { key: property.name.into_string(), key_span, value });
            }
            Kind::Map(without_duplicates(entries, problems))
        }
    };
    Ok(Node::new(at, kind))
}
