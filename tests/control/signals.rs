//! Signals: finish what runs, stop what runs, or go on without a terminal.

use crate::common::{Checkout, Running, Scene, Signal};

/// `a` is at work, `b` waits for it.
fn at_work() -> (Scene, Running) {
    let scene = Scene::new();
    scene.plan(
        "budget: 5usd",
        "  a: { agent: script, prompt: Work. }\n  b: { run: echo b > b.txt, needs: [a] }\n",
    );
    scene.script("a", "if [ $SWARM_ATTEMPT = 1 ]; then echo one >a.txt; flag runs; await go; fi; echo two >>a.txt; usage 0.01");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    scene.await_event("agent.started", "a");
    (scene, running)
}

fn await_request(scene: &Scene, name: &str) {
    scene.until(name, |events| events.of("run.requested").any(|event| event.text("request") == name));
}

/// What was interrupted goes on where it stopped.
fn resumes(scene: &Scene) {
    scene.flag("go");
    scene.swarm(&["resume"]).assert_code(0);
    assert_eq!(["a", "b"].map(|task| scene.state_of(task)), ["merged", "merged"]);
    assert_eq!(scene.git(&["show", "swarm/t:a.txt"]), "one\ntwo");
    scene.assert_clean();
}

#[test]
fn ctrl_c_once_finishes_and_lands_what_runs_and_starts_nothing() {
    let (scene, running) = at_work();
    running.signal(Signal::INT);
    await_request(&scene, "drain");
    scene.flag("go");
    running.end().assert_code(130).assert_says("swarm resume");
    assert_eq!(scene.state_of("a"), "merged");
    assert!(!scene.events().has("attempt.started", "b"));
    resumes(&scene);
}

#[test]
fn ctrl_c_twice_stops_what_runs_and_keeps_its_work_and_its_retries() {
    let (scene, running) = at_work();
    let before = Checkout::of(&scene, "swarm/t");
    running.signal(Signal::INT);
    await_request(&scene, "drain");
    running.signal(Signal::INT);
    running.end().assert_code(130).assert_says("swarm resume");
    stopped(&scene);
    before.assert_same(&scene, "swarm/t");
    resumes(&scene);
}

#[test]
fn sigterm_stops_what_runs_and_keeps_its_work() {
    let (scene, running) = at_work();
    running.signal(Signal::TERM);
    running.end().assert_code(143).assert_says("swarm resume");
    stopped(&scene);
    resumes(&scene);
}

fn stopped(scene: &Scene) {
    let events = scene.events();
    assert_eq!(events.first("agent.exited", "a").data["ending"]["kind"], "stopped");
    assert_eq!(events.first("attempt.failed", "a").data["uses_retry"], false);
    assert_eq!(scene.git(&["show", &format!("refs/swarm/{}/a/1:a.txt", scene.run_id())]), "one");
}

#[test]
fn a_hang_up_changes_nothing() {
    let (scene, running) = at_work();
    running.signal(Signal::HUP);
    running.signal(Signal::HUP);
    scene.flag("go");
    running.end().assert_code(0);
    let log = std::fs::read_to_string(scene.run_dir().join("swarm.log")).unwrap();
    assert!(log.contains("landed"), "{log}");
    scene.assert_clean();
}

#[test]
fn a_terminals_ctrl_c_reaches_no_agent() {
    let scene = Scene::new();
    let plan = scene.plan("budget: 5usd", "  a: { agent: script, prompt: Work. }\n");
    scene.script("a", "flag runs; await go; echo a >a.txt");
    // All of a session of its own, as a terminal signals its foreground group.
    let script = format!("$SWARM run {} & echo $$ >../flags/group; wait $!", plan.display());
    let session =
        scene.start_program("setsid", &["bash", "-c", &format!("trap : INT; set -m; set +m; {script}")]);
    scene.await_flag("runs");
    let group = std::fs::read_to_string(scene.root.join("flags/group")).unwrap();
    scene.start_program("kill", &["-INT", "--", &format!("-{}", group.trim())]).end().assert_code(0);
    scene.flag("go");
    scene.await_event("agent.exited", "a");
    drop(session);
    assert_eq!(scene.events().first("agent.exited", "a").data["ending"]["code"], 0);
}

#[test]
fn an_interrupt_during_the_checks_on_the_base_ends_the_run_before_anything_starts() {
    let scene = Scene::new();
    let gate = format!(
        "gates: {{ slow: 'touch {0}/flags/runs; while ! [ -e {0}/flags/go ]; do sleep 0.02; done' }}",
        scene.root.display()
    );
    scene.plan(&format!("budget: 5usd\n{gate}"), "  a: { run: echo a > a.txt, gates: [slow] }\n");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    running.signal(Signal::TERM);
    scene.flag("go");
    running.end().assert_code(143);
    assert!(!scene.events().any("attempt.started"));
    scene.swarm(&["resume"]).assert_code(0);
    scene.assert_clean();
}
