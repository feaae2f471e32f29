//! Plans that cannot be run: every problem at once, by its code, at its place, before anything starts.

use crate::common::{Ran, Scene};

/// A plan with these tasks is refused by `check` and by `run`, and nothing starts.
fn refused(tasks: &str) -> Ran {
    let scene = Scene::new();
    scene.plan("budget: 1usd", tasks);
    refused_in(&scene)
}

fn refused_in(scene: &Scene) -> Ran {
    let plan = scene.root.join("plan.yaml");
    scene.swarm(&["check", plan.to_str().unwrap()]).assert_code(3);
    let ran = scene.run(&[]).assert_code(3).assert_hints();
    assert!(scene.runs().is_empty(), "there is a run");
    ran
}

#[test]
fn a_cycle_is_drawn_as_a_path() {
    refused(
        "  a: { run: true, needs: [c] }\n  b: { run: true, needs: [a] }\n  c: { run: true, needs: [b] }\n",
    )
    .assert_says("P0301");
}

#[test]
fn an_unknown_need_is_named_with_what_was_meant() {
    refused("  build: { run: 'true' }\n  b: { run: 'true', needs: [biuld] }\n")
        .assert_says("P0302")
        .assert_says("`build`");
}

#[test]
fn two_tasks_that_can_run_together_may_not_claim_one_file() {
    refused("  a: { run: 'true', files: [src/*.rs] }\n  b: { run: 'true', files: [src/lib.rs] }\n")
        .assert_says("P0303");
}

#[test]
fn claims_of_tasks_in_a_row_may_overlap() {
    let scene = Scene::new();
    let tasks = "  a: { run: echo a >> src/lib.rs, files: [src/*.rs] }\n  b: { run: echo b >> src/lib.rs, files: [src/lib.rs], needs: [a] }\n";
    scene.plan("budget: 1usd", tasks);
    scene.run(&[]).assert_code(0);
    assert!(scene.git(&["show", "swarm/t:src/lib.rs"]).ends_with("a\nb"));
    scene.assert_clean();
}

#[test]
fn an_id_can_be_given_only_once() {
    refused("  a: { run: 'true' }\n  a: { run: 'false' }\n").assert_says("P0104");
}

#[test]
fn an_id_cannot_lead_out_of_its_folder() {
    refused("  '../a': { run: 'true' }\n").assert_says("P0106");
}

#[test]
fn all_problems_are_told_at_once() {
    let ran = refused("  a: { run: 'true', promt: x }\n  b: { needs: [nobody] }\n  c..d: { run: 'true' }\n");
    for code in ["P0101", "P0105", "P0302", "P0106"] {
        assert!(ran.err.contains(code), "no {code} in\n{}", ran.err);
    }
}

#[test]
fn a_plan_that_is_not_utf_8_is_refused_with_its_place() {
    let scene = Scene::new();
    scene.file("plan.yaml", b"version: 1\nname: t\nbudget: 1\ntasks:\n  a: { run: \"\xff\xfe\" }\n");
    refused_in(&scene).assert_says("UTF-8");
}

#[test]
fn a_plan_of_100_mb_is_refused_without_being_read_through() {
    let scene = Scene::new();
    let file = std::fs::File::create(scene.root.join("plan.yaml")).unwrap();
    file.set_len(100 << 20).unwrap();
    refused_in(&scene);
}

#[test]
fn a_plan_that_is_missing_is_asked_for() {
    let scene = Scene::new();
    scene.swarm(&["run"]).assert_code(3).assert_says("swarm init");
    scene.swarm(&["run", "missing.yaml"]).assert_code(3).assert_says("missing.yaml");
    assert!(scene.runs().is_empty());
}

#[test]
fn a_plan_without_a_budget_is_refused() {
    let scene = Scene::new();
    scene.plan("concurrency: 2", "  a: { run: 'true' }\n");
    refused_in(&scene).assert_says("budget");
}

#[test]
fn a_task_of_no_plan_cannot_be_chosen() {
    let scene = Scene::new();
    scene.plan("budget: 1usd", "  a: { run: 'true' }\n");
    scene.run(&["--only", "z"]).assert_code(2).assert_says("`z`").assert_hints();
    assert!(scene.runs().is_empty());
}

#[test]
fn a_mistyped_option_is_a_usage_error() {
    let scene = Scene::new();
    scene.swarm(&["run", "--concurency", "2"]).assert_code(2).assert_says("--concurrency");
    scene.swarm(&["run", "--concurrency", "0"]).assert_code(2);
    scene.swarm(&["statsu"]).assert_code(2).assert_says("status");
}
