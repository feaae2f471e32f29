//! Money, shares, multipliers and tokens. No amount passes through a float.

use std::num::IntErrorKind;

use swarm_domain::{Usd, UsdError};

use super::{Fault, Scalar, wrong};
use crate::plan::node::{Kind, Node, short};

/// A multiplier in percent.
pub(in crate::plan) fn factor(node: &Node) -> Result<u32, Fault> {
    let Kind::Number(text) = &node.kind else { return Err(wrong(node, Scalar::Factor)) };
    let hundredths = Usd::parse(text)
        .ok()
        .filter(|value| value.micros() % 10_000 == 0)
        .map(|value| value.micros() / 10_000);
    let percent = hundredths
        .filter(|percent| (100..=10_000).contains(percent))
        .and_then(|percent| u32::try_from(percent).ok());
    percent.ok_or_else(|| wrong(node, Scalar::Factor))
}

pub(in crate::plan) fn percent(node: &Node) -> Result<u32, Fault> {
    let bare = node.word().map(|text| text.strip_suffix('%').unwrap_or(text).trim());
    let percent = bare.and_then(|text| text.parse().ok()).filter(|percent| (1..=100).contains(percent));
    percent.ok_or_else(|| wrong(node, Scalar::Percent))
}

pub(in crate::plan) fn money(node: &Node) -> Result<Usd, Fault> {
    let text = node.word().ok_or_else(|| wrong(node, Scalar::Money))?;
    Usd::parse(text).map_err(|error| {
        let fault = Fault::new("P0106", error.to_string());
        match error {
            UsdError::Comma(_) | UsdError::Empty | UsdError::TooFine(_) | UsdError::TooLarge(_) => fault,
            UsdError::Negative(_) | UsdError::NotANumber(_) => {
                fault.help("write an amount such as `$2` or `0.40`")
            }
        }
    })
}

/// A cap; none is `unlimited`.
pub(in crate::plan) fn budget(node: &Node) -> Result<Option<Usd>, Fault> {
    if node.text() == Some("unlimited") {
        return Ok(None);
    }
    if node.word().is_none() {
        return Err(wrong(node, Scalar::Budget));
    }
    let amount = money(node)?;
    if amount == Usd::ZERO {
        let fault = Fault::new("P0402", "a budget of 0 allows nothing to start");
        return Err(fault.help("write an amount above 0, or `unlimited` for no cap at all"));
    }
    Ok(Some(amount))
}

pub(in crate::plan) fn tokens(node: &Node) -> Result<u64, Fault> {
    counted(node, Scalar::Tokens, "a number of tokens", "`2000000` or `2M`")
}

/// A number of calls or turns.
pub(in crate::plan) fn count(node: &Node) -> Result<u64, Fault> {
    counted(node, Scalar::Count, "a number above 0", "`400` or `2k`")
}

fn counted(node: &Node, kind: Scalar, what: &str, such: &str) -> Result<u64, Fault> {
    let word = node.word().ok_or_else(|| wrong(node, kind))?;
    let text = short(word);
    let (message, help) = match read_count(word) {
        Ok(count) => return Ok(count),
        Err(NoCount::Zero) => ("a cap of 0 allows nothing to start".to_owned(), "a number above 0, such as "),
        Err(NoCount::TooLarge) => (format!("`{text}` is too large"), "a smaller number, such as "),
        Err(NoCount::Other) => (format!("`{text}` is not {what}"), ""),
    };
    let help = match word {
        "unlimited" | "none" => "leave it out for no cap".to_owned(),
        _ => format!("write {help}{such}; leave it out for no cap"),
    };
    Err(Fault::new("P0106", message).help(help))
}

/// A whole number above zero, which may end in k, M or G.
pub fn parse_count(text: &str) -> Option<u64> {
    read_count(text).ok()
}

/// Why a text is no number to count up to.
enum NoCount {
    Zero,
    TooLarge,
    Other,
}

fn read_count(text: &str) -> Result<u64, NoCount> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1_000),
        Some((at, 'M')) => (&text[..at], 1_000_000),
        Some((at, 'G')) => (&text[..at], 1_000_000_000),
        _ => (text, 1_u64),
    };
    let number = digits.trim().parse::<u64>().map_err(|error| match error.kind() {
        IntErrorKind::PosOverflow => NoCount::TooLarge,
        _ => NoCount::Other,
    })?;
    match number.checked_mul(unit) {
        Some(0) => Err(NoCount::Zero),
        Some(number) => Ok(number),
        None => Err(NoCount::TooLarge),
    }
}
