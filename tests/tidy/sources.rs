//! How every source file is to begin, and how far it may go.

use std::collections::BTreeSet;

use crate::manifests::crate_roots;
use crate::{expect_none, files, read};

/// A file that is longer than a reader has patience for is two files.
const LINES_MAX: usize = 400;

/// Files that are longer all the same, each with its reason.
const LONG: [(&str, &str); 0] = [];

/// The only file with code that the compiler does not check: the memory map of sealed segments.
const UNSAFE: &str = "journal/src/sealed.rs";
/// Cuts the power of a file system by an ioctl. Part of no program, and built by nobody but who asks for it.
const UNSAFE_RIG: &str = "journal/rigs/src/shutdown.rs";

#[test]
fn every_file_says_what_it_is() {
    let silent = files("rs").into_iter().filter(|file| !read(file).starts_with("//! "));
    let complaints: Vec<_> = silent.map(|file| format!("{file} does not open with `//!`")).collect();
    expect_none(&complaints);
}

#[test]
fn no_file_is_too_long() {
    let excused: BTreeSet<&str> = LONG.iter().map(|(file, _)| *file).collect();
    let mut complaints = Vec::new();
    for file in files("rs") {
        let lines = read(&file).lines().count();
        match (lines > LINES_MAX, excused.contains(file.as_str())) {
            (true, false) => {
                complaints.push(format!("{file} has {lines} lines, and {LINES_MAX} are the limit"));
            }
            (false, true) => {
                complaints.push(format!("{file} has {lines} lines and needs no excuse any more"));
            }
            (true, true) | (false, false) => {}
        }
    }
    expect_none(&complaints);
}

#[test]
fn no_crate_has_unsafe_code_but_the_journal() {
    let mut complaints = Vec::new();
    for (file, package) in crate_roots() {
        let wanted =
            if package == "swarm-journal" { "#![deny(unsafe_code)]" } else { "#![forbid(unsafe_code)]" };
        if !read(&file).lines().any(|line| line == wanted) {
            complaints.push(format!("{file} has no `{wanted}`"));
        }
    }
    let lifted = ["allow(unsafe_code", "expect(unsafe_code"];
    let elsewhere =
        |file: &String| ![UNSAFE, UNSAFE_RIG].contains(&file.as_str()) && !file.starts_with("tests/tidy/");
    for file in files("rs").into_iter().filter(elsewhere) {
        let text = read(&file);
        if lifted.iter().any(|lift| text.contains(lift)) {
            complaints.push(format!("{file} lets unsafe code in; only {UNSAFE} may"));
        }
    }
    expect_none(&complaints);
}

#[test]
fn nothing_is_left_half_done() {
    let marks = ["todo", "unimplemented", "dbg"].map(|name| format!("{name}!("));
    let mut complaints = Vec::new();
    for file in files("rs") {
        for (at, line) in read(&file).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            complaints.extend(
                marks
                    .iter()
                    .filter(|mark| code.contains(*mark))
                    .map(|mark| format!("{file}:{}: {mark}…)", at + 1)),
            );
        }
    }
    expect_none(&complaints);
}

#[test]
fn exceptions_to_lints_have_reasons() {
    let bare = format!("#[{}(", "allow");
    let mut complaints = Vec::new();
    for file in files("rs") {
        let lines = read(&file);
        let found = lines.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with(&bare));
        complaints.extend(found.map(|(at, _)| format!("{file}:{}: use `#[expect(…, reason = …)]`", at + 1)));
    }
    expect_none(&complaints);
}
