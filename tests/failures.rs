//! What the harness keeps of a failure is the folder of a run: `swarm` opens it as it opens any other.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

use std::path::Path;
use std::process::Command;

use swarm_proptests::report::Failure;
use swarm_proptests::{Place, Sabotage, Scenario, Setup, Site, Who, run};

/// Somebody else's commit lands just before swarm's, and swarm does not look.
fn kept(below: &Path) -> Failure {
    // The first time that somebody else might come is before the merge, the second before the landing.
    let landing = Place { site: Site::Stranger, who: Who::Attempt(0, 1), time: 1 };
    let scenario = Scenario { named: [(landing, 1)].into(), seed: None };
    let setup = Setup { sabotage: Some(Sabotage::NoCompareAndSwap), ..Setup::of(scenario) };
    let broken = run(&setup).broken.unwrap();
    let mut failure = Failure::shrunk(&setup, &broken, "a test");
    failure.keep(below).unwrap();
    failure
}

fn swarm(args: &[&str], at: &Path) -> String {
    let ran = Command::new(env!("CARGO_BIN_EXE_swarm")).args(args).current_dir(at).output().unwrap();
    assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn a_kept_failure_is_replayed_to_any_moment_without_a_repository() {
    let below = tempfile::tempdir().unwrap();
    let failure = kept(below.path());
    let folder = failure.folder.as_ref().unwrap();
    let name = folder.to_str().unwrap();
    let events = swarm(&["replay", name, "--events"], below.path());
    let types: Vec<String> = events
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["type"].as_str().unwrap().to_owned()
        })
        .collect();
    let happened: Vec<_> = failure.explored.history.iter().map(|recorded| recorded.event.name()).collect();
    assert_eq!(types, happened);
    for at in [1, happened.len() / 2, happened.len()] {
        let told = swarm(&["replay", name, "--at", &at.to_string()], below.path());
        assert!(told.contains(happened[at - 1]), "{told}");
    }
    assert!(swarm(&["journal", "verify", name], below.path()).contains(&happened.len().to_string()));
    // The folder says by itself how to get there again.
    assert!(folder.join("scenario.toml").is_file());
}
