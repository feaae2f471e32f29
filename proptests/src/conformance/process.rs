//! What holds of every attempt's program, and of whoever keeps it while the orchestrator comes and goes.

use swarm_domain::effect::RunAttempt;
use swarm_domain::fact::Ending;
use swarm_domain::prompt::TAIL_BYTES_MAX;
use swarm_domain::{Effect, Program, Usd};

use super::ask::{NO_PROGRAM, Place, SHORT_MS, paths};
use super::stage::Step::{Die, Exit, IgnoreTerm, Need, Print, Report, Wait, Write};
use super::stage::{Check, Deed, Stage, Step};

/// Hands the names of all checks of processes to a macro, such as one that makes a test of each.
#[macro_export]
macro_rules! process_checks {
    ($each:ident) => {
        $each! {
            an_exit_status_is_told_as_it_was
            a_signal_is_told_as_it_was
            a_program_is_started_once
            a_program_that_runs_at_a_crash_is_adopted
            a_program_that_is_to_stop_is_not_started
            a_program_that_is_told_to_stop_ends
            a_program_that_ignores_sigterm_ends_all_the_same
            a_stop_after_a_crash_reaches_the_program_that_runs
            a_stop_that_overtakes_the_start_is_not_lost
            a_stop_that_comes_too_late_changes_nothing
            a_program_is_ended_at_its_timeout
            a_program_that_is_silent_is_ended
            a_program_is_ended_at_its_grant
            a_grant_that_is_raised_in_time_is_what_counts
            a_grant_holds_while_nobody_is_there_to_raise_it
            what_was_reported_is_a_total_that_never_falls
            what_was_not_reported_is_not_nothing
            of_a_flood_the_end_is_told
            a_program_that_cannot_be_started_says_so
            a_setup_goes_before_its_program
            a_setup_that_fails_keeps_its_program_from_starting
            a_program_whose_keeper_is_killed_ends_unknown
        }
    };
}

macro_rules! table {
    ($($check:ident)*) => {
        /// All checks of processes.
        pub const CHECKS: &[Check] = &[$(Check { name: stringify!($check), on: $check }),*];
    };
}
process_checks!(table);

fn cents(cents: u64) -> Usd {
    Usd::from_micros(cents * 10_000)
}

/// An order to run a program in a new worktree.
fn order(stage: &mut dyn Stage, steps: &[Step]) -> (Place, RunAttempt) {
    let place = stage.place("a");
    let run = place.run(stage.program(steps));
    (place, run)
}

/// The same, begun: the program waits.
fn begun(stage: &mut dyn Stage, steps: &[Step]) -> (Place, RunAttempt) {
    let (place, run) = order(stage, steps);
    stage.begin(Effect::RunAttempt(Box::new(run.clone())));
    (place, run)
}

/// How a program in a new worktree ends.
fn ending(stage: &mut dyn Stage, steps: &[Step]) -> Ending {
    let (_, run) = order(stage, steps);
    stage.ran(&run).ending
}

/// Tells a program to stop. Its end is the answer of whoever waits for it.
fn stop(stage: &mut dyn Stage, place: &Place) {
    assert_eq!(stage.perform(place.stop()), []);
}

/// Whatever the status is, it is not made better or worse.
fn an_exit_status_is_told_as_it_was(stage: &mut dyn Stage) {
    for (task, code) in [("a", 0), ("b", 1), ("c", 77)] {
        let place = stage.place(task);
        let exited = stage.run(&place, &[Write("p"), Exit(code)]);
        assert_eq!(exited.ending, Ending::Exited { code });
    }
}

/// A program that was ended by a signal, and not by us, did not exit.
fn a_signal_is_told_as_it_was(stage: &mut dyn Stage) {
    assert_eq!(ending(stage, &[Die(9)]), Ending::Signaled { signal: 9 });
}

/// Law 5: whoever asks again, also knowing nothing of the first time, gets the same end of the same program.
fn a_program_is_started_once(stage: &mut dyn Stage) {
    let (_, run) = order(stage, &[Report(cents(3)), Exit(5)]);
    let exited = stage.ran(&run);
    assert_eq!((&exited.nonce, exited.ending.clone()), (&run.nonce, Ending::Exited { code: 5 }));
    assert_eq!(stage.ran(&run), exited, "asked twice");
    stage.crash();
    assert_eq!(stage.ran(&run), exited, "asked after a crash");
    assert_eq!(stage.starts(), 1);
}

/// Law 5: a program outlives its orchestrator, and the next one finds it and learns its true end.
fn a_program_that_runs_at_a_crash_is_adopted(stage: &mut dyn Stage) {
    let (place, run) = begun(stage, &[Write("p"), Wait, Write("q"), Report(cents(2)), Exit(7)]);
    assert!(stage.living() > 0);
    stage.crash();
    assert!(stage.living() > 0, "it went with the orchestrator");
    stage.let_go();
    let exited = stage.ran(&run);
    assert_eq!((exited.ending, exited.usage.usd), (Ending::Exited { code: 7 }, Some(cents(2))));
    assert_eq!(stage.starts(), 1);
    let kept = stage.keep(&place);
    assert_eq!(stage.changes(&kept.tip), paths(["p", "q"]));
}

