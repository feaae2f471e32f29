//! A stream of bytes without its secrets, handed on as it comes. Knows not where it goes, nor what is printed.
//!
//! A line is not waited for: all of it is handed on but its last word, which may be the beginning of a secret. What a
//! secret stands behind is remembered, so that it is known also where its line came in pieces.

use std::sync::Arc;

use super::redact::{KEY_RULE, Key, Redactor, is_of_token, key_begin, replacement};
use super::scanner::REACH;

/// A longer line is handed on in parts, so that a stream without lines needs no more memory than this, in bytes.
const LINE_BYTES_MAX: usize = 4 * REACH;
/// How much of a line is looked at again before what is new, in bytes: more than a name and what stands between it and its
/// value.
const BEFORE_BYTES: usize = 2048;

/// A stream without its secrets.
#[derive(Debug)]
pub struct Flow {
    redactor: Arc<Redactor>,
    /// The line that has not ended, as it came.
    line: Vec<u8>,
    /// How much of it was handed on.
    done: usize,
    key: Key,
}

impl Flow {
    /// A stream that begins.
    pub fn new(redactor: Arc<Redactor>) -> Self {
        Self { redactor, line: Vec::new(), done: 0, key: Key::default() }
    }

    /// Takes what came, and hands on what is certain without what comes next.
    pub fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = self.pass(rest, out);
            let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |newline| newline + 1);
            let (piece, behind) = rest.split_at(end);
            rest = behind;

            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.end_line(out);
            } else if self.line.len() > LINE_BYTES_MAX {
                self.shorten(out);
            }
        }
    }

    /// Hands on the lines that hold nothing which could lead to a secret, and answers with the rest.
    fn pass<'b>(&self, bytes: &'b [u8], out: &mut Vec<u8>) -> &'b [u8] {
        if !self.line.is_empty() || self.key.is_open() {
            return bytes;
        }
        let clear = self.redactor.first_hint(bytes).unwrap_or(bytes.len());
        let lines = bytes[..clear].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let (passed, rest) = bytes.split_at(lines);
        out.extend_from_slice(passed);
        rest
    }

    /// Hands on what was held back of a line, but for its last word.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        if self.done < self.line.len() && !self.key.is_open() {
            let word = self.line.iter().rev().take_while(|byte| is_of_token(**byte)).count();
            let kept = word.max(self.redactor.begun(&self.line));
            let begin = self.key_begin().unwrap_or(self.line.len());
            self.hand_on(begin.min(self.line.len() - kept), out);
        }
    }

    /// Hands on the rest, when nothing comes any more.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.line.is_empty() {
            self.end_line(out);
        }
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        let newline: &[u8] = if self.line.ends_with(b"\n") { b"\n" } else { b"" };
        self.line.truncate(self.line.len() - newline.len());
        if self.done == 0 && self.key.takes(&String::from_utf8_lossy(&self.line)) {
            out.extend_from_slice(replacement(KEY_RULE).as_bytes());
        } else if let Some(begin) = self.key_begin() {
            self.hand_on(begin, out);
            out.extend_from_slice(replacement(KEY_RULE).as_bytes());
            self.key.begin();
        } else {
            self.hand_on(self.line.len(), out);
        }
        out.extend_from_slice(newline);
        self.line.clear();
        self.done = 0;
    }

    /// Of a line that is too long only what a secret may need is kept.
    fn shorten(&mut self, out: &mut Vec<u8>) {
        if let Some(begin) = self.key_begin() {
            // What has no end is taken for a key as long as it looks like one.
            self.hand_on(begin, out);
            out.extend_from_slice(replacement(KEY_RULE).as_bytes());
            self.key.begin();
            self.done = self.line.len();
        } else {
            self.hand_on(self.line.len() - REACH, out);
        }
        self.line.drain(..self.done.saturating_sub(BEFORE_BYTES));
        self.done = self.done.min(BEFORE_BYTES);
    }

    /// Where a key begins, in what is left of the line, that does not end there.
    fn key_begin(&self) -> Option<usize> {
        let rest = &self.line[self.done..];
        let begin = key_begin(&String::from_utf8_lossy(rest)).is_some();
        begin
            .then(|| rest.windows(BEGIN.len()).position(|part| part == BEGIN))
            .flatten()
            .map(|at| self.done + at)
    }

    /// Hands on the line up to a byte, or to the end of a secret that goes beyond it.
    fn hand_on(&mut self, until: usize, out: &mut Vec<u8>) {
        let from = self.done.saturating_sub(BEFORE_BYTES);
        let mut done = self.done;
        for (range, name) in self.redactor.secrets(&self.line[from..]) {
            let (start, end) = (range.start + from, range.end + from);
            if start >= until || end <= done {
                continue;
            }
            if start >= done {
                out.extend_from_slice(&self.line[done..start]);
            }
            // What begins inside of another secret was replaced with it.
            if start >= done || start < self.done {
                out.extend_from_slice(replacement(name).as_bytes());
            }
            done = end;
        }
        if done < until {
            out.extend_from_slice(&self.line[done..until]);
            done = until;
        }
        self.done = done;
    }
}

