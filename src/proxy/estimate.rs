//! How many tokens a request has, before anybody has counted them. Knows no tokenizer: it learns from the call before.

/// Bytes for a token, as long as nothing is known: more than the three to four that text and code have, so that the
/// guess is too high rather than too low.
const BYTES_PER_TOKEN: u64 = 3;
/// What a provider adds for itself: the frame of a conversation, and what tells the model of its tools.
const OVERHEAD_TOKENS: u64 = 1_000;

/// More tokens than this are garbage; it also keeps every product with a price far from overflow.
pub(super) const TOKENS_MAX: u64 = 1_000_000_000_000_000;

/// What the last call to a model had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// The size of its body.
    pub(super) bytes: u64,
    /// The tokens that were counted.
    pub(super) tokens: u64,
}

/// The tokens of a request of so many bytes. Never below what was counted for a body that was not longer.
pub(super) fn tokens(bytes: u64, last: Option<Sample>) -> u64 {
    let guess = |bytes: u64| bytes.div_ceil(BYTES_PER_TOKEN);
    let tokens = match last {
        None => guess(bytes),
        Some(last) if bytes < last.bytes => {
            guess(bytes).max(scaled(with_margin(last.tokens), bytes, last.bytes))
        }
        Some(last) => with_margin(last.tokens).saturating_add(growth(bytes - last.bytes, last)),
    };
    tokens.saturating_add(OVERHEAD_TOKENS)
}

/// An eighth more.
fn with_margin(tokens: u64) -> u64 {
    tokens.saturating_add(tokens / 8)
}

/// What came on top of the last body: as dense as that was, at least as dense as the guess, at most a token a byte.
fn growth(bytes: u64, last: Sample) -> u64 {
    scaled(last.tokens, bytes, last.bytes).clamp(bytes.div_ceil(BYTES_PER_TOKEN), bytes)
}

fn scaled(tokens: u64, bytes: u64, of: u64) -> u64 {
    let product = u128::from(tokens) * u128::from(bytes);
    u64::try_from(product.div_ceil(u128::from(of.max(1)))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::{Sample, tokens};

    #[test]
    fn the_call_before_is_the_measure() {
        let last = |bytes, tokens| Some(Sample { bytes, tokens });
        for (bytes, last, expected) in [
            (0, None, 1_000),
            (30_000, None, 11_000),
            // A conversation that grows: what was counted, an eighth more, and a third of what is new.
            (100_000, last(100_000, 24_000), 28_000),
            (103_000, last(100_000, 24_000), 29_000),
            // Dense text, one token in two bytes, is taken on as such.
            (102_000, last(100_000, 50_000), 58_250),
            // A picture: many bytes, few tokens. The next one with it is known to be cheap, one without it is not.
            (1_003_000, last(1_000_000, 1_600), 3_800),
            (30_000, last(1_000_000, 1_600), 11_000),
            // A title first, then the conversation: not as dense as the title's frame was.
            (90_200, last(200, 450), 91_506),
            (100, last(200, 4_000), 3_250),
            (u64::MAX, last(1, u64::MAX), u64::MAX),
        ] {
            assert_eq!(tokens(bytes, last), expected, "{bytes} after {last:?}");
        }
    }

    proptest! {
        #[test]
        fn a_longer_body_never_has_less_than_was_counted(bytes: u64, more: u64, counted in any::<u64>()) {
            let last = Sample { bytes, tokens: counted };
            prop_assert!(tokens(bytes.saturating_add(more), Some(last)) >= counted);
        }
    }
}
