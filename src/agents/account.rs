//! Tokens by model, and what they cost. Knows no program and trusts no figure to be small.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::prices::Prices;
use super::reading::Spent;

/// Counted tokens. Each is counted once: what was read from a cache is not in `input`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Sent, and not read from or written to a cache.
    pub input: u64,
    /// Sent, and read from a cache.
    pub cache_read: u64,
    /// Sent, and written to a cache.
    pub cache_write: u64,
    /// Received, reasoning included.
    pub output: u64,
    /// The part of `output` that was reasoning.
    pub reasoning: u64,
}

impl Tokens {
    /// The sum of each figure.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    /// What is beyond `other`. A figure that fell counts as nothing new.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.with(other, u64::saturating_sub)
    }

    /// The larger of each figure.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        self.with(other, u64::max)
    }

    /// All that was sent.
    pub fn sent(self) -> u64 {
        self.input.saturating_add(self.cache_read).saturating_add(self.cache_write)
    }

    fn with(self, other: Self, combine: fn(u64, u64) -> u64) -> Self {
        Self {
            input: combine(self.input, other.input),
            cache_read: combine(self.cache_read, other.cache_read),
            cache_write: combine(self.cache_write, other.cache_write),
            output: combine(self.output, other.output),
            reasoning: combine(self.reasoning, other.reasoning),
        }
    }
}

/// What an attempt used, by model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    by_model: BTreeMap<String, Tokens>,
}

impl Account {
    /// Adds what one call, or one step, used.
    pub fn add(&mut self, model: &str, tokens: Tokens) {
        let sum = self.by_model.entry(model.to_owned()).or_default();
        *sum = sum.plus(tokens);
    }

    /// Takes over a total of a model. A figure never falls.
    pub fn set(&mut self, model: &str, total: Tokens) {
        let sum = self.by_model.entry(model.to_owned()).or_default();
        *sum = sum.max(total);
    }

    /// The tokens of all models.
    pub fn tokens(&self) -> Tokens {
        self.by_model.values().fold(Tokens::default(), |sum, tokens| sum.plus(*tokens))
    }

    /// What it cost by a table of prices. Of a model without a price nothing is known, so nothing of the sum is.
    pub fn priced(&self, prices: &Prices) -> Spent {
        let used = self.by_model.iter().filter(|(_, tokens)| **tokens != Tokens::default());
        let costs = used.map(|(model, tokens)| Some(prices.rate(model)?.picos(*tokens)));
        let picos = costs.sum::<Option<u128>>();
        // Finer than a micro-dollar is rounded up, once.
        let micros = picos.map(|picos| u64::try_from(picos.div_ceil(1_000_000)).unwrap_or(u64::MAX));
        let usd_micros = micros.filter(|_| !self.by_model.is_empty());
        Spent { usd_micros, priced: true, tokens: self.tokens(), ..Spent::default() }
    }
}
