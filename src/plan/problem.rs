//! What is wrong with a plan, or worth a warning: a stable code, a message, places and a way out. How it is shown is not known here.

use super::source::{Lines, Source, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The plan cannot be run.
    Error,
    /// It can, and the user should know.
    Warning,
}

/// A place and what is to be said there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What; may be empty.
    pub text: String,
}

/// A change that would mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What to replace.
    pub span: Span,
    /// What to put there.
    pub text: String,
}

/// One thing to say about a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The stable code, such as `P0101`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// The places; the first is the one it is sorted by. Empty when there is no file to point into.
    pub labels: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
    /// The same as a change to the file.
    pub fix: Option<Fix>,
}

impl Problem {
    /// An error without a place.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: Vec::new(),
            help: None,
            fix: None,
        }
    }

    /// A warning without a place.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Adds a place.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Offers a change.
    #[must_use]
    pub fn fix(mut self, span: Span, text: impl Into<String>) -> Self {
        self.fix = Some(Fix { span, text: text.into() });
        self
    }

    /// Where it is sorted.
    pub fn position(&self) -> usize {
        self.labels.first().map_or(0, |label| label.span.start)
    }
}

/// A plan that could not be loaded: everything that is wrong with it, in the order of the file, and the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong. Warnings come along.
    pub problems: Vec<Problem>,
    /// What it is wrong with.
    pub source: Source,
}

impl std::fmt::Display for Refused {
    /// One line a problem, for logs; people are shown [`super::render`].
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines = Lines::new(&self.source.text);
        for (at, problem) in self.problems.iter().enumerate() {
            let (line, column) =
                lines.place(self.source.snap(Span::new(problem.position(), problem.position())).start);
            let gap = if at == 0 { "" } else { "\n" };
            write!(f, "{gap}{}:{line}:{column}: {}: {}", self.source.name, problem.code, problem.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

/// Sorts by place and leaves out what was said twice.
pub(super) fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| (problem.position(), problem.code));
    problems.dedup();
    problems
}

/// The name among `known` that `given` was probably meant to be.
pub(super) fn similar<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A long key is not a slip of a short one, and the distance costs the product of the lengths.
    if given.len() > 64 {
        return None;
    }
    let plain = given.to_lowercase().replace(['-', '_', ' '], "");
    let close = |name: &&str| {
        let distance = strsim::osa_distance(&plain, &name.to_lowercase().replace(['-', '_'], ""));
        (distance, (*name).len())
    };
    let best = known.into_iter().min_by_key(close)?;
    let (distance, _) = close(&best);
    (distance <= 1.max(plain.chars().count() / 3) && distance < plain.chars().count()).then_some(best)
}
