//! What has been seen of an answer, and what a call is charged for that. Knows no API and no money.

use crate::agents::Tokens;

/// A token of ordinary text has three to five bytes. An answer whose text has more for each token that it reports is
/// charged as if it had this many.
const BYTES_PER_TOKEN_MAX: u64 = 16;
/// An answer that was cut is charged this much on top of a token for each byte of its text, for what was made and not
/// seen any more.
const CUT_TOKENS: u64 = 1_000;

/// How much an answer has told of what it used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Known {
    /// Nothing.
    #[default]
    Nothing,
    /// What it used up to some moment.
    Part,
    /// What all of it used.
    All,
}

/// What an answer has told so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The last report of what was used.
    pub(super) tokens: Tokens,
    /// The part of `tokens.cache_write` that is kept for an hour.
    pub(super) for_an_hour: u64,
    /// What `tokens` are worth.
    pub(super) known: Known,
    /// The last report could be read.
    pub(super) read: bool,
    /// The provider itself says that it failed.
    pub(super) failed: bool,
    /// Nothing that matters comes any more.
    pub(super) over: bool,
    /// The size of the text that the model has written: words, thoughts, arguments of tools.
    pub(super) text_bytes: u64,
}

/// What a call is to be charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charge {
    /// These tokens, of whose cache writes so many are kept for an hour.
    Tokens(Tokens, u64),
    /// All that was reserved for it: what it used is not known.
    Reserved,
}

impl Seen {
    /// Takes a report over. What an answer used never gets less. `read`: what it says of the answer is a number.
    pub(super) fn report(&mut self, tokens: Tokens, read: bool) {
        self.read = read;
        let (output, reasoning) =
            (self.tokens.output.max(tokens.output), self.tokens.reasoning.max(tokens.reasoning));
        self.tokens = Tokens { output, reasoning, ..tokens };
        self.known = self.known.max(Known::Part);
    }

    /// The last report, if there was one and it could be read, is of the whole answer.
    pub(super) fn complete(&mut self) {
        if self.known == Known::Part && self.read {
            self.known = Known::All;
        }
    }

    /// What an answer with a good status is charged. `answer`: the most tokens that it may have.
    pub(super) fn charge(&self, answer: u64) -> Charge {
        let text = self.text_bytes;
        // No request is of no tokens, so whoever reports none has reported nothing.
        let least = match self.known {
            _ if self.failed && text == 0 && self.tokens == Tokens::default() => 0,
            _ if self.tokens.sent() == 0 => return Charge::Reserved,
            Known::All => text.div_ceil(BYTES_PER_TOKEN_MAX),
            Known::Part => text.saturating_add(CUT_TOKENS).min(answer),
            Known::Nothing => return Charge::Reserved,
        };
        let output = self.tokens.output.max(least);
        Charge::Tokens(Tokens { output, ..self.tokens }, self.for_an_hour)
    }
}

#[cfg(test)]
mod tests {
    use super::{Charge, Known, Seen, Tokens};

    fn used(input: u64, output: u64) -> Tokens {
        Tokens { input, output, ..Tokens::default() }
    }

    #[test]
    fn a_call_is_charged_for_what_is_known_and_for_the_worst_if_nothing_is() {
        let whole = Seen { tokens: used(9, 50), known: Known::All, ..Seen::default() };
        let charge = |seen: Seen| seen.charge(8_000);
        assert_eq!(charge(whole), Charge::Tokens(used(9, 50), 0));
        assert_eq!(charge(Seen { text_bytes: 800, ..whole }), Charge::Tokens(used(9, 50), 0));
        assert_eq!(charge(Seen { text_bytes: 1_600, ..whole }), Charge::Tokens(used(9, 100), 0), "it lies");
        let none = Seen { tokens: used(9, 0), text_bytes: 3, ..whole };
        assert_eq!(charge(none), Charge::Tokens(used(9, 1), 0), "there is text");
        assert_eq!(charge(Seen { tokens: used(0, 50), ..whole }), Charge::Reserved, "nothing was sent?");
        let cut = Seen { known: Known::Part, tokens: used(9, 1), ..whole };
        assert_eq!(charge(Seen { text_bytes: 300, ..cut }), Charge::Tokens(used(9, 1_300), 0));
        assert_eq!(charge(Seen { text_bytes: 9_000, ..cut }), Charge::Tokens(used(9, 8_000), 0));
        assert_eq!(charge(Seen::default()), Charge::Reserved);
        assert_eq!(charge(Seen { failed: true, ..Seen::default() }), Charge::Tokens(used(0, 0), 0));
        assert_eq!(charge(Seen { failed: true, text_bytes: 1, ..Seen::default() }), Charge::Reserved);
        assert_eq!(charge(Seen { failed: true, ..cut }), Charge::Tokens(used(9, 1_000), 0));
    }

    #[test]
    fn a_later_report_replaces_an_earlier_one_but_for_the_answer() {
        let mut seen = Seen::default();
        seen.report(used(1_000, 5), true);
        seen.report(Tokens { cache_read: 800, ..used(200, 4) }, true);
        assert_eq!(seen.tokens, Tokens { cache_read: 800, ..used(200, 5) });
    }
}
