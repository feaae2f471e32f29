//! Caps and what counts against them: dollars, tokens, calls, turns and time. It adds and compares; who is capped it does not know.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Usd;
use crate::fact::Usage;

/// What can be capped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Measure {
    /// Money.
    Usd,
    /// Tokens, read and written.
    Tokens,
    /// Calls of a model.
    Calls,
    /// Turns of a conversation: answers of a model together with the tools that it used for them.
    Turns,
    /// Time, in milliseconds.
    Time,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Usd, Self::Tokens, Self::Calls, Self::Turns, Self::Time];

    /// The word for machines, and the key of a plan.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Usd => "usd",
            Self::Tokens => "tokens",
            Self::Calls => "calls",
            Self::Turns => "turns",
            Self::Time => "time",
        }
    }

    /// An amount of it, for people: `$5.00`, `2000000 tokens`, `1h30m`.
    pub fn amount(self, amount: u64) -> Amount {
        Amount(self, amount)
    }
}

/// An amount of something that can be capped: micro-dollars, a count, or milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(Measure, u64);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(measure, amount) = *self;
        match (measure, amount) {
            (Measure::Usd, _) => write!(f, "{}", Usd::from_micros(amount)),
            (Measure::Calls, 1) => write!(f, "1 call"),
            (Measure::Turns, 1) => write!(f, "1 turn"),
            (Measure::Tokens, 1) => write!(f, "1 token"),
            (Measure::Tokens | Measure::Calls | Measure::Turns, _) => {
                write!(f, "{amount} {}", measure.word())
            }
            (Measure::Time, _) => time(f, amount),
        }
    }
}

/// A time as a plan has it: `1h30m`, `45s`, `250ms`.
fn time(f: &mut fmt::Formatter<'_>, ms: u64) -> fmt::Result {
    if ms < 1000 {
        return write!(f, "{ms}ms");
    }
    let units = [(3_600_000, "h"), (60_000, "m"), (1000, "s")];
    let mut left = ms;
    for (size, unit) in units {
        if left >= size {
            write!(f, "{}{unit}", left / size)?;
            left %= size;
        }
    }
    Ok(())
}

/// What may be used. A measure without a cap is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caps {
    /// Money.
    pub usd: Option<Usd>,
    /// Tokens, read and written.
    pub tokens: Option<u64>,
    /// Calls of a model.
    pub calls: Option<u64>,
    /// Turns of a conversation.
    pub turns: Option<u64>,
    /// Time, in milliseconds.
    pub time_ms: Option<u64>,
}

impl Caps {
    /// No cap at all.
    pub const NONE: Self = Self { usd: None, tokens: None, calls: None, turns: None, time_ms: None };

    /// A cap on money alone.
    pub const fn of_usd(usd: Option<Usd>) -> Self {
        Self { usd, ..Self::NONE }
    }

    /// The cap on a measure: micro-dollars, a count, or milliseconds.
    pub fn get(&self, measure: Measure) -> Option<u64> {
        match measure {
            Measure::Usd => self.usd.map(Usd::micros),
            Measure::Tokens => self.tokens,
            Measure::Calls => self.calls,
            Measure::Turns => self.turns,
            Measure::Time => self.time_ms,
        }
    }

    /// Sets the cap on a measure.
    pub fn set(&mut self, measure: Measure, cap: Option<u64>) {
        match measure {
            Measure::Usd => self.usd = cap.map(Usd::from_micros),
            Measure::Tokens => self.tokens = cap,
            Measure::Calls => self.calls = cap,
            Measure::Turns => self.turns = cap,
            Measure::Time => self.time_ms = cap,
        }
    }

    /// The measures that are capped, with their caps.
    pub fn iter(&self) -> impl Iterator<Item = (Measure, u64)> + '_ {
        Measure::ALL.into_iter().filter_map(|measure| Some((measure, self.get(measure)?)))
    }

    /// Caps raised by what the other names; what is not limited stays so.
    #[must_use]
    pub fn raised_by(mut self, more: &Self) -> Self {
        for (measure, by) in more.iter() {
            self.set(measure, self.get(measure).map(|cap| cap.saturating_add(by)));
        }
        self
    }

    /// What the other names in the place of what was there.
    #[must_use]
    pub fn replaced_by(mut self, other: &Self) -> Self {
        for (measure, cap) in other.iter() {
            self.set(measure, Some(cap));
        }
        self
    }

    /// The first measure of these whose cap is reached, with what is used and the cap.
    pub fn reached(&self, used: &Used, among: &[Measure]) -> Option<Reached> {
        let capped = among.iter().filter_map(|measure| Some((*measure, self.get(*measure)?)));
        let mut reached = capped.map(|(measure, cap)| Reached { measure, used: used.get(measure), cap });
        reached.find(|reached| reached.used >= reached.cap)
    }
}

/// A cap that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Of what.
    pub measure: Measure,
    /// How much is used: micro-dollars, a count, or milliseconds.
    pub used: u64,
    /// The cap, in the same unit.
    pub cap: u64,
}

