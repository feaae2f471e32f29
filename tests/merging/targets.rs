//! The branch that work lands on: absent, behind, ahead, checked out, moved, or impossible beside another name.

use crate::common::{Checkout, Events, Running, Scene};

const ONE: &str = "  a: { agent: script, prompt: Work. }\n";

fn scene(head: &str) -> Scene {
    let scene = Scene::new();
    std::fs::write(scene.repo.join("second.txt"), "2\n").unwrap();
    scene.commit("second");
    scene.plan(&format!("budget: 5usd\n{head}"), ONE);
    scene.script("a", "echo a >a.txt");
    scene
}

/// A branch with a commit that `main` lacks.
fn ahead(scene: &Scene, branch: &str) -> String {
    let tree = scene.git(&["rev-parse", "main^{tree}"]);
    let commit = scene.git(&["commit-tree", "-p", "main", "-m", "theirs", &tree]);
    scene.git(&["branch", branch, &commit]);
    commit
}

/// The run does not begin, and nothing changes.
fn refused(scene: &Scene, args: &[&str], words: &[&str]) {
    let before = Checkout::of(scene, "");
    let ran = scene.run(args).assert_code(7).assert_hints();
    for word in words {
        assert!(ran.err.contains(word), "no `{word}` in\n{}", ran.err);
    }
    assert!(scene.runs().is_empty());
    before.assert_same(scene, "");
}

#[test]
fn a_target_contained_in_the_base_is_fast_forwarded() {
    let scene = scene("");
    scene.git(&["branch", "swarm/t", "main~1"]);
    scene.run(&[]).assert_code(0);
    assert_eq!(scene.git(&["log", "-1", "--format=%P", "swarm/t"]), scene.git(&["rev-parse", "main"]));
    scene.assert_clean();
}

#[test]
fn a_target_ahead_of_the_base_is_refused_with_the_ways_out() {
    let scene = scene("");
    ahead(&scene, "swarm/t");
    refused(&scene, &[], &["swarm land", "swarm retry", "--target"]);
}

#[test]
fn a_target_that_the_plan_names_without_a_base_is_built_upon() {
    let scene = scene("target: feature");
    let theirs = ahead(&scene, "feature");
    scene.run(&[]).assert_code(0);
    assert_eq!(scene.git(&["log", "-1", "--format=%P", "feature"]), theirs);
    scene.assert_clean();
}

#[test]
fn a_target_and_a_base_that_lacks_it_are_refused() {
    let scene = scene("target: feature\nbase: main");
    ahead(&scene, "feature");
    refused(&scene, &[], &["feature"]);
}

#[test]
fn a_target_that_is_checked_out_is_refused() {
    let scene = scene("target: main");
    refused(&scene, &[], &["main", "checked out", "--target"]);
}

#[test]
fn a_target_checked_out_in_another_worktree_is_refused() {
    let scene = scene("");
    let other = scene.root.join("other");
    scene.git(&["worktree", "add", "-q", other.to_str().unwrap(), "-b", "swarm/t"]);
    refused(&scene, &[], &["swarm/t", "other"]);
}

#[test]
fn a_name_that_git_cannot_have_beside_another_is_refused() {
    let scene = scene("");
    scene.git(&["branch", "swarm"]);
    refused(&scene, &[], &["refs/heads/swarm"]);
}

#[test]
fn a_name_below_an_existing_branch_or_above_one_is_refused() {
    let scene = scene("");
    scene.git(&["branch", "x/y"]);
    refused(&scene, &["--target", "x"], &["x"]);
    refused(&scene, &["--target", "x/y/z"], &["x/y"]);
    refused(&scene, &["--target", "no..name"], &["no..name"]);
}

/// `a` is done and waits to land on a target that is checked out; `b` is still at work.
fn held() -> (Scene, Running, String) {
    let scene = scene("");
    scene.plan("budget: 5usd\nconcurrency: 2", &format!("{ONE}  b: {{ agent: script, prompt: Work. }}\n"));
    scene.script("a", "flag runs; await out; echo a >a.txt");
    scene.script("b", "await go; echo b >b.txt");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    let other = scene.root.join("other").to_str().unwrap().to_owned();
    scene.git(&["worktree", "add", "-q", &other, "-b", "swarm/t", "main"]);
    scene.flag("out");
    scene.until("a held queue", |events: &Events| events.any("target.held"));
    (scene, running, other)
}

#[test]
fn a_target_checked_out_while_the_run_goes_on_is_waited_for() {
    let (scene, running, other) = held();
    assert_eq!(
        scene.git(&["rev-parse", "swarm/t"]),
        scene.git(&["rev-parse", "main"]),
        "it was moved under a checkout"
    );
    scene.git(&["worktree", "remove", &other]);
    scene.await_event("task.merged", "a");
    scene.flag("go");
    running.end().assert_code(0);
    assert_eq!(scene.state_of("b"), "merged");
    scene.assert_clean();
}

#[test]
fn when_nothing_else_is_left_to_do_the_run_stops_and_can_be_resumed() {
    let (scene, running, other) = held();
    scene.flag("go");
    running.end().assert_code(7).assert_says("other").assert_hints();
    assert_eq!(scene.git(&["rev-parse", "swarm/t"]), scene.git(&["rev-parse", "main"]));
    scene.git(&["worktree", "remove", &other]);
    scene.swarm(&["resume"]).assert_code(0);
    assert_eq!(["a", "b"].map(|task| scene.state_of(task)), ["merged", "merged"]);
    assert_eq!(scene.events().count("attempt.started", "a"), 1);
    scene.assert_clean();
}

/// `a` landed and `b` is at work.
fn half_way() -> (Scene, Running) {
    let scene = scene("");
    scene.plan("budget: 5usd", &format!("{ONE}  b: {{ agent: script, prompt: Work., needs: [a] }}\n"));
    scene.script("b", "flag runs; await go; echo b >b.txt");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    (scene, running)
}

#[test]
fn commits_that_somebody_else_adds_to_the_target_are_built_upon() {
    let (scene, running) = half_way();
    let tree = scene.git(&["rev-parse", "swarm/t^{tree}"]);
    let theirs = scene.git(&["commit-tree", "-p", "swarm/t", "-m", "theirs", &tree]);
    scene.git(&["update-ref", "refs/heads/swarm/t", &theirs]);
    scene.flag("go");
    running.end().assert_code(0);
    assert_eq!(scene.git(&["log", "-1", "--format=%P", "swarm/t"]), theirs);
    scene.assert_clean();
}

#[test]
fn a_target_that_lost_what_landed_stops_the_run_and_is_left_alone() {
    let (scene, running) = half_way();
    scene.git(&["update-ref", "refs/heads/swarm/t", "main"]);
    scene.flag("go");
    running.end().assert_code(7).assert_says("swarm/t").assert_hints();
    assert_eq!(scene.git(&["rev-parse", "swarm/t"]), scene.git(&["rev-parse", "main"]));
    let landed = scene.events().first("task.merged", "a").text("commit").to_owned();
    scene.git(&["update-ref", "refs/heads/swarm/t", &landed]);
    scene.swarm(&["resume"]).assert_code(0);
    assert_eq!(scene.git(&["log", "-1", "--format=%P", "swarm/t"]), landed);
    scene.assert_clean();
}
