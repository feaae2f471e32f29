//! The harness at a terminal: what it prints where, and how it ends.
#![expect(clippy::unwrap_used, reason = "a test that stops there says where")]

use std::process::{Command, Output};

fn harness(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_swarm-proptests")).args(args).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_hunt_that_finds_nothing_ends_with_its_tables() {
    let hunt = harness(&["hunt", "--seeds", "1_00", "--jobs", "2"]);
    assert_eq!(hunt.status.code(), Some(0), "{}", err(&hunt));
    let text = out(&hunt);
    for part in
        ["runs                 100", "How often", "Facts that were taken", "Crashes, by what was pending"]
    {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_hunt_keeps_what_it_finds_and_what_it_kept_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().to_str().unwrap();
    let hunt = harness(&["hunt", "--seeds", "500", "--sabotage", "NoCompareAndSwap", "--keep", below]);
    assert_eq!(hunt.status.code(), Some(1), "{}", err(&hunt));
    assert!(out(&hunt).starts_with("Law 6 is broken"), "{}", out(&hunt));
    let kept = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let scenario = harness(&["scenario", kept.join("scenario.toml").to_str().unwrap()]);
    assert_eq!(scenario.status.code(), Some(1), "{}", err(&scenario));
    assert!(out(&scenario).contains("Law 6 is broken"), "{}", out(&scenario));
}

#[test]
fn a_hunt_for_another_law_passes_by() {
    let hunt = harness(&["hunt", "--seeds", "64", "--sabotage", "WorkNotKept", "--law", "3"]);
    assert_eq!(hunt.status.code(), Some(0), "{}", err(&hunt));
    assert!(out(&hunt).contains("law 17 (work is never destroyed) was broken"), "{}", out(&hunt));
}

#[test]
fn a_hunt_around_a_run_has_its_plan_and_a_failure_of_it_says_so() {
    let run = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/old_journals/0.1.0/demo");
    let hunt = harness(&["hunt", "--seeds", "50", "--from-run", run]);
    assert_eq!(hunt.status.code(), Some(0), "{}", err(&hunt));
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().to_str().unwrap();
    let hunt = harness(&["hunt", "--from-run", run, "--sabotage", "WorkNotKept", "--keep", below]);
    assert_eq!(hunt.status.code(), Some(1), "{}", err(&hunt));
    let kept = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let file = kept.join("scenario.toml");
    assert!(out(&hunt).contains(&format!("scenario {} --from-run {run}", file.display())), "{}", out(&hunt));
    let scenario = harness(&["scenario", file.to_str().unwrap(), "--from-run", run]);
    assert!(out(&scenario).contains("Law 17 is broken"), "{}", out(&scenario));
}

#[test]
fn a_scenario_that_keeps_the_laws_is_told_from_its_first_event_to_its_outcome() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/answered-twice.toml");
    let ran = harness(&["scenario", path]);
    assert_eq!(ran.status.code(), Some(0), "{}", err(&ran));
    assert!(out(&ran).contains("run.planned") && out(&ran).contains("Every law held"), "{}", out(&ran));
}

#[test]
fn what_is_wrong_with_a_command_is_said_and_is_no_failure_of_a_law() {
    for args in [
        &["hunt", "--seeds", "many"][..],
        &["hunt", "--law", "19"],
        &["hunt", "--sabotage", "Everything"],
        &["list"],
        &["scenario", "there/is/none.toml"],
    ] {
        let ran = harness(args);
        assert_eq!(ran.status.code(), Some(2), "{args:?}");
        assert!(err(&ran).starts_with("error: "), "{}", err(&ran));
        assert_eq!(out(&ran), "", "{args:?}");
    }
}

#[test]
fn the_tables_name_everything_that_files_may() {
    let sites = out(&harness(&["list", "sites"]));
    for site in swarm_proptests::Site::ALL {
        assert!(sites.contains(site.name()) && sites.contains(&site.word(1)), "{}", site.name());
    }
    let faults = out(&harness(&["list", "faults"]));
    assert!(swarm_proptests::Sabotage::ALL.iter().all(|sabotage| faults.contains(sabotage.name())));
    assert_eq!(out(&harness(&["list", "laws"])).lines().count(), 18);
}
