//! What is owed, seen from both sides: all of it at once, and one key at a time.

use crate::Caps;
use std::collections::{BTreeMap, BTreeSet};

use super::{Sim, exited, gate, green, id, settings, task};
use crate::event::{RoomBack, RoomLost, TargetFreed, TargetHeld, UsageReported};
use crate::fact::{Ending, Usage};
use crate::owed::is_owed;
use crate::plan::RetryOn;
use crate::state::State;
use crate::{Actor, Command, Effect, Event, Gate, GateScope, Key, Oid, Settings, TaskSpec, Usd};

/// A run that owes an effect of each kind at some time, most of them twice: two tasks, of which one is tried again,
/// gates everywhere, a target that is held and a disk that is full.
fn eventful() -> Vec<Event> {
    let is_run = |effect: &Effect| matches!(effect, Effect::RunAttempt(_));
    let gates = vec![Gate { baseline_skip: false, ..gate(GateScope::Both) }];
    let mut a = TaskSpec { gates, ..task("a") };
    a.retries.max = 1;
    a.retries.after = [RetryOn::Crash].into();
    let mut sim = Sim::new(Settings { preflight: true, ..settings() }, vec![a, task("b")]);
    sim.settle(is_run);
    let held: Event = TargetHeld { path: "/elsewhere".to_owned() }.into();
    let full: Event = RoomLost { detail: "full".to_owned(), at_ms: 0 }.into();
    for fact in [held.clone(), TargetFreed {}.into(), held, full.clone(), RoomBack {}.into(), full] {
        sim.turn(&Command::Fact(fact)).unwrap();
    }
    for fact in [TargetFreed {}.into(), RoomBack {}.into()] {
        sim.turn(&Command::Fact(fact)).unwrap();
    }
    let first = sim.owed.values().find(|effect| is_run(effect)).cloned();
    let Some(Effect::RunAttempt(run)) = first else { unreachable!() };
    let crashed = exited(&run, Ending::Exited { code: 1 }, None);
    sim.answer(&Effect::RunAttempt(run).key(), crashed);
    sim.crash();
    sim.settle(|_| false);
    assert!(sim.finished().is_some());
    sim.events
}

#[test]
fn an_effect_is_owed_by_its_key_exactly_as_long_as_it_is_owed_at_all() {
    let events = eventful();
    let mut state = State::new();
    let states: Vec<State> = events
        .iter()
        .map(|event| {
            state.apply(event).unwrap();
            state.clone()
        })
        .collect();
    let keys = |state: &State| state.owed().iter().map(Effect::key).collect::<BTreeSet<Key>>();
    let ever: BTreeSet<Key> = states.iter().flat_map(keys).collect();
    assert!(ever.len() > 20, "{ever:?}");
    for state in &states {
        let now = keys(state);
        for key in &ever {
            assert_eq!(is_owed(state.run(), key), now.contains(key), "{key:?} at {}", state.seq());
        }
    }
}

#[test]
fn the_tip_of_an_attempt_is_kept_under_a_ref_of_its_own() {
    let mut sim = Sim::new(settings(), vec![task("a")]);
    let is_preserve = |effect: &Effect| matches!(effect, Effect::Preserve(_));
    sim.settle(is_preserve);
    let Effect::Preserve(keep) = sim.the(is_preserve) else { unreachable!() };
    assert_eq!(keep.ref_name, "refs/swarm/r/a/1");
}

#[test]
fn a_gate_is_checked_against_what_its_commit_stands_on() {
    let is_gate = |effect: &Effect| matches!(effect, Effect::RunGate(_));
    let of_a = |effect: &Effect| matches!(effect, Effect::RunAttempt(run) if run.task == id("a"));
    let a = TaskSpec { gates: vec![Gate { baseline_skip: false, ..gate(GateScope::Both) }], ..task("a") };
    let mut sim = Sim::new(Settings { preflight: true, ..settings() }, vec![a, task("b")]);
    let pass = |sim: &mut Sim, n: u32| {
        sim.settle(|effect| is_gate(effect) || n == 1 && of_a(effect));
        let Effect::RunGate(gate) = sim.the(is_gate) else { unreachable!() };
        sim.answer(&Key::Gate(n), green(n));
        (gate.actor, gate.commit.as_str().to_owned(), gate.base)
    };
    let base = Oid::new("base");
    assert_eq!(pass(&mut sim, 1), (Actor::Merge, "base".to_owned(), base.clone()));
    sim.settle(of_a);
    let landed = sim.target.clone().expect("the other task has landed");
    assert_eq!(pass(&mut sim, 2), (Actor::Task(id("a")), "tip of a 1".to_owned(), base));
    let merged = format!("tip of a 1 on {}", landed.as_str());
    assert_eq!(pass(&mut sim, 3), (Actor::Merge, merged, landed));
}

/// The actors hear only of those whose debts may have changed. What is owed, some actor heard of last; what else it heard
/// of is done, as it knows by itself.
#[test]
fn nothing_is_owed_that_no_actor_heard_of() {
    let mut state = State::new();
    let mut heard: BTreeMap<Actor, Vec<Effect>> = BTreeMap::new();
    for event in &eventful() {
        state.apply(event).unwrap();
        // Whoever opens a run asks everybody.
        let since = if matches!(event, Event::Opened(_)) { 0 } else { state.seq() - 1 };
        heard.extend(state.views_since(since).into_iter().map(|view| (view.actor, view.owed)));
        let unheard = |effect: &Effect| !heard[&effect.actor()].contains(effect);
        let missing: Vec<_> = state.owed().into_iter().filter(unheard).collect();
        assert_eq!(missing, [], "after {}", event.name());
        assert_eq!(state.views_since(state.seq()), [], "what was heard is not told again");
    }
}

#[test]
fn the_meter_of_a_program_knows_its_grant_and_whether_more_was_refused() {
    let budget = Some(Usd::from_micros(60));
    let a = TaskSpec { caps: Caps::of_usd(budget), estimate: Some(Usd::from_micros(40)), ..task("a") };
    let mut sim = Sim::new(settings(), vec![a]);
    sim.settle(|effect| matches!(effect, Effect::RunAttempt(_)));
    for (used, micros, refused) in [(1, 40, false), (30, 60, false), (50, 60, true)] {
        let usage = Usage { usd: Some(Usd::from_micros(used)), ..Usage::default() };
        sim.turn(&Command::Fact(UsageReported { task: id("a"), attempt: 1, usage }.into())).unwrap();
        let meter = Effect::Meter { task: id("a"), attempt: 1, grant: Usd::from_micros(micros), refused };
        assert_eq!(sim.state.view(&Actor::Budget).owed, [meter], "used {used}");
    }
    sim.settle(|_| false);
    assert_eq!(sim.state.view(&Actor::Budget).owed, []);
}
