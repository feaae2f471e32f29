//! Amounts of money that are none: refused before anything starts, with a word on how to write one.

use crate::common::Scene;

#[test]
fn a_plan_with_an_impossible_budget_is_refused() {
    for amount in
        ["$0", "0", "-1", "'-$5'", ".nan", "NaN", "1e309", "1e2", "'$1,000'", "''", "0.0000001", "lots"]
    {
        let scene = Scene::new();
        scene.plan(&format!("budget: {amount}"), "  a: { run: 'true' }\n");
        scene.run(&[]).assert_code(3).assert_says("budget");
        assert!(scene.runs().is_empty(), "{amount}");
    }
}

#[test]
fn a_task_with_an_impossible_budget_is_refused() {
    for amount in ["$0", "-1", "NaN", "1e309", "'$1,000'"] {
        let scene = Scene::new();
        let tasks = format!("  a: {{ agent: script, prompt: p, budget: {amount} }}\n");
        scene.plan("budget: 1usd", &tasks);
        scene.run(&[]).assert_code(3).assert_says("P0");
        assert!(scene.runs().is_empty(), "{amount}");
    }
}

#[test]
fn an_impossible_amount_on_the_command_line_is_a_usage_error() {
    let scene = Scene::new();
    scene.plan("budget: 1usd", "  a: { run: 'true' }\n");
    for amount in ["0", "$0", "-1", "NaN", "1e309", "$1,000", ""] {
        scene.run(&[&format!("--budget={amount}")]).assert_code(2);
        scene.swarm(&["budget", "add", "--", amount]).assert_code(2);
    }
    assert!(scene.runs().is_empty());
}

#[test]
fn an_amount_that_a_shell_has_eaten_is_recognised() {
    let scene = Scene::new();
    scene.plan("budget: 1usd", "  a: { run: 'true' }\n");
    scene.run(&["--budget="]).assert_code(2).assert_says("shell").assert_says("usd");
}

#[test]
fn every_way_to_write_an_amount_means_the_same() {
    for amount in ["1.5", "1.5usd", "$1.50"] {
        let scene = Scene::new();
        scene.plan(&format!("budget: {amount}"), "  a: { run: 'true' }\n");
        scene.run(&[]).assert_code(0);
        assert_eq!(scene.status()["budget"]["cap_usd"], "1.50", "{amount}");
    }
}
