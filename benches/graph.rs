//! A graph of 10,000 tasks: checked, and its whole schedule decided, without a world.
//!
//! `cargo bench --bench graph`. The floor is what it takes to read the file and to encode and apply its events once.
#![expect(clippy::unwrap_used, reason = "a benchmark that stops there says where")]

mod schedule;

use std::time::{Duration, Instant};

use swarm::plan;
use swarm_domain::Command;

const TASKS: usize = 10_000;
const LIMIT: Duration = Duration::from_secs(1);

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("plan.yaml");
    std::fs::write(&file, schedule::plan_text(TASKS)).unwrap();
    let begun = Instant::now();
    let loaded = plan::load(&file, 4).unwrap();
    let checked = begun.elapsed();
    let (decided, events) = decide(schedule::resolve(loaded));
    println!("{:<44} {:>10} {:>8}", "row", "time", "limit");
    for (row, took) in
        [("10,000 tasks checked", checked), ("10,000 tasks scheduled, every decision", decided)]
    {
        let verdict = if took < LIMIT { "" } else { "  MISSED" };
        println!("{row:<44} {took:>9.2?} {LIMIT:>8.0?}{verdict}");
    }
    println!("{events} events");
}

/// Decides the whole run; the time is that of `decide`, `apply` and `owed_since` alone.
fn decide(plan: swarm_domain::Plan) -> (Duration, u64) {
    let mut took = Duration::ZERO;
    let begun = Instant::now();
    let mut run = schedule::Run::begin(plan, 0, &mut |_| {});
    took += begun.elapsed();
    while let Some(fact) = run.next() {
        let begun = Instant::now();
        run.take(&Command::Fact(fact), &mut |_| {});
        took += begun.elapsed();
    }
    assert!(run.state.run().run.finished.is_some(), "the run came to its end");
    (took, run.state.seq())
}
