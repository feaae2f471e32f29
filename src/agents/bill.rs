//! What calls of models cost, of which a program tells the dollars of some. Knows no program.
//!
//! A program that does not know a model's price says $0. That is not believed: such a call is priced from its tokens.

use super::account::{Account, Tokens};
use super::prices::Prices;
use super::reading::Spent;

/// The calls of an attempt.
#[derive(Debug, Default)]
pub(super) struct Bill {
    told: Told,
    untold: Account,
    calls: u64,
    /// Sums were added, of which nobody said how many calls they are of.
    sums: bool,
}

#[derive(Debug, Default)]
struct Told {
    micros: Option<u64>,
    tokens: Tokens,
}

impl Bill {
    /// Adds a call, with the micro-dollars that the program tells of it. One without a token was turned away.
    pub(super) fn add(&mut self, model: &str, tokens: Tokens, micros: Option<u64>) {
        self.calls += u64::from(tokens != Tokens::default());
        self.charge(model, tokens, micros);
    }

    /// Adds calls of which only the sum is told.
    pub(super) fn add_sum(&mut self, model: &str, tokens: Tokens, micros: Option<u64>) {
        self.sums = true;
        self.charge(model, tokens, micros);
    }

    fn charge(&mut self, model: &str, tokens: Tokens, micros: Option<u64>) {
        if tokens != Tokens::default() && micros.is_none_or(|micros| micros == 0) {
            return self.untold.add(model, tokens);
        }
        let told = self.told.micros.unwrap_or_default().saturating_add(micros.unwrap_or_default());
        self.told = Told { micros: Some(told), tokens: self.told.tokens.plus(tokens) };
    }

    /// What all of them cost. Where a table had to help, the sum is an estimate.
    pub(super) fn spent(&self, prices: &Prices) -> Spent {
        let rest = self.untold.priced(prices);
        // Each of these programs makes one call for a turn.
        let calls = Some(self.calls).filter(|calls| *calls > 0 && !self.sums);
        if rest.tokens == Tokens::default() {
            let (usd_micros, tokens) = (self.told.micros, self.told.tokens);
            return Spent { usd_micros, priced: false, tokens, calls, turns: calls };
        }
        let told = self.told.micros.unwrap_or_default();
        Spent {
            usd_micros: rest.usd_micros.map(|micros| micros.saturating_add(told)),
            priced: true,
            tokens: self.told.tokens.plus(rest.tokens),
            calls,
            turns: calls,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Bill, Prices, Spent, Tokens};

    const TOKENS: Tokens = Tokens { input: 1000, cache_read: 0, cache_write: 0, output: 100, reasoning: 0 };

    fn spent(calls: &[(&str, Tokens, Option<u64>)]) -> Spent {
        let mut bill = Bill::default();
        for (model, tokens, micros) in calls {
            bill.add(model, *tokens, *micros);
        }
        bill.spent(&Prices::built_in())
    }

    #[test]
    fn calls_are_counted_unless_only_their_sum_is_told() {
        let mut bill = Bill::default();
        bill.add("", Tokens::default(), Some(0));
        assert_eq!(bill.spent(&Prices::built_in()).calls, None, "it was turned away");
        bill.add("gpt-5", TOKENS, None);
        bill.add("gpt-5", TOKENS, Some(7));
        let spent = bill.spent(&Prices::built_in());
        assert_eq!((spent.calls, spent.turns), (Some(2), Some(2)));
        bill.add_sum("gpt-5", TOKENS, Some(7));
        assert_eq!(bill.spent(&Prices::built_in()).calls, None);
    }

    #[test]
    fn dollars_that_are_told_count_and_the_others_are_worked_out() {
        let nothing = Tokens::default();
        for (calls, usd_micros, priced) in [
            (vec![], None, false),
            (vec![("unheard-of", TOKENS, Some(7))], Some(7), false),
            (vec![("gpt-5", TOKENS, Some(0))], Some(2250), true),
            (vec![("openai/gpt-5", TOKENS, None), ("unheard-of", TOKENS, Some(7))], Some(2257), true),
            (vec![("gpt-5", TOKENS, Some(7)), ("unheard-of", TOKENS, Some(0))], None, true),
            (vec![("unheard-of", nothing, Some(0))], Some(0), false),
        ] {
            let spent = spent(&calls);
            assert_eq!((spent.usd_micros, spent.priced), (usd_micros, priced), "{calls:?}");
            let expected = calls.iter().map(|(_, tokens, _)| tokens.sent()).sum::<u64>();
            assert_eq!(spent.tokens.sent(), expected, "{calls:?}");
        }
    }
}
