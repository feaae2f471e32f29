//! Agents that misbehave: what they wrote is kept, what they started is gone, and nobody else notices.

use crate::common::{Checkout, Events, Scene, members_of};

/// Runs one agent task `a` with a neighbour `b` that has to land whatever `a` does.
fn misbehaves(options: &str, script: &str, code: i32) -> (Scene, Events) {
    misbehaves_in("budget: 5usd", options, script, code)
}

/// The same under a head of the plan.
fn misbehaves_in(head: &str, options: &str, script: &str, code: i32) -> (Scene, Events) {
    let scene = Scene::new();
    let tasks = format!(
        "  a: {{ agent: script, prompt: Work., retries: 0{options} }}\n  b: {{ run: echo b > b.txt }}\n"
    );
    scene.plan(head, &tasks);
    scene.script("a", script);
    let before = Checkout::of(&scene, "swarm/t");
    scene.run(&[]).assert_code(code).assert_hints();
    before.assert_same(&scene, "swarm/t");
    assert_eq!(scene.git(&["show", "swarm/t:b.txt"]), "b");
    let events = scene.events();
    scene.assert_clean();
    (scene, events)
}

/// What the first attempt of `a` left, at its kept ref.
fn kept(scene: &Scene, path: &str) -> String {
    scene.git(&["show", &format!("refs/swarm/{}/a/1:{path}", scene.run_id())])
}

#[test]
fn a_program_that_does_not_exist_is_found_missing_before_anything_starts() {
    let scene = Scene::new();
    let plan = "version: 1\nbudget: 1\nagents: { x: { adapter: shell, command: no-such-program-here --go } }\ntasks:\n  a: { agent: x, prompt: p }\n";
    let plan = scene.file("missing.yaml", plan);
    let ran = scene.swarm(&["run", plan.to_str().unwrap()]).assert_code(8);
    ran.assert_says("no-such-program-here").assert_hints();
    assert!(scene.runs().is_empty());
}

#[test]
fn a_gibibyte_of_output_is_cut_in_the_middle_and_says_so() {
    let script = "echo first; head -c 1073741824 /dev/zero | tr '\\0' x; echo last; echo a >a.txt";
    let (scene, _) = misbehaves("", script, 0);
    let path = scene.run_dir().join("attempts/a/1/stdout");
    let bytes = std::fs::read(path).unwrap();
    assert!(bytes.len() < 20 << 20, "{} bytes were kept", bytes.len());
    assert!(bytes.starts_with(b"first\n") && bytes.ends_with(b"last\n"));
}

#[test]
fn a_prompt_that_nobody_reads_blocks_nobody() {
    let scene = Scene::new();
    let prompt = "word ".repeat(30_000);
    scene.plan("budget: 1usd", &format!("  a: {{ agent: script, prompt: '{prompt}' }}\n"));
    scene.script("a", "exec 0<&-; echo a >a.txt");
    scene.run(&[]).assert_code(0);
    assert!(scene.attempt_file("a", 1, "prompt.md").contains("word word"));
    scene.assert_clean();
}

#[test]
fn an_agent_that_is_deaf_to_sigterm_is_gone_after_its_timeout_with_all_its_children() {
    let script = "trap '' TERM HUP INT; setsid bash -c 'trap \"\" TERM; echo $$ >\"$1\"; while :; do sleep 0.1; done' x \"$ROOT/flags/child\" &
        echo part >a.txt; while :; do sleep 0.1; done";
    let (scene, events) = misbehaves(", timeout: 2s", script, 4);
    assert!(scene.root.join("flags/child").exists());
    assert_eq!(members_of(&scene.root), Vec::<u32>::new());
    assert_eq!(events.first("agent.exited", "a").data["ending"]["kind"], "timed_out");
    assert_eq!(kept(&scene, "a.txt"), "part");
}

#[test]
fn an_agent_that_deletes_its_worktree_fails_and_what_it_committed_is_kept() {
    let script = "echo a >a.txt; git add a.txt; git commit -qm done; rm -rf \"$PWD\"";
    // A wall leaves it the folder.
    let (scene, events) = misbehaves_in("budget: 5usd\nisolation: none", "", script, 4);
    assert!(events.failures("a")[0].contains("deleted its own worktree"), "{:?}", events.failures("a"));
    assert_eq!(kept(&scene, "a.txt"), "a");
}

