//! Gates look at exactly the commit that is to land; a red one changes nothing, and tells the next attempt why.

use crate::common::Scene;

#[test]
fn a_red_gate_is_told_to_the_next_attempt_with_the_end_of_its_output() {
    let scene = Scene::new();
    let gate = "gates: { good: { run: 'echo looking; grep -qx good a.txt || { echo it is not good; exit 3; }', hint: Be good., baseline: skip } }";
    scene.plan(
        &format!("budget: 5usd\n{gate}"),
        "  a: { agent: script, prompt: Work., retries: { max: 1, backoff: { delay: 10ms } }, gates: [good] }\n",
    );
    scene.script("a", "if [ $SWARM_ATTEMPT = 1 ]; then echo bad >a.txt; exit; fi; cp a.txt $ROOT/flags/found; echo good >a.txt");
    scene.run(&[]).assert_code(0);
    let prompt = scene.attempt_file("a", 2, "prompt.md");
    for part in ["gate `good` is red", "it is not good", "Be good."] {
        assert!(prompt.contains(part), "no `{part}` in\n{prompt}");
    }
    assert_eq!(
        std::fs::read_to_string(scene.root.join("flags/found")).unwrap(),
        "bad\n",
        "it starts from the work before"
    );
    assert_eq!(scene.git(&["rev-list", "--count", "main..swarm/t"]), "1");
    assert_eq!(scene.git(&["show", "swarm/t:a.txt"]), "good");
    scene.assert_clean();
}

#[test]
fn what_an_attempt_is_told_of_a_long_output_is_bounded() {
    let scene = Scene::new();
    let gate = "gates: { long: { run: 'head -c 300000 /dev/zero | tr \"\\0\" y; echo; echo the end; grep -qx good a.txt', baseline: skip } }";
    scene.plan(
        &format!("budget: 5usd\n{gate}"),
        "  a: { agent: script, prompt: Work., retries: { max: 1, backoff: { delay: 10ms } }, gates: [long] }\n",
    );
    scene.script("a", "if [ $SWARM_ATTEMPT = 1 ]; then echo bad >a.txt; else echo good >a.txt; fi");
    scene.run(&[]).assert_code(0);
    let prompt = scene.attempt_file("a", 2, "prompt.md");
    assert!(prompt.contains("the end") && prompt.len() < 10_000, "{} bytes", prompt.len());
    scene.assert_clean();
}

#[test]
fn a_gate_that_stays_red_fails_the_task_skips_its_dependents_and_lands_nothing() {
    let scene = Scene::new();
    let gate = "gates: { never: { run: test ! -e a.txt } }";
    let tasks = "  a: { agent: script, prompt: Work., retries: { max: 1, backoff: { delay: 10ms } }, gates: [never] }\n  b: { run: echo b > b.txt, needs: [a] }\n  c: { run: echo c > c.txt }\n";
    scene.plan(&format!("budget: 5usd\n{gate}"), tasks);
    scene.script("a", "echo $SWARM_ATTEMPT >a.txt");
    scene.run(&[]).assert_code(4).assert_hints();
    assert_eq!(["a", "b", "c"].map(|task| scene.state_of(task)), ["failed", "skipped", "merged"]);
    assert_eq!(scene.git(&["ls-tree", "--name-only", "swarm/t", "a.txt"]), "");
    for attempt in 1..=2 {
        let kept = format!("refs/swarm/{}/a/{attempt}:a.txt", scene.run_id());
        assert_eq!(scene.git(&["show", &kept]), attempt.to_string());
    }
    scene.assert_clean();
}

#[test]
fn a_gate_runs_on_exactly_the_commit_that_lands() {
    let scene = Scene::new();
    let seen = scene.root.join("flags/seen");
    let gate = format!(
        "gates: {{ see: 'git rev-parse HEAD >>{}; git status --porcelain | grep . && exit 1 || true; touch litter' }}",
        seen.display()
    );
    let tasks = (1..=4)
        .map(|n| format!("  t{n}: {{ run: echo {n} > {n}.txt, gates: [see] }}\n"))
        .collect::<Vec<_>>()
        .concat();
    scene.plan(&format!("budget: 5usd\n{gate}"), &tasks);
    scene.run(&["--no-preflight"]).assert_code(0);
    let checked = std::fs::read_to_string(seen).unwrap();
    for commit in scene.git(&["rev-list", "main..swarm/t"]).lines() {
        assert!(checked.contains(commit), "{commit} landed unchecked");
    }
    assert_eq!(scene.git(&["ls-tree", "--name-only", "swarm/t", "litter"]), "");
    scene.assert_clean();
}

#[test]
fn an_advisory_gate_warns_and_lets_it_land() {
    let scene = Scene::new();
    let gate = "gates: { taste: { run: test ! -e a.txt, advisory: true } }";
    scene.plan(&format!("budget: 5usd\n{gate}"), "  a: { run: echo a > a.txt, gates: [taste] }\n");
    scene.run(&[]).assert_code(0);
    assert_eq!(scene.events().of("gate.ended").last().unwrap().text("verdict"), "red");
    assert_eq!(scene.state_of("a"), "merged");
    scene.assert_clean();
}

#[test]
fn a_gate_that_is_red_on_the_base_stops_the_run_before_any_money_is_spent() {
    let scene = Scene::new();
    let gate = "gates: { red: 'echo this is why; exit 1' }";
    scene.plan(
        &format!("budget: 5usd\n{gate}"),
        "  a: { agent: script, prompt: Work., retries: 0, gates: [red] }\n",
    );
    scene.script("a", "echo a >a.txt");
    scene.run(&[]).assert_code(8).assert_says("this is why").assert_hints();
    assert!(!scene.events().any("attempt.started"));
    assert_eq!(scene.status()["budget"]["spent_usd"], "0.00");
    scene.run(&["--no-preflight", "--target", "other"]).assert_code(4);
    scene.swarm(&["cancel", scene.runs()[0].to_str().unwrap()]).assert_code(0);
    scene.assert_clean();
}

#[test]
fn gates_of_an_attempt_run_before_it_is_queued() {
    let scene = Scene::new();
    let gate = "gates: { own: { run: grep -qx 2 a.txt, scope: task, baseline: skip } }";
    scene.plan(
        &format!("budget: 5usd\n{gate}"),
        "  a: { agent: script, prompt: Work., retries: { max: 1, backoff: { delay: 10ms } }, gates: [own] }\n",
    );
    scene.script("a", "echo $SWARM_ATTEMPT >a.txt");
    scene.run(&[]).assert_code(0);
    let events = scene.events();
    assert_eq!(events.count("merge.prepared", "a"), 1);
    assert!(events.of("gate.started").all(|gate| gate.text("on") == "attempt"));
    scene.assert_clean();
}
