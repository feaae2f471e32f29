//! Problems for people, as a compiler prints them, and for machines. Knows nothing of plans: it trusts no span and no text.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet, normalize_untrusted_str};
use serde_json::{Value, json};

use super::problem::{Problem, Severity};
use super::source::{Lines, Source, Span};

/// How many problems are shown in full; all of them are in [`to_json`].
pub const SHOWN_MAX: usize = 100;

/// A source line that is longer is not shown: one line of a megabyte explains nothing.
const LINE_BYTES_MAX: usize = 4096;

/// All problems with their source lines, and a last line that counts them. Nothing for no problems.
pub fn render(problems: &[Problem], source: &Source, colour: bool) -> String {
    let lines = Lines::new(&source.text);
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for problem in problems.iter().take(SHOWN_MAX) {
        out.push_str(&one(problem, source, &lines, &renderer));
        out.push_str("\n\n");
    }
    out.push_str(&count(problems));
    out
}

fn count(problems: &[Problem]) -> String {
    let of = |severity| problems.iter().filter(|problem| problem.severity == severity).count();
    let some = |count, one: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        many => Some(format!("{many} {one}s")),
    };
    let parts: Vec<String> = [some(of(Severity::Error), "error"), some(of(Severity::Warning), "warning")]
        .into_iter()
        .flatten()
        .collect();
    let hidden = problems.len().saturating_sub(SHOWN_MAX);
    let more = if hidden > 0 {
        format!("; {hidden} of them not shown, `--format json` has all")
    } else {
        String::new()
    };
    if parts.is_empty() { String::new() } else { format!("{}{more}\n", parts.join(", ")) }
}

fn one(problem: &Problem, source: &Source, lines: &Lines<'_>, renderer: &Renderer) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(clean(&problem.message)).id(problem.code);
    let mut groups = vec![if problem.labels.is_empty() {
        Group::with_title(title).element(annotate_snippets::Origin::path(clean(&source.name)))
    } else {
        title.elements(places(problem, source, lines))
    }];
    if let Some(help) = &problem.help {
        let title = Level::HELP.secondary_title(clean(help));
        groups.push(match patch(problem, source, lines) {
            Some(patch) => title.element(patch),
            None => Group::with_title(title),
        });
    }
    renderer.render(&groups)
}

/// One snippet for each run of neighbouring lines, so that labels far apart do not make the renderer read everything in between.
fn places<'a>(
    problem: &Problem,
    source: &'a Source,
    lines: &Lines<'_>,
) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let mut labels: Vec<(Span, AnnotationKind, String)> = Vec::new();
    for (at, label) in problem.labels.iter().enumerate() {
        let kind = if at == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        labels.push((source.snap(label.span), kind, clean(&label.text)));
    }
    let mut runs: Vec<Vec<(Span, AnnotationKind, String)>> = Vec::new();
    labels.sort_by_key(|(span, _, _)| span.start);
    // Each snippet shows its first line as the place, so the one with the primary label goes first.
    for label in labels {
        match runs.last_mut() {
            Some(run) if lines.line(label.0.start) <= lines.line(run[run.len() - 1].0.start) + 20 => {
                run.push(label);
            }
            _ => runs.push(vec![label]),
        }
    }
    runs.sort_by_key(|run| !run.iter().any(|(_, kind, _)| *kind == AnnotationKind::Primary));
    runs.into_iter().map(|run| snippet(run, source, lines)).collect()
}

fn snippet<'a>(
    run: Vec<(Span, AnnotationKind, String)>,
    source: &'a Source,
    lines: &Lines<'_>,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let (first, last) = (lines.line(run[0].0.start), lines.line(run[run.len() - 1].0.start));
    let window = window(source, lines.range(first, last), run[0].0);
    let mut snippet = Snippet::source(source.slice(window)).line_start(first + 1).path(clean(&source.name));
    for (span, kind, text) in run {
        let within = |at: usize| at.clamp(window.start, window.end) - window.start;
        let annotation = kind.span(within(span.start)..within(span.end));
        snippet = snippet.annotation(if text.is_empty() { annotation } else { annotation.label(text) });
    }
    snippet
}

/// The lines to show, cut around `span` when they are too long to be of use.
fn window(source: &Source, range: Span, span: Span) -> Span {
    if range.end - range.start <= LINE_BYTES_MAX {
        return range;
    }
    let longest = source.slice(range).split('\n').map(str::len).max().unwrap_or(0);
    if longest <= LINE_BYTES_MAX {
        return range;
    }
    let start = source.snap(Span::new(span.start.saturating_sub(60), span.start)).start.max(range.start);
    let end = source.snap(Span::new(start, (start + 400).min(range.end))).end;
    Span::new(start, end.max(start))
}

fn patch<'a>(problem: &Problem, source: &'a Source, lines: &Lines<'_>) -> Option<Snippet<'a, Patch<'a>>> {
    let fix = problem.fix.as_ref()?;
    let span = source.snap(fix.span);
    let line = lines.line(span.start);
    let window = lines.range(line, line);
    if window.end - window.start > LINE_BYTES_MAX {
        return None;
    }
    let within = span.start - window.start..span.end - window.start;
    let patch = Patch::new(within, clean(&fix.text));
    Some(Snippet::source(source.slice(window)).line_start(line + 1).path(clean(&source.name)).patch(patch))
}

/// A plan may come from anywhere: its words must not move the cursor.
fn clean(text: &str) -> String {
    normalize_untrusted_str(text)
}

/// All problems for machines: `[{code, severity, message, line, column, labels, help}]`; line and column are those of the first label, from 1.
pub fn to_json(problems: &[Problem], source: &Source) -> Value {
    let lines = Lines::new(&source.text);
    let place = |span: Span| lines.place(source.snap(span).start);
    let each = problems.iter().map(|problem| {
        let (line, column) = problem.labels.first().map_or((1, 1), |label| place(label.span));
        let labels: Vec<Value> = problem
            .labels
            .iter()
            .map(|label| {
                let (line, column) = place(label.span);
                json!({"line": line, "column": column, "text": label.text})
            })
            .collect();
        json!({
            "code": problem.code,
            "severity": match problem.severity { Severity::Error => "error", Severity::Warning => "warning" },
            "message": problem.message,
            "file": source.name,
            "line": line,
            "column": column,
            "labels": labels,
            "help": problem.help,
        })
    });
    Value::Array(each.collect())
}
