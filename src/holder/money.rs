//! Dollars as a JSON number writes them, to whole micro-dollars, without a float in between. Knows no currency sign.

/// More than ten million dollars is not a cost but garbage; it also keeps every sum of a run far from overflow.
const LIMIT_MICROS: u64 = 10_000_000 * 1_000_000;
/// As many digits as [`LIMIT_MICROS`] has.
const LIMIT_DIGITS: usize = 14;
const MICRO_DECIMALS: i64 = 6;

/// Micro-dollars of a JSON number; what is finer than one is rounded up. `None` for what cannot be a cost.
pub(super) fn micros(number: &str) -> Option<u64> {
    let (mantissa, exponent) = split_exponent(number)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let shift = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(MICRO_DECIMALS)?;
    scaled(digits.trim_start_matches('0'), shift).filter(|micros| *micros <= LIMIT_MICROS)
}

fn split_exponent(number: &str) -> Option<(&str, i64)> {
    match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => Some((mantissa, exponent.parse().ok()?)),
        None => Some((number, 0)),
    }
}

/// `digits` times ten to the power of `shift`, rounded up; `None` if it has too many digits to be a cost.
fn scaled(digits: &str, shift: i64) -> Option<u64> {
    if digits.is_empty() {
        return Some(0);
    }
    let length = i64::try_from(digits.len()).ok()?.checked_add(shift)?;
    if length <= 0 {
        return Some(1);
    }
    let length = usize::try_from(length).ok().filter(|length| *length <= LIMIT_DIGITS)?;
    let (kept, cut) = digits.split_at(length.min(digits.len()));
    let zeros = u32::try_from(length - kept.len()).ok()?;
    let value = kept.parse::<u64>().ok()? * 10_u64.pow(zeros);
    Some(value + u64::from(cut.bytes().any(|digit| digit != b'0')))
}

#[cfg(test)]
mod tests {
    use super::micros;

    #[test]
    fn decimal_text_becomes_exact_micro_dollars() {
        for (text, expected) in [
            ("0", Some(0)),
            ("0.0", Some(0)),
            ("0.000001", Some(1)),
            ("0.0000001", Some(1)),
            ("1e-400", Some(1)),
            ("0.1", Some(100_000)),
            ("0.30000000000000004", Some(300_001)),
            ("0.29", Some(290_000)),
            ("1", Some(1_000_000)),
            ("1.0000000000000000001", Some(1_000_001)),
            ("1.0000000000000000000", Some(1_000_000)),
            ("12.345678", Some(12_345_678)),
            ("1.5e2", Some(150_000_000)),
            ("15E+1", Some(150_000_000)),
            ("2.5E-3", Some(2_500)),
            ("10000000", Some(10_000_000_000_000)),
            ("10000000.0000001", None),
            ("10000001", None),
            ("1e309", None),
            ("1e99999999999999999999", None),
            ("0e5", Some(0)),
            ("-0.1", None),
            ("-1", None),
            ("NaN", None),
            ("", None),
            (".", None),
            ("1.2.3", None),
        ] {
            assert_eq!(micros(text), expected, "{text}");
        }
    }
}
