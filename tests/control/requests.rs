//! Requests to a run, live or not: durable before they are acknowledged, and carried out once.

use crate::common::{Running, Scene};

/// `a` and `b` are at work, `c` waits for `a`.
fn at_work(head: &str) -> (Scene, Running) {
    let scene = Scene::new();
    let tasks = "  a: { agent: script, prompt: Work. }\n  b: { agent: script, prompt: Work. }\n  c: { run: echo c > c.txt, needs: [a] }\n";
    scene.plan(&format!("budget: 5usd\nconcurrency: 2\n{head}"), tasks);
    for task in ["a", "b"] {
        scene.script(task, &format!("echo {task} >{task}.txt; flag {task}; await go-{task}; usage 0.01"));
    }
    let running = scene.start_run(&[]);
    scene.await_flag("a");
    scene.await_flag("b");
    (scene, running)
}

fn kept(scene: &Scene, task: &str) -> String {
    scene.git(&["show", &format!("refs/swarm/{}/{task}/1:{task}.txt", scene.run_id())])
}

#[test]
fn pause_starts_nothing_new_and_unpause_goes_on() {
    let (scene, running) = at_work("");
    scene.swarm(&["pause"]).assert_code(0).assert_says("swarm unpause");
    scene.flag("go-a");
    scene.flag("go-b");
    for task in ["a", "b"] {
        scene.await_event("task.merged", task);
    }
    assert_eq!(scene.status()["state"], "paused");
    assert!(!scene.events().has("attempt.started", "c"));
    scene.swarm(&["unpause"]).assert_code(0);
    running.end().assert_code(0);
    assert_eq!(scene.state_of("c"), "merged");
    scene.assert_clean();
}

#[test]
fn a_finished_run_takes_no_request() {
    let scene = Scene::new();
    scene.plan("budget: 5usd", "  a: { run: echo a > a.txt }\n");
    scene.run(&[]).assert_code(0);
    for asked in [
        &["budget", "add", "1usd"][..],
        &["budget", "set", "9usd"],
        &["pause"],
        &["unpause"],
        &["cancel"],
        &["cancel", "--task", "a"],
    ] {
        scene.swarm(asked).assert_code(2).assert_says("the run is finished").assert_hints();
    }
    assert!(!scene.events().any("run.requested"));
    scene.assert_clean();
}

#[test]
fn resume_of_a_paused_live_run_unpauses_it() {
    let (scene, running) = at_work("");
    scene.swarm(&["pause"]).assert_code(0);
    scene.swarm(&["resume"]).assert_code(0);
    scene.flag("go-a");
    scene.flag("go-b");
    running.end().assert_code(0);
    scene.assert_clean();
}

#[test]
fn cancel_ends_the_run_and_keeps_what_was_written() {
    let (scene, running) = at_work("");
    scene.swarm(&["cancel"]).assert_code(0);
    running.end().assert_code(4);
    assert_eq!(["a", "b", "c"].map(|task| scene.state_of(task)), ["cancelled"; 3]);
    assert_eq!(["a", "b"].map(|task| kept(&scene, task)), ["a", "b"]);
    assert_eq!(scene.status()["outcome"], "cancelled");
    scene.swarm(&["cancel", "latest"]).assert_code(2).assert_hints();
    scene.assert_clean();
}

#[test]
fn cancel_of_one_task_leaves_the_others_alone() {
    let (scene, running) = at_work("");
    scene.swarm(&["cancel", "--task", "a"]).assert_code(0);
    scene.until("its end", |events| events.has("task.cancelled", "a"));
    scene.flag("go-b");
    running.end().assert_code(4);
    assert_eq!(["a", "b", "c"].map(|task| scene.state_of(task)), ["cancelled", "merged", "skipped"]);
    assert_eq!(kept(&scene, "a"), "a");
    scene.assert_clean();
}

