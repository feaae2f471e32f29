//! Links between pages, and that every page is in the book.

use std::collections::BTreeSet;
use std::path::Path;

use crate::{expect_none, files, read, root};

/// The targets of a page's links, leaving out blocks and spans of code.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        }
        if in_block {
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        found.extend(targets.map(str::to_owned));
    }
    found
}

fn is_elsewhere(link: &str) -> bool {
    link.contains("://") || link.starts_with("mailto:") || link.starts_with('#')
}

#[test]
fn every_link_leads_somewhere() {
    let mut complaints = Vec::new();
    for page in files("md") {
        let folder = Path::new(&page).parent().unwrap().to_owned();
        for link in links(&read(&page)).iter().filter(|link| !is_elsewhere(link)) {
            let file = link.split('#').next().unwrap_or_default();
            if !root().join(&folder).join(file).exists() {
                complaints.push(format!("{page} links to {link}, which is not there"));
            }
        }
    }
    expect_none(&complaints);
}

#[test]
fn every_page_is_in_the_book() {
    let listed: BTreeSet<String> = links(&read("docs/SUMMARY.md")).into_iter().collect();
    let pages: BTreeSet<String> = files("md")
        .iter()
        .filter_map(|page| page.strip_prefix("docs/"))
        .filter(|page| *page != "SUMMARY.md")
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, pages);
}
