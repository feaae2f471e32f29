//! The ledger against its table, and its sums against a tally that is kept apart.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::decisions::{self, Case, Domain};
use super::samples::{exited, id, nonce, of_the_slot, started, usage};
use super::words::ending;
use super::{Machine, row};
use crate::event::{AgentExited, AttemptStarted, GrantRaised, UsageReported};
use crate::fact::{Anchor, Cost, Moment, Usage};
use crate::ledger::Ledger;
use crate::sim::{self, Sim};
use crate::{Caps, Command, Effect, Event, OnUnknownCost, Settings, TaskSpec, Usd};

fn events(_: &Ledger) -> Vec<(String, Event)> {
    let of_money = |event: &Event| {
        matches!(event, Event::UsageReported(_) | Event::GrantRaised(_) | Event::WorktreeFailed(_))
    };
    let mut found: Vec<_> = of_the_slot(&id("a"), 1).into_iter().filter(of_money).collect();
    found.extend([started(&id("a"), 1), exited(&id("a"), 1, nonce(1))]);
    found.into_iter().map(|event| (row(&event, ""), event)).collect()
}

fn ledger(cap: Option<u64>) -> Ledger {
    Ledger::new(&Settings { caps: Caps::of_usd(cap.map(Usd::from_micros)), ..sim::settings() })
}

fn word(ledger: &Ledger) -> &'static str {
    if ledger.line(&id("a"), 1).is_some() { "open" } else { "none" }
}

#[test]
fn a_line_of_the_ledger_goes_as_the_page_says() {
    let take = |ledger: &mut Ledger, event: &Event| {
        ledger.apply(event, None);
        Ok(())
    };
    let machine =
        Machine { title: "A line of the ledger", events, take, word, column: |word| word, follow: true };
    machine.matches_the_page(vec![ledger(None), ledger(Some(100))]);
}

const CHARGE: [Domain; 4] = [
    ("its work", &["an agent's", "a command"]),
    ("its cost", &["named", "worked out", "unknown"]),
    ("it ran", &["yes", "no"]),
    ("`on_unknown_cost`", &["estimate", "refuse", "allow"]),
];

/// What is recorded with the end of an attempt that reserved 40, in the words of the page.
fn charged(case: &Case) -> &'static str {
    let on_unknown_cost = match case[3] {
        "estimate" => OnUnknownCost::Estimate,
        "refuse" => OnUnknownCost::Refuse,
        _ => OnUnknownCost::Allow,
    };
    let spec = if case[0] == "a command" { sim::task("a") } else { sim::agent("a") };
    let spec = TaskSpec { estimate: Some(Usd::from_micros(40)), ..spec };
    let mut sim = Sim::new(Settings { on_unknown_cost, ..sim::settings() }, vec![spec]);
    sim.settle(|effect| matches!(effect, Effect::RunAttempt(_)));
    let nonce = sim.state.run().tasks.at(0).attempt.as_ref().unwrap().nonce.clone();
    let Event::AgentExited(exited) = exited(&id("a"), 1, nonce) else { unreachable!() };
    let usd = (case[1] != "unknown").then(|| Usd::from_micros(30));
    let usage = Usage { usd, priced: case[1] == "worked out", ..Usage::default() };
    let ending = ending(if case[2] == "yes" { "status 0" } else { "no start" });
    let fact = AgentExited { ending, usage, ..exited }.into();
    let now = Moment { at_ms: 1, entropy: 1, anchor: &Anchor::default };
    let decided = sim.state.decide(&now, &Command::Fact(fact)).unwrap();
    let Some(Event::AgentExited(settled)) = decided.first() else { unreachable!("{decided:?}") };
    match (settled.charge.micros(), settled.cost) {
        (30, Cost::Metered) => "that, metered",
        (30, Cost::Estimated) => "that, estimated",
        (40, Cost::Estimated) => "its reservation, estimated",
        (0, Cost::Metered) => "nothing, metered",
        (0, Cost::Unknown) => "nothing, unknown",
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn an_attempt_is_charged_what_the_page_says() {
    let cases: Vec<_> =
        decisions::cases(&CHARGE).into_iter().map(|case| (case.clone(), charged(&case))).collect();
    decisions::match_the_page("What an attempt is charged", &CHARGE.map(|(name, _)| name), &cases);
}

/// What one attempt holds, and whether it is settled: the books of the test.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    grant: u64,
    used: u64,
}

fn event(kind: u8, attempt: u32, micros: u64) -> Event {
    let (task, usd) = (id("a"), Usd::from_micros(micros));
    match kind {
        0 => {
            let Event::AttemptStarted(event) = started(&task, attempt) else { unreachable!() };
            AttemptStarted { reserve: usd, ..event }.into()
        }
        1 => UsageReported { task, attempt, usage: usage(micros) }.into(),
        2 => GrantRaised { task, attempt, grant: usd }.into(),
        _ => {
            let Event::AgentExited(event) = exited(&task, attempt, nonce(attempt)) else { unreachable!() };
            AgentExited { charge: usd, cost: Cost::Metered, ..event }.into()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Law 7: whatever is told in whatever order, what is reserved is what the open attempts hold, and what is spent
    /// is what was settled, once each.
    #[test]
    fn the_sums_are_those_of_the_lines(steps in prop::collection::vec((0_u8..4, 1_u32..4, 0_u64..60), 0..40)) {
        let mut ledger = ledger(Some(1_000));
        let mut open: BTreeMap<u32, Held> = BTreeMap::new();
        let mut spent = 0;
        for (kind, attempt, micros) in steps {
            ledger.apply(&event(kind, attempt, micros), None);
            match (kind, open.get_mut(&attempt)) {
                (0, None) => drop(open.insert(attempt, Held { grant: micros, used: 0 })),
                (1, Some(held)) => held.used = held.used.max(micros),
                (2, Some(held)) => held.grant = held.grant.max(micros),
                (3, Some(_)) => {
                    spent += micros;
                    open.remove(&attempt);
                }
                _ => {}
            }
            let reserved = open.values().map(|held| held.grant.max(held.used)).sum::<u64>();
            prop_assert_eq!(ledger.reserved(), Usd::from_micros(reserved));
            prop_assert_eq!((ledger.spent(), ledger.spent_by(&id("a"))), (Usd::from_micros(spent), Usd::from_micros(spent)));
            prop_assert_eq!(ledger.free(), Some(Usd::from_micros(1_000_u64.saturating_sub(spent + reserved))));
        }
    }
}
