//! What is put in a prompt: a plan that holds a secret is refused before anything starts, and the secret is not shown.

use crate::common::{Ran, Scene};
use crate::{CANARY, run_with, token};

/// The plan is refused, says so, names rule and place, and nothing has happened.
#[track_caller]
fn assert_refused(scene: &Scene, ran: Ran, place: &str) {
    let ran =
        ran.assert_code(3).assert_says("P0501").assert_says("github-pat").assert_says(place).assert_hints();
    assert!(!ran.out.contains(&token()) && !ran.err.contains(&token()), "{}{}", ran.out, ran.err);
    assert!(scene.runs().is_empty());
}

#[test]
fn a_plan_with_a_secret_is_refused_wherever_it_stands() {
    let token = token();
    let split = token.split_at(20);
    for (head, task, place) in [
        (String::new(), format!("prompt: 'Use {token}.'"), "plan.yaml:9:"),
        (format!("instructions: 'Use {token}.'"), "prompt: Work".to_owned(), "plan.yaml:7:"),
        (String::new(), format!("prompt: Work, env: {{ X: '{token}' }}"), "plan.yaml:9:"),
        (
            String::new(),
            format!("prompt: \"Use {}\\x{:02x}{}.\"", split.0, split.1.as_bytes()[0], &split.1[1..]),
            "plan.yaml:9:",
        ),
        (String::new(), format!("prompt: Work, {token}: 1"), "plan.yaml:9:"),
    ] {
        let scene = Scene::new();
        scene.plan(&format!("budget: 5usd\n{head}"), &format!("  a: {{ agent: script, {task} }}\n"));
        let plan = scene.root.join("plan.yaml");
        let plan = plan.to_str().unwrap();
        assert_refused(&scene, scene.run(&[]), place);
        assert_refused(&scene, scene.swarm(&["check", plan]), place);
        let ran = scene.swarm(&["check", plan, "--format", "json"]);
        assert!(ran.out.contains("P0501") && !ran.out.contains(&token), "{}", ran.out);
    }
}

#[test]
fn a_file_that_a_plan_names_is_searched_too() {
    let scene = Scene::new();
    scene.file("work.md", format!("Work.\nUse {}.\n", token()));
    scene.plan("budget: 5usd", "  a: { agent: script, prompt_file: work.md }\n");
    assert_refused(&scene, scene.run(&[]), "work.md:2:5");
    let scene = Scene::new();
    scene.file("work.md", format!("Work.\nUse {}. <!-- swarm:allow-secret -->\n", token()));
    scene.plan("budget: 5usd", "  a: { agent: script, prompt_file: work.md }\n");
    scene.script("a", "echo a >a.txt");
    scene.run(&[]).assert_code(0);
    assert!(scene.attempt_file("a", 1, "prompt.md").contains(&token()), "it is marked");
}

#[test]
fn the_value_of_a_variable_may_not_stand_in_a_plan() {
    let scene = Scene::new();
    let task = format!("  a: {{ agent: script, prompt: 'Log in with {CANARY}' }}\n");
    scene.plan("budget: 5usd\npass_env: [DEPLOY_PASSWORD]", &task);
    let ran = run_with(&scene, &[("DEPLOY_PASSWORD", CANARY)]).assert_code(3).assert_hints();
    let ran = ran.assert_says("task `a`").assert_says("DEPLOY_PASSWORD");
    assert!(!ran.err.contains(CANARY), "{}", ran.err);
    assert!(scene.runs().is_empty());
}

#[test]
fn an_exception_for_nothing_is_refused() {
    for (entry, code) in [("{ rule: github-pats }", "P0207"), ("{}", "P0103"), ("{ path: '!x' }", "P01")] {
        let scene = Scene::new();
        let head = format!("budget: 5usd\nsecrets: {{ allow: [{entry}] }}");
        scene.plan(&head, "  a: { run: 'true' }\n");
        scene.run(&[]).assert_code(3).assert_says(code).assert_hints();
    }
}
