//! `swarm retry`: a new run on the same target; what landed is carried over, the rest runs.

use crate::common::Scene;

/// `a` landed, `b` failed and `c` was skipped; `b` succeeds once the flag `fixed` is up.
fn half_landed() -> Scene {
    let scene = Scene::new();
    let tasks = format!(
        "  a: {{ run: echo a > a.txt }}\n  b: {{ run: 'test -e {}/flags/fixed; echo b > b.txt' }}\n  c: {{ run: cat a.txt b.txt > c.txt, needs: [a, b] }}\n",
        scene.root.display()
    );
    scene.plan("budget: 5usd", &tasks);
    scene.run(&[]).assert_code(4).assert_says("swarm retry");
    scene
}

#[test]
fn what_landed_is_carried_over_and_the_rest_runs() {
    let scene = half_landed();
    let parent = scene.run_id();
    scene.flag("fixed");
    scene.swarm(&["retry"]).assert_code(0);
    let status = scene.status();
    assert_eq!(status["parent"], parent.as_str());
    assert_ne!(status["run"], parent.as_str());
    assert_eq!(status["tasks"]["a"]["state"], "merged");
    assert_eq!(status["tasks"]["a"]["attempts"], 0);
    assert!(!scene.events().has("attempt.started", "a"));
    assert_eq!(scene.git(&["show", "swarm/t:c.txt"]), "a\nb");
    assert_eq!(scene.git(&["rev-list", "--count", "main..swarm/t"]), "3");
    scene.assert_clean();
}

#[test]
fn a_run_that_landed_everything_has_nothing_to_retry() {
    let scene = half_landed();
    scene.flag("fixed");
    scene.swarm(&["retry"]).assert_code(0);
    scene.swarm(&["retry"]).assert_code(0).assert_says("nothing to retry").assert_says("swarm land");
    assert_eq!(scene.runs().len(), 2);
}

#[test]
fn only_the_named_tasks_and_what_they_need_run_again() {
    let scene = half_landed();
    scene.flag("fixed");
    scene.swarm(&["retry", "b"]).assert_code(0);
    assert_eq!(scene.state_of("b"), "merged");
    assert!(scene.status()["tasks"].get("c").is_none());
    scene.assert_clean();
}

#[test]
fn a_task_whose_definition_changed_runs_again() {
    let scene = half_landed();
    let plan = scene.plan("budget: 5usd", "  a: { run: echo new > a.txt }\n  b: { run: echo b > b.txt }\n  c: { run: cat a.txt b.txt > c.txt, needs: [a, b] }\n");
    scene.swarm(&["retry", "--plan", plan.to_str().unwrap()]).assert_code(0);
    assert_eq!(scene.git(&["show", "swarm/t:c.txt"]), "new\nb");
    assert!(scene.events().has("attempt.started", "a"));
    scene.assert_clean();
}

#[test]
fn what_was_taken_out_of_the_target_is_not_carried_over() {
    let scene = half_landed();
    scene.flag("fixed");
    scene.git(&["update-ref", "refs/heads/swarm/t", "main"]);
    scene.swarm(&["retry"]).assert_code(0);
    assert!(scene.events().has("attempt.started", "a"));
    assert_eq!(scene.git(&["show", "swarm/t:c.txt"]), "a\nb");
    let parent = scene.runs().remove(0);
    scene.swarm(&["replay", parent.to_str().unwrap(), "--verify"]).assert_code(9);
}

#[test]
fn a_live_run_cannot_be_retried() {
    let scene = Scene::new();
    scene.plan("budget: 5usd", "  a: { agent: script, prompt: Work. }\n");
    scene.script("a", "flag runs; await go; echo a >a.txt");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    scene.swarm(&["retry"]).assert_code(10).assert_hints();
    scene.flag("go");
    running.end().assert_code(0);
    scene.assert_clean();
}
