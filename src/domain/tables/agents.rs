//! Agent programs against their tables: what holds one and what frees it, and which tasks start meanwhile.

use super::decisions::{self, Case, Domain};
use super::samples::{exited, nonce};
use super::words::{ENDINGS, TROUBLES, ending, trouble};
use super::{Machine, row};
use crate::event::{AgentExited, AgentFreed, AgentHeld, Opened, Requested};
use crate::fact::{Anchor, Moment, Report, Request, Standing};
use crate::holds::Holds;
use crate::plan::{OnLimit, Work};
use crate::sim::{self, Sim};
use crate::{Command, Effect, Event, Settings, TaskSpec};

const NOW_MS: u64 = 100 * DAY_MS;
const DAY_MS: u64 = 24 * 3_600_000;
const SECOND_MS: u64 = 1_000;
/// The adapter of the tasks here, and another.
const OWN: &str = "claude";
const OTHER: &str = "codex";

fn held(agent: &str, until_ms: Option<u64>) -> Event {
    AgentHeld { agent: agent.to_owned(), until_ms, said: String::new() }.into()
}

fn freed(agent: &str) -> Event {
    AgentFreed { agent: agent.to_owned() }.into()
}

fn events(_: &Holds) -> Vec<(String, Event)> {
    let asked = |request| Event::from(Requested { id: "1".to_owned(), by: "test".to_owned(), request });
    let opened =
        Opened { epoch: 9, pid: 1, version: String::new(), at_ms: 1, wall: Standing::default() }.into();
    let found = [
        ("until a time", held(OWN, Some(1))),
        ("until a time", held(OWN, Some(NOW_MS))),
        ("for a person", held(OWN, None)),
        ("", freed(OWN)),
        ("of another", held(OTHER, Some(1))),
        ("of another", held(OTHER, None)),
        ("of another", freed(OTHER)),
        ("", exited(&sim::id("a"), 1, nonce(1))),
        ("", opened),
        ("unpause", asked(Request::Unpause)),
        ("anything else", asked(Request::Pause)),
        ("anything else", asked(Request::Cancel { tasks: vec![] })),
        ("anything else", asked(Request::SetConcurrency { slots: 3 })),
    ];
    found.into_iter().map(|(which, event)| (row(&event, which), event)).collect()
}

/// The same, without the names.
pub(super) fn told() -> Vec<Event> {
    events(&Holds::default()).into_iter().map(|(_, event)| event).collect()
}

fn word(holds: &Holds) -> &'static str {
    match holds.of(OWN) {
        None => "free",
        Some(hold) if hold.until_ms.is_some() => "limited",
        Some(_) => "shut out",
    }
}

#[test]
fn an_agent_program_is_held_and_freed_as_the_page_says() {
    let take = |holds: &mut Holds, event: &Event| {
        holds.apply(event);
        Ok(())
    };
    let machine =
        Machine { title: "An agent program", events, take, word, column: |word| word, follow: true };
    machine.matches_the_page(vec![Holds::default()]);
}

const HOLDS: [Domain; 5] = [
    ("ended by", ENDINGS),
    ("trouble", TROUBLES),
    ("time named", &["none", "passed", "soon", "too far"]),
    ("held before", &["no", "for less", "for longer", "for a person"]),
    ("`on_rate_limit`", &["wait", "fail"]),
];

const SOON_MS: u64 = NOW_MS + DAY_MS;

fn named(word: &str) -> Option<u64> {
    match word {
        "none" => None,
        "passed" => Some(NOW_MS),
        "soon" => Some(SOON_MS),
        _ => Some(NOW_MS + 30 * DAY_MS),
    }
}

fn before(word: &str) -> Option<Event> {
    match word {
        "no" => None,
        "for less" => Some(held(OWN, Some(NOW_MS + SECOND_MS))),
        "for longer" => Some(held(OWN, Some(NOW_MS + 9 * DAY_MS))),
        _ => Some(held(OWN, None)),
    }
}

/// What is decided when the program of the only task ends.
fn follows(case: &Case) -> &'static str {
    let on_limit = if case[4] == "wait" { OnLimit::Wait } else { OnLimit::Fail };
    let mut sim = Sim::new(Settings { on_limit, ..sim::settings() }, vec![sim::agent("a")]);
    sim.settle(|effect| matches!(effect, Effect::RunAttempt(_)));
    let nonce = sim.state.run().tasks.at(0).attempt.as_ref().unwrap().nonce.clone();
    if let Some(event) = before(case[3]) {
        sim.state.apply(&event).unwrap();
    }
    let Event::AgentExited(exited) = exited(&sim::id("a"), 1, nonce) else { unreachable!() };
    let report = Report { trouble: trouble(case[1], named(case[2])), ..Report::default() };
    let fact = AgentExited { ending: ending(case[0]), report: Some(report.into()), ..exited };
    let now = Moment { at_ms: NOW_MS, entropy: 1, anchor: &Anchor::default };
    let decided = sim.state.decide(&now, &Command::Fact(fact.into())).unwrap();
    let until_ms = decided.iter().find_map(|event| match event {
        Event::AgentHeld(held) => Some(held.until_ms),
        _ => None,
    });
    match until_ms {
        None => "nothing",
        Some(None) => "held for a person",
        Some(Some(until_ms)) if until_ms == NOW_MS + 60 * SECOND_MS => "held a minute",
        Some(Some(until_ms)) if until_ms == SOON_MS + SECOND_MS => "held until then",
        Some(Some(until_ms)) if until_ms == NOW_MS + 8 * DAY_MS => "held for 8 days",
        Some(Some(other)) => unreachable!("held until {other}"),
    }
}

#[test]
fn what_holds_an_agent_program_is_what_the_page_says() {
    let cases: Vec<_> =
        decisions::cases(&HOLDS).into_iter().map(|case| (case.clone(), follows(&case))).collect();
    decisions::match_the_page("What holds an agent program", &HOLDS.map(|(name, _)| name), &cases);
}

const STATES: &[&str] = &["free", "limited", "shut out"];
const READY: [Domain; 3] =
    [("its work", &["a command", "an agent's"]), ("its agent program", STATES), ("another one", STATES)];

fn in_state(agent: &str, word: &str) -> Option<Event> {
    match word {
        "free" => None,
        "limited" => Some(held(agent, Some(NOW_MS))),
        _ => Some(held(agent, None)),
    }
}

/// A task of another agent program.
fn other(name: &str) -> TaskSpec {
    let mut spec = sim::agent(name);
    if let Work::Agent { adapter, .. } = &mut spec.work {
        OTHER.clone_into(adapter);
    }
    spec
}

fn starts(case: &Case) -> &'static str {
    let spec = if case[0] == "a command" { sim::task("a") } else { sim::agent("a") };
    let mut sim = Sim::new(Settings { concurrency: 3, ..sim::settings() }, vec![spec, other("b")]);
    for event in [in_state(OWN, case[1]), in_state(OTHER, case[2])].into_iter().flatten() {
        sim.state.apply(&event).unwrap();
    }
    sim.settle(|effect| matches!(effect, Effect::MakeWorktree { .. }));
    match sim.state.run().tasks.at(0).word() {
        "running" => "starts",
        "limited" => "is called limited",
        other => unreachable!("{other}"),
    }
}

#[test]
fn a_ready_task_starts_where_the_page_says() {
    let cases: Vec<_> =
        decisions::cases(&READY).into_iter().map(|case| (case.clone(), starts(&case))).collect();
    decisions::match_the_page("Whether a ready task starts", &READY.map(|(name, _)| name), &cases);
}
