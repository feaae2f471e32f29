//! YAML into the common tree. The parser counts characters, so places are turned into bytes; numbers are taken from the text, as written.

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};

use super::{
    DEPTH_MAX, Entry, Kind, Node, Problem, Read, Source, Span, TooDeep, syntax_error, without_duplicates,
};

/// How many columns of indentation and list dashes a line may begin with. The parser bounds brackets by itself, blocks it does not.
const COLUMNS_MAX: usize = 500;

/// One known byte position for so many characters.
const STRIDE: usize = 64;

pub(super) fn read(source: &Source) -> Read {
    if let Some(at) = deep_block(&source.text) {
        return Err(TooDeep(Span::new(at, at + 1)).into());
    }
    let tree = Tree { text: &source.text, bytes: Bytes::new(&source.text) };
    let documents = MarkedYaml::load_from_str(&source.text).map_err(|error| vec![tree.refused(&error)])?;
    let mut documents = documents.into_iter();
    let Some(document) = documents.next() else {
        return Err(vec![syntax_error(Span::default(), "the plan is empty", "")]);
    };
    if let Some(second) = documents.next() {
        return Err(vec![syntax_error(
            tree.span(&second),
            "a plan is one YAML document",
            "a second one begins here",
        )]);
    }
    let mut problems = Vec::new();
    let node = tree.node(&document, 0, &mut problems)?;
    Ok((node, problems))
}

/// Where a line begins with more indentation and dashes than the parser can be trusted with. Each open block has a column of its own, so this
/// bounds their number, whatever the line means.
fn deep_block(text: &str) -> Option<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let mut columns = 0;
        for word in line.split_inclusive([' ', '\t']) {
            let bare = word.trim_end_matches([' ', '\t']);
            // Tags and anchors may stand between dashes.
            if !matches!(bare, "" | "-" | "?" | ":") && !bare.starts_with(['&', '!']) {
                break;
            }
            columns += 1;
        }
        if columns > COLUMNS_MAX {
            return Some(start);
        }
        start += line.len();
    }
    None
}

/// Byte positions of characters.
struct Bytes {
    /// The byte of every [`STRIDE`]th character; empty when every character is one byte.
    every: Vec<usize>,
}

impl Bytes {
    fn new(text: &str) -> Self {
        if text.is_ascii() {
            return Self { every: Vec::new() };
        }
        Self { every: text.char_indices().step_by(STRIDE).map(|(at, _)| at).collect() }
    }

    fn of(&self, text: &str, char_at: usize) -> usize {
        if self.every.is_empty() {
            return char_at.min(text.len());
        }
        let Some(&base) = self.every.get(char_at / STRIDE) else { return text.len() };
        let rest = &text[base..];
        rest.char_indices().nth(char_at % STRIDE).map_or(text.len(), |(at, _)| base + at)
    }
}

struct Tree<'a> {
    text: &'a str,
    bytes: Bytes,
}

impl Tree<'_> {
    fn byte(&self, char_at: usize) -> usize {
        self.bytes.of(self.text, char_at)
    }

    fn span(&self, node: &MarkedYaml<'_>) -> Span {
        Span::new(self.byte(node.span.start.index()), self.byte(node.span.end.index()))
    }

    fn refused(&self, error: &saphyr::ScanError) -> Problem {
        let start = self.byte(error.marker().index());
        let span = Span::new(start, start + 1);
        if error.info() == "duplicated key in mapping" {
            let rest = self.text.get(start..).unwrap_or_default();
            let key = rest.split([':', '\n']).next().unwrap_or_default().trim();
            let span = Span::new(start, start + key.len());
            return Problem::error(
                "P0104",
                format!("the key `{}` is given twice", super::super::node::short(key)),
            )
            .at(span, "given again");
        }
        let problem = syntax_error(span, format!("not YAML: {}", error.info()), "here");
        if error.info().contains("tab") {
            return problem.help("YAML is indented with spaces");
        }
        problem
    }

    fn node(
        &self,
        node: &MarkedYaml<'_>,
        depth: usize,
        problems: &mut Vec<Problem>,
    ) -> Result<Node, TooDeep> {
        let span = self.span(node);
        if depth > DEPTH_MAX {
            return Err(TooDeep(span));
        }
        let kind = match &node.data {
            YamlData::Value(Scalar::Null) | YamlData::BadValue
                if self.text[span.start..span.end.max(span.start)].trim().is_empty() =>
            {
                Kind::Null
            }
            YamlData::Value(scalar) => self.scalar(scalar, span),
            YamlData::Sequence(items) => {
                let items = items.iter().map(|item| self.node(item, depth + 1, problems));
                Kind::List(items.collect::<Result<_, _>>()?)
            }
            YamlData::Mapping(map) => {
                let mut entries = Vec::with_capacity(map.len());
                for (key, value) in map {
                    let value = self.node(value, depth + 1, problems)?;
                    entries.extend(self.key(key, problems).map(|(key, key_span)| Entry {
                        key,
                        key_span,
                        value,
                    }));
                }
                Kind::Map(without_duplicates(entries, problems))
            }
            YamlData::Tagged(..) | YamlData::BadValue => Kind::Foreign("a value with a tag"),
            YamlData::Representation(..) | YamlData::Alias(_) => Kind::Foreign("an alias"),
        };
        Ok(Node::new(span, kind))
    }

    fn scalar(&self, scalar: &Scalar<'_>, span: Span) -> Kind {
        match scalar {
            Scalar::Null => Kind::Null,
            Scalar::Boolean(flag) => Kind::Flag(*flag),
            Scalar::Integer(number) => Kind::Number(self.written(span).unwrap_or_else(|| number.to_string())),
            Scalar::FloatingPoint(number) => {
                Kind::Number(self.written(span).unwrap_or_else(|| number.to_string()))
            }
            Scalar::String(text) => Kind::Text(text.clone().into_owned()),
        }
    }

    /// A scalar as it is written, without its anchor and tag; none where it is an alias of one written elsewhere.
    fn written(&self, span: Span) -> Option<String> {
        let mut text = self.text[span.start..span.end.max(span.start)].trim();
        while text.starts_with(['&', '!']) {
            text = text.split_once(char::is_whitespace).map_or("", |(_, rest)| rest.trim_start());
        }
        (!text.starts_with('*')).then(|| text.to_owned())
    }

    /// A key is taken as it is written, so `1` and `true` may be the ids of tasks.
    fn key(&self, key: &MarkedYaml<'_>, problems: &mut Vec<Problem>) -> Option<(String, Span)> {
        let span = self.span(key);
        match &key.data {
            YamlData::Value(Scalar::String(text)) => Some((text.clone().into_owned(), span)),
            YamlData::Value(_) => Some((self.written(span).unwrap_or_default(), span)),
            _ => {
                problems.push(
                    Problem::error("P0102", "a key is a word, not a list, a map or a tagged value")
                        .at(span, "not a word"),
                );
                None
            }
        }
    }
}
