//! What the run as a whole remembers, one thing at a time.

use super::{Pause, Preflight, Run};
use crate::Caps;
use crate::Settings;
use crate::event::{Event, Opened, RoomLost, RunStopped};
use crate::fact::{Outcome, Standing};
use crate::sim::{Sim, id, settings, task};

/// A run that was planned at 1 s and is driven by a process.
fn live() -> Run {
    Sim::new(
        Settings { caps: Caps { time_ms: Some(60_000), ..settings().caps }, ..settings() },
        vec![task("a")],
    )
    .state
    .run()
    .run
    .clone()
}

#[test]
fn any_one_reason_keeps_new_attempts_from_starting() {
    type Reason = (&'static str, fn(&mut Run));
    let reasons: [Reason; 11] = [
        ("nobody drives it", |run| run.epoch = 0),
        ("stopped", |run| run.stopped = Some((Outcome::Budget, String::new()))),
        ("finished", |run| run.finished = Some(Outcome::Landed)),
        ("paused", |run| run.pause = Some(Pause::Asked)),
        ("draining", |run| run.drain = Some(15)),
        ("interrupted", |run| run.interrupt = Some(2)),
        ("overdue", |run| run.overdue = true),
        ("halted", |run| run.halted = Some(id("a"))),
        ("cancelled", |run| run.cancelled = true),
        ("no room", |run| run.no_room = Some((1, 1))),
        ("red", |run| run.preflight = Preflight::Failed { name: String::new(), n: 1 }),
    ];
    assert!(live().may_start());
    for (name, set) in reasons {
        let mut run = live();
        set(&mut run);
        assert!(!run.may_start(), "{name}");
    }
}

fn opened(at_ms: u64) -> Event {
    Opened { epoch: 2, pid: 1, version: String::new(), at_ms, wall: Standing::default() }.into()
}

#[test]
fn only_a_run_that_its_deadline_stopped_is_given_its_time_again() {
    for (outcome, until_ms) in [(Outcome::Deadline, 560_000), (Outcome::Budget, 61_000)] {
        let mut run = live();
        assert_eq!(run.deadline_ms(), Some(61_000));
        run.apply(8, &RunStopped { outcome, detail: String::new() }.into());
        run.apply(9, &opened(500_000));
        assert_eq!((run.deadline_ms(), run.stopped), (Some(until_ms), None));
    }
}

#[test]
fn room_that_is_lost_again_within_five_minutes_was_never_back() {
    for (again_ms, since_ms) in [(310_000, 10_000), (310_001, 310_001)] {
        let mut run = live();
        for (seq, at_ms) in [(8, 10_000), (9, again_ms)] {
            run.apply(seq, &RoomLost { detail: String::new(), at_ms }.into());
        }
        assert_eq!(run.no_room, Some((9, since_ms)));
    }
}
