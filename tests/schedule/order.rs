//! Who goes first: no waves, the longest way to go before the short one, and landing in the order that the plan asks for.

use crate::audit::Audit;
use crate::common::Scene;

#[test]
fn nine_short_tasks_pass_three_long_ones_on_four_slots() {
    let scene = Scene::new();
    let mut tasks = String::new();
    for number in 1..=12 {
        let (id, long) = (format!("t{number:02}"), number <= 3);
        tasks = format!("{tasks}  {id}: {{ agent: script, prompt: Work. }}\n");
        // The long ones end only when all short ones have: with waves, nobody ever would.
        let wait = if long {
            (4..=12).map(|short| format!("await t{short:02}; ")).collect::<Vec<_>>().concat()
        } else {
            format!("flag {id}")
        };
        scene.script(&id, &format!("echo x >{id}.txt; {wait}"));
    }
    scene.plan("budget: 5usd\nconcurrency: 4", &tasks);
    scene.run(&[]).assert_code(0);
    let events = scene.events();
    let ended = events.order("agent.exited");
    // The ninth short one lets the long ones go before it ends itself; the eight before it had to make room for it.
    assert!(ended[..8].iter().all(|task| !["t01", "t02", "t03"].contains(&task.as_str())), "{ended:?}");
    Audit::of(&events);
    scene.assert_clean();
}

#[test]
fn the_longest_way_to_go_starts_first_and_plan_order_breaks_ties() {
    let scene = Scene::new();
    let tasks = "  lone: { run: 'true' }\n  other: { run: 'true' }\n  one: { run: 'true' }\n  two: { run: 'true', needs: [one] }\n  three: { run: 'true', needs: [two] }\n";
    scene.plan("budget: 5usd\nconcurrency: 1", tasks);
    scene.run(&[]).assert_code(0);
    let started = scene.events().order("attempt.started");
    assert_eq!(started[0], "one");
    let place = |id: &str| started.iter().position(|task| task == id);
    assert!(place("lone") < place("other"), "{started:?}");
}

#[test]
fn a_higher_priority_starts_before_everything_else_that_is_ready() {
    let scene = Scene::new();
    let tasks = "  one: { run: 'true' }\n  two: { run: 'true', needs: [one] }\n  urgent: { run: 'true', priority: 5 }\n";
    scene.plan("budget: 5usd\nconcurrency: 1", tasks);
    scene.run(&[]).assert_code(0);
    assert_eq!(scene.events().order("attempt.started")[0], "urgent");
}

/// `a` ends only after `c` has begun; `b` is done at once. Two slots.
fn slow_first(order: &str) -> Scene {
    let scene = Scene::new();
    let tasks = ["a", "b", "c"].map(|id| format!("  {id}: {{ agent: script, prompt: Work. }}\n")).concat();
    scene.plan(&format!("budget: 5usd\nconcurrency: 2\nmerge: {{ order: {order} }}"), &tasks);
    scene.script("a", "await c; echo a >a.txt");
    scene.script("b", "echo b >b.txt");
    scene.script("c", "flag c; echo c >c.txt");
    scene
}

#[test]
fn in_order_of_readiness_nobody_waits_for_a_slow_neighbour() {
    let scene = slow_first("ready");
    scene.script("c", "echo c >c.txt");
    let running = scene.start_run(&[]);
    scene.await_event("task.merged", "b");
    scene.await_event("task.merged", "c");
    scene.flag("c");
    running.end().assert_code(0);
    assert_eq!(scene.events().order("task.merged").last().unwrap(), "a");
    scene.assert_clean();
}

#[test]
fn in_plan_order_work_that_waits_to_land_holds_no_slot() {
    let scene = slow_first("plan");
    scene.run(&[]).assert_code(0);
    assert_eq!(scene.events().order("task.merged"), ["a", "b", "c"]);
    scene.assert_clean();
}

#[test]
fn in_plan_order_a_task_that_failed_leaves_the_line() {
    let scene = slow_first("plan");
    scene.script("a", "await c; exit 1");
    let plan = std::fs::read_to_string(scene.root.join("plan.yaml")).unwrap();
    scene.file("plan.yaml", plan.replace("a: { agent: script,", "a: { retries: 0, agent: script,"));
    scene.run(&[]).assert_code(4);
    assert_eq!(scene.events().order("task.merged"), ["b", "c"]);
    scene.assert_clean();
}

#[test]
#[should_panic(expected = "a slot is free")]
fn the_second_opinion_sees_a_slot_that_stays_free() {
    let scene = Scene::new();
    scene.plan("budget: 5usd\nconcurrency: 1", "  a: { run: 'true' }\n  b: { run: 'true' }\n");
    scene.run(&[]).assert_code(0);
    let mut events = scene.events();
    events.0[0].data["concurrency"] = 2.into();
    Audit::of(&events);
}
