//! Orders, paths and cycles of small graphs, worked out by hand.

use super::{Plan, PlanError};
use crate::plan::NeedWhen;
use crate::sim::{id, settings, task};
use crate::{TaskId, TaskSpec};

fn needing(name: &str, needs: &[&str]) -> TaskSpec {
    TaskSpec { needs: needs.iter().map(|need| (id(need), NeedWhen::Merged)).collect(), ..task(name) }
}

#[test]
fn each_task_comes_after_what_it_needs_and_the_plan_breaks_ties() {
    let tasks =
        vec![needing("end", &["left", "right"]), needing("right", &["top"]), needing("left", &["top"])];
    let plan = Plan::new(settings(), [tasks, vec![task("top"), task("alone")]].concat()).unwrap();
    let order: Vec<&str> = plan.order().iter().map(|&at| plan.tasks()[at].id.as_str()).collect();
    assert_eq!(order, ["top", "right", "left", "end", "alone"]);
    assert_eq!(plan.remaining_path(), [1, 2, 2, 3, 1]);
}

#[test]
fn a_cycle_is_named_without_the_tasks_around_it() {
    let around = [task("first"), needing("behind", &["b"])];
    let tasks = [&around[..], &[needing("a", &["first", "b"]), needing("b", &["c"]), needing("c", &["a"])]];
    let errors = Plan::new(settings(), tasks.concat()).unwrap_err();
    let [PlanError::Cycle(cycle)] = &errors[..] else { panic!("{errors:?}") };
    assert_eq!(cycle.iter().map(TaskId::as_str).collect::<Vec<_>>(), ["b", "c", "a"]);
}

#[test]
fn all_that_is_wrong_is_named_at_once() {
    let tasks = vec![task("a"), task("a"), needing("b", &["b", "nobody"])];
    let (b, need) = (id("b"), id("nobody"));
    let expected = [
        PlanError::Duplicate(id("a")),
        PlanError::SelfNeed(b.clone()),
        PlanError::UnknownNeed { task: b, need },
    ];
    assert_eq!(Plan::new(settings(), tasks), Err(expected.to_vec()));
    assert_eq!(Plan::new(settings(), Vec::new()), Err(vec![PlanError::Empty]));
}