/// What was stopped before it began never runs, and costs nothing: it has no end of its own.
fn a_program_that_is_to_stop_is_not_started(stage: &mut dyn Stage) {
    let (place, run) = order(stage, &[]);
    let stopping = RunAttempt { stopping: true, ..run };
    stop(stage, &place);
    let exited = stage.ran(&stopping);
    assert!(matches!(exited.ending, Ending::NotStarted { .. }), "{:?}", exited.ending);
    stage.crash();
    assert_eq!(stage.ran(&stopping), exited, "asked after a crash");
    assert_eq!((stage.starts(), exited.usage.usd), (0, None));
}

/// A program that is told to stop ends by that, and what it wrote is still to be kept.
fn a_program_that_is_told_to_stop_ends(stage: &mut dyn Stage) {
    let (place, run) = begun(stage, &[Write("p"), Wait]);
    stop(stage, &place);
    stop(stage, &place);
    assert_eq!(stage.ran(&run).ending, Ending::Stopped);
    assert!(stage.keep(&place).changed);
}

/// Law 5: nothing of a stopped program lives on because it does not listen.
fn a_program_that_ignores_sigterm_ends_all_the_same(stage: &mut dyn Stage) {
    let (place, run) = begun(stage, &[IgnoreTerm, Wait]);
    stop(stage, &place);
    assert_eq!(stage.ran(&run).ending, Ending::Stopped);
    assert_eq!(stage.living(), 0);
}

/// The orchestrator that takes over stops what the one before it started.
fn a_stop_after_a_crash_reaches_the_program_that_runs(stage: &mut dyn Stage) {
    let (place, run) = begun(stage, &[Wait]);
    stage.crash();
    stop(stage, &place);
    let stopping = RunAttempt { stopping: true, ..run };
    assert_eq!(stage.ran(&stopping).ending, Ending::Stopped);
    assert_eq!(stage.starts(), 1);
}

/// An order to run may be carried out after a stop that was decided later. Nothing is started then: there is no second
/// stop.
fn a_stop_that_overtakes_the_start_is_not_lost(stage: &mut dyn Stage) {
    let (place, run) = order(stage, &[Wait]);
    stop(stage, &place);
    let exited = stage.ran(&RunAttempt { timeout_ms: Some(SHORT_MS), ..run });
    assert!(matches!(exited.ending, Ending::NotStarted { .. }), "{:?}", exited.ending);
    assert_eq!(stage.starts(), 0);
}

/// A program that has ended by itself was not stopped.
fn a_stop_that_comes_too_late_changes_nothing(stage: &mut dyn Stage) {
    let (place, run) = order(stage, &[Exit(3)]);
    let exited = stage.ran(&run);
    stop(stage, &place);
    assert_eq!(stage.ran(&RunAttempt { stopping: true, ..run }), exited);
}

/// A program that takes too long is ended, also while it talks.
fn a_program_is_ended_at_its_timeout(stage: &mut dyn Stage) {
    let (_, run) = order(stage, &[Print("on my way\n".to_owned()), Wait]);
    let limited = RunAttempt { timeout_ms: Some(SHORT_MS), ..run };
    assert_eq!(stage.ran(&limited).ending, Ending::TimedOut);
}

/// A program that is silent for too long is ended, long before its timeout.
fn a_program_that_is_silent_is_ended(stage: &mut dyn Stage) {
    let (_, run) = order(stage, &[Wait]);
    let limited = RunAttempt { idle_timeout_ms: Some(SHORT_MS), timeout_ms: Some(600_000), ..run };
    assert_eq!(stage.ran(&limited).ending, Ending::Idle);
}

/// Law 7: what reaches its grant is ended, and what it has spent by then is known.
fn a_program_is_ended_at_its_grant(stage: &mut dyn Stage) {
    let (_, run) = order(stage, &[Report(cents(4)), Report(cents(10)), Wait]);
    let exited = stage.ran(&RunAttempt { grant: cents(10), ..run });
    assert_eq!((exited.ending, exited.usage.usd), (Ending::Spent, Some(cents(10))));
}

/// Law 7: a program goes on beyond its first grant if the grant was raised. It is ended here by its time, not its money.
fn a_grant_that_is_raised_in_time_is_what_counts(stage: &mut dyn Stage) {
    let (place, run) = order(stage, &[Report(cents(5)), Wait, Report(cents(15)), Wait]);
    let run = RunAttempt { grant: cents(10), timeout_ms: Some(3 * SHORT_MS), ..run };
    stage.begin(Effect::RunAttempt(Box::new(run.clone())));
    stage.set_grant(&place.made.task, place.made.attempt, cents(20));
    stage.let_go();
    let exited = stage.ran(&run);
    assert_eq!((exited.ending, exited.usage.usd), (Ending::TimedOut, Some(cents(15))));
}

