//! Scenarios that once broke a law: they are run first, they keep all laws now, and they still are what they say.
#![expect(clippy::unwrap_used, reason = "a test that stops there says where")]

use std::path::{Path, PathBuf};

use swarm_proptests::report::Failure;
use swarm_proptests::{ScenarioFile, run};

fn scenarios() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

#[test]
fn what_once_broke_a_law_does_not_break_any() {
    for path in scenarios() {
        let file = ScenarioFile::load(&path).unwrap_or_else(|error| panic!("{error}"));
        let explored = run(&file.setup());
        if let Some(failure) = Failure::of(file, explored) {
            panic!("{}\n{failure}", path.display());
        }
    }
}

/// A choice that nobody asks for any more proves nothing: then the file is to be found anew, or goes.
#[test]
fn every_choice_of_a_scenario_is_still_made() {
    for path in scenarios() {
        let file = ScenarioFile::load(&path).unwrap();
        let made = run(&file.setup()).made;
        for choice in &file.scenario.named {
            let is_made = made.contains(&(*choice.0, *choice.1));
            assert!(is_made, "{}: nobody asks for {}", path.display(), choice.0);
        }
    }
}

#[test]
fn every_scenario_says_what_it_broke_and_is_written_as_a_hunt_writes_it() {
    for path in scenarios() {
        let text = std::fs::read_to_string(&path).unwrap();
        let file = ScenarioFile::parse(&text).unwrap();
        assert!(file.about.is_some() && file.law.is_some() && file.found.is_some(), "{}", path.display());
        assert_eq!(file.to_string(), text, "{}", path.display());
    }
}
