//! Durations, in milliseconds.

use super::{Fault, Scalar, wrong};
use crate::plan::node::{Kind, Node, short};

/// The longest duration: ten years.
const DURATION_MS_MAX: u64 = 3650 * 24 * 3_600_000;

/// A limit of time: a duration, or none at all.
pub(in crate::plan) type Limit = Option<u64>;

pub(in crate::plan) fn duration(node: &Node) -> Result<u64, Fault> {
    match &node.kind {
        Kind::Text(text) => parse_duration(text).map_err(|why| Fault::new("P0106", why)),
        Kind::Number(text) => Err(unitless(text)),
        _ => Err(wrong(node, Scalar::Duration)),
    }
}

pub(super) fn unitless(text: &str) -> Fault {
    let fault = Fault::new("P0106", format!("`{text}` has no unit of time"));
    fault.help(format!("write `{text}s` for seconds, `{text}m` for minutes or `{text}h` for hours"))
}

/// A limit above zero; none is `none`.
pub(in crate::plan) fn limit(node: &Node) -> Result<Limit, Fault> {
    if node.text() == Some("none") {
        return Ok(None);
    }
    timeout(node)
        .map(Some)
        .map_err(|fault| if fault.code == "P0102" { wrong(node, Scalar::Limit) } else { fault })
}

/// A duration above zero.
pub(in crate::plan) fn timeout(node: &Node) -> Result<u64, Fault> {
    match duration(node)? {
        0 => Err(Fault::new("P0106", "a limit of 0 ends everything at once")
            .help("write a longer one, or leave it out")),
        ms => Ok(ms),
    }
}

/// Reads `250ms`, `10s`, `5m`, `8h`, `14d` and sums of them such as `1h30m`, as milliseconds. The error is one sentence.
pub fn parse_duration(text: &str) -> Result<u64, String> {
    let shown = short(text.trim());
    let unreadable = || format!("`{shown}` is not a duration; write `250ms`, `10s`, `5m`, `8h` or `1h30m`");
    let mut rest = text.trim();
    if !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("`{shown}` has no unit of time; write `{shown}s`, `{shown}m` or `{shown}h`"));
    }
    let (mut total, mut larger) = (0_u64, u64::MAX);
    while !rest.is_empty() || larger == u64::MAX {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let letters = rest[digits..].bytes().take_while(u8::is_ascii_lowercase).count();
        let unit = match &rest[digits..digits + letters] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(unreadable()),
        };
        let amount: u64 = rest[..digits].parse().map_err(|_| unreadable())?;
        if unit >= larger {
            return Err(unreadable());
        }
        larger = unit;
        total = amount.checked_mul(unit).and_then(|part| total.checked_add(part)).unwrap_or(u64::MAX);
        rest = rest[digits + letters..].trim_start();
    }
    if total > DURATION_MS_MAX { Err(format!("`{shown}` is longer than ten years")) } else { Ok(total) }
}