/// Law 7: a program cannot spend more because nobody is looking.
fn a_grant_holds_while_nobody_is_there_to_raise_it(stage: &mut dyn Stage) {
    let (_, run) = order(stage, &[Report(cents(5)), Wait, Report(cents(10)), Wait]);
    let run = RunAttempt { grant: cents(10), ..run };
    stage.begin(Effect::RunAttempt(Box::new(run.clone())));
    stage.crash();
    stage.let_go();
    let exited = stage.ran(&run);
    assert_eq!((exited.ending, exited.usage.usd), (Ending::Spent, Some(cents(10))));
    assert_eq!(stage.starts(), 1);
}

/// Law 7: figures are totals. They are not added up, and a lower one later is not believed.
fn what_was_reported_is_a_total_that_never_falls(stage: &mut dyn Stage) {
    let steps = [Report(cents(2)), Report(cents(5)), Wait, Report(cents(6)), Report(cents(3))];
    let (place, run) = begun(stage, &steps);
    let used = |stage: &mut dyn Stage| stage.usage(&place.made.task, place.made.attempt).usd;
    assert_eq!(used(stage), Some(cents(5)));
    stage.crash();
    assert_eq!(used(stage), Some(cents(5)), "to whoever knows nothing");
    stage.let_go();
    assert_eq!(stage.ran(&run).usage.usd, Some(cents(6)));
    assert_eq!(used(stage), Some(cents(6)));
}

/// Law 7: a cost that was not told is not a cost of nothing.
fn what_was_not_reported_is_not_nothing(stage: &mut dyn Stage) {
    let (_, run) = order(stage, &[Write("p")]);
    assert_eq!(stage.ran(&run).usage.usd, None);
}

/// However much a program prints, what comes back fits into a record, and is the end.
fn of_a_flood_the_end_is_told(stage: &mut dyn Stage) {
    let flood = "all work and no play\n".repeat(20_000);
    let (_, run) = order(stage, &[Print(flood), Print("and here it ends\n".to_owned()), Exit(1)]);
    let exited = stage.ran(&run);
    assert_eq!(exited.ending, Ending::Exited { code: 1 });
    assert!(exited.tail.len() <= TAIL_BYTES_MAX, "{} bytes", exited.tail.len());
    assert!(exited.tail.ends_with("no play\nand here it ends\n"), "{}", exited.tail);
}

/// What never ran has no status, and cost nothing.
fn a_program_that_cannot_be_started_says_so(stage: &mut dyn Stage) {
    let place = stage.place("a");
    let run = place.run(Program::Argv(vec![NO_PROGRAM.to_owned()]));
    let exited = stage.ran(&run);
    assert!(matches!(exited.ending, Ending::NotStarted { .. }), "{:?}", exited.ending);
    assert_eq!(exited.usage.usd, None);
    assert_eq!(stage.ran(&run), exited, "asked twice");
}

/// What setup leaves in the worktree is there for the program.
fn a_setup_goes_before_its_program(stage: &mut dyn Stage) {
    let (_, run) = order(stage, &[Need("p"), Need("q"), Exit(4)]);
    let setup = vec![stage.program(&[Write("p")]), stage.program(&[Need("p"), Write("q")])];
    assert_eq!(stage.ran(&RunAttempt { setup, ..run }).ending, Ending::Exited { code: 4 });
    assert_eq!(stage.starts(), 3);
}

/// The step that failed is named, and nothing comes after it.
fn a_setup_that_fails_keeps_its_program_from_starting(stage: &mut dyn Stage) {
    let (_, run) = order(stage, &[]);
    let setup = [[].as_slice(), &[Exit(1)], &[]].map(|steps| stage.program(steps)).to_vec();
    let exited = stage.ran(&RunAttempt { setup, ..run });
    assert!(matches!(exited.ending, Ending::SetupFailed { step: 2, .. }), "{:?}", exited.ending);
    assert_eq!(stage.starts(), 2);
}

/// A program whose end nobody saw is ended, and never started again: what it wrote is kept, and its end is unknown.
fn a_program_whose_keeper_is_killed_ends_unknown(stage: &mut dyn Stage) {
    let (place, run) = begun(stage, &[Write("p"), Report(cents(1)), Wait]);
    stage.stranger(Deed::KillKeepers);
    let exited = stage.ran(&run);
    assert_eq!((exited.ending, exited.usage.usd), (Ending::Unknown, Some(cents(1))));
    assert_eq!(stage.living(), 0);
    stage.crash();
    assert_eq!(stage.ran(&run).ending, Ending::Unknown, "asked after a crash");
    assert_eq!(stage.starts(), 1);
    assert!(stage.keep(&place).changed);
}
