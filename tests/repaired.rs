//! Runs whose journal was damaged and repaired: they go on with what is left, and land everything once.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod common;

use std::fs;

use serde_json::Value;

use common::Scene;

/// Three tasks one after the other, killed while the last one runs.
fn killed() -> Scene {
    let scene = Scene::new();
    scene.plan(
        "budget: 1usd",
        "  a: { run: echo a > a.txt }\n  b: { run: echo b > b.txt, needs: [a] }\n  \
         c: { agent: script, prompt: Work., needs: [b] }\n",
    );
    scene.script("c", "flag runs; await go; echo c >c.txt");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    running.kill_9();
    scene
}

fn json(scene: &Scene, args: &[&str]) -> Value {
    let ran = scene.swarm(&[args, &["--format", "json"]].concat()).assert_code(0);
    serde_json::from_str(&ran.out).expect("standard output is one document")
}

/// Destroys the records of a kind that are about a task, and says how many.
fn destroy(scene: &Scene, kind: &str, task: Option<&str>) -> usize {
    let seqs: Vec<u64> = match task {
        Some(task) => scene.events().about(kind, task).map(|event| event.seq).collect(),
        None => scene.events().of(kind).map(|event| event.seq).collect(),
    };
    let records = json(scene, &["journal", "cat", "latest"])["records"].as_array().unwrap().clone();
    for record in records.iter().filter(|record| seqs.contains(&record["seq"].as_u64().unwrap())) {
        let number = |name: &str| usize::try_from(record[name].as_u64().unwrap()).unwrap();
        let file = scene.run_dir().join(format!("journal/{:010}.swj", number("segment")));
        let mut bytes = fs::read(&file).unwrap();
        bytes[number("offset") + 8] ^= 0x10;
        fs::write(&file, bytes).unwrap();
    }
    seqs.len()
}

#[test]
fn a_run_goes_on_with_what_is_left_and_lands_everything_once() {
    for (kind, task) in [
        ("attempt.started", Some("a")),
        ("agent.exited", Some("a")),
        ("task.merged", Some("a")),
        ("merge.prepared", Some("b")),
        ("task.queued", Some("b")),
        ("attempt.started", Some("c")),
        ("worktree.made", None),
        ("run.opened", None),
    ] {
        let scene = killed();
        let lost = destroy(&scene, kind, task);
        assert!(lost > 0, "{kind}");
        scene.swarm(&["status"]).assert_code(9).assert_says("journal repair");
        let plan = json(&scene, &["journal", "repair", "latest", "--plan"]);
        assert_eq!(plan["lost"], lost, "{kind}: {plan}");
        scene.swarm(&["journal", "repair", "--apply"]).assert_code(0).assert_says("swarm resume");
        assert!(scene.run_dir().join("journal.broken-1").is_dir());
        assert!(scene.swarm(&["status"]).assert_code(0).out.contains("destroyed"));
        scene.flag("go");
        let ended = scene.swarm(&["resume"]);
        assert_eq!(ended.code, 0, "{kind}: {}", ended.err);
        for task in ["a", "b", "c"] {
            let held = scene.git(&["show", &format!("swarm/t:{task}.txt")]);
            assert_eq!(held.trim(), task, "{kind}");
            let trailer = format!("--grep=Swarm-Task: {task}");
            let landed = scene.git(&["log", "--format=%h", &trailer, "swarm/t"]);
            assert_eq!(landed.lines().count(), 1, "{kind}: {task} landed {landed:?}");
        }
        if kind != "task.merged" {
            // The journal still says that they landed, however that came.
            let again = |task| scene.events().about("attempt.started", task).any(|event| event.attempt > 1);
            assert!(!again("a") && !again("b"), "{kind}: what has landed ran again");
        }
        scene.swarm(&["replay", "latest", "--verify"]).assert_code(0);
        assert!(scene.swarm(&["journal", "verify"]).assert_code(0).out.contains("a repair left a hole"));
        scene.kill_all();
    }
}

#[test]
fn without_its_plan_a_run_cannot_go_on_and_what_is_left_is_shown() {
    let scene = killed();
    destroy(&scene, "task.planned", Some("b"));
    scene.swarm(&["journal", "repair", "--apply"]).assert_code(9).assert_says("the plan itself is lost");
    scene.swarm(&["resume"]).assert_code(9).assert_says("the plan itself is lost");
    let left = scene.swarm(&["journal", "export"]).assert_code(0).out;
    assert!(left.contains("\"lost\":{") && left.contains("task.merged"), "{left}");
    scene.kill_all();
}

#[test]
fn a_sound_or_live_journal_is_not_repaired() {
    let scene = Scene::new();
    scene.plan("budget: 1usd", "  a: { agent: script, prompt: Work. }\n");
    scene.script("a", "flag runs; await go; echo a >a.txt");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    scene.swarm(&["journal", "repair", "--apply"]).assert_code(10);
    scene.flag("go");
    running.end().assert_code(0);
    let plan = scene.swarm(&["journal", "repair", "--plan"]).assert_code(0).out;
    assert!(plan.contains("nothing to repair"), "{plan}");
    scene.swarm(&["journal", "repair"]).assert_code(2);
    let tortured = scene.swarm(&["journal", "torture", "--seeds", "3", "--kills", "2"]).assert_code(0).out;
    assert!(
        tortured.contains("2 writers killed") && tortured.contains("nothing came back changed"),
        "{tortured}"
    );
}
