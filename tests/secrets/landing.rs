//! What is merged: nothing that the rules or known values find, unless the plan says that it is none.

use crate::common::Scene;
use crate::{CANARY, assert_untold, run_with, token};

/// A scene with one agent's task `a`.
fn scene(head: &str, task: &str, script: &str) -> Scene {
    let scene = Scene::new();
    scene.plan(&format!("budget: 5usd\n{head}"), &format!("  a: {{ agent: script, prompt: Work{task} }}\n"));
    scene.script("a", script);
    scene
}

/// A script that writes a file with the token on its second line.
fn leaks(path: &str) -> String {
    format!("printf 'one\\ntwo = \"%s\"\\n' '{}' >{path}", token())
}

#[test]
fn a_secret_does_not_land_and_is_named_by_rule_and_place() {
    let scene = scene("", ", retries: 0", &leaks("src/config.txt"));
    let ran = scene.run(&[]).assert_code(4);
    ran.assert_says("`src/config.txt:2` (github-pat)")
        .assert_says("--plan FILE")
        .assert_says("secrets: {allow");
    assert_eq!(scene.state_of("a"), "failed");
    let failed = scene.events().first("attempt.failed", "a").data.clone();
    assert_eq!(failed["kind"], "secret");
    let kept = scene.events().first("attempt.preserved", "a").data.clone();
    let expected = serde_json::json!([{"rule": "github-pat", "path": "src/config.txt", "line": 2}]);
    assert_eq!(kept["secrets"], expected);
    assert_eq!(scene.git(&["for-each-ref", "refs/heads/swarm/t"]), "");
    scene.swarm(&["why", "a"]).assert_code(0);
    assert_untold(&scene, "a", &token());
    scene.assert_clean();
}

#[test]
fn the_next_attempt_is_told_the_place_and_what_it_mends_lands() {
    let mend = format!(
        "if [ $SWARM_ATTEMPT = 1 ]; then {}; else echo mended >src/config.txt; fi",
        leaks("src/config.txt")
    );
    let scene = scene("", ", retries: 1", &mend);
    scene.run(&[]).assert_code(0);
    let prompt = scene.attempt_file("a", 2, "prompt.md");
    assert!(prompt.contains("`src/config.txt:2` (github-pat)"), "{prompt}");
    assert_eq!(scene.git(&["show", "swarm/t:src/config.txt"]), "mended");
    assert!(!scene.git(&["log", "-p", "swarm/t"]).contains(&token()));
    assert_untold(&scene, "a", &token());
    scene.assert_clean();
}

#[test]
fn where_every_commit_lands_none_may_hold_one_and_no_message_may() {
    let in_a_commit = format!(
        "{}; git add .; git commit -qm one; echo gone >a.txt; git add .; git commit -qm two",
        leaks("a.txt")
    );
    let in_a_message = format!("echo a >a.txt; git add .; git commit -qm 'With {}'", token());
    for (script, place) in [(in_a_commit, "`a.txt:2`"), (in_a_message, "`commit ")] {
        let scene = scene("merge: { strategy: merge }", ", retries: 0", &script);
        scene.run(&[]).assert_code(4).assert_says(place).assert_says("github-pat");
        assert_untold(&scene, "a", &token());
        scene.assert_clean();
    }
}

#[test]
fn where_one_commit_lands_what_is_gone_by_then_is_no_matter() {
    let script = format!(
        "{}; git add .; git commit -qm 'With {}'; echo gone >a.txt; git add .; git commit -qm two",
        leaks("a.txt"),
        token()
    );
    let scene = scene("", ", retries: 0", &script);
    scene.run(&[]).assert_code(0);
    let landed = scene.git(&["log", "-p", "--format=%B", "main..swarm/t"]);
    assert!(!landed.contains(&token()) && landed.contains("With [secret: github-pat]"), "{landed}");
    scene.assert_clean();
}

