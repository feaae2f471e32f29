//! Secrets in a plan: found wherever they stand, named by rule and place, and never shown. What a rule is, the scanner knows.

use std::ops::Range;
use std::path::Path;

use swarm_domain::plan::Secrets;

use super::decode::ReadFile;
use super::node::{Kind, Node};
use super::problem::{Label, Problem};
use super::shape::Problems;
use super::source::{Source, Span};
use crate::secrets::{Allow, Finding, Redactor, Scanner};

/// The exceptions of a plan. What was decoded can be used; of what an older version recorded the rest is left.
pub fn exceptions(secrets: &Secrets) -> Vec<Allow> {
    let of = |rule: Option<&String>, path: Option<&String>| match rule {
        Some(name) if Scanner::standard().description(name).is_none() => {
            Allow::variable(name.clone(), path.cloned())
        }
        rule => Allow::new(rule.cloned(), path.cloned()),
    };
    secrets.allow.iter().filter_map(|entry| of(entry.rule.as_ref(), entry.path.as_ref()).ok()).collect()
}

/// Reports what looks like a secret: in the file, in what its texts mean, and in the files that it names.
pub(super) fn look(
    source: &Source,
    root: &Node,
    read: &[ReadFile],
    secrets: &Secrets,
    problems: &mut Problems,
) {
    let look = Look { allow: exceptions(secrets), file: file_name(&source.name) };
    let found = look.of(&source.text, &look.file);
    problems.extend(found.iter().map(|finding| problem(finding.rule, span(&finding.range), "")));
    look.texts(root, source, &found, problems);
    for file in read {
        for finding in look.of(&file.text, &file.name) {
            let place = format!("{}:{}:{}: ", file.name, finding.line, finding.column);
            problems.push(problem(finding.rule, file.span, &place));
        }
    }
}

struct Look {
    allow: Vec<Allow>,
    file: String,
}

impl Look {
    fn of(&self, text: &str, path: &str) -> Vec<Finding<'static>> {
        let mut found = Scanner::standard().scan(None, text.as_bytes());
        found.retain(|finding| !self.allow.iter().any(|allow| allow.covers(finding.rule, Some(path))));
        found
    }

    /// What is written with escapes, or over several lines, is a secret only when it is read.
    fn texts(&self, node: &Node, source: &Source, found: &[Finding<'_>], problems: &mut Problems) {
        match &node.kind {
            Kind::Text(text) => {
                let (start, end) = (node.span.start, node.span.end);
                let seen = |rule: &str| {
                    let inside =
                        |finding: &&Finding<'_>| finding.range.start < end && start < finding.range.end;
                    found.iter().filter(inside).any(|finding| finding.rule == rule)
                };
                let fresh = self.of(text, &self.file).into_iter().filter(|finding| !seen(finding.rule));
                if !is_marked(source, node.span) {
                    problems.extend(fresh.map(|finding| problem(finding.rule, node.span, "")));
                }
            }
            Kind::List(items) => {
                for item in items {
                    self.texts(item, source, found, problems);
                }
            }
            Kind::Map(entries) => {
                for entry in entries {
                    self.texts(&entry.value, source, found, problems);
                }
            }
            Kind::Null | Kind::Flag(_) | Kind::Number(_) | Kind::Foreign(_) => {}
        }
    }
}

/// Whether a comment on the lines of a text says that it may hold a secret.
fn is_marked(source: &Source, span: Span) -> bool {
    let start = source.text[..span.start.min(source.text.len())].rfind('\n').map_or(0, |at| at + 1);
    let rest = source.text.get(span.end..).unwrap_or_default();
    let end = span.end + rest.find('\n').unwrap_or(rest.len());
    source.text.get(start..end).is_some_and(|lines| lines.contains(crate::secrets::MARK))
}

fn problem(rule: &str, span: Span, place: &str) -> Problem {
    let what = Scanner::standard().description(rule).unwrap_or_default();
    Problem::error("P0501", format!("{place}what looks like a secret (`{rule}`)"))
        .at(span, "would be shown to an agent, or recorded")
        .help(format!(
            "{}. Pass it through by the name of a variable, in `pass_env`; if it is none, write `{}` in a comment on \
             its line, or allow it: `secrets: {{allow: [{{rule: {rule}}}]}}`",
            what.trim_end_matches('.'),
            crate::secrets::MARK
        ))
}

fn span(range: &Range<usize>) -> Span {
    Span::new(range.start, range.end)
}

fn file_name(name: &str) -> String {
    Path::new(name).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The file as it may be shown: what looks like a secret is blotted out, and everything stands where it stood.
pub(super) fn masked(mut source: Source) -> Source {
    let mut text = std::mem::take(&mut source.text).into_bytes();
    let found = Scanner::standard().scan(None, &text);
    for finding in found {
        let secret = &mut text[finding.range];
        secret.iter_mut().filter(|byte| byte.is_ascii_graphic()).for_each(|byte| *byte = b'*');
    }
    source.text = String::from_utf8(text).expect("only whole characters of ASCII were replaced");
    source
}

/// A problem that quotes no secret.
pub(super) fn without(problem: Problem) -> Problem {
    let redactor = Redactor::new([]);
    let clean = |text: String| redactor.redact(&text).into_owned();
    let label = |label: Label| Label { text: clean(label.text), ..label };
    Problem {
        message: clean(problem.message),
        labels: problem.labels.into_iter().map(label).collect(),
        help: problem.help.map(clean),
        ..problem
    }
}
