//! Law 18 with the built binary: no secret is merged, logged, exported or put in a prompt, and keys reach whom they are for.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod common;
#[path = "secrets/keys.rs"]
mod keys;
#[path = "secrets/landing.rs"]
mod landing;
#[path = "secrets/output.rs"]
mod output;
#[path = "secrets/plans.rs"]
mod plans;

use std::fs;
use std::path::Path;

use common::{Ran, Scene};

/// A token of GitHub's form, which stands in no file of ours.
fn token() -> String {
    format!("gh{}_{}", "p", "x7Kq2mW9vB4nR8tY3cZ6jH1dF5gS0aLpQeUi")
}

/// Another, for what is a secret only because somebody says so.
const CANARY: &str = "swarm canary, third row";

/// Runs the scene's plan with this variable set.
fn run_with(scene: &Scene, variables: &[(&str, &str)]) -> Ran {
    let plan = scene.root.join("plan.yaml");
    let running = scene.start_with(&["run", plan.to_str().unwrap()], |command| {
        command.envs(variables.iter().copied());
    });
    running.end()
}

/// Files below a folder that hold a text, links left out.
fn holding(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            found.extend(holding(&path, text));
        } else if kind.is_file() {
            let bytes = fs::read(&path).unwrap();
            if bytes.windows(text.len()).any(|part| part == text.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

/// Nothing that swarm wrote or says of the latest run has this text in it.
#[track_caller]
fn assert_untold(scene: &Scene, task: &str, text: &str) {
    assert_eq!(holding(&scene.run_dir(), text), [""; 0]);
    assert_eq!(holding(&scene.root.join("logs"), text), [""; 0]);
    let told: [&[&str]; 9] = [
        &["status"],
        &["status", "--format", "json"],
        &["why", task],
        &["logs", task],
        &["logs", task, "--format", "json"],
        &["diff", task],
        &["diff", task, "--format", "json"],
        &["replay", "latest"],
        &["replay", "latest", "--events"],
    ];
    for words in told {
        let told = scene.start_with(words, |command| {
            command.env("DEPLOY_PASSWORD", CANARY);
        });
        let ran = told.end();
        assert!(
            !ran.out.contains(text) && !ran.err.contains(text),
            "swarm {words:?}: {}{}",
            ran.out,
            ran.err
        );
    }
}
