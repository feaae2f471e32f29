//! Whole runs under policies of every kind: what they choose is followed, what they may not choose changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Sim, exited, gate, id, settings, task};
use crate::fact::{Cause, Ending, Outcome};
use crate::plan::{NeedWhen, RetryOn};
use crate::state::Parts;
use crate::task::{End, Phase, Task};
use crate::train::Waiting;
use crate::{
    Again, AsPlanned, Command, Effect, Event, GateScope, MergeOrder, Policy, Settings, TaskId, TaskSpec, Usd,
};

const LONGEST_MS: u64 = 60_000;

/// Names the same task whatever is on offer, and waits for ever.
struct Stubborn(&'static str);

impl Policy for Stubborn {
    fn start(&self, _: &Parts, _: &mut dyn Iterator<Item = &Task>) -> Option<TaskId> {
        Some(id(self.0))
    }

    fn land(&self, _: &Parts, _: &mut dyn Iterator<Item = &Waiting>) -> Option<TaskId> {
        Some(id(self.0))
    }

    fn retry(&self, _: &Parts, _: &Task, _: Cause) -> Again {
        Again::After { delay_ms: u64::MAX }
    }
}

/// Takes the last of everything, and tries nothing twice.
struct Contrary;

impl Policy for Contrary {
    fn start(&self, _: &Parts, ready: &mut dyn Iterator<Item = &Task>) -> Option<TaskId> {
        ready.last().map(|task| task.spec.id.clone())
    }

    fn land(&self, _: &Parts, line: &mut dyn Iterator<Item = &Waiting>) -> Option<TaskId> {
        line.last().map(|waiting| waiting.task.clone())
    }

    fn retry(&self, _: &Parts, _: &Task, _: Cause) -> Again {
        Again::GiveUp
    }
}

fn retried(name: &str) -> TaskSpec {
    let mut task = task(name);
    task.retries.max = 2;
    task.retries.after = [RetryOn::Crash].into();
    task.retries.delay_ms = 1_000;
    task.retries.delay_max_ms = LONGEST_MS;
    task
}

/// A diamond with a dear task beside it, which only the whole purse pays for, and one that costs nothing.
fn diamond() -> Vec<TaskSpec> {
    let priced = |name, micros| TaskSpec { estimate: Some(Usd::from_micros(micros)), ..retried(name) };
    let needs = |task: TaskSpec, names: &[&str]| TaskSpec {
        needs: names.iter().map(|name| (id(name), NeedWhen::Merged)).collect(),
        ..task
    };
    vec![
        priced("dear", 100),
        priced("top", 40),
        needs(priced("left", 40), &["top"]),
        needs(priced("right", 60), &["top"]),
        needs(priced("end", 30), &["left", "right"]),
        retried("free"),
    ]
}

/// Runs to the end. The first attempt of each task crashes; time passes when nothing else happens.
fn to_the_end(sim: &mut Sim) {
    let is_run = |effect: &Effect| matches!(effect, Effect::RunAttempt(_));
    while sim.finished().is_none() && sim.stopped().is_none() {
        sim.settle(is_run);
        let running = sim.owed.values().find(|effect| is_run(effect)).cloned();
        if let Some(Effect::RunAttempt(run)) = running {
            let code = i32::from(run.attempt == 1);
            let fact = exited(&run, Ending::Exited { code }, None);
            sim.answer(&Effect::RunAttempt(run).key(), fact);
        } else if let Some(at_ms) = sim.state.wakeup_ms() {
            sim.now_ms = sim.now_ms.max(at_ms);
            sim.turn(&Command::Advance).unwrap();
        }
    }
}

/// Books beside the state: what the laws say of each start, from the events alone. Laws 4, 5 and 7.
fn keeps_the_laws(events: &[Event], tasks: &[TaskSpec], settings: &Settings) {
    let mut landed = BTreeSet::new();
    let mut running: BTreeMap<TaskId, Usd> = BTreeMap::new();
    for event in events {
        match event {
            Event::AttemptStarted(started) => {
                let spec = tasks.iter().find(|task| task.id == started.task).unwrap();
                assert!(spec.needs.iter().all(|(need, _)| landed.contains(need)), "{started:?}");
                assert!(running.insert(started.task.clone(), started.reserve).is_none(), "{started:?}");
                assert!(running.len() <= settings.concurrency as usize, "{started:?}");
                let reserved = running.values().map(|usd| usd.micros()).sum::<u64>();
                assert!(Usd::from_micros(reserved) <= settings.caps.usd.unwrap(), "{started:?}");
            }
            Event::AgentExited(exited) => assert!(running.remove(&exited.task).is_some()),
            Event::Merged(merged) => assert!(landed.insert(merged.task.clone())),
            _ => {}
        }
    }
}

fn order(sim: &Sim, of: impl Fn(&Event) -> Option<&TaskId>) -> Vec<&str> {
    sim.events.iter().filter_map(of).map(TaskId::as_str).collect()
}

fn started(event: &Event) -> Option<&TaskId> {
    if let Event::AttemptStarted(event) = event { Some(&event.task) } else { None }
}

fn merged(event: &Event) -> Option<&TaskId> {
    if let Event::Merged(event) = event { Some(&event.task) } else { None }
}

#[test]
fn a_policy_that_names_what_is_not_on_offer_breaks_nothing_and_stops_nothing() {
    for merge_order in [MergeOrder::Ready, MergeOrder::Plan] {
        for name in ["dear", "top", "left", "right", "end", "free", "no-such-task"] {
            let mut settings = settings();
            settings.merge.order = merge_order;
            let mut sim = Sim::under(Stubborn(name), settings.clone(), diamond());
            to_the_end(&mut sim);
            assert_eq!(sim.finished(), Some(Outcome::Landed), "{name}");
            keeps_the_laws(&sim.events, &diamond(), &settings);
        }
    }
}

#[test]
fn without_an_answer_all_goes_as_planned() {
    let mut plain = Sim::new(settings(), diamond());
    to_the_end(&mut plain);
    let mut unknown = Sim::under(Stubborn("no-such-task"), settings(), diamond());
    to_the_end(&mut unknown);
    assert_eq!(order(&plain, started), order(&unknown, started));
    assert_eq!(order(&plain, merged), order(&unknown, merged));
}

#[test]
fn the_offers_come_in_the_plans_own_order_and_the_choice_is_followed() {
    let tasks = || ["a", "b", "c", "d"].map(task).to_vec();
    let starts = |policy: Box<dyn Policy>| {
        let mut sim = Sim::new(settings(), tasks());
        sim.policy = policy;
        sim.settle(|_| false);
        assert_eq!(sim.finished(), Some(Outcome::Landed));
        order(&sim, started).join("")
    };
    assert_eq!(starts(Box::new(AsPlanned)), "abcd");
    assert_eq!(starts(Box::new(Contrary)), "dcba");
    assert_eq!(starts(Box::new(Stubborn("c"))), "cabd");
}

#[test]
fn who_lands_next_is_chosen_only_where_the_plan_leaves_it_open() {
    for (merge_order, expected) in [(MergeOrder::Ready, "acb"), (MergeOrder::Plan, "abc")] {
        let mut a = task("a");
        a.gates = vec![gate(GateScope::Merge)];
        let mut settings = Settings { concurrency: 3, ..settings() };
        settings.merge.order = merge_order;
        let mut sim = Sim::under(Contrary, settings, vec![a, task("b"), task("c")]);
        // The others join the line while the gate of the first runs.
        while sim.count("task.queued") < 3 {
            let next =
                sim.owed.values().find(|effect| !matches!(effect, Effect::RunGate(_))).unwrap().clone();
            let fact = sim.usual(&next).unwrap();
            sim.answer(&next.key(), fact);
        }
        sim.settle(|_| false);
        assert_eq!(order(&sim, merged).join(""), expected);
    }
}

#[test]
fn a_retry_waits_at_most_as_long_as_the_plan_would() {
    let mut sim = Sim::under(Stubborn("a"), settings(), vec![retried("a")]);
    to_the_end(&mut sim);
    assert_eq!(sim.finished(), Some(Outcome::Landed));
    assert_eq!(sim.now_ms, 1_000 + LONGEST_MS);
}

#[test]
fn giving_up_leaves_its_reason_and_what_the_plan_forbids_is_not_asked() {
    for (spec, by_policy) in [(retried("a"), true), (task("a"), false)] {
        let mut sim = Sim::under(Contrary, settings(), vec![spec]);
        to_the_end(&mut sim);
        assert_eq!(sim.finished(), Some(Outcome::Failed));
        let task = sim.state.run().tasks.get(&id("a")).unwrap();
        let Phase::Ended(End::Failed { cause: Cause::Crash, reason }) = &task.phase else { unreachable!() };
        assert!(reason.starts_with("exited with status 1"), "{reason}");
        assert_eq!(reason.contains("scheduling policy"), by_policy, "{reason}");
    }
}

#[test]
fn what_is_nobodys_fault_is_tried_again_under_any_policy() {
    let mut sim = Sim::under(Contrary, settings(), vec![task("a")]);
    let is_run = |effect: &Effect| matches!(effect, Effect::RunAttempt(_));
    sim.settle(is_run);
    let Effect::RunAttempt(run) = sim.the(is_run) else { unreachable!() };
    let lost = exited(&run, Ending::Unknown, None);
    sim.answer(&Effect::RunAttempt(run).key(), lost);
    to_the_end(&mut sim);
    assert_eq!(sim.finished(), Some(Outcome::Landed));
}
