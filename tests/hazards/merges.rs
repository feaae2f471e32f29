//! Judged once more on what would land: two that are each fine can be a hazard together.

use crate::common::Scene;

const RETRIED: &str = "retries: { max: 1, backoff: { delay: 1ms } }";

#[test]
fn two_names_that_clash_only_when_both_have_landed() {
    let scene = Scene::new();
    let b = format!("  b: {{ agent: script, prompt: Work., {RETRIED} }}\n");
    scene.plan("budget: 5usd", &format!("  a: {{ run: echo a >Notes.txt }}\n{b}"));
    scene.script(
        "b",
        "if [ $SWARM_ATTEMPT = 1 ]; then echo b >notes.txt; await landed; else git mv notes.txt other.txt; fi",
    );
    let running = scene.start_run(&["--no-preflight"]);
    scene.await_event("task.merged", "a");
    scene.flag("landed");
    running.end().assert_code(0);
    let events = scene.events();
    let refused = events.first("merge.refused", "b");
    assert_eq!(refused.data["hazards"][0]["kind"], "clash");
    assert_eq!(refused.data["hazards"][0]["path"], "notes.txt");
    assert_eq!(events.first("attempt.failed", "b").text("kind"), "hazard");
    let files = scene.git(&["ls-tree", "--name-only", "swarm/t"]);
    assert!(
        files.contains("Notes.txt") && files.contains("other.txt") && !files.contains("notes.txt"),
        "{files}"
    );
    scene.assert_clean();
}

/// It merges what has landed meanwhile and takes it back: compared with its base it changed nothing outside its claims,
/// compared with the target it does.
#[test]
fn what_landed_cannot_be_taken_back_outside_the_claims() {
    let scene = Scene::new();
    let head = "budget: 5usd\ndefaults: { on_claim_violation: fail }";
    scene.plan(
        head,
        "  a: { run: echo a >a.txt, files: [a.txt] }\n  b: { agent: script, prompt: Work., files: [b.txt], retries: 0 }\n",
    );
    scene.script(
        "b",
        "echo b >b.txt; git add b.txt; git commit -q -m b; await landed\n\
         git merge -q --no-edit swarm/t; git rm -q a.txt; git commit -q -m 'take it back'",
    );
    let running = scene.start_run(&["--no-preflight"]);
    scene.await_event("task.merged", "a");
    scene.flag("landed");
    running.end().assert_code(4);
    let events = scene.events();
    assert_eq!(events.first("attempt.preserved", "b").data["outside_claims"].as_array().unwrap().len(), 0);
    assert_eq!(events.first("merge.refused", "b").data["hazards"][0]["path"], "a.txt");
    assert_eq!(events.first("attempt.failed", "b").text("kind"), "claims");
    assert_eq!(scene.git(&["show", "swarm/t:a.txt"]), "a");
    scene.assert_clean();
}

/// No git command makes such a tree; one writes its objects by hand. It is in no tip, for that is made of files, and yet
/// it would land with the commits of an attempt.
#[test]
fn what_is_in_the_commits_that_would_land_counts_too() {
    let scene = Scene::new();
    let task = format!("  a: {{ agent: script, prompt: Work., {RETRIED} }}\n");
    scene.plan("budget: 5usd\nmerge: { strategy: merge }", &task);
    scene.script(
        "a",
        "echo 1 >work; if [ $SWARM_ATTEMPT = 2 ]; then exit; fi\n\
         blob=$(echo '[core] fsmonitor = touch sprung' | git hash-object -w --stdin)\n\
         inner=$(printf '100644 blob %s\\tconfig\\n' $blob | git mktree)\n\
         tree=$( (git ls-tree HEAD; printf '040000 tree %s\\t.git\\n' $inner) | git mktree)\n\
         git update-ref HEAD $(git commit-tree $tree -p HEAD -m evil)",
    );
    scene.run(&["--no-preflight"]).assert_code(0);
    let events = scene.events();
    let refused = events.first("merge.refused", "a");
    assert_eq!(refused.data["hazards"][0]["kind"], "git", "{}", refused.data);
    assert_eq!(refused.data["hazards"][0]["path"], ".git/config");
    let objects = scene.git(&["rev-list", "--objects", "main..swarm/t"]);
    assert!(objects.contains(" work") && !objects.contains(".git"), "{objects}");
    scene.assert_clean();
}
