//! Numbers of several rounds as rows of Markdown. Does not know what was measured.

use std::{fs, thread};

use crate::failure::Result;

/// Whose numbers a line shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// What nobody gets below.
    Floor,
    /// The journal of swarm.
    Ours,
    /// Somebody else's store as it is.
    Peer,
    /// Somebody else's store with something of ours in front.
    Helped,
}

/// One line: a rate for each round, and cells that stand beside it.
pub(crate) struct Line {
    /// Whose it is.
    pub(crate) role: Role,
    /// What the first cell says.
    pub(crate) label: String,
    /// The rate in each round. The same place is the same round in every line.
    pub(crate) rates: Vec<f64>,
    /// The cells after the rate.
    pub(crate) beside: Vec<String>,
}

/// Prints lines as a table: rates, and how they compare. A ratio is the median of the rounds' ratios.
pub(crate) fn print(rate: &str, beside: &[&str], lines: &[Line]) {
    let heads =
        [&["store", rate, "min..max"], beside, &["ours/this", "this/best peer", "this/floor"]].concat();
    println!("| {} |\n|{}", heads.join(" | "), "---|".repeat(heads.len()));
    let of = |role| lines.iter().filter(move |line| line.role == role);
    let ours = of(Role::Ours).next();
    let best = of(Role::Peer).max_by(|a, b| median(&a.rates).total_cmp(&median(&b.rates)));
    let floor = of(Role::Floor).next();
    for line in lines {
        let mut cells = vec![line.label.clone(), count(median(&line.rates)), spread(&line.rates)];
        cells.extend(line.beside.iter().cloned());
        cells.push(ratio(ours, Some(line)));
        cells.push(ratio(Some(line), best));
        cells.push(ratio(Some(line), floor));
        println!("| {} |", cells.join(" | "));
    }
    println!();
}

fn ratio(line: Option<&Line>, to: Option<&Line>) -> String {
    let (Some(line), Some(to)) = (line, to) else { return "-".to_owned() };
    let rounds: Vec<f64> = line.rates.iter().zip(&to.rates).map(|(rate, to)| rate / to).collect();
    format!("{:.2}", median(&rounds))
}

/// The value in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The smallest and the largest value.
pub(crate) fn spread(values: &[f64]) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{}..{}", count(least), count(most))
}

/// A whole number with a comma after each thousand.
pub(crate) fn count(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What the numbers of this minute were measured on.
pub(crate) fn machine() -> Result<String> {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    Ok(format!(
        "Linux {}, {} processors, load {load} before.",
        kernel.trim(),
        thread::available_parallelism()?
    ))
}