#[test]
fn a_link_out_of_the_worktree_is_kept_as_a_link() {
    let script = "ln -s \"$ROOT/flags\" out; echo a >a.txt; flag mine";
    let (scene, events) = misbehaves("", script, 4);
    assert!(scene.root.join("flags/mine").exists(), "cleaning up followed the link");
    assert!(events.failures("a")[0].contains("`out` is a symbolic link"), "{:?}", events.failures("a"));
    assert_eq!(kept(&scene, "out"), scene.root.join("flags").display().to_string());
}

#[test]
fn an_agent_that_changes_nothing_has_failed() {
    let (_, events) = misbehaves("", "usage 0.02", 4);
    assert!(events.failures("a")[0].contains("changed nothing"), "{:?}", events.failures("a"));
}

#[test]
fn an_agent_that_moves_head_elsewhere_fails_and_its_tip_is_kept() {
    let script = "echo alone >a.txt; git add a.txt; git checkout -q \"$(git commit-tree -m alone \"$(git write-tree)\")\"";
    let (scene, events) = misbehaves("", script, 4);
    assert!(events.failures("a")[0].contains("does not descend"), "{:?}", events.failures("a"));
    assert_eq!(kept(&scene, "a.txt"), "alone");
}

#[test]
fn an_agent_that_goes_back_before_its_base_keeps_what_it_wrote() {
    let scene = Scene::new();
    std::fs::write(scene.repo.join("second.txt"), "2\n").unwrap();
    scene.commit("second");
    scene.plan("budget: 5usd", "  a: { agent: script, prompt: Work., retries: 0 }\n");
    scene.script("a", "git reset -q --hard HEAD~1; echo a >a.txt");
    scene.run(&[]).assert_code(4);
    assert_eq!(kept(&scene, "a.txt"), "a");
    scene.assert_clean();
}

#[test]
fn an_agent_that_checks_out_a_branch_lands_what_it_made_there() {
    let scene = Scene::new();
    // A wall keeps it from making one.
    scene.plan("budget: 5usd\nisolation: none", "  a: { agent: script, prompt: Work. }\n");
    scene.script(
        "a",
        "git checkout -q -b mine; echo a >a.txt; git add a.txt; git commit -qm 'On my branch'; echo b >b.txt",
    );
    let before = Checkout::of(&scene, "swarm/t");
    scene.run(&[]).assert_code(0).assert_says("refs/heads/mine");
    assert_eq!(scene.git(&["show", "swarm/t:a.txt"]), "a");
    assert_eq!(scene.git(&["show", "swarm/t:b.txt"]), "b");
    // The branch was the agent's doing: it is named, with how to undo it, and not taken away.
    scene.git(&["branch", "--delete", "--force", "mine"]);
    before.assert_same(&scene, "swarm/t");
    scene.assert_clean();
}

#[test]
fn what_another_run_lands_meanwhile_is_not_the_agents_doing() {
    let scene = Scene::new();
    let plan = |task: &str| {
        let task = format!("  {task}: {{ agent: script, prompt: Work. }}\n");
        scene.plan("budget: 5usd", &task);
    };
    scene.script("a", "echo a >a.txt; flag started; await go");
    scene.script("b", "echo b >b.txt");
    plan("a");
    let one = scene.start_run(&["--target", "swarm/one"]);
    scene.await_flag("started");
    plan("b");
    scene.run(&["--target", "swarm/two"]).assert_code(0);
    scene.flag("go");
    let ran = one.end().assert_code(0);
    assert!(!ran.err.contains("if that was not you"), "{}", ran.err);
    scene.assert_clean();
}

#[test]
fn a_repository_inside_the_worktree_is_kept_as_its_files() {
    let script =
        "mkdir inner; cd inner; git init -q; echo a >a.txt; git add .; git commit -qm inner; echo b >b.txt";
    let (scene, _) = misbehaves("", script, 0);
    assert_eq!(kept(&scene, "inner/a.txt"), "a");
    assert_eq!(kept(&scene, "inner/b.txt"), "b");
}

#[test]
fn an_agent_killed_by_a_signal_keeps_what_it_wrote() {
    let (scene, events) = misbehaves("", "echo half >a.txt; kill -9 $$", 4);
    // Bubblewrap tells it as a shell would.
    let ending = &events.first("agent.exited", "a").data["ending"];
    assert!(ending["signal"] == 9 || ending["code"] == 128 + 9, "{ending}");
    assert_eq!(kept(&scene, "a.txt"), "half");
}
