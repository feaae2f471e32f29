//! The run as a whole, and the checks on its base, against their tables.

use super::samples::{
    gate_ended, gate_started, id, of_the_landing, of_the_slot, of_the_task, of_the_worktree, red, started,
};
use super::{Machine, row};
use crate::Caps;
use crate::caps::Measure;
use crate::event::{
    AgentFreed, AgentHeld, BudgetWarned, DaySeen, DeadlineReached, Noted, Opened, PreflightFailed,
    PreflightPassed, RecordsLost, Requested, RoomBack, RoomLost, RunFinished, RunPaused, RunStopped,
    TargetFreed, TargetHeld, TargetSeen, TaskPlanned,
};
use crate::fact::{Cap, Outcome, Request, Site, Standing, Verdict};
use crate::run::{Pause, Preflight};
use crate::sim::{self, Sim};
use crate::state::State;
use crate::task::Illegal;
use crate::{Event, Gate, GateScope, Oid, Settings};

/// How the run itself refuses what it cannot have any part of.
const ITS_OWN_REFUSALS: [&str; 3] =
    ["no run is planned yet", "the plan is not complete", "the run is finished"];

/// An event, and whether it is one of the other tables: then it only matters here whether a part is asked at all.
#[derive(Debug)]
struct Told {
    event: Event,
    elsewhere: bool,
}

/// The events that plan a run of two tasks and open it once.
fn history() -> Vec<Event> {
    Sim::new(sim::settings(), vec![sim::task("a"), sim::task("b")]).events
}

fn opened(epoch: u64) -> Event {
    Opened { epoch, pid: 1, version: String::new(), at_ms: 1, wall: Standing::default() }.into()
}

fn requested(id: &str, request: Request) -> Event {
    Requested { id: id.to_owned(), by: "test".to_owned(), request }.into()
}

fn stopped() -> Event {
    RunStopped { outcome: Outcome::Budget, detail: String::new() }.into()
}

fn finished() -> Event {
    RunFinished { outcome: Outcome::Landed }.into()
}

fn events(state: &State) -> Vec<(String, Told)> {
    let mut found = beginnings(state);
    found.extend(requests(state));
    let (date, usd) = ("2026-11-21".to_owned(), crate::Usd::from_micros(5));
    let warned = BudgetWarned {
        cap: Cap::Run,
        agent: String::new(),
        measure: Measure::Usd,
        percent: 80,
        used: 80,
        of: 100,
    };
    let plain: [Event; 8] = [
        warned.into(),
        DaySeen { date, until_ms: 9, elsewhere: usd, allowed: usd }.into(),
        RunPaused { because: id("a") }.into(),
        DeadlineReached {}.into(),
        RoomLost { detail: String::new(), at_ms: 1 }.into(),
        RoomBack {}.into(),
        Noted { task: None, text: String::new() }.into(),
        stopped(),
    ];
    found.extend(plain.into_iter().chain([finished()]).map(|event| (row(&event, ""), event)));
    let lost = |from, to| Event::from(RecordsLost { from, to });
    found.push((row(&lost(5, 6), ""), lost(5, 6)));
    found.push((row(&lost(0, 6), "from before the first"), lost(0, 6)));
    let own = found.into_iter().map(|(row, event)| (row, Told { event, elsewhere: false }));
    let other = |event| ("any event of the other tables".to_owned(), Told { event, elsewhere: true });
    own.chain(elsewhere().into_iter().map(other)).collect()
}

/// The same, without the names.
pub(super) fn told(state: &State) -> Vec<Event> {
    let base = preflight_events(state).into_iter().map(|(_, event)| event);
    events(state).into_iter().map(|(_, told)| told.event).chain(base).collect()
}

