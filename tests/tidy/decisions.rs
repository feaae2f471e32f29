//! Decisions are numbered without a gap, and each says what was rejected.

use crate::{expect_none, files, read};

const PARTS: [&str; 4] = ["\n## Context\n", "\n## Decision\n", "\n## Rejected\n", "\n## Consequences\n"];

#[test]
fn decisions_are_complete() {
    let pages: Vec<String> =
        files("md").into_iter().filter(|page| page.starts_with("docs/decisions/")).collect();
    let mut complaints = Vec::new();
    for (at, page) in pages.iter().enumerate() {
        let number = format!("{:04}", at + 1);
        let text = read(page);
        if !page.starts_with(&format!("docs/decisions/{number}-"))
            || !text.starts_with(&format!("# {number} "))
        {
            complaints.push(format!("{page} should be number {number}, in its name and in its title"));
        }
        let absent = PARTS.iter().filter(|part| !text.contains(*part));
        complaints.extend(absent.map(|part| format!("{page} has no `{}`", part.trim())));
    }
    expect_none(&complaints);
}
