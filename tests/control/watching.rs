//! Watching a run: attached, in the background, by its event stream, and once it is over.

use crate::common::{Scene, Signal};

fn one() -> Scene {
    let scene = Scene::new();
    scene.plan("budget: 5usd", "  a: { agent: script, prompt: Work., retries: 0 }\n");
    scene.script("a", "flag runs; await go; echo a >a.txt; usage 0.01; [ ! -e $ROOT/flags/bad ]");
    scene
}

#[test]
fn a_run_in_the_background_can_be_attached_to_and_repeats_its_exit_code() {
    let scene = one();
    scene.run(&["--detach"]).assert_code(0).assert_says("swarm attach");
    scene.await_flag("runs");
    let attached = scene.start(&["attach"]);
    scene.flag("go");
    attached.end().assert_code(0).assert_says("landed");
    scene.assert_clean();
}

#[test]
fn an_attached_watcher_sees_the_failure_too() {
    let scene = one();
    scene.flag("bad");
    scene.run(&["--detach"]).assert_code(0);
    scene.await_flag("runs");
    let attached = scene.start(&["attach"]);
    scene.flag("go");
    attached.end().assert_code(4);
    scene.assert_clean();
}

#[test]
fn ctrl_c_in_attach_only_detaches() {
    let scene = one();
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    let attached = scene.start(&["attach"]);
    crate::common::until_true("the watcher", || attached.err_so_far().contains("detaches"));
    attached.signal(Signal::INT);
    drop(attached.end());
    scene.flag("go");
    running.end().assert_code(0);
    assert!(!scene.events().any("run.requested"));
    scene.assert_clean();
}

#[test]
fn resume_of_a_finished_run_appends_nothing_and_repeats_its_exit_code() {
    for (bad, code) in [(false, 0), (true, 4)] {
        let scene = one();
        scene.flag("go");
        if bad {
            scene.flag("bad");
        }
        scene.run(&[]).assert_code(code);
        let before = scene.events().0.len();
        for _ in 0..2 {
            scene.swarm(&["resume"]).assert_code(code);
        }
        assert_eq!(scene.events().0.len(), before);
        scene.assert_clean();
    }
}

#[test]
fn the_event_stream_of_a_live_run_is_what_replay_prints() {
    let scene = one();
    scene.flag("go");
    let live = scene.root.join("events.ndjson");
    scene.run(&["--events", live.to_str().unwrap()]).assert_code(0);
    let live = std::fs::read_to_string(live).unwrap();
    assert_eq!(live, scene.swarm(&["replay", "latest", "--events"]).assert_code(0).out);
    let lines: Vec<serde_json::Value> =
        live.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["type"], "run.planned");
    assert_eq!(lines[0]["data"]["tasks"][0], "a");
    assert_eq!(lines.last().unwrap()["final"], true);
    let seqs: Vec<_> = lines.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    assert!(
        lines
            .iter()
            .all(|line| line["cause"].as_u64().is_none_or(|cause| cause < line["seq"].as_u64().unwrap()))
    );
}

#[test]
fn standard_output_carries_data_only() {
    let scene = one();
    scene.flag("go");
    assert_eq!(scene.run(&[]).assert_code(0).out, "");
    let ran = scene.run(&["--target", "other", "--format", "json"]).assert_code(0);
    let status: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(status["state"], "finished");
    assert_eq!(status["schema"], "swarm.status/1");
    let ran = scene.run(&["--target", "third", "--events", "-"]).assert_code(0);
    assert!(ran.out.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}

#[test]
fn replay_stops_anywhere_and_every_prefix_is_a_run() {
    let scene = one();
    scene.flag("go");
    scene.run(&[]).assert_code(0);
    let last = scene.events().0.len();
    for at in 0..=last {
        scene.swarm(&["replay", "latest", "--at", &at.to_string(), "--format", "json"]).assert_code(0);
    }
    scene.swarm(&["replay", "latest", "--at", "a:merged"]).assert_code(0);
    scene.swarm(&["replay", "latest", "--at", "a:never"]).assert_code(2).assert_hints();
    scene.swarm(&["replay", "latest", "--at", &(last + 1).to_string()]).assert_code(2);
}

#[test]
fn why_and_logs_speak_of_a_task_at_every_stage() {
    let scene = one();
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    scene.swarm(&["why", "a"]).assert_code(0);
    scene.swarm(&["logs", "a"]).assert_code(0);
    scene.swarm(&["status"]).assert_code(0);
    scene.flag("go");
    running.end().assert_code(0);
    assert!(scene.swarm(&["why", "a"]).assert_code(0).out.contains("landed"));
    assert!(scene.swarm(&["ls"]).assert_code(0).out.contains(&scene.run_id()));
}
