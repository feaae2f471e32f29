//! Random whole runs: the laws hold in every one of them, whatever goes wrong and wherever it crashes.
#![expect(clippy::unwrap_used, reason = "a test that stops there says where")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use swarm_domain::fact::Outcome;
use swarm_proptests::{Fates, Shape, explore, tear};

proptest! {
    #![proptest_config(ProptestConfig { cases: 700, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_hold_whatever_goes_wrong(seed: u64, unkind_percent in 0_u64..30, tasks in 1_u32..24, slots in 1_u32..6) {
        let explored = explore(Fates { seed, unkind_percent }, Shape { tasks, slots });
        prop_assert!(explored.is_ok(), "{:?}", explored.err());
    }

    #[test]
    fn a_seed_gives_the_same_run_every_time(seed: u64) {
        let fates = Fates { seed, unkind_percent: 15 };
        let shape = Shape { tasks: 8, slots: 3 };
        prop_assert_eq!(explore(fates, shape).unwrap().events, explore(fates, shape).unwrap().events);
    }
}

#[test]
fn a_history_with_any_hole_can_be_folded() {
    let mut holes = 0;
    for seed in 0..60 {
        let explored = explore(Fates { seed, unkind_percent: 10 }, Shape { tasks: 8, slots: 3 }).unwrap();
        holes += tear(&explored.events).unwrap();
    }
    println!("{holes} holes");
    assert!(holes > 1_000, "{holes}");
}

#[test]
fn a_kind_world_lands_everything() {
    for seed in 0..200 {
        let explored = explore(Fates { seed, unkind_percent: 0 }, Shape { tasks: 12, slots: 4 }).unwrap();
        let in_time = explored.events.iter().all(|event| event.name() != "run.deadline");
        assert!(!in_time || explored.outcome == Some(Outcome::Landed), "seed {seed}: {:?}", explored.outcome);
    }
}

/// A harness that never gets anywhere unkind proves nothing: every kind of event must come up, but those that the
/// simulated world has no part in.
#[test]
fn the_worlds_reach_every_event() {
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    let mut crashes = 0;
    for seed in 0..800 {
        let explored = explore(Fates { seed, unkind_percent: 12 }, Shape { tasks: 10, slots: 3 }).unwrap();
        crashes += explored.crashes;
        for event in &explored.events {
            *seen.entry(event.name()).or_default() += 1;
        }
    }
    // No run writes of its own losses.
    let by_hand = ["records.lost", "agent.started", "run.noted", "worktree.kept", "preflight.failed"];
    let missing: Vec<_> = swarm_domain::Event::KINDS
        .iter()
        .map(|(_, name)| *name)
        .filter(|name| !seen.contains_key(name) && !by_hand.contains(name))
        .collect();
    assert!(missing.is_empty(), "never seen: {missing:?} in {seen:?}");
    assert!(crashes > 500, "only {crashes} crashes");
}
