//! Limits of time: whoever passes one is ended with everything it started, however well that hid.

use crate::common::{Scene, members_of};

/// Starts daemons in sessions of their own, one of them without an environment, writes down their ids, then does `then`.
fn with_daemons(then: &str) -> String {
    format!(
        "setsid bash -c 'trap \"\" TERM; echo $$ >>\"$1\"; exec sleep 1000' x \"$ROOT/flags/pids\" &
        (setsid env -i bash -c 'echo $$ >>\"$1\"; exec sleep 1000' x \"$ROOT/flags/pids\" &)
        while [ \"$(cat \"$ROOT/flags/pids\" 2>/dev/null | wc -l)\" -lt 2 ]; do sleep 0.02; done
        echo part >a.txt\n{then}"
    )
}

fn ended(task: &str, script: &str) -> (Scene, serde_json::Value) {
    let scene = Scene::new();
    scene.plan("budget: 5usd", &format!("  a: {{ agent: script, prompt: Work., retries: 0, {task} }}\n"));
    scene.script("a", script);
    scene.run(&[]);
    let pids = std::fs::read_to_string(scene.root.join("flags/pids")).unwrap();
    assert_eq!(pids.lines().count(), 2);
    assert_eq!(members_of(&scene.root), Vec::<u32>::new(), "a daemon lives on");
    assert_eq!(scene.git(&["show", &format!("refs/swarm/{}/a/1:a.txt", scene.run_id())]), "part");
    let ending = scene.events().first("agent.exited", "a").data["ending"].clone();
    scene.assert_clean();
    (scene, ending)
}

#[test]
fn a_timeout_ends_the_whole_tree() {
    let (scene, ending) = ended("timeout: 1s", &with_daemons("exec sleep 1000"));
    assert_eq!(ending["kind"], "timed_out");
    assert_eq!(scene.state_of("a"), "failed");
}

#[test]
fn silence_for_longer_than_the_idle_timeout_ends_the_whole_tree() {
    let (scene, ending) = ended("idle_timeout: 1s", &with_daemons("echo last words; exec sleep 1000"));
    assert_eq!(ending["kind"], "idle");
    assert_eq!(scene.state_of("a"), "failed");
}

#[test]
fn daemons_of_an_agent_that_ended_well_are_gone_too() {
    let (scene, ending) = ended("timeout: 10m", &with_daemons("exit 0"));
    assert_eq!(ending["code"], 0);
    assert_eq!(scene.state_of("a"), "merged");
}

#[test]
fn a_timeout_is_tried_again_like_any_failure() {
    let scene = Scene::new();
    scene.plan(
        "budget: 5usd",
        "  a: { agent: script, prompt: Work., timeout: 1s, retries: { max: 1, backoff: { delay: 10ms } } }\n",
    );
    scene.script("a", "[ $SWARM_ATTEMPT = 2 ] || exec sleep 1000; cp $SWARM_PROMPT a.txt");
    scene.run(&[]).assert_code(0);
    assert!(scene.git(&["show", "swarm/t:a.txt"]).contains("timeout"));
    scene.assert_clean();
}

#[test]
fn the_deadline_of_a_run_stops_it_with_5_and_keeps_the_work() {
    let scene = Scene::new();
    scene.plan("budget: 5usd\ndeadline: 1s", "  a: { agent: script, prompt: Work. }\n");
    scene.script("a", "echo part >a.txt; exec sleep 1000");
    scene.run(&[]).assert_code(5).assert_hints();
    assert_eq!(scene.git(&["show", &format!("refs/swarm/{}/a/1:a.txt", scene.run_id())]), "part");
}

#[test]
fn never_more_than_the_gate_slots_run_gates() {
    let scene = Scene::new();
    let gate = format!(
        "gates: {{ one: 'mkdir {0}/flags/one; sleep 0.05; rmdir {0}/flags/one' }}",
        scene.root.display()
    );
    let tasks = (1..=5)
        .map(|n| format!("  t{n}: {{ run: echo {n} > {n}.txt, gates: [one] }}\n"))
        .collect::<Vec<_>>()
        .concat();
    scene.plan(&format!("budget: 5usd\nconcurrency: 4\n{gate}"), &tasks);
    scene.run(&[]).assert_code(0);
    scene.assert_clean();
}