fn beginnings(state: &State) -> Vec<(String, Event)> {
    let parts = state.parts();
    let missing = parts.map_or(0, |parts| parts.run.tasks as usize - parts.tasks.len());
    let mut found = vec![(row(&history()[0], ""), history()[0].clone())];
    for (name, event) in [("a", &history()[1]), ("b", &history()[2])] {
        let has_it = parts.is_none_or(|parts| parts.tasks.get(&id(name)).is_some());
        let which = match missing {
            _ if has_it => "that has no place in the plan",
            0 => "that has no place in the plan",
            1 => "the last",
            _ => "others follow",
        };
        found.push((row(event, which), event.clone()));
    }
    let epoch = parts.map_or(0, |parts| parts.run.epoch);
    let old = (0..=epoch).map(|old| (row(&opened(old), "in an old epoch"), opened(old)));
    let new = [1, 4].map(|more| (row(&opened(1), "in a new epoch"), opened(epoch + more)));
    found.into_iter().chain(old).chain(new).collect()
}

fn requests(state: &State) -> Vec<(String, Event)> {
    let usd = crate::Usd::from_micros(5);
    let mut found: Vec<_> = [
        ("pause", Request::Pause),
        ("unpause", Request::Unpause),
        ("drain", Request::Drain { signal: 2 }),
        ("interrupt", Request::Interrupt { signal: 2 }),
        ("anything else", Request::Cancel { tasks: vec![id("a")] }),
        ("anything else", Request::AddBudget { caps: Caps::of_usd(Some(usd)) }),
        ("anything else", Request::SetBudget { caps: Caps::of_usd(Some(usd)) }),
        ("anything else", Request::SetConcurrency { slots: 3 }),
    ]
    .map(|(which, request)| (which, requested("new", request)))
    .into();
    let before = state.parts().and_then(|parts| parts.run.requests.first());
    found.extend(before.map(|id| ("that was carried out", requested(id, Request::Unpause))));
    found.into_iter().map(|(which, event)| (row(&event, which), event)).collect()
}

/// Events that the tables of the other parts have rows for.
fn elsewhere() -> Vec<Event> {
    let mut found = of_the_slot(&id("a"), 1);
    found.extend(of_the_landing(&id("a"), 1, &Oid::new("c")));
    found.extend(of_the_task(&id("a")));
    found.extend(of_the_worktree(&id("a"), 1));
    found.extend([started(&id("a"), 1), super::samples::exited(&id("a"), 1, String::new())]);
    found.extend([gate_started(Site::Preflight, 1, None), gate_ended(1, Verdict::Green)]);
    found.extend([PreflightPassed {}.into(), PreflightFailed { name: String::new(), n: 1 }.into()]);
    found.extend([
        TargetSeen { found: None, keeps: true }.into(),
        TargetHeld { path: String::new() }.into(),
        TargetFreed {}.into(),
    ]);
    found.extend([
        AgentHeld { agent: String::new(), until_ms: None, said: String::new() }.into(),
        AgentFreed { agent: String::new() }.into(),
    ]);
    found
}

fn take(state: &mut State, told: &Told) -> Result<(), Illegal> {
    match state.apply(&told.event) {
        Err(illegal) if told.elsewhere && !ITS_OWN_REFUSALS.contains(&illegal.state.as_str()) => Ok(()),
        outcome => outcome,
    }
}

fn word(state: &State) -> &'static str {
    let Some(parts) = state.parts() else { return "nothing" };
    let run = &parts.run;
    let first = [
        (run.finished.is_some(), "finished"),
        (parts.tasks.len() < run.tasks as usize, "planning"),
        (run.stopped.is_some(), "stopped"),
        (run.epoch == 0, "planned"),
        (run.interrupt.is_some(), "interrupted"),
        (run.drain.is_some(), "draining"),
        (run.overdue, "overdue"),
        (run.no_room.is_some(), "full"),
        (run.pause == Some(Pause::Asked) || run.pause.is_some(), "paused"),
        (parts.tasks.all_ended(), "final"),
    ];
    first.into_iter().find_map(|(holds, word)| holds.then_some(word)).unwrap_or("live")
}

fn after(events: &[Event]) -> State {
    let mut state = State::new();
    for event in events {
        state.apply(event).unwrap();
    }
    state
}

