//! Real runs, held to the laws by what they recorded, and explored around: what if swarm had died there, or that had failed?
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod common;

use swarm_domain::Event;
use swarm_proptests::{Recorded, run};

use common::Scene;

/// Four tasks: one lands, one conflicts with it, one fails its gate, and one waits for the first.
fn eventful() -> Scene {
    let scene = Scene::new();
    let head = "budget: 5usd\nconcurrency: 2\ngates: { good: { run: test -e good.txt, baseline: skip } }";
    let tasks = "  a: { agent: script, prompt: Work. }
  b: { agent: script, prompt: Work., retries: { max: 2, backoff: { delay: 10ms } } }
  c: { agent: script, prompt: Work., retries: { max: 1, backoff: { delay: 10ms } }, gates: [good] }
  d: { run: cat a.txt >d.txt, needs: [a] }
";
    scene.plan(head, tasks);
    scene.script("a", "usage 0.02; echo a >a.txt; flag a");
    // The conflict of its first attempt is overlooked by its second and resolved by its third.
    let resolve =
        "if [ -e b.txt ]; then echo ab >a.txt; elif [ -e a.txt ]; then echo b >b.txt; else echo b >a.txt; fi";
    scene.script("b", &format!("await a; usage 0.03; {resolve}"));
    scene.script("c", "if [ -e \"$ROOT/flags/c\" ]; then echo c >good.txt; else flag c; echo c >c.txt; fi");
    scene
}

fn names(events: &[swarm_actors::Recorded]) -> Vec<String> {
    let mut names: Vec<_> = events
        .iter()
        .filter(|recorded| matches!(recorded.event, Event::Merged(_) | Event::TaskFailed(_)))
        .map(|recorded| {
            format!("{:?} {}", swarm_domain::state::task_of(&recorded.event), recorded.event.name())
        })
        .collect();
    names.sort();
    names
}

#[test]
fn around_a_real_run_a_crash_at_any_point_breaks_no_law() {
    let scene = eventful();
    scene.run(&[]).assert_code(0);
    let recorded = Recorded::open(scene.run_dir()).unwrap();
    let checked = recorded.check().unwrap_or_else(|broken| panic!("{broken}"));
    assert!(checked.finished && checked.rests > 10, "{checked:?}");
    let tried = recorded.what_if().crash_at_every_point().check().unwrap_or_else(|failed| panic!("{failed}"));
    assert!(tried.crashes > 500, "{tried:?}");
    println!("{checked:?} {tried:?}");
    scene.assert_clean();
}

#[test]
fn around_a_real_run_any_one_fault_breaks_no_law() {
    let scene = eventful();
    scene.run(&[]).assert_code(0);
    let recorded = Recorded::open(scene.run_dir()).unwrap();
    let tried = recorded.what_if().one_fault_anywhere().check().unwrap_or_else(|failed| panic!("{failed}"));
    println!("{tried:?}");
    assert!(tried.runs > 500, "{tried:?}");
}

#[test]
fn a_real_run_read_back_comes_to_the_same() {
    let scene = eventful();
    scene.run(&[]).assert_code(0);
    let recorded = Recorded::open(scene.run_dir()).unwrap();
    let again = run(&recorded.setup());
    assert_eq!(again.broken, None);
    assert_eq!(names(&again.history), names(recorded.events()));
}

#[test]
fn a_run_that_was_killed_and_one_that_was_retried_keep_the_laws() {
    let scene = Scene::new();
    scene.plan(
        "budget: 1usd",
        "  a: { run: echo a > a.txt }\n  b: { agent: script, prompt: Work., needs: [a] }\n",
    );
    scene.script("b", "flag runs; await go; [ -e \"$ROOT/flags/fixed\" ] && echo b >b.txt");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    running.kill_9();
    let killed = Recorded::open(scene.run_dir()).unwrap();
    assert!(!killed.check().unwrap().finished);
    scene.flag("go");
    scene.swarm(&["resume"]).assert_code(4);
    scene.flag("fixed");
    scene.swarm(&["retry"]).assert_code(0);
    let retried = Recorded::open(scene.run_dir()).unwrap();
    assert!(retried.check().unwrap().finished);
    let tried = retried.what_if().crash_at_every_point().check().unwrap_or_else(|failed| panic!("{failed}"));
    assert!(tried.crashes > 100, "{tried:?}");
    scene.assert_clean();
}
