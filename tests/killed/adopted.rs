//! Agents live on without the orchestrator: the one that comes next adopts them, or finds how they ended.

use serde_json::Value;

use crate::common::{Scene, Signal, kill, lives, parent_of, until_true};

/// One task `a` whose agent says that it runs and waits to be let go, and is shown in the middle of that.
fn in_the_middle(rest: &str) -> Scene {
    let scene = Scene::new();
    scene.plan("budget: 5usd", "  a: { agent: script, prompt: Write it. }\n");
    scene.script(
        "a",
        &format!("echo $$ >>\"$ROOT/flags/pids\"; echo half >a.txt; flag runs; await go\n{rest}"),
    );
    scene
}

fn start_json(scene: &Scene) -> Value {
    serde_json::from_str(&scene.attempt_file("a", 1, "start.json")).unwrap()
}

fn pid(scene: &Scene) -> u32 {
    u32::try_from(start_json(scene)["pid"].as_u64().unwrap()).unwrap()
}

#[test]
fn an_agent_that_runs_at_the_kill_is_the_same_process_after_resume() {
    let scene = in_the_middle("echo whole >a.txt; usage 0.07");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    let before = start_json(&scene);
    running.kill_9();
    assert!(lives(pid(&scene)), "the agent went with the orchestrator");
    let resumed = scene.start(&["resume"]);
    scene.until("the second process", |events| events.of("run.opened").count() == 2);
    assert_eq!(start_json(&scene), before);
    scene.flag("go");
    resumed.end().assert_code(0);
    let events = scene.events();
    assert_eq!(start_json(&scene), before);
    // Which number it has where it looks is the wall's to say.
    assert_eq!(std::fs::read_to_string(scene.root.join("flags/pids")).unwrap().lines().count(), 1);
    assert_eq!(events.count("attempt.started", "a"), 1);
    assert_eq!(events.first("agent.exited", "a").data["ending"]["code"], 0);
    assert_eq!(scene.git(&["show", "swarm/t:a.txt"]), "whole");
    assert_eq!(scene.status()["budget"]["spent_usd"], "0.07");
    scene.assert_clean();
}

#[test]
fn its_true_exit_status_is_found_and_its_attempt_number_stays() {
    let scene = in_the_middle("exit 7");
    scene.plan("budget: 5usd", "  a: { agent: script, prompt: Write it., retries: 0 }\n");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    running.kill_9();
    let resumed = scene.start(&["resume"]);
    scene.until("the second process", |events| events.of("run.opened").count() == 2);
    scene.flag("go");
    resumed.end().assert_code(4);
    let events = scene.events();
    assert_eq!(events.first("agent.exited", "a").data["ending"]["code"], 7);
    assert_eq!(events.count("attempt.started", "a"), 1);
    let kept = format!("refs/swarm/{}/a/1:a.txt", scene.run_id());
    assert_eq!(scene.git(&["show", &kept]), "half");
    scene.assert_clean();
}

#[test]
fn an_agent_that_ended_while_nobody_looked_is_not_started_again() {
    let scene = in_the_middle("echo whole >a.txt; usage 0.03");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    let agent = pid(&scene);
    running.kill_9();
    scene.flag("go");
    until_true("the agent's end", || !lives(agent));
    until_true("its record", || !scene.attempt_file("a", 1, "exit.json").is_empty());
    scene.swarm(&["resume"]).assert_code(0);
    let events = scene.events();
    assert_eq!(events.count("attempt.started", "a"), 1);
    assert_eq!(events.first("agent.exited", "a").data["ending"]["code"], 0);
    assert_eq!(scene.status()["budget"]["spent_usd"], "0.03");
    assert_eq!(scene.git(&["show", "swarm/t:a.txt"]), "whole");
    scene.assert_clean();
}

#[test]
fn a_holder_killed_too_leaves_an_unknown_end_kept_work_and_the_next_attempt() {
    let scene = in_the_middle("echo whole >a.txt");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    let agent = pid(&scene);
    let holder = parent_of(agent).unwrap();
    running.kill_9();
    kill(holder, Signal::KILL);
    until_true("the holder's end", || !lives(holder));
    // The second attempt finds the gate open.
    scene.flag("go");
    scene.swarm(&["resume"]).assert_code(0);
    assert!(!lives(agent), "the agent without a holder lives on");
    let events = scene.events();
    assert_eq!(events.first("agent.exited", "a").data["ending"]["kind"], "unknown");
    let attempts: Vec<_> = events.about("attempt.started", "a").map(|event| event.attempt).collect();
    assert_eq!(attempts, [1, 2]);
    assert_eq!(events.first("attempt.failed", "a").data["uses_retry"], false);
    let kept = scene.git(&["show", &format!("refs/swarm/{}/a/1:a.txt", scene.run_id())]);
    assert!(["half", "whole"].contains(&kept.as_str()), "{kept}");
    assert_eq!(scene.git(&["show", "swarm/t:a.txt"]), "whole");
    scene.assert_clean();
}

#[test]
fn a_gate_that_runs_at_the_kill_decides_once_and_its_verdict_counts() {
    let scene = Scene::new();
    let root = scene.root.display().to_string();
    let gate = format!(
        "gates: {{ slow: {{ run: 'echo x >>{root}/flags/gates; while ! [ -e {root}/flags/go ]; do sleep 0.02; done', baseline: skip }} }}"
    );
    scene.plan(&format!("budget: 5usd\n{gate}"), "  a: { run: echo a > a.txt, gates: [slow] }\n");
    let running = scene.start_run(&[]);
    scene.await_flag("gates");
    running.kill_9();
    let resumed = scene.start(&["resume"]);
    scene.until("the second process", |events| events.of("run.opened").count() == 2);
    scene.flag("go");
    resumed.end().assert_code(0);
    assert_eq!(std::fs::read_to_string(scene.root.join("flags/gates")).unwrap(), "x\n", "the gate ran twice");
    assert_eq!(scene.events().of("gate.ended").count(), 1);
    scene.assert_clean();
}

#[test]
fn worktrees_are_found_again_when_the_folder_for_state_is_another_one() {
    let scene = in_the_middle("echo whole >a.txt");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    running.kill_9();
    scene.flag("go");
    let elsewhere = scene.root.join("elsewhere");
    scene
        .start_with(&["resume"], |swarm| {
            swarm.env("SWARM_STATE_DIR", &elsewhere);
        })
        .end()
        .assert_code(0);
    assert_eq!(scene.git(&["show", "swarm/t:a.txt"]), "whole");
    assert!(!elsewhere.join("worktrees").exists(), "worktrees were made beside the old ones");
    scene.assert_clean();
}
