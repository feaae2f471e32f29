//! After a run: `land`, `diff` and `clean`. Only what swarm made is ever removed, and the checkout changes only by `land`.

use crate::common::{Checkout, Scene};

fn landed() -> Scene {
    let scene = Scene::new();
    scene.plan("budget: 5usd", "  a: { run: echo a > a.txt }\n  b: { run: echo b > b.txt, needs: [a] }\n");
    scene.run(&[]).assert_code(0);
    scene
}

#[test]
fn land_fast_forwards_the_branch_that_is_checked_out() {
    let scene = landed();
    scene.swarm(&["land"]).assert_code(0);
    assert_eq!(scene.git(&["rev-parse", "main"]), scene.git(&["rev-parse", "swarm/t"]));
    assert_eq!(std::fs::read_to_string(scene.repo.join("b.txt")).unwrap(), "b\n");
    assert_eq!(scene.git(&["status", "--porcelain"]), "");
    scene.swarm(&["land"]).assert_code(0);
}

#[test]
fn land_merges_where_the_branch_went_on() {
    let scene = landed();
    std::fs::write(scene.repo.join("mine.txt"), "mine\n").unwrap();
    scene.commit("mine");
    scene.swarm(&["land"]).assert_code(0);
    assert_eq!(scene.git(&["log", "-1", "--format=%P", "main"]).split(' ').count(), 2);
    assert_eq!(scene.git(&["show", "main:mine.txt"]), "mine");
    assert_eq!(scene.git(&["show", "main:b.txt"]), "b");
    assert_eq!(scene.git(&["status", "--porcelain"]), "");
}

#[test]
fn land_refuses_a_dirty_checkout_and_changes_nothing() {
    let scene = landed();
    std::fs::write(scene.repo.join("README.md"), "mine\n").unwrap();
    let before = Checkout::of(&scene, "");
    scene.swarm(&["land"]).assert_code(7).assert_says("commit or stash");
    before.assert_same(&scene, "");
}

#[test]
fn land_refuses_a_conflict_and_changes_nothing() {
    let scene = landed();
    std::fs::write(scene.repo.join("a.txt"), "mine\n").unwrap();
    scene.commit("mine");
    let before = Checkout::of(&scene, "");
    scene.swarm(&["land"]).assert_code(7).assert_says("a.txt").assert_hints();
    before.assert_same(&scene, "");
}

#[test]
fn land_into_a_branch_that_is_not_checked_out_touches_no_file() {
    let scene = landed();
    scene.git(&["branch", "release"]);
    let before = Checkout::of(&scene, "release");
    scene.swarm(&["land", "--into", "release"]).assert_code(0);
    before.assert_same(&scene, "release");
    assert_eq!(scene.git(&["rev-parse", "release"]), scene.git(&["rev-parse", "swarm/t"]));
}

#[test]
fn land_has_nothing_to_do_for_a_run_that_landed_nothing() {
    let scene = Scene::new();
    scene.plan("budget: 5usd", "  a: { run: 'false' }\n");
    scene.run(&[]).assert_code(4);
    scene.swarm(&["land"]).assert_code(7).assert_hints();
}

#[test]
fn diff_shows_what_a_run_and_what_one_task_changed() {
    let scene = landed();
    let run = scene.swarm(&["diff"]).assert_code(0).out;
    assert!(run.contains("+a\n") && run.contains("+b\n"), "{run}");
    let task = scene.swarm(&["diff", "a"]).assert_code(0).out;
    assert!(task.contains("+a\n") && !task.contains("+b\n"), "{task}");
    assert!(scene.swarm(&["diff", "--stat"]).assert_code(0).out.contains("2 files changed"));
    scene.swarm(&["diff", "nobody"]).assert_code(2).assert_hints();
}

#[test]
fn diff_shows_the_work_of_a_task_that_failed() {
    let scene = Scene::new();
    scene.plan("budget: 5usd", "  a: { run: 'echo half > a.txt; exit 1' }\n");
    scene.run(&[]).assert_code(4);
    assert!(scene.swarm(&["diff", "a"]).assert_code(0).out.contains("+half"));
}

#[test]
fn clean_removes_what_swarm_made_of_a_run_and_leaves_the_target() {
    let scene = landed();
    let before = Checkout::of(&scene, "");
    let would = scene.swarm(&["clean", "--dry-run"]).assert_code(0);
    assert_eq!(scene.runs().len(), 1, "a dry run removed something: {}", would.out);
    assert!(!scene.git(&["for-each-ref", "refs/swarm"]).is_empty());
    scene.swarm(&["clean"]).assert_code(0);
    assert!(scene.runs().is_empty());
    assert_eq!(scene.git(&["for-each-ref", "refs/swarm"]), "");
    before.assert_same(&scene, "");
}

#[test]
fn clean_keeps_work_that_did_not_land_unless_it_is_given_up() {
    let scene = Scene::new();
    scene.plan("budget: 5usd", "  a: { run: 'echo half > a.txt; exit 1' }\n");
    scene.run(&[]).assert_code(4);
    let kept = format!("refs/swarm/{}/a/1", scene.run_id());
    scene.swarm(&["clean"]).assert_code(0).assert_says(&kept);
    assert_eq!(scene.git(&["show", &format!("{kept}:a.txt")]), "half");
    assert_eq!(scene.runs().len(), 1);
    scene.swarm(&["clean", "--discard-unmerged"]).assert_code(0);
    assert!(scene.runs().is_empty());
    assert_eq!(scene.git(&["for-each-ref", "refs/swarm"]), "");
}

#[test]
fn clean_leaves_live_and_unfinished_and_young_runs_alone() {
    let scene = Scene::new();
    scene.plan("budget: 5usd", "  a: { agent: script, prompt: Work. }\n");
    scene.script("a", "flag runs; await go; echo a >a.txt");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    scene.swarm(&["clean"]).assert_code(0);
    running.kill_9();
    scene.swarm(&["clean"]).assert_code(0).assert_says("swarm resume");
    assert_eq!(scene.runs().len(), 1);
    scene.flag("go");
    scene.swarm(&["resume"]).assert_code(0);
    scene.swarm(&["clean", "--older-than", "14d"]).assert_code(0);
    assert_eq!(scene.runs().len(), 1);
    scene.assert_clean();
}
