//! The 24 tasks at different concurrency: the same tree, each schedule without a gap.

use std::thread;

use crate::audit::Audit;
use crate::common::{Events, Scene, TwentyFour};

/// Runs the 24 tasks and returns the tree that came out, and the events.
fn run(head: &str) -> (String, Events) {
    let scene = Scene::new();
    TwentyFour::write(&scene, head);
    scene.run(&[]).assert_code(0);
    for (path, text) in TwentyFour::files() {
        assert_eq!(scene.git(&["show", &format!("swarm/t:{path}")]), text.trim_end());
    }
    scene.assert_clean();
    (scene.git(&["rev-parse", "swarm/t^{tree}"]), scene.events())
}

/// The same at 1, 4 and 8 at once.
fn at_1_4_and_8(head: &str) -> [(String, Events); 3] {
    thread::scope(|scope| {
        [1, 4, 8]
            .map(|slots| scope.spawn(move || run(&format!("concurrency: {slots}\n{head}"))))
            .map(|run| run.join().unwrap())
    })
}

#[test]
fn the_tree_is_the_same_at_any_concurrency_and_no_slot_is_free_while_a_task_could_start() {
    let runs = at_1_4_and_8("");
    for ((tree, events), slots) in runs.iter().zip([1, 4, 8]) {
        assert_eq!(*tree, runs[0].0);
        assert_eq!(Audit::of(events).most, slots);
    }
}

#[test]
fn in_plan_order_they_land_in_the_same_order_at_any_concurrency() {
    let runs = at_1_4_and_8("merge: { order: plan }");
    for (tree, events) in &runs {
        assert_eq!(*tree, runs[0].0);
        assert_eq!(events.order("task.merged"), TwentyFour::ids());
        Audit::of(events);
    }
}

#[test]
fn where_money_is_short_what_can_be_afforded_still_runs() {
    let scene = Scene::new();
    TwentyFour::write(&scene, "concurrency: 6");
    let plan = std::fs::read_to_string(scene.root.join("plan.yaml")).unwrap();
    scene.file("plan.yaml", plan.replace("budget: 5usd", "budget: 0.55usd"));
    scene.run(&[]).assert_code(0);
    let audit = Audit::of(&scene.events());
    assert!(audit.waited_for_money > 0, "the money was never short");
    scene.assert_clean();
}
