//! What is owed, seen from both sides: all of it at once, and one key at a time.

use std::collections::BTreeSet;

use super::{Sim, exited, gate, settings, task};
use crate::event::{RoomBack, RoomLost, TargetFreed, TargetHeld};
use crate::fact::Ending;
use crate::owed::is_owed;
use crate::plan::RetryOn;
use crate::state::State;
use crate::{Command, Effect, Event, Gate, GateScope, Key, Settings, TaskSpec};

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
