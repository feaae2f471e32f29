//! Fates: names for what programs do in a run, each a list of steps. When they do it, and what it costs, is chosen beside.

use swarm_domain::Usd;

use crate::choice::{Choices, Site, Who};
use crate::conformance::stage::Step::{self, Commit, DeleteWorktree, Die, Exit, Uproot, Wait, Write};

use super::script::{Play, Script};

/// What a program uses it uses in so many responses.
const QUANTA: u64 = 4;
/// One that talks does so this often, in milliseconds.
const TALK_MS: u64 = 20_000;
/// How much is printed by one that prints without end, in bytes.
const FLOOD_BYTES: usize = 2_000;

/// Stands for the paths that are the task's own.
const OWN: Step = Write("its own paths");
/// Stands for those of them that it was not given with conflict markers.
const UNMARKED: Step = Write("its own paths without markers");
/// Stands for a path that is not the task's own.
const ELSEWHERE: Step = Write("a path of somebody else");
/// Stands for saying something, [`TALK_MS`] after what was before.
const TALK: Step = Step::Print(String::new());

/// What becomes of a program; the numbers are those of [`Site::AgentFate`].
const FATES: [&[Step]; 14] = [
    WORKS,
    // Fails.
    &[OWN, Exit(1)],
    // Dies.
    &[Die(11)],
    // Dies after committing.
    &[OWN, Commit, Die(11)],
    // Changes nothing.
    &[Exit(0)],
    // Hangs.
    &[OWN, TALK, TALK, TALK, Wait],
    // Is silent.
    &[OWN, Wait],
    // Wrecks its worktree.
    &[OWN, Commit, ELSEWHERE, DeleteWorktree, Exit(0)],
    // Moves HEAD away.
    &[OWN, Commit, Uproot, Exit(0)],
    // Leaves markers.
    &[UNMARKED, Exit(0)],
    // Strays.
    &[OWN, ELSEWHERE, Exit(0)],
    // Does not start; fails in setup; loses its holder: what it would do otherwise.
    WORKS,
    WORKS,
    WORKS,
];
const WORKS: &[Step] = &[OWN, Exit(0)];
const DOES_NOT_START: usize = 11;
const FAILS_IN_SETUP: usize = 12;
const LOSES_HOLDER: usize = 13;

/// The paths of a task.
pub(super) struct Hands<'a> {
    pub(super) own: &'a [&'static str],
    pub(super) elsewhere: &'static str,
    pub(super) has_markers: &'a dyn Fn(&str) -> bool,
}

/// What an attempt does in a run.
pub(super) fn of_attempt(choices: &mut Choices, who: Who, grant: Usd, hands: &Hands<'_>) -> Play {
    let mut once = |site| choices.once(site, who);
    let eighths = u64::from(once(Site::AgentCost));
    let fate = once(Site::AgentFate) as usize;
    let takes_ms = 20 << (2 * once(Site::AgentTime));
    let meter = once(Site::AgentMeter);
    let mut script = Script::with_capacity(12);
    if once(Site::AgentDeaf) == 1 {
        script.push((0, Step::IgnoreTerm));
    }
    if once(Site::AgentFlood) == 1 {
        script.push((0, Step::Print("x".repeat(FLOOD_BYTES))));
    }
    let (begins, ends) = FATES[fate].split_at(FATES[fate].iter().position(takes_time).unwrap_or_default());
    for step in begins {
        begin(step, hands, &mut script);
    }
    report(meter, takes_ms, cost(grant, eighths), &mut script);
    end(ends, takes_ms, &mut script);
    Play {
        setup: if fate == FAILS_IN_SETUP { vec![Some(vec![(takes_ms, Exit(1))])] } else { Vec::new() },
        main: (fate != DOES_NOT_START).then_some(script),
        lost_after_ms: (fate == LOSES_HOLDER).then_some(takes_ms / 2),
    }
}

/// In micro-dollars.
fn cost(grant: Usd, eighths: u64) -> u64 {
    let grant = grant.micros();
    if grant == 0 { 5 * eighths } else { grant.min(1_000_000) * 2 * eighths / 8 }
}

fn takes_time(step: &Step) -> bool {
    matches!(step, Step::Print(_) | Wait | Exit(_) | Die(_))
}

/// What is done at once.
fn begin(step: &Step, hands: &Hands<'_>, script: &mut Script) {
    if *step == ELSEWHERE {
        script.push((0, Write(hands.elsewhere)));
    } else if let Write(_) = step {
        let meant = hands.own.iter().filter(|path| *step == OWN || !(hands.has_markers)(path));
        script.extend(meant.map(|path| (0, Write(path))));
    } else {
        script.push((0, step.clone()));
    }
}

/// It says what it has used: as it goes, at the end, or never.
fn report(meter: u32, takes_ms: u64, cost: u64, script: &mut Script) {
    let from = [1, QUANTA, QUANTA + 1][meter as usize];
    script.extend((from..=QUANTA).map(|quanta| {
        let used = Usd::from_micros(cost * quanta / QUANTA);
        (takes_ms * quanta / QUANTA, Step::Report(used))
    }));
}

/// What comes when its time is over.
fn end(steps: &[Step], takes_ms: u64, script: &mut Script) {
    let mut after_ms = takes_ms;
    for step in steps {
        if *step == TALK {
            after_ms += TALK_MS;
            script.push((after_ms, Step::Print("still at it\n".to_owned())));
        } else {
            script.push((after_ms, step.clone()));
        }
    }
}

/// What a gate does in a run. `on_base`: nobody has changed anything that it could find.
pub(super) fn of_gate(choices: &mut Choices, n: u32, on_base: bool) -> Play {
    let who = Who::Number(n);
    let last = match choices.once(Site::GateVerdict, who) {
        1 if !on_base => Exit(1),
        2 => Die(9),
        _ => Exit(0),
    };
    let takes_ms = 20 << (2 * choices.once(Site::GateTime, who));
    Play { main: Some(vec![(takes_ms, last)]), ..Play::default() }
}
