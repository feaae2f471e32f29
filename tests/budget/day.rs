//! What all runs of a repository may spend on one day: by those that are over, and by those that run at once.

use crate::common::{Scene, micros};

const DAY: &str = "budget: {usd: 5usd, per_day: 1usd}\nconcurrency: 4";

/// A plan whose tasks cost so much each, on a target of its own.
fn plan(scene: &Scene, tasks: &[&str], usd: &str, wait: bool) {
    for task in tasks {
        let wait = if wait { "flag started; await go; " } else { "" };
        scene.script(task, &format!("{wait}echo x >{task}.txt; usage {usd}"));
    }
    let tasks = tasks.iter().map(|task| {
        format!("  {task}: {{ agent: script, prompt: Work., estimate: {usd}usd, retries: 0 }}\n")
    });
    scene.plan(DAY, &tasks.collect::<String>());
}

#[test]
fn what_an_earlier_run_spent_today_is_not_spent_again() {
    let scene = Scene::new();
    plan(&scene, &["a", "b"], "0.30", false);
    scene.run(&["--target", "swarm/one"]).assert_code(0);
    plan(&scene, &["c", "d"], "0.30", false);
    let stopped = scene.run(&["--target", "swarm/two"]).assert_code(5);
    stopped.assert_says("the budget of the day").assert_says("swarm resume");
    let status = scene.status();
    assert_eq!(status["budget"]["spent_usd"], "0.30");
    assert_eq!(status["budget"]["day"]["used_usd"], "0.90");
    assert_eq!(scene.events().of("attempt.started").count(), 1);
}

#[test]
fn what_a_removed_run_spent_today_is_not_spent_again() {
    let scene = Scene::new();
    plan(&scene, &["a", "b"], "0.30", false);
    scene.run(&["--target", "swarm/one"]).assert_code(0);
    assert_eq!(scene.swarm(&["clean"]).assert_code(0).out, "1 of 1 runs removed\n");
    plan(&scene, &["c", "d"], "0.30", false);
    scene.run(&["--target", "swarm/two"]).assert_code(5).assert_says("the budget of the day");
    assert_eq!(scene.status()["budget"]["day"]["used_usd"], "0.90");
}

#[test]
fn two_runs_at_once_stay_within_the_day_together() {
    let scene = Scene::new();
    plan(&scene, &["a", "b"], "0.30", true);
    let one = scene.start_run(&["--target", "swarm/one"]);
    scene.await_flag("started");
    let first = scene.run_id();
    plan(&scene, &["c", "d"], "0.30", true);
    let two = scene.start_run(&["--target", "swarm/two"]);
    // One of the second's fits beside both of the first.
    scene.until("an attempt of the second run", |events| {
        scene.run_id() != first && events.of("attempt.started").count() == 1
    });
    scene.flag("go");
    one.end().assert_code(0);
    two.end().assert_code(5);
    let spent = |run: &str| {
        let events = scene.events_of(run);
        events.of("agent.exited").map(|event| micros(event.text("usd"))).sum::<u64>()
    };
    assert_eq!(spent(&first) + spent("latest"), 900_000);
}

#[test]
fn what_an_orphaned_run_holds_is_not_given_away() {
    let scene = Scene::new();
    plan(&scene, &["a", "b"], "0.40", true);
    let one = scene.start_run(&["--target", "swarm/one"]);
    scene.await_flag("started");
    scene.until("both attempts", |events| events.of("agent.started").count() == 2);
    one.kill_9();
    plan(&scene, &["c"], "0.40", false);
    scene.run(&["--target", "swarm/two"]).assert_code(5).assert_says("the budget of the day");
    let first = scene.runs()[0].file_name().unwrap().to_str().unwrap().to_owned();
    scene.flag("go");
    scene.swarm(&["resume", &first]).assert_code(0);
    assert_eq!(scene.events_of(&first).of("attempt.started").count(), 2, "both were adopted");
}

#[test]
fn estimates_are_learned_from_earlier_runs_and_recorded() {
    let scene = Scene::new();
    for (task, usd) in [("a", "0.02"), ("b", "0.03"), ("c", "0.08")] {
        scene.script(task, &format!("echo x >{task}.txt; usage {usd}"));
    }
    let script = scene.root.join("do");
    let agent = format!(
        "agents:\n  own: {{ adapter: shell, command: 'bash -e {}/$SWARM_TASK' }}\n",
        script.display()
    );
    let plan = |budget: &str, tasks: &str| {
        scene.file("plan.yaml", format!("version: 1\nname: t\nbudget: {budget}\n{agent}tasks:\n{tasks}"));
    };
    let task = |name: &str| format!("  {name}: {{ agent: own, prompt: Work. }}\n");
    plan("0.50usd", &[task("a"), task("b"), task("c")].concat());
    scene.run(&[]).assert_code(3).assert_says("P0401");
    scene.run(&["--budget", "5usd"]).assert_code(0).assert_says("assumes");
    // Less than is assumed of an agent of which nothing is known.
    plan("0.50usd", &task("d"));
    scene.script("d", "echo x >d.txt; usage 0.02");
    let file = scene.root.join("plan.yaml");
    let checked = scene.swarm(&["check", file.to_str().unwrap(), "--format", "json"]).assert_code(0);
    let document: serde_json::Value = serde_json::from_str(&checked.out).unwrap();
    let cost = &document["costs"][0];
    assert_eq!(cost["expected_usd"], "0.03");
    assert_eq!(cost["reserves_usd"], "0.08");
    assert_eq!(cost["from"], "3 attempts of own");
    let told = scene.swarm(&["check", file.to_str().unwrap()]).assert_code(0).out.clone();
    assert!(told.contains("3 attempts of own"), "{told}");
    scene.run(&["--target", "swarm/two"]).assert_code(0);
    let events = scene.events();
    assert_eq!(events.first("task.planned", "d").data["learned"]["attempts"], 3);
    assert_eq!(events.first("attempt.started", "d").text("reserved_usd"), "0.08");
}
