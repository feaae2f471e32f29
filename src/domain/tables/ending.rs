//! How a run comes out whose tasks are all final, against its decision table.

use super::decisions::{self, Case};
use crate::end;
use crate::fact::{Anchor, Cause, Moment};
use crate::sim::{self, Sim};
use crate::task::{End, Illegal, Phase};
use crate::{Event, Oid, TaskSpec};

const COLUMNS: [&str; 4] =
    ["required tasks landed", "one of them failed for its surroundings", "cancelled", "anything landed"];

/// All ways in which a task ends, each with whether it landed, and whether its surroundings were to blame.
fn ways() -> Vec<(End, bool, bool)> {
    let failed = |cause| End::Failed { cause, reason: String::new() };
    vec![
        (End::Merged { commit: Oid::new("c") }, true, false),
        (End::Done { reason: String::new() }, true, false),
        (failed(Cause::Crash), false, false),
        (failed(Cause::Environment), false, true),
        (failed(Cause::Lost), false, true),
        (End::Skipped { because: sim::id("a") }, false, false),
        (End::Cancelled { reason: String::new() }, false, false),
    ]
}

fn outcome(ends: [&End; 3], cancelled: bool) -> &'static str {
    let optional = TaskSpec { optional: true, ..sim::task("c") };
    let sim = Sim::new(sim::settings(), vec![sim::task("a"), sim::task("b"), optional]);
    let mut parts = sim.state.run().clone();
    parts.run.cancelled = cancelled;
    for (at, end) in ends.into_iter().enumerate() {
        let ended = parts.tasks.change(at, &parts.ledger, |task| {
            task.phase = Phase::Ended(end.clone());
            Ok::<(), Illegal>(())
        });
        ended.unwrap();
    }
    let now = Moment { at_ms: 1, entropy: 1, anchor: &Anchor::default };
    let Some(Event::RunFinished(finished)) = end::end(&parts, &now) else {
        unreachable!("all tasks are final")
    };
    finished.outcome.word()
}

#[test]
fn a_run_comes_out_as_the_page_says() {
    let mut cases: Vec<(Case, &'static str)> = Vec::new();
    let ways = ways();
    let yes = |holds| if holds { "yes" } else { "no" };
    for one in &ways {
        for two in &ways {
            for optional in &ways {
                let landed = match (one.1, two.1) {
                    (true, true) => "all",
                    (false, false) => "none",
                    (true, false) | (false, true) => "some",
                };
                let (blamed, any) = (yes(one.2 || two.2), yes(one.1 || two.1 || optional.1));
                for cancelled in [false, true] {
                    let case = vec![landed, blamed, yes(cancelled), any];
                    cases.push((case, outcome([&one.0, &two.0, &optional.0], cancelled)));
                }
            }
        }
    }
    decisions::match_the_page("How a run comes out", &COLUMNS, &cases);
}
