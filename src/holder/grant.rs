//! What an attempt may spend: one line of text, written by the orchestrator and read by the holder. Knows no ledger.

use std::path::Path;

use super::error::HolderError;
use super::files::{self, Durable};

const REFUSED: &str = "refused";

/// What the tree may spend, and whether it is known that no more will come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) micros: u64,
    pub(super) refused: bool,
}

/// Lets the attempt spend `micros` in all. `refused`: a raise was refused, so it need not wait for one.
///
/// Call it only when the reservation behind it is durable.
pub fn write_grant(dir: &Path, micros: u64, refused: bool) -> Result<(), HolderError> {
    let text = if refused { format!("{micros} {REFUSED}\n") } else { format!("{micros}\n") };
    files::replace(dir, files::GRANT, text.as_bytes(), Durable::Content)
}

/// The grant as it stands. Nothing readable is nothing granted: it may spend only what was promised.
pub(super) fn read(dir: &Path) -> Grant {
    let bytes = files::read_if_there(&dir.join(files::GRANT)).ok().flatten().unwrap_or_default();
    parse(&String::from_utf8_lossy(&bytes))
}

fn parse(text: &str) -> Grant {
    let mut words = text.split_ascii_whitespace();
    let micros = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    Grant { micros, refused: words.next() == Some(REFUSED) }
}

#[cfg(test)]
mod tests {
    use super::{Grant, parse};

    #[test]
    fn a_grant_is_a_number_and_perhaps_a_refusal() {
        assert_eq!(parse("1500000\n"), Grant { micros: 1_500_000, refused: false });
        assert_eq!(parse("1500000 refused\n"), Grant { micros: 1_500_000, refused: true });
        assert_eq!(parse(""), Grant::default());
        assert_eq!(parse("-3"), Grant::default());
    }
}
