//! The actors add nothing: behind them the same scenario writes the same records. In any order they keep the laws.
#![expect(clippy::unwrap_used, reason = "a test that stops there says where")]

use swarm_proptests::{Scenario, Setup, Site, run, run_actors};

/// What happens by the number of a writer's turn has no place in a shell that takes its own turns.
const BY_TURN: &[Site] = &[
    Site::Crash,
    Site::DiskFault,
    Site::Room,
    Site::ClockStep,
    Site::Person,
    Site::CrashOpening,
    Site::DiskFlip,
];

/// Of three runs two die somewhere on their way, and are taken up again.
fn setup(seed: u64) -> Setup {
    let dies_after = (!seed.is_multiple_of(3)).then(|| u32::try_from(seed % 97).unwrap());
    Setup { silent: BY_TURN, dies_after, thorough: false, twice: false, ..Setup::of(Scenario::of_seed(seed)) }
}

#[test]
fn the_actors_write_what_the_driver_writes() {
    for seed in 0..1_500 {
        let (driven, acted) = (run(&setup(seed)), run_actors(&setup(seed), false));
        assert!(acted.broken.is_none(), "seed {seed}: {}", acted.broken.unwrap());
        for (driven, acted) in driven.history.iter().zip(&acted.history) {
            assert_eq!(driven, acted, "seed {seed}");
        }
        assert_eq!(driven.history.len(), acted.history.len(), "seed {seed}");
    }
}

#[test]
fn in_any_order_they_keep_the_laws() {
    for seed in 0..1_000 {
        let acted = run_actors(&setup(seed), true);
        assert!(acted.broken.is_none(), "seed {seed}: {}", acted.broken.unwrap());
    }
}
