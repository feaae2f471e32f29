//! The guide's first night, taken at its word: every command of the page is run, in order, against the built binary.
//!
//! The page has three kinds of fenced blocks: `console` is run, anything with `file=NAME` is written, the rest is
//! prose. What a `console` block shows must be seen, in that order; `…` stands for anything.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its scene has failed")]

#[path = "first_night/page.rs"]
mod page;
#[path = "first_night/shell.rs"]
mod shell;

use page::Step;
use shell::Shell;

const PAGE: &str = include_str!("../docs/guide/first-night.md");

#[test]
fn every_command_of_the_page_does_what_it_says() {
    let mut shell = Shell::new();
    let steps = page::steps(PAGE);
    assert!(steps.len() > 20, "the page has hardly any commands: is it still read as it should be?");
    for step in &steps {
        match step {
            Step::Write { file, text } => shell.write(file, text),
            Step::Run { command, shows, exit } => {
                let seen = shell.run(command);
                assert_eq!(seen.exit, *exit, "exit status of `{command}`, which printed:\n{}", seen.output);
                if let Err(missing) = page::shown(shows, &seen.output) {
                    panic!("`{command}` should print `{missing}`, and printed:\n{}", seen.output);
                }
            }
        }
    }
}

#[test]
fn what_a_page_shows_is_held_against_what_is_seen() {
    let seen = "run 20261121 begins\none\ntwo\n  three (x)\n";
    let shows =
        |lines: &[&str]| page::shown(&lines.iter().map(ToString::to_string).collect::<Vec<_>>(), seen);
    assert_eq!(shows(&["one", "…", "  three (…)"]), Ok(()));
    assert_eq!(shows(&["run … begins", "two"]), Ok(()));
    assert_eq!(shows(&["two", "one"]), Err("one".to_owned()));
    assert_eq!(shows(&["run … ends"]), Err("run … ends".to_owned()));
    assert_eq!(shows(&["three (x)"]), Err("three (x)".to_owned()), "a line is a whole line");
}
