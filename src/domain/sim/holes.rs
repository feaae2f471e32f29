//! What is left of a run whose journal has a hole: what landed stays landed, what was spent is charged, and no number is used twice.

use super::{Sim, gate, id, settings, task};
use crate::event::{RecordsLost, TaskDone, UsageReported};
use crate::fact::{Cost, Usage};
use crate::state::State;
use crate::task::{End, Phase, Task};
use crate::{Command, Effect, Event, GateScope, Oid, TaskSpec, Usd};

/// A run of one task with a gate of its own, which landed. Its program told of 20 before it ended.
fn whole() -> Vec<Event> {
    let a = TaskSpec { gates: vec![gate(GateScope::Task)], ..task("a") };
    let mut sim = Sim::new(settings(), vec![a]);
    sim.settle(|effect| matches!(effect, Effect::RunAttempt(_)));
    let usage = Usage { usd: Some(Usd::from_micros(20)), ..Usage::default() };
    sim.turn(&Command::Fact(UsageReported { task: id("a"), attempt: 1, usage }.into())).unwrap();
    sim.settle(|_| false);
    sim.events
}

fn place(events: &[Event], name: &str) -> usize {
    events.iter().position(|event| event.name() == name).unwrap()
}

fn lost(from: usize, to: usize) -> Event {
    RecordsLost { from: from as u64, to: to as u64 }.into()
}

/// The run up to the first event of a name, without the records from there to the second name's, which is left out too.
fn up_to_a_hole(events: &[Event], from: &str, to: &str) -> (State, usize) {
    let (from, to) = (place(events, from), place(events, to));
    let mut state = State::new();
    for event in &events[..from] {
        state.replay(event).unwrap();
    }
    // Records are counted from 1.
    state.replay(&lost(from + 1, to + 1)).unwrap();
    assert_eq!((state.seq(), state.run().run.lost), (to as u64 + 1, (to - from) as u64 + 1));
    (state, to - from + 1)
}

fn the_task(state: &State) -> &Task {
    state.run().tasks.get(&id("a")).unwrap()
}

#[test]
fn what_landed_behind_a_hole_landed_and_is_paid_for() {
    let events = whole();
    let (mut state, _) = up_to_a_hole(&events, "agent.exited", "merge.intended");
    let Event::Merged(merged) = &events[place(&events, "task.merged")] else { unreachable!() };
    state.replay(&merged.clone().into()).unwrap();
    assert_eq!(state.seq(), place(&events, "task.merged") as u64 + 1, "it has its number all the same");
    assert_eq!(the_task(&state).phase, Phase::Ended(End::Merged { commit: merged.commit.clone() }));
    let (ledger, train) = (&state.run().ledger, &state.run().train);
    assert_eq!((ledger.spent(), ledger.reserved()), (Usd::from_micros(20), Usd::ZERO));
    assert_eq!(ledger.cost(), Cost::Unknown, "what it used after its last report is not known");
    assert_eq!((train.landed(), train.expected().as_ref()), (Some(&merged.commit), Some(&merged.commit)));
    assert!(state.run().tasks.all_ended() && state.run().run.unfit == 1);
    let owed = state.owed();
    assert!(matches!(owed[..], [Effect::RemoveWorktree { attempt: 1, .. }]), "{owed:?}");
}

#[test]
fn a_task_that_is_done_behind_a_hole_waits_in_no_line() {
    let events = whole();
    let (mut state, _) = up_to_a_hole(&events, "merge.prepared", "merge.prepared");
    assert!(!state.run().train.is_empty());
    let done = TaskDone { task: id("a"), reason: "its changes are in the target already".to_owned() };
    state.replay(&done.clone().into()).unwrap();
    assert_eq!(the_task(&state).phase, Phase::Ended(End::Done { reason: done.reason }));
    assert!(state.run().train.is_empty() && state.run().tasks.all_ended());
}

#[test]
fn no_number_that_may_have_been_used_is_used_again() {
    let events = whole();
    let (mut state, records) = up_to_a_hole(&events, "attempt.started", "gate.ended");
    let next = |state: &State| (the_task(state).next_attempt() as usize, state.run().gates.next() as usize);
    assert_eq!(next(&state), (records + 1, records + 1), "each may have told of one");
    let Event::AttemptStarted(started) = &events[place(&events, "attempt.started")] else { unreachable!() };
    let Event::GateStarted(gate) = &events[place(&events, "gate.started")] else { unreachable!() };
    for attempt in [50, 60, 55] {
        state.replay(&crate::event::AttemptStarted { attempt, ..started.clone() }.into()).unwrap();
        state.replay(&crate::event::GateStarted { n: attempt + 100, ..gate.clone() }.into()).unwrap();
    }
    assert_eq!(next(&state), (61, 161), "the first attempt fitted, the others did not");
    assert_eq!((the_task(&state).attempts, state.run().run.unfit), (50, 5));
}

#[test]
fn without_its_plan_a_run_is_nothing() {
    let events = whole();
    let mut state = State::new();
    assert!(state.replay(&lost(1, 1)).is_err());
    state.replay(&events[0]).unwrap();
    assert!(state.replay(&lost(2, 2)).is_err());
    state.replay(&events[1]).unwrap();
    for (from, to) in [(0, 3), (4, 3)] {
        assert!(state.replay(&lost(from, to)).is_err(), "from {from} to {to}");
    }
    assert_eq!((state.seq(), state.run().run.lost), (2, 0));
}

#[test]
fn what_does_not_fit_is_left_out_only_behind_a_hole() {
    let events = whole();
    let mut state = State::new();
    for event in &events[..3] {
        state.replay(event).unwrap();
    }
    let merged = &events[place(&events, "task.merged")];
    assert!(state.replay(merged).is_err());
    assert_eq!((state.seq(), state.run().run.unfit), (3, 0));
    assert_eq!(state.run().train.landed(), None::<&Oid>);
}
