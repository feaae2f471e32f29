//! What holds of every gate: which commit it sees, and what is a verdict.

use swarm_domain::effect::RunGate;
use swarm_domain::fact::Verdict;
use swarm_domain::{Effect, Program};

use super::ask::{NO_PROGRAM, SHORT_MS, gate};
use super::stage::Step::{Commit, Die, Exit, Need, Wait, Write};
use super::stage::{Check, Deed, Stage, Step};

/// Hands the names of all checks of gates to a macro, such as one that makes a test of each.
#[macro_export]
macro_rules! gate_checks {
    ($each:ident) => {
        $each! {
            a_gate_is_green_or_red_by_its_exit_status
            a_gate_that_is_killed_gives_no_verdict
            a_gate_whose_keeper_is_killed_gives_no_verdict
            a_gate_that_takes_too_long_is_red
            a_gate_is_run_once
            a_gate_that_runs_at_a_crash_is_adopted
            a_gate_sees_exactly_its_commit
            a_gate_about_other_paths_is_green_unseen
        }
    };
}

macro_rules! table {
    ($($check:ident)*) => {
        /// All checks of gates.
        pub const CHECKS: &[Check] = &[$(Check { name: stringify!($check), on: $check }),*];
    };
}
gate_checks!(table);

/// A gate on the base, where every gate begins.
fn gate_of(stage: &mut dyn Stage, n: u32, steps: &[Step]) -> RunGate {
    let (base, program) = (stage.base(), stage.program(steps));
    gate(n, &base, &base, program)
}

fn verdict(stage: &mut dyn Stage, n: u32, steps: &[Step]) -> Verdict {
    let gate = gate_of(stage, n, steps);
    stage.gated(&gate)
}

fn is_red(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Red { .. })
}

fn is_none(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::None { .. })
}

/// Status 0 is green. Any other is red, and so is a gate that cannot be started: its plan is at fault.
fn a_gate_is_green_or_red_by_its_exit_status(stage: &mut dyn Stage) {
    assert_eq!(verdict(stage, 1, &[]), Verdict::Green);
    let red = verdict(stage, 2, &[Exit(1)]);
    assert!(is_red(&red), "{red:?}");
    let base = stage.base();
    let red = stage.gated(&gate(3, &base, &base, Program::Argv(vec![NO_PROGRAM.to_owned()])));
    assert!(is_red(&red), "{red:?}");
}

/// A gate that somebody killed found nothing, however often it is asked; under a new number it runs again.
fn a_gate_that_is_killed_gives_no_verdict(stage: &mut dyn Stage) {
    let gate = gate_of(stage, 1, &[Die(9)]);
    let found = stage.gated(&gate);
    assert!(is_none(&found), "{found:?}");
    stage.crash();
    assert_eq!(stage.gated(&gate), found, "asked after a crash");
    assert_eq!((verdict(stage, 2, &[]), stage.starts()), (Verdict::Green, 2));
}

/// Nor did one whose end nobody saw, and nothing of it lives on.
fn a_gate_whose_keeper_is_killed_gives_no_verdict(stage: &mut dyn Stage) {
    let gate = gate_of(stage, 1, &[Wait]);
    stage.begin(Effect::RunGate(Box::new(gate.clone())));
    stage.stranger(Deed::KillKeepers);
    let found = stage.gated(&gate);
    assert!(is_none(&found), "{found:?}");
    assert_eq!((stage.living(), stage.starts()), (0, 1));
}

/// A gate that does not come to an end is red: what it checks may be what keeps it.
fn a_gate_that_takes_too_long_is_red(stage: &mut dyn Stage) {
    let mut gate = gate_of(stage, 1, &[Wait]);
    gate.gate.as_mut().expect("it is not a setup").timeout_ms = SHORT_MS;
    let found = stage.gated(&gate);
    assert!(is_red(&found), "{found:?}");
}

/// Whoever asks again gets the verdict that there is.
fn a_gate_is_run_once(stage: &mut dyn Stage) {
    let gate = gate_of(stage, 1, &[Exit(2)]);
    let found = stage.gated(&gate);
    assert_eq!(stage.gated(&gate), found, "asked twice");
    stage.crash();
    assert_eq!(stage.gated(&gate), found, "asked after a crash");
    assert!(is_red(&found) && stage.starts() == 1, "{found:?}");
}

/// A gate outlives its orchestrator, and the next one gets its verdict.
fn a_gate_that_runs_at_a_crash_is_adopted(stage: &mut dyn Stage) {
    let gate = gate_of(stage, 1, &[Wait]);
    stage.begin(Effect::RunGate(Box::new(gate.clone())));
    stage.crash();
    stage.let_go();
    assert_eq!((stage.gated(&gate), stage.starts()), (Verdict::Green, 1));
}

/// A gate has the files of the commit that it is about, and none of another gate's before it.
fn a_gate_sees_exactly_its_commit(stage: &mut dyn Stage) {
    let (_, kept) = stage.attempt("a", &[Write("p"), Commit]);
    let base = stage.base();
    for (n, commit, green) in [(1, &kept.tip, true), (2, &base, false), (3, &kept.tip, true)] {
        let program = stage.program(&[Need("p"), Write("q")]);
        let found = stage.gated(&gate(n, commit, &base, program));
        assert_eq!(found == Verdict::Green, green, "gate {n}: {found:?}");
    }
    let program = stage.program(&[Need("q")]);
    let found = stage.gated(&gate(4, &kept.tip, &base, program));
    assert!(is_red(&found), "{found:?}");
}

/// A gate that is about other paths than the commit changes has nothing to find, and does not run.
fn a_gate_about_other_paths_is_green_unseen(stage: &mut dyn Stage) {
    let (_, kept) = stage.attempt("a", &[Write("p")]);
    let base = stage.base();
    for (n, path, green) in [(1, "q", true), (2, "p", false)] {
        let program = stage.program(&[Exit(1)]);
        let mut gate = gate(n, &kept.tip, &base, program);
        gate.gate.as_mut().expect("it is not a setup").paths = vec![path.to_owned()];
        let found = stage.gated(&gate);
        assert_eq!(found == Verdict::Green, green, "gate {n}: {found:?}");
    }
    assert_eq!(stage.starts(), 2, "the attempt's program, and one gate");
}