#[test]
fn cancel_of_an_unknown_task_is_refused_and_changes_nothing() {
    let (scene, running) = at_work("");
    scene.swarm(&["cancel", "--task", "nobody"]).assert_code(2).assert_says("nobody").assert_hints();
    assert!(!scene.events().any("run.requested"));
    scene.flag("go-a");
    scene.flag("go-b");
    running.end().assert_code(0);
    scene.assert_clean();
}

#[test]
fn cancel_of_a_run_that_nobody_drives_ends_its_agents_and_keeps_their_work() {
    let (scene, running) = at_work("");
    running.kill_9();
    scene.swarm(&["cancel"]).assert_code(0);
    assert_eq!(["a", "b"].map(|task| kept(&scene, task)), ["a", "b"]);
    assert_eq!(scene.status()["outcome"], "cancelled");
    scene.swarm(&["resume"]).assert_code(4);
    scene.assert_clean();
}

#[test]
fn a_task_cancelled_while_nobody_drives_the_run_does_not_run() {
    let (scene, running) = at_work("");
    running.kill_9();
    scene.swarm(&["cancel", "--task", "c"]).assert_code(0).assert_says("swarm resume");
    scene.flag("go-a");
    scene.flag("go-b");
    scene.swarm(&["resume"]).assert_code(4);
    assert_eq!(["a", "b", "c"].map(|task| scene.state_of(task)), ["merged", "merged", "cancelled"]);
    scene.assert_clean();
}

#[test]
fn a_second_run_on_the_same_target_waits_for_its_turn_elsewhere() {
    let (scene, running) = at_work("");
    let first = scene.run_id();
    scene.run(&[]).assert_code(10).assert_says("--target");
    scene.plan("budget: 5usd", "  z: { run: echo z > z.txt }\n");
    scene.run(&["--target", "elsewhere"]).assert_code(0);
    scene.flag("go-a");
    scene.flag("go-b");
    running.end().assert_code(0);
    assert_eq!(scene.events_of(&first).of("task.merged").count(), 3);
}

#[test]
fn a_request_without_a_run_is_refused_when_several_live() {
    let (scene, running) = at_work("");
    scene.plan("budget: 5usd", "  z: { agent: script, prompt: Work. }\n");
    scene.script("z", "flag z; await go-b; echo z >z.txt");
    let other = scene.start_run(&["--target", "elsewhere"]);
    scene.await_flag("z");
    scene.swarm(&["pause"]).assert_code(2).assert_says("2 runs are live").assert_says("name the one");
    scene.flag("go-a");
    scene.flag("go-b");
    running.end().assert_code(0);
    other.end().assert_code(0);
    scene.assert_clean();
}

#[test]
fn concurrency_can_be_raised_while_the_run_lives() {
    let scene = Scene::new();
    scene.plan(
        "budget: 5usd\nconcurrency: 1",
        "  a: { agent: script, prompt: Work. }\n  b: { agent: script, prompt: Work. }\n",
    );
    scene.script("a", "echo a >a.txt; flag a; await b");
    scene.script("b", "echo b >b.txt; flag b");
    let running = scene.start_run(&[]);
    scene.await_flag("a");
    scene.swarm(&["resume", "--concurrency", "2"]).assert_code(0);
    running.end().assert_code(0);
    scene.assert_clean();
}

#[test]
fn a_request_that_is_no_request_is_refused_and_harms_nobody() {
    let (scene, running) = at_work("");
    let inbox = scene.run_dir().join("inbox");
    std::fs::write(inbox.join("1.json"), "not json").unwrap();
    std::fs::write(inbox.join("2.json"), r#"{"id": "other", "by": "me", "request": "Pause"}"#).unwrap();
    crate::common::until_true("refusals", || {
        inbox.join("1.refused").exists() && inbox.join("2.refused").exists()
    });
    assert!(!scene.events().any("run.requested"));
    scene.flag("go-a");
    scene.flag("go-b");
    running.end().assert_code(0);
    scene.assert_clean();
}
