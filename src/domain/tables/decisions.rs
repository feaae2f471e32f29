//! Decision tables of the page: each case fits exactly one row, whose last cell says what the code does. Knows no case by itself.

use std::collections::BTreeSet;

use super::table;

/// One case, value by value in the order of the columns.
pub(super) type Case = Vec<&'static str>;

/// A column and all that can stand in it.
pub(super) type Domain = (&'static str, &'static [&'static str]);

/// Every case there is.
pub(super) fn cases(domains: &[Domain]) -> Vec<Case> {
    let mut cases = vec![Vec::new()];
    for (_, values) in domains {
        let with = |case: &Case| values.iter().map(|value| [case.as_slice(), &[*value]].concat()).collect();
        cases = cases.iter().flat_map::<Vec<Case>, _>(with).collect();
    }
    cases
}

/// Compares all cases, each with what the code does, with a table. Its first column numbers the rows.
pub(super) fn match_the_page(title: &str, columns: &[&str], cases: &[(Case, &'static str)]) {
    let page = table(title);
    assert_eq!(page.columns, [columns, &["what follows"]].concat());
    let mut complaints = typos(columns, &page.rows, cases);
    let mut used = BTreeSet::new();
    for (case, found) in cases {
        let rows: Vec<_> = page.rows.iter().filter(|(_, cells)| fits(cells, case)).collect();
        let [(number, cells)] = rows[..] else {
            complaints.push(format!("{case:?} fits {} rows", rows.len()));
            continue;
        };
        used.insert(number);
        if cells.last() != Some(found) {
            complaints.push(format!("{case:?}: not as in row {number}, but {found}"));
        }
    }
    let unused = page.rows.iter().map(|(number, _)| number).filter(|number| !used.contains(number));
    complaints.extend(unused.map(|number| format!("no case fits row {number}")));
    complaints.truncate(9);
    assert!(complaints.is_empty(), "{title}\n{}\n", complaints.join("\n"));
}

fn fits(cells: &[&str], case: &[&str]) -> bool {
    let allows = |(cell, value): (&&str, &&str)| *cell == "any" || cell.split(", ").any(|one| one == *value);
    cells.iter().zip(case).all(allows)
}

/// Words of the page that no case has.
fn typos(columns: &[&str], rows: &[(&str, Vec<&str>)], cases: &[(Case, &'static str)]) -> Vec<String> {
    let mut found = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let known: BTreeSet<&str> = cases.iter().map(|(case, _)| case[at]).chain(["any"]).collect();
        let words = rows.iter().flat_map(|(_, cells)| cells[at].split(", "));
        found.extend(words.filter(|word| !known.contains(word)).map(|word| format!("{column}: `{word}`")));
    }
    found
}
