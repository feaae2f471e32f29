//! What is admitted: spent, reserved and new together never pass the cap; what cannot be afforded ends the run with 5, resumable.

use std::collections::BTreeMap;

use crate::common::{Events, Scene, micros};

/// Follows the money through a run by its events alone, and fails where an admission passes the cap. Says what is spent.
fn audit(events: &Events) -> u64 {
    let planned = events.of("run.planned").next().unwrap();
    let mut cap = planned.micros("cap_usd");
    let mut spent = 0;
    let mut held: BTreeMap<(String, u64), u64> = BTreeMap::new();
    for event in &events.0 {
        let attempt = (event.task.clone(), event.attempt);
        match event.kind.as_str() {
            "attempt.started" => drop(held.insert(attempt, event.micros("reserved_usd"))),
            "grant.raised" => drop(held.insert(attempt, event.micros("usd"))),
            "agent.exited" => {
                assert!(held.remove(&attempt).is_some(), "an attempt of {} is settled twice", event.task);
                spent += event.micros("usd");
                continue;
            }
            "run.requested" if event.text("request") == "budget_add" => cap += event.micros("usd"),
            "run.requested" if event.text("request") == "budget_set" => cap = event.micros("usd"),
            _ => continue,
        }
        let reserved: u64 = held.values().sum();
        assert!(spent + reserved <= cap, "seq {}: {spent} + {reserved} > {cap}", event.seq);
    }
    assert!(held.is_empty(), "not settled: {held:?}");
    spent
}

fn spent(scene: &Scene) -> u64 {
    micros(scene.status()["budget"]["spent_usd"].as_str().unwrap())
}

/// Tasks `t1` to `t<count>`, each of which costs `usd`.
fn tasks(scene: &Scene, count: u32, usd: &str) -> String {
    (1..=count)
        .map(|number| {
            scene.script(&format!("t{number}"), &format!("echo x >t{number}.txt; usage {usd}"));
            format!("  t{number}: {{ agent: script, prompt: Work., retries: 0 }}\n")
        })
        .collect::<Vec<_>>()
        .concat()
}

#[test]
fn reservations_hold_starts_back_until_they_are_settled() {
    let scene = Scene::new();
    let tasks = tasks(&scene, 6, "0.05");
    scene.plan("budget: 0.40usd\nconcurrency: 6", &tasks);
    scene.run(&[]).assert_code(0);
    assert_eq!(audit(&scene.events()), 300_000);
    assert_eq!(spent(&scene), 300_000);
    scene.assert_clean();
}

#[test]
fn what_is_left_does_not_pay_for_the_next_attempt_so_the_run_stops_and_more_money_finishes_it() {
    let scene = Scene::new();
    let tasks = tasks(&scene, 3, "0.10");
    scene.plan("budget: 0.25usd\nconcurrency: 1", &tasks);
    scene.run(&[]).assert_code(5).assert_says("swarm budget add").assert_says("swarm resume");
    assert_eq!(scene.state_of("t3"), "ready");
    scene.swarm(&["resume"]).assert_code(5);
    scene.swarm(&["budget", "add", "0.05usd"]).assert_code(0).assert_says("0.30");
    scene.swarm(&["resume"]).assert_code(0);
    assert_eq!(audit(&scene.events()), 300_000);
    for task in ["t1", "t2", "t3"] {
        assert_eq!(scene.events().count("attempt.started", task), 1);
    }
    scene.assert_clean();
}

#[test]
fn resume_with_a_budget_sets_the_cap_first() {
    let scene = Scene::new();
    // Less than is granted: who reaches that is ended, if somebody looks in time.
    let tasks = tasks(&scene, 2, "0.09");
    scene.plan("budget: 0.10usd", &tasks);
    scene.run(&[]).assert_code(5);
    scene.swarm(&["resume", "--budget", "0.20usd"]).assert_code(0);
    assert_eq!(scene.status()["budget"]["cap_usd"], "0.20");
    assert_eq!(audit(&scene.events()), 180_000);
}

#[test]
fn spend_beyond_the_cap_is_charged_in_full_and_nothing_more_is_admitted() {
    let scene = Scene::new();
    scene.plan(
        "budget: 1usd\nconcurrency: 1",
        "  a: { agent: script, prompt: Work. }\n  b: { agent: script, prompt: Work. }\n",
    );
    scene.script("a", "echo a >a.txt; usage 5.25");
    scene.script("b", "echo b >b.txt");
    scene.run(&[]).assert_code(5);
    assert_eq!(spent(&scene), 5_250_000);
    assert!(!scene.events().has("attempt.started", "b"));
    scene.swarm(&["budget", "set", "6usd"]).assert_code(0);
    scene.swarm(&["resume"]).assert_code(0);
    assert_eq!(scene.state_of("b"), "merged");
    scene.assert_clean();
}

#[test]
fn the_cap_can_be_raised_while_the_run_lives() {
    let scene = Scene::new();
    scene.plan(
        "budget: 0.15usd",
        "  a: { agent: script, prompt: Work. }\n  b: { agent: script, prompt: Work. }\n",
    );
    for task in ["a", "b"] {
        scene.script(task, &format!("echo {task} >{task}.txt; flag {task}; await go; usage 0.01"));
    }
    let running = scene.start_run(&[]);
    scene.await_flag("a");
    assert!(!scene.events().has("attempt.started", "b"));
    scene.swarm(&["budget", "add", "1usd"]).assert_code(0).assert_says("1.15");
    scene.await_flag("b");
    scene.flag("go");
    running.end().assert_code(0);
    audit(&scene.events());
    scene.assert_clean();
}

#[test]
fn without_an_estimate_an_attempt_reserves_its_share_of_the_tasks_budget() {
    let scene = Scene::new();
    let plan = "version: 1\nname: t\nbudget: 5usd\nagents: { x: { adapter: shell, command: 'echo a > a.txt; echo ''{\"usd\": 0.02}'' >> $SWARM_USAGE' } }\n";
    scene.file("plan.yaml", format!("{plan}tasks:\n  a: {{ agent: x, prompt: p, budget: 1usd, retries: 3 }}\n  b: {{ agent: x, prompt: p, needs: [a], if_no_changes: ok }}\n"));
    scene.run(&[]).assert_code(0);
    let events = scene.events();
    assert_eq!(events.first("attempt.started", "a").text("reserved_usd"), "0.25");
    assert_eq!(events.first("attempt.started", "b").text("reserved_usd"), "1.00");
    audit(&events);
}

#[test]
fn the_plans_share_of_the_cap_is_warned_of_once_when_it_is_spent() {
    let scene = Scene::new();
    let tasks = tasks(&scene, 3, "0.40");
    scene.plan("budget: { usd: 2, warn: 50% }\nconcurrency: 1", &tasks);
    scene.run(&[]).assert_code(0).assert_says("50% of the run's budget is used: $1.20 of $2.00");
    assert_eq!(scene.events().of("budget.warned").count(), 1);
    scene.assert_clean();
}
