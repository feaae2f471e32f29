//! What is logged and exported: what programs print is kept without secrets, and all of the rest of it is kept.

use crate::common::Scene;
use crate::{CANARY, assert_untold, run_with, token};

#[test]
fn what_a_program_prints_is_kept_without_secrets() {
    let scene = Scene::new();
    scene.plan(
        "budget: 5usd\npass_env: [DEPLOY_PASSWORD]",
        "  a: { agent: script, prompt: Work, retries: 0 }\n",
    );
    let script = format!(
        "echo before; echo 'out {0} end'; echo 'err {0} end' >&2; echo \"own $DEPLOY_PASSWORD end\"; printf 'rest {0}'; exit 3",
        token()
    );
    scene.script("a", &script);
    run_with(&scene, &[("DEPLOY_PASSWORD", CANARY)]).assert_code(4);
    let out = scene.attempt_file("a", 1, "stdout");
    let expected =
        "before\nout [secret: github-pat] end\nown [secret: DEPLOY_PASSWORD] end\nrest [secret: github-pat]";
    assert_eq!(out, expected);
    assert_eq!(scene.attempt_file("a", 1, "stderr"), "err [secret: github-pat] end\n");
    let ended = scene.events().first("agent.exited", "a").data.clone();
    assert!(ended.to_string().contains("[secret: github-pat]"), "{ended}");
    assert_untold(&scene, "a", &token());
    assert_untold(&scene, "a", CANARY);
    scene.assert_clean();
}

#[test]
fn a_short_value_does_not_eat_the_output() {
    let scene = Scene::new();
    scene.plan("budget: 5usd\npass_env: [A_TOKEN, B_TOKEN]", "  a: { agent: script, prompt: Work }\n");
    scene.script("a", "echo 'a banana and aaaaaaaaaaaa'; echo a >a.txt");
    run_with(&scene, &[("A_TOKEN", "a"), ("B_TOKEN", "aaaaaaaaaaaa")]).assert_code(0);
    assert_eq!(scene.attempt_file("a", 1, "stdout"), "a banana and aaaaaaaaaaaa\n");
}

#[test]
fn what_a_gate_prints_reaches_no_prompt() {
    let scene = Scene::new();
    let gate = scene.file("gate.sh", format!("echo 'wrong: {}'; test -e mended", token()));
    let head =
        format!("budget: 5usd\ngates: {{ unit: {{ run: 'bash {}', baseline: skip }} }}", gate.display());
    scene.plan(&head, "  a: { agent: script, prompt: Work, retries: 1, gates: [unit] }\n");
    scene.script("a", "echo a >a.txt; if [ $SWARM_ATTEMPT = 2 ]; then : >mended; fi");
    scene.run(&[]).assert_code(0);
    let prompt = scene.attempt_file("a", 2, "prompt.md");
    assert!(prompt.contains("wrong: [secret: github-pat]"), "{prompt}");
    assert_untold(&scene, "a", &token());
    scene.assert_clean();
}

#[test]
fn a_private_key_that_comes_in_pieces_is_left_out_as_a_whole() {
    let scene = Scene::new();
    scene.plan("budget: 5usd", "  a: { agent: script, prompt: Work }\n");
    let line = "MIIEpAIBAAKCAQEAx7Kq2mW9vB4nR8tY3cZ6jH1dF5gS0aLpQeUi";
    let script = format!(
        "begin=BEGIN; echo \"-----$begin RSA PRIVATE KEY-----\"; sleep 0.2; for i in 1 2 3; do echo {line}; done; echo -----END RSA PRIVATE KEY-----; echo after; echo a >a.txt"
    );
    scene.script("a", &script);
    scene.run(&[]).assert_code(0);
    let out = scene.attempt_file("a", 1, "stdout");
    assert!(
        !out.contains("MIIE") && out.starts_with("[secret: private-key]\n") && out.ends_with("\nafter\n"),
        "{out}"
    );
}