#[test]
fn a_plan_allows_by_rule_and_path_and_a_line_by_its_mark() {
    for head in [
        "secrets: { allow: [{ rule: github-pat }] }",
        "secrets: { allow: [{ path: 'src/**' }] }",
        "secrets: { allow: [{ rule: github-pat, path: 'src/*.txt' }] }",
        "secrets: { scan: false }",
    ] {
        let scene = scene(head, ", retries: 0", &leaks("src/config.txt"));
        scene.run(&[]).assert_code(0);
        assert!(scene.git(&["show", "swarm/t:src/config.txt"]).contains(&token()));
    }
    let marked = format!("echo 'k = \"{}\" # swarm:allow-secret' >a.txt", token());
    scene("", ", retries: 0", &marked).run(&[]).assert_code(0);
    for head in [
        "secrets: { allow: [{ rule: aws-access-token }] }",
        "secrets: { allow: [{ path: docs/ }] }",
        "secrets: { allow: [{ rule: github-pat, path: docs/ }] }",
    ] {
        let scene = scene(head, ", retries: 0", &leaks("src/config.txt"));
        scene.run(&[]).assert_code(4).assert_says("github-pat");
    }
}

#[test]
fn the_value_of_a_variable_does_not_land_whatever_it_looks_like() {
    let write = "echo \"$DEPLOY_PASSWORD\" >a.txt";
    let head = "pass_env: [DEPLOY_PASSWORD]";
    let with = [("DEPLOY_PASSWORD", CANARY)];
    let plain = scene(head, ", retries: 0", write);
    run_with(&plain, &with).assert_code(4).assert_says("`a.txt:1` (DEPLOY_PASSWORD)");
    assert_untold(&plain, "a", CANARY);
    let unscanned = scene(&format!("{head}\nsecrets: {{ scan: false }}"), ", retries: 0", write);
    run_with(&unscanned, &with).assert_code(4);
    let allowed =
        scene(&format!("{head}\nsecrets: {{ allow: [{{ rule: DEPLOY_PASSWORD }}] }}"), ", retries: 0", write);
    run_with(&allowed, &with).assert_code(0);
}

#[test]
fn what_the_base_holds_already_may_be_moved_and_stand_beside_what_is_new() {
    let scene = scene("", ", retries: 0", "git mv old.txt new.txt; echo more >>new.txt; echo end >>kept.txt");
    scene.file("repo/old.txt", format!("k = \"{}\"\n", token()));
    scene.file("repo/kept.txt", format!("k = \"{}\"\n", token()));
    scene.commit("secrets of old");
    scene.run(&[]).assert_code(0);
    assert!(scene.git(&["show", "swarm/t:new.txt"]).contains(&token()));
    scene.assert_clean();
}

#[test]
fn a_secret_in_the_way_of_git_attributes_and_drivers_is_found() {
    let script = format!(
        "echo '* binary diff=none -text filter=x' >.gitattributes; git config diff.none.textconv true; {}",
        leaks("blob.x")
    );
    let scene = scene("isolation: none", ", retries: 0", &script);
    scene.run(&[]).assert_code(4).assert_says("`blob.x:2` (github-pat)");
}

#[test]
fn a_secret_in_the_name_of_a_file_does_not_land_either() {
    let scene = scene("", ", retries: 0", &format!("echo x >'f-{}.txt'", token()));
    scene.run(&[]).assert_code(4).assert_says("`the name of a file:1` (github-pat)");
    assert_eq!(scene.git(&["for-each-ref", "refs/heads/swarm/t"]), "");
}

#[test]
fn whoever_writes_a_commit_that_lands_is_searched_too() {
    let script = format!("echo x >x; git add x; git commit -q --author='{} <a@b>' -m x", token());
    let scene = scene("merge: { strategy: merge }", ", retries: 0", &script);
    scene.run(&[]).assert_code(4).assert_says("(github-pat)");
}
