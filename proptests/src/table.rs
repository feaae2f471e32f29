//! What a hunt came by, as tables: how much, what happened how often, and what never did.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

use crate::choice::{Draw, Site};
use crate::hunt::Catch;
use crate::laws;
use crate::marks::Mark;

/// The tables of a hunt that took so long.
pub fn table(catch: &Catch, took: Duration) -> String {
    let mut text = String::new();
    totals(&mut text, catch, took);
    marks(&mut text, catch);
    never_met(&mut text, catch);
    for (title, taken) in [("Facts that were taken", true), ("Facts that were refused", false)] {
        let inputs = catch.tally.inputs().filter(|(_, _, was_taken, _)| *was_taken == taken);
        let cells = inputs.map(|(state, fact, _, count)| ((fact.to_owned(), state), count)).collect();
        matrix(&mut text, &format!("{title}, by the state of the task"), &cells);
    }
    let crashes = catch.tally.crashes();
    let cells = crashes.map(|(point, pending, count)| ((point_name(point), pending), count)).collect();
    matrix(&mut text, "Crashes, by what was pending", &cells);
    text
}

fn totals(text: &mut String, catch: &Catch, took: Duration) {
    let seconds = took.as_secs_f64().max(0.001);
    for (name, count) in [("runs", catch.runs), ("events", catch.events), ("crashes", catch.crashes)] {
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits than it shows")]
        let rate = count as f64 / seconds;
        line(text, format_args!("{name:<8} {:>15} {:>12} a second", grouped(count), format!("{rate:.0}")));
    }
    for (law, count) in &catch.others {
        line(text, format_args!("law {law} ({}) was broken {count} times", laws::name(*law)));
    }
}

fn marks(text: &mut String, catch: &Catch) {
    line(text, format_args!("\nHow often"));
    for mark in Mark::ALL {
        line(text, format_args!("{:>15}  {}", grouped(catch.tally.mark(*mark)), mark.text()));
    }
}

fn never_met(text: &mut String, catch: &Catch) {
    let faults = Site::ALL.iter().filter(|site| matches!(site.draw(), Draw::Fault | Draw::Rare));
    let values = faults.flat_map(|site| (1..site.values().count()).map(move |value| (*site, value)));
    let never: Vec<_> = values
        .filter(|(site, value)| catch.tally.choice(*site, *value) == 0)
        .map(|(site, value)| format!("  {} = {}", site.name(), site.word(value)))
        .collect();
    if never.is_empty() {
        line(text, format_args!("\nEverything that can go wrong did."));
    } else {
        line(text, format_args!("\nWhat never went wrong\n{}", never.join("\n")));
    }
}

fn point_name(point: u32) -> String {
    if point == 0 { "a fault of the disk".to_owned() } else { Site::Crash.word(point) }
}

/// Counts by row and column. What never happened is a dot.
fn matrix(text: &mut String, title: &str, cells: &BTreeMap<(String, &str), u64>) {
    let rows: BTreeSet<_> = cells.keys().map(|(row, _)| row).collect();
    let columns: BTreeSet<_> = cells.keys().map(|(_, column)| *column).collect();
    line(text, format_args!("\n{title}"));
    row(text, "", &columns, str::to_owned);
    for name in rows {
        let count = |column: &str| cells.get(&(name.clone(), column)).copied();
        row(text, name, &columns, |column| count(column).map_or_else(|| ".".to_owned(), brief));
    }
}

fn row<'a>(text: &mut String, name: &str, columns: &BTreeSet<&'a str>, cell: impl Fn(&'a str) -> String) {
    let width = |column: &str| column.len().max(WIDTH);
    let cells: Vec<_> = columns.iter().map(|column| format!("{:>1$}", cell(column), width(column))).collect();
    line(text, format_args!("  {name:<20} {}", cells.join(" ")));
}

/// How wide a column is at least.
const WIDTH: usize = 8;

/// At most five characters.
fn brief(count: u64) -> String {
    match count {
        0..10_000 => count.to_string(),
        10_000..10_000_000 => format!("{}k", count / 1_000),
        _ => format!("{}M", count / 1_000_000),
    }
}

fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(" ")
}

fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    writeln!(text, "{what}").expect("a string takes all");
}

#[cfg(test)]
mod tests {
    use super::{brief, grouped};

    #[test]
    fn numbers_are_short_enough_to_read() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1 000", "1 234 567"]);
        assert_eq!(
            [0, 9_999, 10_000, 9_999_999, 10_000_000].map(brief),
            ["0", "9999", "10k", "9999k", "10M"]
        );
    }
}
