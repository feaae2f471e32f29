//! What attempts find around them: variables, setup, copied files; and what happens where that is missing.

use crate::common::Scene;

#[test]
fn a_variable_that_is_passed_through_and_not_set_is_missed_before_anything_starts() {
    let scene = Scene::new();
    scene.plan("budget: 1usd\npass_env: [SWARM_TEST_TOKEN]", "  a: { run: echo a > a.txt }\n");
    scene.run(&[]).assert_code(8).assert_says("SWARM_TEST_TOKEN").assert_hints();
    assert!(scene.runs().is_empty());
}

#[test]
fn variables_are_passed_by_name_only_and_their_values_are_written_nowhere() {
    let scene = Scene::new();
    let secret = "s3cr3t-value-of-a-token";
    let plan = scene.plan(
        "budget: 1usd\npass_env: [SWARM_TEST_TOKEN]",
        "  a: { run: 'echo \"${#SWARM_TEST_TOKEN} ${SWARM_TEST_OTHER-none}\" > a.txt' }\n",
    );
    let run = ["run", plan.to_str().unwrap()];
    let running = scene.start_with(&run, |command| {
        command.env("SWARM_TEST_TOKEN", secret).env("SWARM_TEST_OTHER", "x");
    });
    running.end().assert_code(0);
    assert_eq!(scene.git(&["show", "swarm/t:a.txt"]), format!("{} none", secret.len()));
    let found = scene.start_program("grep", &["-rqa", secret, scene.run_dir().to_str().unwrap()]).end();
    assert_eq!(found.code, 1, "the value of a variable was written down");
}

#[test]
fn an_editor_is_the_plans_or_none() {
    let scene = Scene::new();
    let plan = scene.plan(
        "budget: 1usd",
        "  a: { run: 'echo $GIT_EDITOR > a.txt' }\n  b: { run: 'echo $GIT_EDITOR > b.txt', pass_env: [GIT_EDITOR] }\n  c: { run: 'echo $GIT_EDITOR > c.txt', env: { GIT_EDITOR: ed } }\n",
    );
    let run = ["run", plan.to_str().unwrap()];
    scene
        .start_with(&run, |command| {
            command.env("GIT_EDITOR", "emacs");
        })
        .end()
        .assert_code(0);
    for (file, editor) in [("a.txt", ":"), ("b.txt", "emacs"), ("c.txt", "ed")] {
        assert_eq!(scene.git(&["show", &format!("swarm/t:{file}")]), editor);
    }
}

#[test]
fn an_attempt_is_told_who_it_is() {
    let scene = Scene::new();
    scene.plan("budget: 1usd", "  a: { agent: script, prompt: Write it., env: { MODE: dark } }\n");
    scene.script("a", "echo $SWARM_RUN $SWARM_TASK $SWARM_ATTEMPT $MODE $GIT_AUTHOR_NAME >a.txt; cat $SWARM_PROMPT >b.txt; pwd >>$ROOT/flags/pwd");
    scene.run(&[]).assert_code(0);
    assert_eq!(scene.git(&["show", "swarm/t:a.txt"]), format!("{} a 1 dark Ada", scene.run_id()));
    assert!(scene.git(&["show", "swarm/t:b.txt"]).contains("Write it."));
    let pwd = std::fs::read_to_string(scene.root.join("flags/pwd")).unwrap();
    assert!(!pwd.starts_with(scene.repo.to_str().unwrap()), "it worked in the repository: {pwd}");
    scene.assert_clean();
}

#[test]
fn a_setup_that_fails_on_the_base_stops_the_run_with_nothing_spent() {
    let scene = Scene::new();
    scene.plan(
        "budget: 1usd\nworkspace: { setup: ['echo no such package; exit 1'] }",
        "  a: { agent: script, prompt: Work. }\n",
    );
    scene.script("a", "echo a >a.txt; usage 0.05");
    scene.run(&[]).assert_code(8).assert_says("no such package").assert_hints();
    assert!(!scene.events().any("attempt.started"));
    assert_eq!(scene.status()["budget"]["spent_usd"], "0.00");
}

#[test]
fn a_setup_runs_in_every_worktree_before_the_work() {
    let scene = Scene::new();
    scene.plan(
        "budget: 1usd\nworkspace: { setup: ['echo made > made.log'] }",
        "  a: { run: cp made.log a.txt }\n  b: { run: cp made.log b.txt }\n",
    );
    scene.run(&[]).assert_code(0);
    for file in ["a.txt", "b.txt"] {
        assert_eq!(scene.git(&["show", &format!("swarm/t:{file}")]), "made");
    }
    scene.assert_clean();
}

#[test]
fn a_setup_of_one_task_that_fails_is_the_environments_fault_and_shown() {
    let scene = Scene::new();
    scene.plan("budget: 1usd", "  a: { agent: script, prompt: Work., setup: ['echo broken pipe dream; exit 3'] }\n  b: { run: echo b > b.txt }\n");
    scene.script("a", "echo a >a.txt");
    scene.run(&[]).assert_code(8).assert_hints();
    let failed = scene.events().first("attempt.failed", "a").clone();
    assert_eq!(failed.text("kind"), "environment");
    assert_eq!(failed.data["uses_retry"], false);
    assert!(scene.swarm(&["why", "a"]).assert_code(0).out.contains("broken pipe dream"));
    assert_eq!(scene.state_of("b"), "merged");
    assert_eq!(scene.status()["budget"]["spent_usd"], "0.00");
    scene.assert_clean();
}

#[test]
fn instructions_stand_before_every_prompt() {
    let scene = Scene::new();
    scene.plan("budget: 1usd\ninstructions: Be kind.", "  a: { agent: script, prompt: Work. }\n");
    scene.script("a", "echo a >a.txt");
    scene.run(&[]).assert_code(0);
    assert!(scene.attempt_file("a", 1, "prompt.md").starts_with("Be kind."));
}
