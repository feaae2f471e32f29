//! What an agent program has said of its attempt, read off its output. It claims nothing that was not said.

use serde::{Deserialize, Serialize};
use swarm_domain::fact::{Report, Trouble, TroubleKind};

use super::account::Tokens;
use super::talk::Talk;

/// How many refused tools are kept by name.
const DENIALS_MAX: usize = 20;
/// How much of a model's name is kept, in characters.
const MODEL_MAX: usize = 120;
/// A longer bookmark is no name of a conversation and a few totals, and is not kept.
const BOOKMARK_BYTES_MAX: usize = 8 << 10;
/// How much of a message is kept, in characters.
const SAID_MAX: usize = 400;

/// What an attempt used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Micro-dollars of this attempt alone; none: not known.
    pub usd_micros: Option<u64>,
    /// Whether the dollars were worked out from tokens by a table of prices.
    pub priced: bool,
    /// The tokens of this attempt alone.
    pub tokens: Tokens,
    /// Calls of the model; none: not known.
    #[serde(default)]
    pub calls: Option<u64>,
    /// Turns of the conversation; none: not known.
    #[serde(default)]
    pub turns: Option<u64>,
}

/// What is known of an attempt from what its program printed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// How it stands, or ended.
    pub report: Report,
    /// What it used.
    pub spent: Spent,
    /// What it is doing, in a line.
    pub doing: String,
}

/// What a program said of its end, in words.
pub fn said(report: &mut Report) -> impl Iterator<Item = &mut String> {
    let trouble = report.trouble.as_mut().map(|trouble| &mut trouble.said);
    report.denials.iter_mut().chain(trouble).chain(report.model.as_mut())
}

impl Reading {
    /// The final record was seen, and it is a good one.
    pub fn done(&mut self) {
        self.report.finished = true;
        self.report.trouble = None;
    }

    /// The final record was seen, and it tells of trouble.
    pub fn failed(&mut self, kind: TroubleKind, said: &str) {
        self.report.finished = true;
        self.trouble(kind, said, None);
    }

    /// Something stands in its way. A later record of progress takes it back.
    pub fn trouble(&mut self, kind: TroubleKind, said: &str, until_ms: Option<u64>) {
        let until_ms = until_ms.or(self.report.trouble.as_ref().and_then(|before| before.until_ms));
        let said = super::talk::one_line(said, SAID_MAX);
        self.report.trouble = Some(Trouble { kind, said, until_ms });
    }

    /// It goes on: what stood in its way does not any more. What the final record said stays.
    pub fn goes_on(&mut self) {
        if !self.report.finished {
            self.report.trouble = None;
        }
    }

    /// What is believed of it at the end. Whoever was turned away from the first call on used nothing. Whoever got through
    /// used something: where that is nothing, nobody counted it.
    #[must_use]
    pub fn settled(mut self) -> Self {
        let nothing =
            self.spent.tokens == Tokens::default() && self.spent.usd_micros.unwrap_or_default() == 0;
        let kind = self.report.trouble.as_ref().map(|trouble| trouble.kind);
        match kind {
            Some(TroubleKind::Limit | TroubleKind::Login) if nothing => self.spent.usd_micros = Some(0),
            None if nothing => self.spent.usd_micros = None,
            _ => {}
        }
        // Both are handed on as they are, into records and command lines.
        self.report.model = self.report.model.map(|model| super::talk::one_line(&model, MODEL_MAX));
        self.report.bookmark = self.report.bookmark.filter(|bookmark| bookmark.len() <= BOOKMARK_BYTES_MAX);
        self
    }

    /// What was said, in words. The bookmark is not among them: its adapter must find it as it was.
    pub fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        said(&mut self.report).chain([&mut self.doing])
    }

    /// Hands on an item of the conversation; the latest is what it is doing.
    pub fn tell(&mut self, item: Talk, talk: &mut dyn FnMut(Talk)) {
        if let Talk::Denied(what) = &item {
            self.denied(what);
        }
        self.doing = item.brief();
        talk(item);
    }

    /// The program refused its agent a tool.
    pub fn denied(&mut self, what: &str) {
        let what = super::talk::one_line(what, 120);
        if self.report.denials.len() < DENIALS_MAX && !self.report.denials.contains(&what) {
            self.report.denials.push(what);
        }
    }
}

/// What an HTTP status of a model's API means for an attempt. 401 to 403 are about the account: no retry mends them.
/// 429, 503 and 529 pass by themselves.
pub(super) fn kind_of_status(status: u64) -> TroubleKind {
    match status {
        401..=403 => TroubleKind::Login,
        429 | 503 | 529 => TroubleKind::Limit,
        _ => TroubleKind::Error,
    }
}

/// The HTTP status right behind some words, for a program that tells it only in a sentence.
pub(super) fn status_behind(said: &str, words: &str) -> Option<u64> {
    let (_, behind) = said.split_once(words)?;
    let digits = behind.split(|char: char| !char.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|status| (100..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::{Reading, Tokens, TroubleKind};

    #[test]
    fn what_nobody_counted_is_not_nothing_unless_it_was_turned_away() {
        let settled = |usd_micros, output, trouble: Option<TroubleKind>| {
            let mut reading = Reading::default();
            reading.spent.usd_micros = usd_micros;
            reading.spent.tokens = Tokens { output, ..Tokens::default() };
            if let Some(kind) = trouble {
                reading.trouble(kind, "no", None);
            }
            reading.settled().spent.usd_micros
        };
        let (limit, login, error) = (TroubleKind::Limit, TroubleKind::Login, TroubleKind::Error);
        assert_eq!(settled(Some(0), 0, None), None);
        assert_eq!((settled(None, 0, Some(limit)), settled(None, 0, Some(login))), (Some(0), Some(0)));
        assert_eq!((settled(None, 0, Some(error)), settled(Some(0), 0, Some(error))), (None, Some(0)));
        assert_eq!((settled(None, 1, Some(limit)), settled(Some(0), 1, None)), (None, Some(0)));
    }

    #[test]
    fn what_a_program_calls_its_model_and_its_conversation_is_of_bounded_length() {
        let mut reading = Reading::default();
        reading.report.model = Some("x".repeat(1_000_000));
        reading.report.bookmark = Some("x".repeat(1_000_000));
        let report = reading.settled().report;
        assert_eq!((report.model.map(|model| model.chars().count()), report.bookmark), (Some(120), None));
    }
}
