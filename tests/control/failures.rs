//! What a failure does to the rest of the run, as its plan says.

use crate::common::Scene;

fn states(scene: &Scene, tasks: &[&str]) -> Vec<String> {
    tasks.iter().map(|task| scene.state_of(task)).collect()
}

#[test]
fn on_failure_continue_skips_dependents_only() {
    let scene = Scene::new();
    scene.plan("budget: 1usd", "  a: { run: 'false' }\n  b: { run: echo b > b.txt, needs: [a] }\n  c: { run: echo c > c.txt, needs: [b] }\n  d: { run: echo d > d.txt }\n");
    scene.run(&[]).assert_code(4).assert_says("swarm retry");
    assert_eq!(states(&scene, &["a", "b", "c", "d"]), ["failed", "skipped", "skipped", "merged"]);
    assert_eq!(scene.status()["outcome"], "partial");
    scene.assert_clean();
}

#[test]
fn on_failure_stop_lets_what_runs_finish_and_cancels_the_rest() {
    let scene = Scene::new();
    let tasks = "  a: { agent: script, prompt: Work., retries: 0 }\n  b: { agent: script, prompt: Work. }\n  c: { run: echo c > c.txt }\n";
    scene.plan("budget: 1usd\nconcurrency: 2\non_failure: stop", tasks);
    scene.script("a", "await b; exit 1");
    scene.script("b", "flag b; await go; echo b >b.txt");
    let running = scene.start_run(&[]);
    scene.until("the failure", |events| events.has("task.failed", "a"));
    scene.flag("go");
    running.end().assert_code(4);
    assert_eq!(states(&scene, &["a", "b", "c"]), ["failed", "merged", "cancelled"]);
    scene.assert_clean();
}

#[test]
fn on_failure_pause_stops_with_6_and_resume_goes_on() {
    let scene = Scene::new();
    scene.plan(
        "budget: 1usd\nconcurrency: 1\non_failure: pause",
        "  a: { run: 'false' }\n  b: { run: echo b > b.txt }\n",
    );
    scene.run(&[]).assert_code(6).assert_says("swarm resume");
    assert_eq!(scene.state_of("b"), "ready");
    scene.swarm(&["resume"]).assert_code(4);
    assert_eq!(states(&scene, &["a", "b"]), ["failed", "merged"]);
    scene.assert_clean();
}

#[test]
fn an_optional_task_that_fails_does_not_change_the_exit_code() {
    let scene = Scene::new();
    scene.plan("budget: 1usd", "  a: { run: 'false', optional: true }\n  b: { run: echo b > b.txt }\n  c: { run: echo c > c.txt, needs: [a], optional: true }\n");
    scene.run(&[]).assert_code(0);
    assert_eq!(states(&scene, &["a", "b", "c"]), ["failed", "merged", "skipped"]);
    scene.assert_clean();
}

#[test]
fn a_need_that_only_has_to_end_may_fail() {
    let scene = Scene::new();
    scene.plan("budget: 1usd", "  a: { run: 'false', optional: true }\n  b: { run: echo b > b.txt, needs: [{ task: a, when: ended }] }\n");
    scene.run(&[]).assert_code(0);
    let events = scene.events();
    assert!(events.first("task.failed", "a").seq < events.first("attempt.started", "b").seq);
    scene.assert_clean();
}

#[test]
fn a_failing_line_fails_the_command_and_what_it_wrote_is_kept() {
    let scene = Scene::new();
    scene.plan(
        "budget: 1usd",
        "  a:\n    run: |\n      echo one > a.txt\n      false | true\n      echo two >> a.txt\n",
    );
    scene.run(&[]).assert_code(4);
    assert_eq!(scene.git(&["show", &format!("refs/swarm/{}/a/1:a.txt", scene.run_id())]), "one");
    scene.assert_clean();
}

#[test]
fn a_write_outside_the_claims_fails_where_the_plan_says_so() {
    let scene = Scene::new();
    scene
        .plan("budget: 1usd", "  a: { run: echo a > other.txt, files: [a.txt], on_claim_violation: fail }\n");
    scene.run(&[]).assert_code(4);
    assert!(scene.events().failures("a")[0].contains("`other.txt`"));
    assert_eq!(scene.git(&["show", &format!("refs/swarm/{}/a/1:other.txt", scene.run_id())]), "a");
    scene.assert_clean();
}

#[test]
fn a_write_outside_the_claims_is_shown_and_lands_where_the_plan_only_warns() {
    let scene = Scene::new();
    scene.plan("budget: 1usd", "  a: { run: echo a > other.txt, files: [a.txt] }\n");
    scene.run(&[]).assert_code(0).assert_says("other.txt");
    assert_eq!(scene.git(&["show", "swarm/t:other.txt"]), "a");
    scene.assert_clean();
}

#[test]
fn a_command_that_changes_nothing_is_done_and_an_agent_that_may_is_too() {
    let scene = Scene::new();
    scene.plan("budget: 1usd", "  a: { run: 'true' }\n  b: { agent: script, prompt: Look., if_no_changes: ok }\n  c: { run: 'true', if_no_changes: fail }\n");
    scene.script("b", "usage 0.01");
    scene.run(&[]).assert_code(4);
    assert_eq!(states(&scene, &["a", "b", "c"]), ["done", "done", "failed"]);
    scene.assert_clean();
}

#[test]
fn retries_wait_for_their_backoff_and_each_attempt_is_kept() {
    let scene = Scene::new();
    scene.plan(
        "budget: 1usd",
        "  a: { agent: script, prompt: Work., retries: { max: 2, backoff: { delay: 20ms, factor: 2 } } }\n",
    );
    scene.script("a", "echo $SWARM_ATTEMPT >>a.txt; [ $SWARM_ATTEMPT = 3 ]");
    scene.run(&[]).assert_code(0);
    assert_eq!(scene.git(&["show", "swarm/t:a.txt"]), "1\n2\n3", "a retry starts from the work before");
    assert_eq!(scene.git(&["show", &format!("refs/swarm/{}/a/2:a.txt", scene.run_id())]), "1\n2");
    scene.assert_clean();
}

#[test]
fn retries_from_the_base_start_afresh() {
    let scene = Scene::new();
    scene.plan(
        "budget: 1usd",
        "  a: { agent: script, prompt: Work., retries: { max: 1, from: base, backoff: { delay: 10ms } } }\n",
    );
    scene.script("a", "echo $SWARM_ATTEMPT >>a.txt; [ $SWARM_ATTEMPT = 2 ]");
    scene.run(&[]).assert_code(0);
    assert_eq!(scene.git(&["show", "swarm/t:a.txt"]), "2");
    scene.assert_clean();
}

#[test]
fn only_the_named_tasks_and_what_they_need_run() {
    let scene = Scene::new();
    scene.plan("budget: 1usd", "  a: { run: echo a > a.txt }\n  b: { run: echo b > b.txt, needs: [a] }\n  c: { run: echo c > c.txt }\n");
    scene.run(&["--only", "b"]).assert_code(0);
    assert_eq!(scene.git(&["ls-tree", "--name-only", "swarm/t", "a.txt", "b.txt", "c.txt"]), "a.txt\nb.txt");
    scene.assert_clean();
}
