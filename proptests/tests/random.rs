//! Random whole runs: the laws hold in every one of them, whatever goes wrong and wherever it crashes.
#![expect(clippy::unwrap_used, reason = "a test that stops there says where")]

use swarm_proptests::{Mark, Scenario, Setup, Site, Tally, run, tear};

#[test]
fn the_laws_hold_whatever_goes_wrong() {
    for seed in 0..3_000 {
        let explored = run(&Setup::of(Scenario::of_seed(seed)));
        assert!(explored.broken.is_none(), "seed {seed}: {}", explored.broken.unwrap());
    }
}

#[test]
fn a_seed_gives_the_same_run_every_time() {
    for seed in 0..200 {
        let setup = Setup::of(Scenario::of_seed(seed));
        assert_eq!(run(&setup).history, run(&setup).history, "seed {seed}");
    }
}

#[test]
fn a_kind_world_lands_everything() {
    let explored = run(&Setup::of(Scenario::default()));
    assert_eq!(explored.outcome.unwrap().word(), "landed");
}

#[test]
fn a_history_with_any_hole_can_be_folded() {
    let mut holes = 0;
    for seed in 0..100 {
        let explored = run(&Setup::of(Scenario::of_seed(seed)));
        let events: Vec<_> = explored.history.into_iter().map(|recorded| recorded.event).collect();
        holes += tear(&events).unwrap();
    }
    assert!(holes > 1_000, "{holes}");
}

#[test]
fn every_branch_is_taken() {
    let mut tally = Tally::default();
    for seed in 0..6_000 {
        let explored = run(&Setup::of(Scenario::of_seed(seed)));
        tally.add(&explored.marks, &explored.made, &explored.matrix);
    }
    let missing: Vec<_> =
        Mark::ALL.iter().filter(|mark| tally.mark(**mark) == 0).map(|mark| mark.text()).collect();
    assert!(missing.is_empty(), "never: {missing:?}");
    let _ = Site::ALL;
}
