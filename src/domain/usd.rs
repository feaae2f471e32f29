//! Money, in whole micro-dollars. Knows how people write it and refuses what they cannot have meant.

use std::fmt;
use std::iter::Sum;

use serde::{Deserialize, Serialize};

/// The largest amount that can be written: ten million dollars, so that no sum of a run overflows.
pub const USD_MICROS_MAX: u64 = 10_000_000 * MICROS;
const MICROS: u64 = 1_000_000;

/// An amount of US dollars in micro-dollars (1 USD = 1,000,000). Never negative, never a float.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Usd(u64);

/// Why a text is not an amount of money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsdError {
    /// Nothing was left after a shell expanded `$12`, or the value was empty to begin with.
    #[error("the amount is empty; a shell expands `$12`: write `12usd` or `'$12'`")]
    Empty,
    /// A thousands separator: `$1,000` is a thousand to some and one to others.
    #[error("`{0}` has a comma; write the amount without separators, such as `1000`")]
    Comma(String),
    /// A sign.
    #[error("`{0}` is negative")]
    Negative(String),
    /// Not a plain decimal number: NaN, infinities and exponents included.
    #[error("`{0}` is not an amount of dollars; write `12`, `0.40` or `12usd`")]
    NotANumber(String),
    /// Finer than a micro-dollar.
    #[error("`{0}` has more than six decimals; the smallest amount is 0.000001")]
    TooFine(String),
    /// Larger than [`USD_MICROS_MAX`].
    #[error("`{0}` is more than 10000000 dollars")]
    TooLarge(String),
}

impl Usd {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// An amount from micro-dollars.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// A whole number of dollars.
    pub const fn from_dollars(dollars: u64) -> Self {
        Self(dollars * MICROS)
    }

    /// The amount in micro-dollars.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Reads `12`, `0.40`, `$12`, `12usd` or `12 USD`. Zero is an amount; whether it makes sense is the caller's to say.
    pub fn parse(text: &str) -> Result<Self, UsdError> {
        let bare = strip_currency(text.trim());
        let shown = || text.trim().to_owned();
        if bare.is_empty() {
            return Err(UsdError::Empty);
        }
        if bare.contains(',') {
            return Err(UsdError::Comma(shown()));
        }
        if bare.starts_with('-') {
            return Err(UsdError::Negative(shown()));
        }
        let (whole, fraction) = bare.split_once('.').unwrap_or((bare, ""));
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || bare.ends_with('.') {
            return Err(UsdError::NotANumber(shown()));
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > 6 {
            return Err(UsdError::TooFine(shown()));
        }
        let micros: u64 = format!("{fraction:0<6}").parse().map_err(|_| UsdError::NotANumber(shown()))?;
        whole
            .parse::<u64>()
            .ok()
            .and_then(|dollars| dollars.checked_mul(MICROS))
            .and_then(|dollars| dollars.checked_add(micros))
            .filter(|total| *total <= USD_MICROS_MAX)
            .map(Self)
            .ok_or_else(|| UsdError::TooLarge(shown()))
    }

    /// `self + other`, held at the largest representable amount.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// `self - other`, or nothing if that would be negative.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The amount as an exact decimal with at least two decimals and no currency sign, for machines.
    pub fn decimal(self) -> String {
        let (dollars, micros) = (self.0 / MICROS, self.0 % MICROS);
        let fraction = format!("{micros:06}");
        let kept = fraction.trim_end_matches('0').len().max(2);
        format!("{dollars}.{}", &fraction[..kept])
    }
}

fn strip_currency(text: &str) -> &str {
    let text = text.strip_prefix('$').unwrap_or(text);
    let cut = text.len().checked_sub(3).filter(|at| text.is_char_boundary(*at));
    match cut {
        Some(at) if text[at..].eq_ignore_ascii_case("usd") => text[..at].trim_end(),
        _ => text.trim(),
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("${}", self.decimal()))
    }
}

impl fmt::Debug for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::plus)
    }
}

#[cfg(test)]
mod tests {
    use super::{Usd, UsdError};

    #[test]
    fn amounts_people_write() {
        for (text, micros) in [
            ("12", 12_000_000),
            ("$12", 12_000_000),
            ("0.40", 400_000),
            ("12usd", 12_000_000),
            ("3.5 USD", 3_500_000),
            ("0", 0),
        ] {
            assert_eq!(Usd::parse(text), Ok(Usd::from_micros(micros)), "{text}");
        }
    }

    #[test]
    fn amounts_that_are_refused() {
        for text in ["NaN", "inf", "1e309", "1e3", ".5", "5.", "+5", "twelve", "$$5", "0x10", "1.2.3"] {
            assert!(
                matches!(Usd::parse(text), Err(UsdError::NotANumber(_))),
                "{text}: {:?}",
                Usd::parse(text)
            );
        }
        assert!(matches!(Usd::parse("$1,000"), Err(UsdError::Comma(_))));
        assert!(matches!(Usd::parse("-5"), Err(UsdError::Negative(_))));
        assert!(matches!(Usd::parse("$-5"), Err(UsdError::Negative(_))));
        assert_eq!(Usd::parse("  "), Err(UsdError::Empty));
        assert_eq!(Usd::parse("$"), Err(UsdError::Empty));
        assert!(matches!(Usd::parse("0.0000001"), Err(UsdError::TooFine(_))));
        assert!(matches!(Usd::parse("99999999999999999999"), Err(UsdError::TooLarge(_))));
    }

    #[test]
    fn amounts_are_shown_exactly() {
        assert_eq!(Usd::from_micros(1_234_500).decimal(), "1.2345");
        assert_eq!(Usd::from_micros(2_000_000).to_string(), "$2.00");
        assert_eq!(Usd::from_micros(1).decimal(), "0.000001");
    }
}