/// The same history, in which an earlier run landed all tasks.
fn carried() -> Vec<Event> {
    let carry = |event| match event {
        Event::TaskPlanned(planned) => TaskPlanned { carried: Some(Oid::new("carried")), ..planned }.into(),
        other => other,
    };
    history().into_iter().map(carry).collect()
}

/// A run in each of its states, asked for something before.
fn roots() -> Vec<State> {
    let history = history();
    assert_eq!(history.len(), 4, "the run, its two tasks, its opening");
    let live = [history.clone(), vec![requested("before", Request::SetConcurrency { slots: 2 })]].concat();
    let then = |event: Event| after(&[live.clone(), vec![event]].concat());
    let mut roots: Vec<State> = (0..=3).map(|n| after(&history[..n])).collect();
    let landed = [carried(), vec![requested("before", Request::SetConcurrency { slots: 2 })]].concat();
    roots.extend([after(&live), after(&landed)]);
    roots.extend([then(requested("p", Request::Pause)), then(RunPaused { because: id("a") }.into())]);
    roots.push(then(requested("d", Request::Drain { signal: 2 })));
    roots.push(then(requested("i", Request::Interrupt { signal: 15 })));
    roots
        .extend([then(DeadlineReached {}.into()), then(RoomLost { detail: String::new(), at_ms: 1 }.into())]);
    roots.extend([then(stopped()), after(&[landed, vec![finished()]].concat())]);
    roots
}

#[test]
fn a_run_goes_as_the_page_says() {
    let machine = Machine { title: "The run", events, take, word, column: |word| word, follow: false };
    machine.matches_the_page(roots());
}

fn preflight_events(state: &State) -> Vec<(String, Event)> {
    let parts = state.run();
    let checks = if let Preflight::Due(checks) = &parts.run.preflight { Some(checks) } else { None };
    let due = checks.and_then(crate::checks::Checks::due);
    let mut found = vec![
        ("", opened(parts.run.epoch + 1)),
        ("", PreflightPassed {}.into()),
        ("", PreflightFailed { name: String::new(), n: 1 }.into()),
        ("of no check that runs", gate_ended(99, Verdict::Green)),
    ];
    for index in [None, Some(0), Some(1), Some(2)] {
        let which = if due == Some(index) { "of the check that is due" } else { "of any other check" };
        found.push((which, gate_started(Site::Preflight, parts.gates.next(), index)));
    }
    if let Some((n, index)) = checks.and_then(crate::checks::Checks::running) {
        let which = if index == Some(1) { "green, the last" } else { "green, others follow" };
        found.extend([(which, gate_ended(n, Verdict::Green)), ("red", gate_ended(n, red()))]);
    }
    found.into_iter().map(|(which, event)| (row(&event, which), event)).collect()
}

fn preflight_word(state: &State) -> &'static str {
    match &state.run().run.preflight {
        Preflight::Due(checks) if checks.passed() => "green",
        Preflight::Due(checks) if checks.red().is_some() => "red",
        Preflight::Due(_) => "due",
        Preflight::Passed => "passed",
        Preflight::Failed { .. } => "failed",
    }
}

#[test]
fn the_base_is_checked_as_the_page_says() {
    let on_base =
        |name: &str, scope| Gate { name: name.to_owned(), baseline_skip: false, ..sim::gate(scope) };
    let mut task = sim::task("a");
    task.gates = vec![on_base("one", GateScope::Task), on_base("two", GateScope::Merge)];
    let settings = Settings { preflight: true, ..sim::settings() };
    let due = after(&Sim::new(settings, vec![task.clone()]).events);
    let unwanted = after(&Sim::new(sim::settings(), vec![task]).events);
    let machine = Machine {
        title: "The checks on the base",
        events: preflight_events,
        take: |state, event| state.apply(event),
        word: preflight_word,
        column: |word| word,
        follow: true,
    };
    machine.matches_the_page(vec![due, unwanted]);
}
