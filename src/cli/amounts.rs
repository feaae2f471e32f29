//! Amounts on the command line: `5usd`, `2Mtokens`, `500calls`, `40turns`, `2h`. Knows no run.

use swarm_domain::caps::Measure;
use swarm_domain::{Caps, Usd};

use crate::plan::{parse_count, parse_duration};

/// The run that words name, if they do, and the amounts that follow.
pub(super) fn read(words: &[String]) -> Result<(Option<&str>, Caps), String> {
    let named = words.len() > 1 && (one(&words[0]).is_err() || is_bare(&words[0]));
    let (run, amounts) = if named { (Some(words[0].as_str()), &words[1..]) } else { (None, words) };
    let mut caps = Caps::NONE;
    for word in amounts {
        let (measure, amount) = one(word)?;
        if caps.get(measure).is_some() {
            return Err(format!("`{word}`: an amount of {} is named twice", measure.word()));
        }
        caps.set(measure, Some(amount));
    }
    Ok((run, caps))
}

/// The prefix of a run's id may be all digits. Before another amount it is a run.
fn is_bare(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

/// What an amount is of, and how much: micro-dollars, a count, or milliseconds.
fn one(word: &str) -> Result<(Measure, u64), String> {
    const UNITS: [(&str, Measure); 7] = [
        ("tokens", Measure::Tokens),
        ("token", Measure::Tokens),
        ("tok", Measure::Tokens),
        ("calls", Measure::Calls),
        ("call", Measure::Calls),
        ("turns", Measure::Turns),
        ("turn", Measure::Turns),
    ];
    for (unit, measure) in UNITS {
        if let Some(count) = word.strip_suffix(unit) {
            let count = parse_count(count.trim_end());
            let wrong =
                || format!("`{word}` is not a number of {}; write `500{unit}` or `2k{unit}`", measure.word());
            return Ok((measure, count.ok_or_else(wrong)?));
        }
    }
    if let Ok(ms) = parse_duration(word) {
        return Ok((Measure::Time, ms));
    }
    let usd = Usd::parse(word)
        .map_err(|error| format!("{error}; amounts are such as 5usd, 2Mtokens, 500calls, 40turns or 2h"))?;
    Ok((Measure::Usd, usd.micros()))
}

/// The caps of a run, for people.
pub(super) fn shown(caps: &Caps) -> String {
    let money = caps.usd.map_or_else(|| "unlimited".to_owned(), |cap| cap.to_string());
    let others = Caps { usd: None, ..*caps };
    let others = others.iter().map(|(measure, cap)| format!(", {}", measure.amount(cap)));
    std::iter::once(money).chain(others).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that stops there says where")]
mod tests {
    use super::{read, shown};

    fn words(text: &str) -> Result<(Option<String>, String), String> {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        read(&words).map(|(run, caps)| (run.map(str::to_owned), shown(&caps)))
    }

    #[test]
    fn amounts_are_told_by_their_units() {
        for (text, run, expected) in [
            ("5usd", None, "$5"),
            ("12", None, "$12"),
            ("2Mtokens", None, "unlimited, 2000000 tokens"),
            ("2Mtok", None, "unlimited, 2000000 tokens"),
            ("500calls 40turns", None, "unlimited, 500 calls, 40 turns"),
            ("90m", None, "unlimited, 1h30m"),
            ("2026 5usd", Some("2026"), "$5"),
            ("latest 5usd 1call", Some("latest"), "$5, 1 call"),
            ("5usd 500calls", None, "$5, 500 calls"),
        ] {
            let expected = expected.replace("$5", "$5.00").replace("$12", "$12.00");
            assert_eq!(words(text), Ok((run.map(str::to_owned), expected)), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_with_what_is() {
        for (text, expected) in [
            ("2M", "amounts are such as 5usd"),
            ("5usd 6usd", "named twice"),
            ("xcalls", "is not a number of calls"),
            ("latest", "amounts are such as 5usd"),
        ] {
            let refused = words(text).unwrap_err();
            assert!(refused.contains(expected), "{text}: {refused}");
        }
    }
}
