//! A test of the tests: each fault that is planted in the world or in a port breaks a law, and soon.
#![expect(clippy::unwrap_used, reason = "a test that stops there says where")]

use swarm_proptests::{Sabotage, Scenario, Setup, run};

/// By then each must be found.
const SEEDS: u64 = 10_000;

fn found(sabotage: Sabotage) -> Option<(u64, String)> {
    (0..SEEDS).find_map(|seed| {
        let setup = Setup { sabotage: Some(sabotage), ..Setup::of(Scenario::of_seed(seed)) };
        run(&setup).broken.map(|broken| (seed, broken.to_string()))
    })
}

#[test]
fn every_planted_fault_is_found() {
    assert!(Sabotage::ALL.len() >= 12);
    for sabotage in Sabotage::ALL {
        let (seed, broken) = found(*sabotage).unwrap_or_else(|| panic!("not found: {}", sabotage.text()));
        println!("{}: after {} seeds, {broken}", sabotage.text(), seed + 1);
    }
}

#[test]
fn without_one_nothing_is_found() {
    assert_eq!((0..300).find_map(|seed| run(&Setup::of(Scenario::of_seed(seed))).broken), None);
    let kind = run(&Setup::of(Scenario::default()));
    assert_eq!(kind.outcome.unwrap().word(), "landed");
}
