//! What no compiler checks and no reader should have to: who depends on whom, how files open, and whether the documentation is true.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot read the project has failed")]

#[path = "tidy/decisions.rs"]
mod decisions;
#[path = "tidy/laws.rs"]
mod laws;
#[path = "tidy/manifests.rs"]
mod manifests;
#[path = "tidy/pages.rs"]
mod pages;
#[path = "tidy/reference.rs"]
mod reference;
#[path = "tidy/sources.rs"]
mod sources;

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the workspace.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the project.
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files of the project with an ending, relative to its folder. What is built or hidden is not of the project.
fn files(ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(&root(), "", ending, &mut found);
    found.sort();
    assert!(!found.is_empty(), "no .{ending} file anywhere");
    found
}

fn walk(dir: &Path, prefix: &str, ending: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let path = entry.path();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() {
            walk(&path, &format!("{prefix}{name}/"), ending, found);
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(format!("{prefix}{name}"));
        }
    }
}

/// Fails with all complaints at once.
fn expect_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
