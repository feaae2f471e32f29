//! Folders and repositories in which nothing can run.

use crate::common::{Checkout, Ran, Scene, write};

const ONE: &str = "  a: { run: echo a > a.txt }\n";

/// Runs a good plan where it cannot run: it is refused, with a hint, and no run exists afterwards.
fn refused(scene: &Scene, code: i32) -> Ran {
    scene.plan("budget: 1usd", ONE);
    let ran = scene.run(&[]).assert_code(code).assert_hints();
    assert!(scene.runs().is_empty(), "there is a run: {}", ran.err);
    ran
}

#[test]
fn a_folder_that_is_no_repository_is_named() {
    let scene = Scene::empty();
    refused(&scene, 8).assert_says("git init");
    assert_eq!(std::fs::read_dir(&scene.repo).unwrap().count(), 0);
}

#[test]
fn a_repository_without_a_commit_has_nothing_to_start_from() {
    let scene = Scene::empty();
    scene.git(&["init", "--quiet"]);
    refused(&scene, 8).assert_says("no commit yet");
}

#[test]
fn a_bare_repository_has_no_checkout_to_run_in() {
    let scene = Scene::empty();
    scene.git(&["init", "--quiet", "--bare"]);
    refused(&scene, 8).assert_says("bare repository");
}

#[test]
fn an_unknown_base_is_a_mistake_in_the_plan() {
    let scene = Scene::new();
    let before = Checkout::of(&scene, "swarm/t");
    scene.plan("budget: 1usd\nbase: nowhere", ONE);
    scene.run(&[]).assert_code(3).assert_says("`nowhere`").assert_hints();
    assert!(scene.runs().is_empty());
    before.assert_same(&scene, "swarm/t");
}

#[test]
fn a_dirty_checkout_is_allowed_and_stays_as_it_is() {
    let scene = Scene::new();
    write(&scene.repo.join("README.md"), "changed\n");
    write(&scene.repo.join("new.txt"), "untracked\n");
    write(&scene.repo.join("staged.txt"), "staged\n");
    scene.git(&["add", "staged.txt"]);
    let before = Checkout::of(&scene, "swarm/t");
    scene.plan("budget: 1usd", "  a: { run: 'cat README.md > a.txt; ls > b.txt' }\n");
    scene.run(&[]).assert_code(0).assert_says("not your 3 uncommitted files");
    assert_eq!(scene.git(&["show", "swarm/t:a.txt"]), "# Scratch");
    assert!(!scene.git(&["show", "swarm/t:b.txt"]).contains("new.txt"));
    before.assert_same(&scene, "swarm/t");
    scene.assert_clean();
}

#[test]
fn without_git_the_error_says_so() {
    let scene = Scene::new();
    let plan = scene.plan("budget: 1usd", ONE);
    let run = ["run", plan.to_str().unwrap()];
    let nowhere = scene.root.join("home");
    scene
        .start_with(&run, |command| {
            command.env("PATH", nowhere);
        })
        .end()
        .assert_code(8)
        .assert_says("git");
}

#[test]
fn a_folder_that_does_not_exist_is_an_error_and_not_made() {
    let scene = Scene::new();
    scene.swarm(&["-C", "missing", "status"]).assert_code(8).assert_hints();
    assert!(!scene.repo.join("missing").exists());
}

#[test]
fn commands_on_a_run_that_does_not_exist_say_how_to_find_one() {
    let scene = Scene::new();
    for words in [
        &["status"][..],
        &["resume"],
        &["logs", "a"],
        &["why", "a"],
        &["replay", "20990101"],
        &["cancel", "x"],
    ] {
        scene.swarm(words).assert_code(2).assert_hints();
    }
}
