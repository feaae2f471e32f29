//! What a running agent may spend: its grant, raised while there is money, and never passed, whoever lives.

use crate::common::{Scene, members_of, until_true};

fn status_of(scene: &Scene, task: &str, field: &str) -> String {
    scene.status()["tasks"][task][field].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_grant_is_raised_up_to_the_tasks_budget_where_the_attempt_ends_as_failed() {
    let scene = Scene::new();
    scene.plan("budget: 5usd", "  a: { agent: script, prompt: Work., budget: 0.20usd, retries: 2 }\n");
    scene.script("a", "echo a >a.txt; usage 0.08; await raised; usage 0.25; sleep 600");
    let running = scene.start_run(&[]);
    assert_eq!(scene.await_event("grant.raised", "a").text("usd"), "0.20");
    scene.flag("raised");
    running.end().assert_code(4);
    let events = scene.events();
    assert_eq!(events.first("agent.exited", "a").data["ending"]["kind"], "spent");
    assert_eq!(events.first("grant.refused", "a").text("cap"), "task");
    assert_eq!(events.count("attempt.started", "a"), 1, "there is no money for another");
    assert_eq!(scene.status()["budget"]["spent_usd"], "0.25");
    assert!(status_of(&scene, "a", "reason").contains("budget"), "{}", status_of(&scene, "a", "reason"));
    assert_eq!(scene.git(&["show", &format!("refs/swarm/{}/a/1:a.txt", scene.run_id())]), "a");
    scene.assert_clean();
}

#[test]
fn a_raise_that_the_runs_cap_refuses_interrupts_the_attempt_and_more_money_goes_on_from_its_work() {
    let scene = Scene::new();
    scene.plan("budget: 0.12usd", "  a: { agent: script, prompt: Work., retries: 0 }\n");
    scene.script(
        "a",
        "if [ $SWARM_ATTEMPT = 2 ]; then echo two >>a.txt; usage 0.01; exit; fi
        echo one >a.txt; usage 0.09; await raised; usage 0.11; await refused; usage 0.13; sleep 600",
    );
    let running = scene.start_run(&[]);
    assert_eq!(scene.await_event("grant.raised", "a").text("usd"), "0.12");
    scene.flag("raised");
    assert_eq!(scene.await_event("grant.refused", "a").text("cap"), "run");
    scene.flag("refused");
    running.end().assert_code(5).assert_says("swarm budget add");
    assert_eq!(scene.status()["budget"]["spent_usd"], "0.13");
    assert_eq!(scene.events().first("attempt.failed", "a").data["uses_retry"], false);
    scene.swarm(&["budget", "add", "1usd"]).assert_code(0);
    scene.swarm(&["resume"]).assert_code(0);
    assert_eq!(scene.git(&["show", "swarm/t:a.txt"]), "one\ntwo");
    assert_eq!(scene.status()["budget"]["spent_usd"], "0.14");
    scene.assert_clean();
}

#[test]
fn nobody_spends_more_than_the_grant_while_the_orchestrator_is_dead() {
    let scene = Scene::new();
    scene.plan("budget: 5usd", "  a: { agent: script, prompt: Work., retries: 0 }\n");
    scene.script(
        "a",
        "if [ $SWARM_ATTEMPT = 2 ]; then echo a >a.txt; usage 0.02; exit; fi
        flag runs; await go; usage 0.30; sleep 600",
    );
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    running.kill_9();
    scene.flag("go");
    until_true("the end of an agent that spends too much", || members_of(&scene.root).is_empty());
    scene.swarm(&["resume"]).assert_code(0);
    let events = scene.events();
    assert_eq!(events.first("agent.exited", "a").data["ending"]["kind"], "spent");
    assert_eq!(events.first("agent.exited", "a").text("usd"), "0.30");
    assert_eq!(scene.status()["budget"]["spent_usd"], "0.32");
    scene.assert_clean();
}

#[test]
fn a_grant_that_was_refused_by_nobody_is_raised_after_resume() {
    let scene = Scene::new();
    scene.plan("budget: 5usd", "  a: { agent: script, prompt: Work., retries: 0 }\n");
    scene.script("a", "flag runs; await go; usage 0.09; flag spent; await raised; usage 0.15; echo a >a.txt");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    running.kill_9();
    scene.flag("go");
    scene.await_flag("spent");
    let resumed = scene.start(&["resume"]);
    scene.await_event("grant.raised", "a");
    scene.flag("raised");
    resumed.end().assert_code(0);
    assert_eq!(scene.events().count("attempt.started", "a"), 1);
    assert_eq!(scene.status()["budget"]["spent_usd"], "0.15");
    scene.assert_clean();
}
