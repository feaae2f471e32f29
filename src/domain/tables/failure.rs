//! What follows a failed attempt, against its decision table.

use super::decisions::{self, Case, Domain};
use super::words::cause;
use crate::fact::Cause;
use crate::judge;
use crate::plan::RetryOn;
use crate::sim::{self, Sim};
use crate::state::Parts;
use crate::task::{Failure, Phase, Task};
use crate::{Again, Event, OnConflict, Policy};

const NOW_MS: u64 = 1_000_000;
const DELAY_MS: u64 = 7_000;
const MISHAPS: u32 = 3;

/// The columns of the page and all that can stand in them.
const DOMAINS: [Domain; 8] = [
    ("cancelled", &["no", "yes"]),
    ("run halted", &["no", "yes"]),
    ("counts", &["no", "yes"]),
    (
        "cause",
        &[
            "crash",
            "timeout",
            "gate",
            "conflict",
            "claims",
            "budget",
            "environment",
            "lost",
            "interrupted",
            "limit",
            "login",
            "hazard",
            "secret",
        ],
    ),
    ("`on_conflict`", &["retry", "agent", "hold", "fail"]),
    ("in `after`", &["no", "yes"]),
    ("retries left", &["yes", "no", "none given"]),
    ("policy", &["as planned", "gives up"]),
];

struct GivesUp;

impl Policy for GivesUp {
    fn retry(&self, _: &Parts, _: &Task, _: Cause) -> Again {
        Again::GiveUp
    }
}

/// What the plan calls such a failure.
fn kind(cause: Cause) -> Option<RetryOn> {
    match cause {
        Cause::Crash | Cause::Claims => Some(RetryOn::Crash),
        Cause::Timeout => Some(RetryOn::Timeout),
        Cause::Gate | Cause::Hazard | Cause::Secret => Some(RetryOn::Gate),
        Cause::Conflict => Some(RetryOn::Conflict),
        Cause::Budget
        | Cause::Environment
        | Cause::Lost
        | Cause::Interrupted
        | Cause::Limit
        | Cause::Login => None,
    }
}

/// The task of a case, after an attempt that failed.
fn failing(values: &Case) -> Task {
    let cause = cause(values[3]);
    let kind = kind(cause);
    let mut spec = sim::task("a");
    spec.retries.delay_ms = DELAY_MS;
    spec.retries.delay_max_ms = DELAY_MS;
    let all = [RetryOn::Crash, RetryOn::Timeout, RetryOn::Gate, RetryOn::Conflict];
    let is_its_kind = |on: &RetryOn| Some(*on) == kind;
    spec.retries.after = all.into_iter().filter(|on| is_its_kind(on) == (values[5] == "yes")).collect();
    let (max, used) = match values[6] {
        "yes" => (2, 2),
        "no" => (1, 2),
        _ => (0, 1),
    };
    spec.retries.max = max;
    let mut task = Task::new(spec.into(), None);
    let (reason, tail, hint) = (String::new(), String::new(), String::new());
    task.failure = Some(Failure { attempt: 1, cause, reason, tail, conflicts: Vec::new(), hint });
    task.phase = Phase::Failing { cause, counts: values[2] == "yes" };
    Task { cancel: values[0] == "yes", retries: used, mishaps: MISHAPS, ..task }
}

fn follows(case: &Case) -> &'static str {
    let mut parts = Sim::new(sim::settings(), vec![sim::task("a"), sim::task("other")]).state.run().clone();
    parts.run.halted = (case[1] == "yes").then(|| sim::id("other"));
    parts.run.settings.merge.on_conflict = match case[4] {
        "retry" => OnConflict::Retry,
        "agent" => OnConflict::Agent,
        "hold" => OnConflict::Hold,
        _ => OnConflict::Fail,
    };
    let policy: &dyn Policy = if case[7] == "gives up" { &GivesUp } else { &crate::AsPlanned };
    match judge::next(&parts, policy, &failing(case), NOW_MS) {
        Some(Event::TaskCancelled(_)) => "cancelled",
        Some(Event::TaskFailed(_)) => "failed",
        Some(Event::TaskHeld(_)) => "held",
        Some(Event::RetryScheduled(event)) => match event.at_ms - NOW_MS {
            0 => "again, at once",
            DELAY_MS => "again, after its delay",
            wait_ms if wait_ms == 1_000 * u64::from(MISHAPS) => "again, after a second for each in a row",
            other => unreachable!("again after {other} ms"),
        },
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn what_follows_a_failed_attempt_is_what_the_page_says() {
    let cases: Vec<_> =
        decisions::cases(&DOMAINS).into_iter().map(|case| (case.clone(), follows(&case))).collect();
    decisions::match_the_page("After a failed attempt", &DOMAINS.map(|(name, _)| name), &cases);
}
