//! Where a secret stands, without the secret. Knows how lines are counted, and no rule.

use std::fmt;
use std::ops::Range;

/// A secret that was found. Says where it is and never what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding<'s> {
    /// The rule that found it.
    pub rule: &'s str,
    /// Its line, from 1.
    pub line: u32,
    /// Its first byte in that line, from 1.
    pub column: u32,
    /// Its bytes in the text.
    pub range: Range<usize>,
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.rule)
    }
}

/// The line, from 1, that a byte is on.
pub fn line_of(text: &[u8], at: usize) -> u32 {
    Counter::new(text).place(at).0
}

/// Counts lines up to places that come in order, so that a text is gone over once.
pub(super) struct Counter<'t> {
    text: &'t [u8],
    at: usize,
    line: u32,
    line_start: usize,
}

impl<'t> Counter<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0, line: 1, line_start: 0 }
    }

    /// Line and column of a byte that is not before the last one asked for.
    pub(super) fn place(&mut self, at: usize) -> (u32, u32) {
        let passed = &self.text[self.at..at];
        let newlines: u64 = passed.iter().map(|byte| u64::from(*byte == b'\n')).sum();
        self.line = self.line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
        if let Some(newline) = passed.iter().rposition(|byte| *byte == b'\n') {
            self.line_start = self.at + newline + 1;
        }
        self.at = at;
        (self.line, u32::try_from(at - self.line_start + 1).unwrap_or(u32::MAX))
    }
}

/// The lines that a range is on, as far as `most` bytes before and behind it: some files are one line.
pub(super) fn lines_around<'t>(text: &'t [u8], range: &Range<usize>, most: usize) -> &'t [u8] {
    let before = &text[range.start.saturating_sub(most)..range.start];
    let behind = &text[range.end..text.len().min(range.end + most)];
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let end = behind.iter().position(|byte| *byte == b'\n').unwrap_or(behind.len());
    &text[range.start - (before.len() - start)..range.end + end]
}
