//! Random whole runs: the laws hold in every one of them, whatever goes wrong and wherever it crashes; and everything does.
#![expect(clippy::unwrap_used, reason = "a test that stops there says where")]

use std::sync::LazyLock;

use swarm_proptests::{Draw, Mark, Scenario, Setup, Site, Tally, run, tear};

/// How many seeds; more with `SWARM_SEEDS`.
fn seeds() -> u64 {
    std::env::var("SWARM_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(10_000)
}

/// What all of them came by. A broken law ends the process of this test.
static TALLY: LazyLock<Tally> = LazyLock::new(|| {
    let mut tally = Tally::default();
    for seed in 0..seeds() {
        let explored = run(&Setup::of(Scenario::of_seed(seed)));
        assert!(explored.broken.is_none(), "seed {seed}: {}", explored.broken.unwrap());
        tally.add(&explored.marks, &explored.made, &explored.matrix);
    }
    tally
});

#[test]
fn the_laws_hold_whatever_goes_wrong() {
    LazyLock::force(&TALLY);
}

#[test]
fn every_branch_is_taken() {
    let missing: Vec<_> =
        Mark::ALL.iter().filter(|mark| TALLY.mark(**mark) == 0).map(|mark| mark.text()).collect();
    assert!(missing.is_empty(), "never: {missing:?}");
}

#[test]
fn every_fault_happens() {
    let faults = Site::ALL.iter().filter(|site| matches!(site.draw(), Draw::Fault | Draw::Rare));
    let values = faults.flat_map(|site| (1..site.values().count()).map(move |value| (*site, value)));
    let missing: Vec<_> = values
        .filter(|(site, value)| TALLY.choice(*site, *value) == 0)
        .map(|(site, value)| format!("{} = {}", site.name(), site.word(value)))
        .collect();
    assert!(missing.is_empty(), "never: {missing:?}");
}

/// At each point at which swarm can die, it dies while each kind of thing is under way.
#[test]
fn swarm_dies_at_every_point_of_everything() {
    let pending = ["records", "a landing", "a merge", "work to keep", "a gate", "a program", "nothing"];
    for point in 1..Site::Crash.values().count() {
        for pending in pending {
            // Unsynced records there are only inside an append, and for whom the reply never came.
            let can_be = (pending == "records") == [2, 3, 4].contains(&point);
            let met = TALLY.crash(point, pending);
            assert!(met > 0 || !can_be, "never {} with {pending}", Site::Crash.word(point));
        }
    }
}

/// Every fact meets the state that waits for it, and states that do not.
#[test]
fn every_fact_is_taken_and_refused() {
    let taken = [
        ("making", "worktree.made"),
        ("making", "worktree.failed"),
        ("running", "agent.started"),
        ("running", "usage.reported"),
        ("running", "agent.exited"),
        ("saving", "attempt.preserved"),
        ("saving", "attempt.unpreserved"),
        ("merging", "merge.built"),
        ("merging", "merge.empty"),
        ("merging", "merge.conflicted"),
        ("merging", "merge.failed"),
        ("merging", "task.merged"),
        ("ended", "worktree.removed"),
        ("ended", "worktree.kept"),
    ];
    for (state, fact) in taken {
        assert!(TALLY.input(state, fact, true) > 0, "{fact} never met {state}");
        let refused: u64 = TALLY
            .inputs()
            .filter(|(_, of, taken, _)| *of == fact && !taken)
            .map(|(_, _, _, count)| count)
            .sum();
        assert!(refused > 0, "{fact} was never refused");
    }
}

#[test]
fn a_history_with_any_hole_can_be_folded() {
    let mut holes = 0;
    for seed in 0..60 {
        let explored = run(&Setup::of(Scenario::of_seed(seed)));
        let events: Vec<_> = explored.history.into_iter().map(|recorded| recorded.event).collect();
        holes += tear(&events).unwrap();
    }
    assert!(holes > 1_000, "{holes}");
}
