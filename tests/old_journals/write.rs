//! Runs of the version that is built now, kept for all later ones. Adds what is not there, and never writes anything twice.

use std::fs;

use crate::common::Scene;
use crate::kept::Kept;

#[test]
#[ignore = "for a release: keeps journals of the version that is built now"]
fn keep_journals_of_this_version() {
    demo();
    killed();
    budget();
    asked();
}

/// A red gate and a conflict, with their retries.
fn demo() {
    let scene = Scene::empty();
    let into = scene.root.join("demo");
    scene.swarm(&["demo", "--into", into.to_str().unwrap()]).assert_code(0);
    let run = fs::read_dir(into.join(".git/swarm/runs")).unwrap().next().unwrap().unwrap().path();
    Kept::keep(&scene, &run, "demo");
}

/// Killed while an agent was at work, as it lay there; and carried on.
fn killed() {
    let scene = Scene::new();
    let tasks = "  a: { run: echo a > a.txt }\n  b: { agent: script, prompt: Work., needs: [a] }\n";
    scene.plan("budget: 1usd", tasks);
    scene.script("b", "flag runs; await go; echo b >b.txt; usage 0.04");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    scene.await_event("agent.started", "b");
    running.kill_9();
    Kept::keep(&scene, &scene.run_dir(), "killed");
    scene.flag("go");
    scene.swarm(&["resume"]).assert_code(0);
    Kept::keep(&scene, &scene.run_dir(), "resumed");
}

/// Two tasks conflict; the one that comes second is tried again, and spends all there is.
fn budget() {
    let scene = Scene::new();
    scene.plan(
        "budget: 0.30usd",
        "  a: { run: echo a > words.txt }\n  b: { agent: script, prompt: Add your word. }\n",
    );
    scene.script(
        "b",
        "if [ $SWARM_ATTEMPT = 1 ]; then echo b >words.txt; usage 0.05; await landed; exit; fi
        echo both >words.txt; usage 0.15; await raised; usage 0.19; await refused; usage 0.25; sleep 600",
    );
    let running = scene.start_run(&[]);
    scene.await_event("task.merged", "a");
    scene.flag("landed");
    // The first attempt may have been granted more in its last moment.
    scene.until("the second attempt's raise", |events| {
        events.about("grant.raised", "b").any(|event| event.attempt == 2)
    });
    scene.flag("raised");
    scene.await_event("grant.refused", "b");
    scene.flag("refused");
    running.end().assert_code(5);
    Kept::keep(&scene, &scene.run_dir(), "budget");
}

/// Paused, given more money and let go on; a task cancelled, one failed, one done without a change.
fn asked() {
    let scene = Scene::new();
    scene.plan(
        "budget: 1usd\nconcurrency: 2",
        "  a: { agent: script, prompt: Work. }\n  b: { run: exit 3, retries: 0 }
  c: { run: echo c > c.txt, needs: [b] }\n  d: { run: 'true' }\n",
    );
    scene.script("a", "flag runs; await never");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    for request in [&["pause"][..], &["budget", "add", "2usd"], &["unpause"], &["cancel", "--task", "a"]] {
        scene.swarm(request).assert_code(0);
    }
    running.end().assert_code(4);
    Kept::keep(&scene, &scene.run_dir(), "asked");
}