/// What is used, as far as it was said. Where an agent did not say, the figure is the least that it can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Money.
    pub usd: Usd,
    /// Tokens, read and written.
    pub tokens: u64,
    /// Calls of a model.
    pub calls: u64,
    /// Turns of a conversation.
    pub turns: u64,
    /// Time, in milliseconds.
    pub time_ms: u64,
}

impl Used {
    /// What an attempt is known to have used, apart from its time.
    pub fn of(usage: &Usage) -> Self {
        Self {
            usd: usage.usd.unwrap_or_default(),
            tokens: usage.tokens(),
            calls: usage.calls.unwrap_or_default(),
            turns: usage.turns.unwrap_or_default(),
            time_ms: 0,
        }
    }

    /// How much of a measure: micro-dollars, a count, or milliseconds.
    pub fn get(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Usd => self.usd.micros(),
            Measure::Tokens => self.tokens,
            Measure::Calls => self.calls,
            Measure::Turns => self.turns,
            Measure::Time => self.time_ms,
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: &Self) -> Self {
        Self {
            usd: self.usd.plus(other.usd),
            tokens: self.tokens.saturating_add(other.tokens),
            calls: self.calls.saturating_add(other.calls),
            turns: self.turns.saturating_add(other.turns),
            time_ms: self.time_ms.saturating_add(other.time_ms),
        }
    }

    /// What is left of it without the other.
    #[must_use]
    pub fn minus(self, other: &Self) -> Self {
        Self {
            usd: self.usd.minus(other.usd),
            tokens: self.tokens.saturating_sub(other.tokens),
            calls: self.calls.saturating_sub(other.calls),
            turns: self.turns.saturating_sub(other.turns),
            time_ms: self.time_ms.saturating_sub(other.time_ms),
        }
    }
}

/// What happens to running attempts when a cap of the run, of its agent or of the day is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AtCap {
    /// They go on, each within its own grant and its own caps.
    #[default]
    Finish,
    /// They are stopped, and their work is kept.
    Kill,
}

#[cfg(test)]
mod tests {
    use super::{Caps, Measure, Reached, Used};
    use crate::Usd;
    use crate::fact::Usage;

    fn caps() -> Caps {
        Caps { usd: Some(Usd::from_micros(5)), calls: Some(3), ..Caps::NONE }
    }

    #[test]
    fn a_raise_lifts_what_is_capped_and_a_set_caps_what_was_not() {
        let more = Caps { usd: Some(Usd::from_micros(1)), tokens: Some(9), ..Caps::NONE };
        let raised = Caps { usd: Some(Usd::from_micros(6)), calls: Some(3), ..Caps::NONE };
        assert_eq!(caps().raised_by(&more), raised);
        let set = Caps { usd: Some(Usd::from_micros(1)), tokens: Some(9), calls: Some(3), ..Caps::NONE };
        assert_eq!(caps().replaced_by(&more), set);
        assert_eq!(caps().raised_by(&Caps::NONE), caps());
    }

    #[test]
    fn a_cap_is_reached_at_it_and_not_before() {
        for (usd, calls, among, expected) in [
            (4, 2, &Measure::ALL[..], None),
            (5, 2, &Measure::ALL, Some((Measure::Usd, 5, 5))),
            (4, 3, &Measure::ALL, Some((Measure::Calls, 3, 3))),
            (9, 9, &[Measure::Calls], Some((Measure::Calls, 9, 3))),
            (9, 9, &[Measure::Tokens, Measure::Time], None),
        ] {
            let used = Used { usd: Usd::from_micros(usd), calls, ..Used::default() };
            let expected = expected.map(|(measure, used, cap)| Reached { measure, used, cap });
            assert_eq!(caps().reached(&used, among), expected, "{usd} and {calls}");
        }
    }

    #[test]
    fn every_measure_is_read_and_written_by_its_own_name() {
        let usage = Usage {
            usd: Some(Usd::from_micros(1)),
            priced: false,
            input_tokens: 1,
            output_tokens: 1,
            calls: Some(3),
            turns: Some(4),
            wants: Usd::ZERO,
        };
        let used = Used { time_ms: 5, ..Used::of(&usage) };
        for (at, measure) in Measure::ALL.into_iter().enumerate() {
            assert_eq!(used.get(measure), at as u64 + 1, "{measure:?}");
            let mut caps = Caps::NONE;
            caps.set(measure, Some(7));
            assert_eq!(caps.iter().collect::<Vec<_>>(), [(measure, 7)]);
        }
        assert_eq!(used.plus(&used).minus(&used), used);
    }

    #[test]
    fn amounts_read_as_a_plan_has_them() {
        for (measure, amount, expected) in [
            (Measure::Usd, 5_000_000, "$5.00"),
            (Measure::Tokens, 2_000_000, "2000000 tokens"),
            (Measure::Calls, 1, "1 call"),
            (Measure::Turns, 40, "40 turns"),
            (Measure::Time, 5_400_000, "1h30m"),
            (Measure::Time, 250, "250ms"),
            (Measure::Time, 45_000, "45s"),
        ] {
            assert_eq!(measure.amount(amount).to_string(), expected);
        }
    }
}
