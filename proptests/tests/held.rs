//! Runs full of agent programs that are limited or logged out: the laws hold, and each way of being held and freed comes up.
#![expect(clippy::unwrap_used, reason = "a test that stops there says where")]

use std::collections::{BTreeMap, BTreeSet};

use swarm_domain::Event;
use swarm_domain::fact::Request;
use swarm_proptests::{Explored, Scenario, Setup, Site, Values, Who, run};

const SEEDS: u64 = 1_200;

/// The number of a fate.
fn fate(name: &str) -> u32 {
    let Values::Named(names) = Site::AgentFate.values() else { unreachable!() };
    u32::try_from(names.iter().position(|known| *known == name).unwrap()).unwrap()
}

/// In the first attempts of eight tasks of understood agents, every second one is refused in some way. Seeds choose the rest.
fn refused(seed: u64) -> Scenario {
    let fates =
        ["works", "is limited", "works", "is limited until a time", "works", "is logged out"].map(fate);
    let mut dice = seed;
    let mut scenario = Scenario::of_seed(seed).with(Site::PlanTasks, Who::Run, 7);
    for task in 0..8 {
        scenario = scenario.with(Site::TaskWork, Who::Task(task), 0);
        scenario = scenario.with(Site::TaskAgent, Who::Task(task), u32::from(task) % 2);
        for attempt in 1..=2 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let chosen = usize::try_from(dice >> 33).unwrap() % fates.len();
            scenario = scenario.with(Site::AgentFate, Who::Attempt(task, attempt), fates[chosen]);
        }
    }
    scenario
}

/// Counts what happened to agent programs in a run.
fn count(explored: &Explored, counts: &mut BTreeMap<&'static str, usize>) {
    let (mut limited, mut shut_out) = (BTreeSet::new(), BTreeSet::new());
    let mut happen = |what, times| *counts.entry(what).or_default() += times;
    for recorded in &explored.history {
        match &recorded.event {
            Event::AgentHeld(held) if held.until_ms.is_none() => {
                happen(if limited.remove(&held.agent) { "a limit, then a login" } else { "a login" }, 1);
                shut_out.insert(held.agent.clone());
            }
            Event::AgentHeld(held) => {
                let new = limited.insert(held.agent.clone());
                happen(if new { "a limit" } else { "a longer limit" }, 1);
            }
            Event::AgentFreed(freed) => {
                limited.remove(&freed.agent);
                happen("its time has come", 1);
            }
            Event::Opened(_) => {
                happen("seen to by an opening", shut_out.len());
                happen("still limited after an opening", limited.len());
                shut_out.clear();
            }
            Event::Requested(asked) if asked.request == Request::Unpause => {
                happen("freed by a request", limited.len() + shut_out.len());
                limited.clear();
                shut_out.clear();
            }
            Event::AttemptStarted(_) if !limited.is_empty() => happen("another starts beside a limit", 1),
            Event::AttemptStarted(_) if !shut_out.is_empty() => happen("another starts beside a login", 1),
            _ => {}
        }
    }
}

#[test]
fn whoever_is_held_does_not_start_and_is_freed_in_every_way() {
    let mut counts = BTreeMap::new();
    for seed in 0..SEEDS {
        let explored = run(&Setup::of(refused(seed)));
        assert!(explored.broken.is_none(), "seed {seed}: {}", explored.broken.unwrap());
        count(&explored, &mut counts);
    }
    println!("{counts:?}");
    for what in [
        "a limit",
        "a longer limit",
        "a login",
        "a limit, then a login",
        "its time has come",
        "seen to by an opening",
        "still limited after an opening",
        "freed by a request",
        "another starts beside a limit",
        "another starts beside a login",
    ] {
        assert!(counts.get(what).is_some_and(|count| *count > 10), "{what}: {counts:?}");
    }
}
