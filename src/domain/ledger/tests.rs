//! The ledger in single steps: reservations, settlements, and who counts what.

use super::Ledger;
use crate::caps::{Caps, Measure, Used};
use crate::event::{AgentExited, AttemptStarted, DaySeen, Event, UsageReported};
use crate::fact::{Cap, Cost, Ending, Start, Usage};
use crate::plan::Settings;
use crate::sim::settings;
use crate::{Oid, TaskId, Usd};

fn usd(micros: u64) -> Usd {
    Usd::from_micros(micros)
}

fn task() -> TaskId {
    TaskId::new("a").unwrap()
}

fn used(micros: u64) -> Usage {
    Usage { usd: Some(usd(micros)), ..Usage::default() }
}

fn start(attempt: u32, reserve: u64, at_ms: u64) -> Event {
    let (task, nonce, onto, from) = (task(), String::new(), Oid::new("base"), Start::Head);
    AttemptStarted { task, attempt, nonce, reserve: usd(reserve), onto, from, at_ms }.into()
}

fn report(attempt: u32, usage: Usage) -> Event {
    UsageReported { task: task(), attempt, usage }.into()
}

fn exit(attempt: u32, charge: u64, usage: Usage, at_ms: u64) -> Event {
    AgentExited {
        task: task(),
        attempt,
        nonce: String::new(),
        ending: Ending::Exited { code: 0 },
        report: None,
        usage,
        charge: usd(charge),
        cost: Cost::Metered,
        tail: String::new(),
        stragglers: 0,
        at_ms,
    }
    .into()
}

/// The ledger of a run with a cap of 100, after events of attempts by `builder`.
fn ledger(settings: &Settings, events: &[Event]) -> Ledger {
    let mut ledger = Ledger::new(settings);
    for event in events {
        ledger.apply(event, Some("builder"));
    }
    ledger
}

#[test]
fn a_reservation_is_settled_exactly_once() {
    let held = ledger(&settings(), &[start(1, 40, 0)]);
    assert_eq!(held.free(), Some(usd(60)));
    let gone = ledger(&settings(), &[start(1, 40, 0), exit(1, 30, used(30), 9), exit(1, 30, used(30), 9)]);
    assert_eq!((gone.spent(), gone.reserved()), (usd(30), Usd::ZERO));
}

#[test]
fn spending_beyond_the_reservation_is_held_at_once() {
    let past = [start(1, 40, 0), report(1, used(120)), report(1, used(10))];
    let ledger = ledger(&settings(), &past);
    assert_eq!((ledger.free(), ledger.reserved()), (Some(Usd::ZERO), usd(120)), "a figure never falls");
    let bar = ledger.bar(None, 0).map(|bar| (bar.cap, bar.reached.measure));
    assert_eq!(bar, Some((Cap::Run, Measure::Usd)));
}

#[test]
fn what_an_attempt_uses_counts_for_the_run_its_task_and_its_agent() {
    let usage = Usage { input_tokens: 5, output_tokens: 2, calls: Some(3), turns: Some(2), ..used(30) };
    let run = [start(1, 40, 1_000), report(1, usage)];
    let running = ledger(&settings(), &run);
    let expected = Used { usd: usd(30), tokens: 7, calls: 3, turns: 2, time_ms: 500 };
    let three = |ledger: &Ledger, at| {
        [ledger.used(at), ledger.used_by(&task(), at), ledger.used_by_agent("builder", at)]
    };
    assert_eq!(three(&running, 1_500), [expected; 3]);
    let ended = ledger(&settings(), &[run.to_vec(), vec![exit(1, 30, usage, 1_500)]].concat());
    assert_eq!(three(&ended, 9_000), [expected; 3], "time stands still once nothing runs");
    assert_eq!(
        (ended.silent(), ended.used_by_agent("other", 0)),
        (super::Silent::default(), Used::default())
    );
}

#[test]
fn who_did_not_say_is_counted_and_does_not_read_as_nothing() {
    let silent = ledger(&settings(), &[start(1, 40, 0), exit(1, 30, used(30), 9)]).silent();
    assert_eq!((silent.tokens, silent.calls, silent.turns), (1, 1, 1));
}