const BEGIN: &[u8] = b"-----BEGIN";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::Flow;
    use crate::secrets::Redactor;

    fn flow() -> Flow {
        let known = [("OWN_KEY".to_owned(), "correct horse battery".to_owned())];
        Flow::new(Arc::new(Redactor::new(known)))
    }

    fn token() -> String {
        format!("gh{}_{}", "p", "x7Kq2mW9vB4nR8tY3cZ6jH1dF5gS0aLpQeUi")
    }

    /// What comes out of a text that comes in these pieces, each of them followed by a pause.
    fn through(pieces: &[&str]) -> String {
        let (mut flow, mut out) = (flow(), Vec::new());
        for piece in pieces {
            flow.take(piece.as_bytes(), &mut out);
            flow.flush(&mut out);
        }
        flow.finish(&mut out);
        String::from_utf8(out).expect("what came was text")
    }

    #[test]
    fn a_line_without_an_end_is_not_waited_for() {
        let (mut flow, mut out) = (flow(), Vec::new());
        flow.take(b"Password for ann: ", &mut out);
        flow.flush(&mut out);
        assert_eq!(out, b"Password for ann: ");
        flow.take(b"wait...", &mut out);
        flow.flush(&mut out);
        assert_eq!(out, b"Password for ann: wait...");
    }

    #[test]
    fn bytes_that_are_no_text_stay_as_they_are() {
        let (mut flow, mut out) = (flow(), Vec::new());
        let bytes = [b"\xff\xfe ".as_slice(), token().as_bytes(), b" \xc3\n\x00\xf0"].concat();
        flow.take(&bytes, &mut out);
        flow.finish(&mut out);
        assert_eq!(out, b"\xff\xfe [secret: github-pat] \xc3\n\x00\xf0");
    }

    #[test]
    fn a_private_key_is_taken_out_from_its_beginning() {
        let body = "MIIEpAIBAAKCAQEA".repeat(8);
        let begin = format!("-----{} RSA PRIVATE KEY-----", "BEGIN");
        let text = format!("a\n{begin}\n{body}\n{body}\n-----END RSA PRIVATE KEY-----\nb\n");
        let out = through(&[&text]);
        assert!(!out.contains("MIIE") && out.starts_with("a\n") && out.ends_with("\nb\n"), "{out}");
        let halves = text.split_at(60);
        let out = through(&[halves.0, halves.1]);
        assert!(!out.contains("MIIE") && out.ends_with("\nb\n"), "{out}");
    }

    #[test]
    fn a_line_of_any_length_is_handed_on_in_parts() {
        let word = "lorem ipsum ";
        let text = word.repeat(60_000) + &token() + " " + &word.repeat(60_000);
        let mut flow = flow();
        let mut out = Vec::new();
        for piece in text.as_bytes().chunks(4096) {
            flow.take(piece, &mut out);
            assert!(flow.line.len() <= super::LINE_BYTES_MAX + 4096);
        }
        flow.finish(&mut out);
        let out = String::from_utf8(out).expect("what came was text");
        assert_eq!(out, text.replace(&token(), "[secret: github-pat]"));
    }

    proptest! {
        /// However a text is cut, what comes out is the same, and no secret is in it.
        #[test]
        fn pieces_change_nothing(cuts in prop::collection::vec(0_usize..200, 0..6)) {
            let text = format!("say {} and\napi_key = \"{}\", correct horse battery; done\n", token(), "x8Tq1zLw0Rn5Yv3Kd7Bm");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % text.len()).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut at = 0;
            for cut in cuts {
                pieces.push(&text[at..cut]);
                at = cut;
            }
            pieces.push(&text[at..]);
            let out = through(&pieces);
            prop_assert_eq!(&out, &through(&[&text]));
            prop_assert!(!out.contains("x7Kq2") && !out.contains("x8Tq1") && !out.contains("horse battery"));
        }
    }
}
