//! Caps on calls, turns and time, of the run, a task and an agent: nothing is admitted at one, people are told, and more is given by a command.

use crate::common::Scene;

/// A script that has used so many calls and writes a file of its own.
fn uses(scene: &Scene, task: &str, usd: &str, calls: u32) {
    let line = format!(r#"printf '{{"usd": {usd}, "calls": {calls}}}\n' >>"$SWARM_USAGE""#);
    scene.script(task, &format!("echo x >{task}.txt; {line}"));
}

fn agents(tasks: &[&str]) -> String {
    let each = tasks.iter().map(|task| format!("  {task}: {{ agent: script, prompt: Work., retries: 0 }}\n"));
    each.collect::<Vec<_>>().concat()
}

#[test]
fn at_a_cap_on_calls_the_run_stops_and_goes_on_once_there_are_more() {
    let scene = Scene::new();
    for task in ["a", "b", "c"] {
        uses(&scene, task, "0.01", 3);
    }
    scene.plan("budget: {usd: 1usd, calls: 6}\nconcurrency: 1", &agents(&["a", "b", "c"]));
    let stopped = scene.run(&[]).assert_code(5);
    stopped.assert_says("6 calls").assert_says("swarm budget add").assert_says("swarm resume");
    let (events, status) = (scene.events(), scene.status());
    assert_eq!(events.of("attempt.started").count(), 2);
    assert_eq!(status["budget"]["used"]["calls"], 6);
    assert_eq!(status["budget"]["caps"]["calls"], 6);
    let warned: Vec<_> =
        events.of("budget.warned").filter(|event| event.text("measure") == "calls").collect();
    let shares: Vec<_> = warned.iter().map(|event| event.data["percent"].as_u64().unwrap()).collect();
    assert_eq!(shares, [50, 100]);
    scene.swarm(&["budget", "add", "6calls"]).assert_code(0).assert_says("12 calls");
    scene.swarm(&["resume"]).assert_code(0);
    assert_eq!(scene.status()["budget"]["used"]["calls"], 9);
    scene.assert_clean();
}

#[test]
fn a_task_that_uses_up_its_own_calls_is_ended_and_has_failed() {
    let scene = Scene::new();
    scene.script("a", r#"printf '{"usd": 0.01, "calls": 9}\n' >>"$SWARM_USAGE"; echo x >a.txt; sleep 600"#);
    uses(&scene, "b", "0.01", 9);
    let tasks =
        "  a: { agent: script, prompt: Work., budget: {calls: 5} }\n  b: { agent: script, prompt: Work. }\n";
    scene.plan("budget: 1usd", tasks);
    scene.run(&[]).assert_code(4);
    let status = scene.status();
    let reason = status["tasks"]["a"]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("5 calls"), "{reason}");
    assert_eq!(status["tasks"]["b"]["state"], "merged");
    assert_eq!(scene.events().count("attempt.started", "a"), 1);
    assert_eq!(scene.git(&["show", &format!("refs/swarm/{}/a/1:a.txt", scene.run_id())]), "x");
    scene.assert_clean();
}

#[test]
fn the_money_of_an_agent_is_its_own() {
    let scene = Scene::new();
    let script = scene.root.join("do");
    let agent = |name: &str, budget: &str| {
        let command = format!("command: 'bash -e {}/$SWARM_TASK'", script.display());
        format!("  {name}: {{ adapter: shell, estimate: 0.10usd, {budget}{command} }}\n")
    };
    for task in ["a", "b", "c"] {
        uses(&scene, task, "0.10", 1);
    }
    let agents = agent("dear", "budget: 0.15usd, ") + &agent("other", "");
    let tasks = "  a: { agent: dear, prompt: Work. }\n  b: { agent: dear, prompt: Work. }\n  c: { agent: other, prompt: Work. }\n";
    let plan = format!("version: 1\nname: t\nbudget: 5usd\nagents:\n{agents}tasks:\n{tasks}");
    scene.file("plan.yaml", plan);
    scene.run(&[]).assert_code(5).assert_says("`dear`");
    let now = scene.status();
    let states = ["a", "b", "c"].map(|task| now["tasks"][task]["state"].as_str().unwrap().to_owned());
    assert_eq!(states, ["merged", "ready", "merged"]);
    assert_eq!(now["budget"]["agents"]["dear"]["used"]["usd"], "0.10");
}

#[test]
fn what_runs_is_stopped_at_a_cap_where_the_plan_says_kill() {
    let scene = Scene::new();
    let line = r#"printf '{"usd": 0.01, "turns": 9}\n' >>"$SWARM_USAGE"; echo x >a.txt; await more; sleep 1"#;
    scene.script("a", line);
    scene.plan("budget: {usd: 1usd, turns: 5, at_cap: kill}", &agents(&["a"]));
    scene.run(&[]).assert_code(5).assert_says("5 turns");
    let events = scene.events();
    let stopping = events.first("attempt.stopping", "a");
    assert_eq!((stopping.text("reason"), stopping.text("measure")), ("budget", "turns"));
    assert_eq!(events.first("attempt.failed", "a").data["uses_retry"], false);
    scene.flag("more");
    scene.swarm(&["budget", "set", "50turns"]).assert_code(0);
    scene.swarm(&["resume"]).assert_code(0);
    assert_eq!(scene.git(&["show", "swarm/t:a.txt"]), "x");
    scene.assert_clean();
}

#[test]
fn a_task_has_as_long_as_its_budget_of_time() {
    let scene = Scene::new();
    scene.script("a", "usage 0.01; sleep 600");
    scene.plan("budget: 1usd", "  a: { agent: script, prompt: Work., budget: {time: 1s}, retries: 3 }\n");
    scene.run(&[]).assert_code(4);
    let reason = scene.status()["tasks"]["a"]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("time"), "{reason}");
    assert_eq!(scene.events().count("attempt.started", "a"), 1);
    scene.assert_clean();
}

#[test]
fn amounts_that_are_none_are_refused_with_those_that_are() {
    let scene = Scene::new();
    uses(&scene, "a", "0.01", 1);
    scene.plan("budget: 1usd", &agents(&["a"]));
    scene.run(&[]).assert_code(0);
    scene.swarm(&["budget", "set", "2M"]).assert_code(2).assert_says("2Mtokens");
    scene.swarm(&["budget", "set", "5usd", "6usd"]).assert_code(2).assert_says("twice");
}