#[test]
fn nothing_is_admitted_at_a_cap() {
    let agent = |caps| Settings { agent_caps: [("builder".to_owned(), caps)].into(), ..settings() };
    let run = |caps: Caps| Settings { caps: Caps { usd: Some(usd(100)), ..caps }, ..settings() };
    let usage = Usage { input_tokens: 5, calls: Some(3), turns: Some(2), ..used(30) };
    let none = Caps::NONE;
    for (settings, expected) in [
        (run(Caps { calls: Some(4), ..none }), None),
        (run(Caps { calls: Some(3), ..none }), Some((Cap::Run, Measure::Calls))),
        (run(Caps { tokens: Some(5), ..none }), Some((Cap::Run, Measure::Tokens))),
        (run(Caps { turns: Some(1), ..none }), Some((Cap::Run, Measure::Turns))),
        // The wall clock of the run is its deadline, which is not the ledger's.
        (run(Caps { time_ms: Some(1), ..none }), None),
        (agent(Caps { turns: Some(2), ..none }), Some((Cap::Agent, Measure::Turns))),
        (agent(Caps { time_ms: Some(500), ..none }), Some((Cap::Agent, Measure::Time))),
        (agent(Caps { time_ms: Some(501), ..none }), None),
        (agent(Caps { usd: Some(usd(39)), ..none }), Some((Cap::Agent, Measure::Usd))),
        (agent(Caps { usd: Some(usd(40)), ..none }), None),
    ] {
        let ledger = ledger(&settings, &[start(1, 40, 1_000), report(1, usage)]);
        let bar = ledger.bar(Some("builder"), 1_500).map(|bar| (bar.cap, bar.reached.measure));
        assert_eq!(bar, expected);
        assert_eq!(ledger.room(Some("builder"), 1_500).is_none(), expected.is_some());
        let others = ledger.bar(Some("other"), 1_500).is_some();
        assert_eq!(others, matches!(expected, Some((Cap::Run, _))), "an agent's cap is its own");
    }
}

#[test]
fn the_least_of_run_day_and_agent_is_free() {
    let caps = Caps::of_usd(Some(usd(70)));
    let settings =
        Settings { agent_caps: [("builder".to_owned(), caps)].into(), per_day: Some(usd(500)), ..settings() };
    let day = |allowed: u64| -> Event {
        let (date, until_ms, elsewhere) = ("2026-11-21".to_owned(), 9_000, usd(10));
        DaySeen { date, until_ms, elsewhere, allowed: usd(allowed) }.into()
    };
    let unseen = ledger(&settings, &[]);
    assert_eq!((unseen.free(), unseen.room(None, 0)), (Some(Usd::ZERO), None), "before it is known");
    for (allowed, run, agent, tightest) in
        [(90, 50, 30, Cap::Agent), (200, 60, 30, Cap::Agent), (60, 20, 20, Cap::Day)]
    {
        let ledger = ledger(&settings, &[day(allowed), start(1, 40, 0)]);
        let free = (ledger.free(), ledger.free_for(Some("builder")));
        assert_eq!(free, (Some(usd(run)), Some(usd(agent))), "{allowed}");
        assert_eq!(ledger.tightest(Some("builder")), tightest);
        assert!(ledger.room(None, 8_999).is_some() && ledger.room(None, 9_000).is_none(), "until midnight");
    }
    let spent = ledger(&settings, &[day(90), start(1, 40, 0), exit(1, 35, used(35), 5)]);
    let totals = spent.day().map(|day| (day.spent, day.total(Usd::ZERO)));
    assert_eq!(totals, Some((usd(35), usd(45))));
}

#[test]
fn the_time_of_an_agent_is_up_when_its_attempts_have_used_it_together() {
    let caps = Caps { time_ms: Some(1_000), ..Caps::NONE };
    let settings = Settings { agent_caps: [("builder".to_owned(), caps)].into(), ..settings() };
    let both = [start(1, 0, 100), start(2, 0, 301)];
    let ledger = ledger(&settings, &both);
    let up_ms = ledger.time_up_ms("builder").unwrap();
    assert_eq!(up_ms, 701, "half of 1000 each, on the middle of both starts");
    assert!(ledger.bar(Some("builder"), up_ms - 1).is_none() && ledger.bar(Some("builder"), up_ms).is_some());
}
