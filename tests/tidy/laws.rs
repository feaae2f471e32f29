//! The page of laws: all of them, where each is kept, and tests that exist.

use std::collections::BTreeSet;

use crate::{expect_none, read, root};

const LAWS: usize = 18;

/// A law as the page has it.
struct Law {
    number: usize,
    text: String,
}

fn laws() -> Vec<Law> {
    let page = read("docs/laws.md");
    let sections = page.split("\n## ").skip(1);
    let law = |section: &str| {
        let (number, text) = section.split_once(". ")?;
        Some(Law { number: number.parse().ok()?, text: text.to_owned() })
    };
    sections.filter_map(law).collect()
}

/// What stands between backquotes on the lines of an item.
fn quoted<'a>(text: &'a str, item: &str) -> Vec<&'a str> {
    let Some(at) = text.find(item) else { return Vec::new() };
    let rest = &text[at + item.len()..];
    let end = rest.find("\n\n").unwrap_or(rest.len());
    rest[..end].split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_law_is_there_once() {
    let numbers: Vec<usize> = laws().iter().map(|law| law.number).collect();
    assert_eq!(numbers, (1..=LAWS).collect::<Vec<_>>());
}

#[test]
fn every_law_names_where_it_is_kept() {
    let mut complaints = Vec::new();
    for law in laws() {
        let kept = quoted(&law.text, "**Kept in** ");
        if kept.is_empty() {
            complaints.push(format!("law {} does not say where it is kept", law.number));
        }
        let lost = kept.iter().filter(|file| !root().join(file).is_file());
        complaints.extend(lost.map(|file| format!("law {}: there is no {file}", law.number)));
    }
    expect_none(&complaints);
}

/// A test is named as `file::function`. What has none says so.
#[test]
fn every_test_of_a_law_exists() {
    let mut complaints = Vec::new();
    for law in laws() {
        let tests = quoted(&law.text, "**Tested by** ");
        if tests.is_empty() && !law.text.contains("**Not yet tested**") {
            complaints.push(format!("law {} names no test and does not say that there is none", law.number));
        }
        complaints.extend(
            tests.iter().filter_map(|test| missing(test)).map(|why| format!("law {}: {why}", law.number)),
        );
    }
    expect_none(&complaints);
}

/// The page on what agents can leave names a test for each line of its tables: `file::function`, or, in the table that names a
/// file in its head, the function alone.
#[test]
fn every_test_of_a_hostile_tree_exists() {
    let page = read("docs/reference/hostile-trees.md");
    let rows = page.lines().filter(|line| line.starts_with('|'));
    let codes = rows.filter_map(|row| row.trim_end_matches('|').rsplit('|').next());
    let codes = codes.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let mut file = "";
    let mut complaints = Vec::new();
    for code in codes {
        match code {
            _ if code.contains("::") => complaints.extend(missing(code)),
            _ if code.contains('/') => file = code,
            _ => complaints.extend(missing(&format!("{file}::{code}"))),
        }
    }
    expect_none(&complaints);
}

fn missing(test: &str) -> Option<String> {
    let Some((file, function)) = test.split_once("::") else {
        return Some(format!("`{test}` is no `file::function`"));
    };
    let Ok(source) = std::fs::read_to_string(root().join(file)) else {
        return Some(format!("there is no {file}"));
    };
    let found = source.contains(&format!("fn {function}("));
    (!found).then(|| format!("{file} has no test {function}"))
}

/// Code cites laws by number; a number that is none helps nobody.
#[test]
fn laws_that_are_cited_exist() {
    let known: BTreeSet<usize> = laws().iter().map(|law| law.number).collect();
    let mut complaints = Vec::new();
    for file in crate::files("rs") {
        for line in read(&file).lines().filter(|line| line.trim_start().starts_with("//")) {
            let cited = line.split("Law ").skip(1).filter_map(|rest| {
                let digits = rest.chars().take_while(char::is_ascii_digit).collect::<String>();
                digits.parse::<usize>().ok()
            });
            let unknown = cited.filter(|number| !known.contains(number));
            complaints.extend(unknown.map(|number| format!("{file} cites law {number}")));
        }
    }
    expect_none(&complaints);
}
