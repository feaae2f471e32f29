//! Two tasks change the same line: the one that comes second gets another attempt, with the conflict in its files and prompt.

use crate::common::{Ran, Scene};

const TASKS: &str =
    "  a: { run: echo a > words.txt }\n  b: { agent: script, prompt: Add your word., retries: 0 }\n";

/// `a` lands while `b` is at work in the same place; `b` does `second` in its second attempt.
fn meet(head: &str, second: &str) -> (Scene, Ran) {
    let scene = Scene::new();
    scene.plan(&format!("budget: 5usd\n{head}"), TASKS);
    scene.script(
        "b",
        &format!("if [ $SWARM_ATTEMPT = 1 ]; then echo b >words.txt; await landed; exit; fi\n{second}"),
    );
    let running = scene.start_run(&[]);
    scene.await_event("task.merged", "a");
    scene.flag("landed");
    let ran = running.end();
    (scene, ran)
}

#[test]
fn the_next_attempt_finds_the_conflict_in_its_files_and_in_its_prompt() {
    let (scene, ran) = meet(
        "",
        "cp words.txt $ROOT/flags/seen; cp $SWARM_PROMPT $ROOT/flags/prompt; printf 'a\\nb\\n' >words.txt",
    );
    ran.assert_code(0);
    let read = |name: &str| std::fs::read_to_string(scene.root.join("flags").join(name)).unwrap();
    let seen = read("seen");
    assert!(["<<<<<<<", "=======", ">>>>>>>", "a", "b"].iter().all(|part| seen.contains(part)), "{seen}");
    assert!(
        read("prompt").contains("conflict") && read("prompt").contains("`words.txt`"),
        "{}",
        read("prompt")
    );
    assert_eq!(read("prompt"), scene.attempt_file("b", 2, "prompt.md"));
    assert_eq!(scene.git(&["show", "swarm/t:words.txt"]), "a\nb");
    let events = scene.events();
    assert_eq!(events.first("merge.conflicted", "b").data["paths"][0], "words.txt");
    assert_eq!(scene.git(&["show", &format!("refs/swarm/{}/b/1:words.txt", scene.run_id())]), "b");
    scene.assert_clean();
}

#[test]
fn markers_that_stay_in_the_files_do_not_land() {
    let (scene, ran) = meet("", "true");
    ran.assert_code(4).assert_hints();
    assert_eq!(scene.git(&["show", "swarm/t:words.txt"]), "a");
    assert!(
        scene.events().failures("b")[1].contains("conflict markers"),
        "{:?}",
        scene.events().failures("b")
    );
    scene.assert_clean();
}

#[test]
fn on_conflict_fail_fails_at_once() {
    let (scene, ran) = meet("merge: { on_conflict: fail }", "true");
    ran.assert_code(4);
    assert_eq!(scene.events().count("attempt.started", "b"), 1);
    assert_eq!(scene.git(&["show", "swarm/t:words.txt"]), "a");
}

#[test]
fn on_conflict_hold_waits_for_a_person() {
    let (scene, ran) = meet("merge: { on_conflict: hold }", "true");
    ran.assert_code(6).assert_hints();
    assert_eq!(scene.state_of("b"), "held");
    assert_eq!(scene.status()["tasks"]["b"]["final"], false);
}

#[test]
fn the_same_change_made_twice_lands_once_and_the_other_is_done() {
    let scene = Scene::new();
    scene.plan("budget: 5usd", "  a: { run: echo same > same.txt }\n  b: { agent: script, prompt: Work. }\n");
    scene.script("b", "echo same >same.txt; await landed");
    let running = scene.start_run(&[]);
    scene.await_event("task.merged", "a");
    scene.flag("landed");
    running.end().assert_code(0);
    assert_eq!(scene.state_of("b"), "done");
    assert_eq!(scene.git(&["rev-list", "--count", "main..swarm/t"]), "1");
    scene.assert_clean();
}

#[test]
fn changes_in_different_places_of_one_file_merge_without_another_attempt() {
    let scene = Scene::new();
    let lines = (1..40).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat();
    std::fs::write(scene.repo.join("long.txt"), lines).unwrap();
    scene.commit("long");
    scene.plan(
        "budget: 5usd",
        "  a: { run: sed -i 's/^line 3$/a/' long.txt }\n  b: { agent: script, prompt: Work. }\n",
    );
    scene.script("b", "sed -i 's/^line 30$/b/' long.txt; await landed");
    let running = scene.start_run(&[]);
    scene.await_event("task.merged", "a");
    scene.flag("landed");
    running.end().assert_code(0);
    let text = scene.git(&["show", "swarm/t:long.txt"]);
    assert!(text.contains("\na\n") && text.contains("\nb\n"));
    assert_eq!(scene.events().count("attempt.started", "b"), 1);
    scene.assert_clean();
}
