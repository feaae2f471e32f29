//! What the lines of the file `calls` add up to: the same sum while a proxy runs and after it was killed. Knows no file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::agents::Tokens;

/// A pico-dollar is what one token costs whose million costs a micro-dollar.
pub(super) const PICOS_PER_MICRO: u64 = 1_000_000;

/// A line of the file `calls`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(super) enum Line {
    /// A call is about to be sent. Until it is settled, it counts as costing this.
    Reserve {
        call: u64,
        at_ms: u64,
        model: String,
        picos: u64,
        tokens: u64,
        /// There is no price for the model: what the call costs is not known.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unpriced: bool,
    },
    /// What a call cost. A second line of a call adds to the first.
    Settle { call: u64, model: String, picos: u64, tokens: Tokens },
    /// A call was refused.
    Refuse {
        at_ms: u64,
        why: String,
        /// There is no price for the model, and money does not come into it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unpriced: bool,
    },
    /// Something was read that is not known to cost nothing.
    Unknown { at_ms: u64 },
}

/// What the calls of an attempt used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// What settled calls cost, in micro-dollars.
    pub spent_micros: u64,
    /// What is reserved for calls that are not settled, in micro-dollars. Once no proxy runs any more, it counts as spent.
    pub reserved_micros: u64,
    /// The tokens of settled calls, by the model that was asked for.
    pub tokens: BTreeMap<String, Tokens>,
    /// Calls to a model that were sent.
    pub calls: u64,
    /// Calls to a model that were refused because they did not fit into what may be spent.
    pub refused: u64,
    /// Requests that were passed on without being known to cost nothing. All of them only read.
    pub unknown: u64,
    /// Whether a call went to a model without a price.
    pub unpriced: bool,
    /// Whether the latest call was refused for want of money, and none was let through since.
    pub stuck: bool,
}

impl Totals {
    /// The most that the calls can have cost, in micro-dollars.
    pub fn most_micros(&self) -> u64 {
        self.spent_micros.saturating_add(self.reserved_micros)
    }
}

/// The lines so far, added up.
#[derive(Debug, Default)]
pub(super) struct Book {
    spent_picos: u128,
    reserved_picos: u128,
    reserved_tokens: u64,
    /// Calls that are not settled: their money, and their tokens.
    open: BTreeMap<u64, (u64, u64)>,
    tokens: BTreeMap<String, Tokens>,
    calls: u64,
    refused: u64,
    unknown: u64,
    last: u64,
    unpriced: bool,
    stuck: bool,
}

impl Book {
    pub(super) fn add(&mut self, line: &Line) {
        match line {
            Line::Reserve { call, picos, tokens, unpriced, .. } => {
                self.unpriced |= unpriced;
                self.reserve(*call, *picos, *tokens);
            }
            Line::Settle { call, model, picos, tokens } => self.settle(*call, model, *picos, *tokens),
            Line::Refuse { unpriced, .. } => (self.refused, self.stuck) = (self.refused + 1, !unpriced),
            Line::Unknown { .. } => self.unknown += 1,
        }
    }

    fn reserve(&mut self, call: u64, picos: u64, tokens: u64) {
        self.calls += 1;
        self.stuck = false;
        self.last = self.last.max(call);
        self.reserved_picos += u128::from(picos);
        self.reserved_tokens = self.reserved_tokens.saturating_add(tokens);
        self.open.insert(call, (picos, tokens));
    }

    fn settle(&mut self, call: u64, model: &str, picos: u64, tokens: Tokens) {
        if let Some((reserved, room)) = self.open.remove(&call) {
            self.reserved_picos -= u128::from(reserved);
            self.reserved_tokens = self.reserved_tokens.saturating_sub(room);
        }
        self.spent_picos += u128::from(picos);
        let sum = self.tokens.entry(model.to_owned()).or_default();
        *sum = sum.plus(tokens);
    }

    /// The number of the next call.
    pub(super) fn next(&self) -> u64 {
        self.last + 1
    }

    /// How many calls were sent.
    pub(super) fn calls(&self) -> u64 {
        self.calls
    }

    /// Whether calls are not settled.
    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Spent and reserved, in pico-dollars.
    pub(super) fn picos(&self) -> (u128, u128) {
        (self.spent_picos, self.reserved_picos)
    }

    /// Tokens that were used, and that are reserved.
    pub(super) fn tokens(&self) -> (u64, u64) {
        let used = self.tokens.values().map(|tokens| tokens.sent().saturating_add(tokens.output));
        (used.fold(0, u64::saturating_add), self.reserved_tokens)
    }

    pub(super) fn totals(&self) -> Totals {
        Totals {
            spent_micros: micros(self.spent_picos),
            reserved_micros: micros(self.reserved_picos),
            tokens: self.tokens.clone(),
            calls: self.calls,
            refused: self.refused,
            unknown: self.unknown,
            unpriced: self.unpriced,
            stuck: self.stuck,
        }
    }
}

/// Micro-dollars; what is finer than one is rounded up.
pub(super) fn micros(picos: u128) -> u64 {
    u64::try_from(picos.div_ceil(u128::from(PICOS_PER_MICRO))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Book, Line, Tokens, Totals};

    fn settle(call: u64, picos: u64, output: u64) -> Line {
        let tokens = Tokens { output, ..Tokens::default() };
        Line::Settle { call, model: "m".to_owned(), picos, tokens }
    }

    #[test]
    fn a_call_is_reserved_until_it_is_settled() {
        let mut book = Book::default();
        let reserve = |call, picos| Line::Reserve {
            call,
            at_ms: 0,
            model: "m".to_owned(),
            picos,
            tokens: 10,
            unpriced: false,
        };
        for line in [reserve(1, 2_000_000), reserve(2, 3_000_001), settle(1, 500_000, 7), settle(1, 1, 2)] {
            book.add(&line);
        }
        book.add(&Line::Refuse { at_ms: 0, why: "spent".to_owned(), unpriced: false });
        book.add(&Line::Unknown { at_ms: 0 });
        let tokens = [("m".to_owned(), Tokens { output: 9, ..Tokens::default() })].into();
        let counts = Totals { calls: 2, refused: 1, unknown: 1, stuck: true, ..Totals::default() };
        let totals = Totals { spent_micros: 1, reserved_micros: 4, tokens, ..counts };
        assert_eq!(book.totals(), totals);
        assert_eq!((totals.most_micros(), book.tokens(), book.next()), (5, (9, 10), 3));
        assert!(book.is_open());
    }

    #[test]
    fn lines_are_written_as_the_documentation_shows_them() {
        let page = include_str!("../../docs/reference/proxy.md");
        let shown = page.split("```").filter_map(|block| block.strip_prefix("json\n")).flat_map(str::lines);
        let lines: Vec<&str> = shown.filter(|line| line.starts_with("{\"is\"")).collect();
        assert_eq!(lines.len(), 4);
        for line in lines {
            let read: Line = serde_json::from_str(line).expect("it is a line");
            assert_eq!(serde_json::to_string(&read).expect("it is a line"), line);
        }
    }
}
