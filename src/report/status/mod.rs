//! The state of a run as a whole, for machines and for people. Both are read off the same state.

mod json;
mod schema;
mod text;

pub use json::{status_json, with_notes};
pub use schema::schema_status;
pub use text::status_text;
pub(super) use text::{commands, mark};

use swarm_domain::TaskId;
use swarm_domain::fact::{Cost, Outcome};
use swarm_domain::owed::ref_name;
use swarm_domain::state::{Parts, State};
use swarm_domain::task::Task;

use super::agents::{Heard, denials};
use super::burn::Burn;
use super::caps;
use super::text::{clean, count};

/// What the state cannot know: whether a process drives the run at this moment, and what its agents are doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Liveness {
    /// The process that drives it, if it lives.
    pub owner: Option<u32>,
    /// What agents were last heard to do.
    pub heard: Heard,
    /// The moment, in milliseconds since 1970; 0 where it does not matter how long what runs has been running.
    pub at_ms: u64,
    /// How fast it spends.
    pub burn: Option<Burn>,
}

/// The word for the state of a run: running, paused, interrupted or finished.
pub fn run_state(parts: &Parts, live: &Liveness) -> &'static str {
    let run = &parts.run;
    match (run.finished, live.owner) {
        (Some(_), _) => "finished",
        (None, None) => "interrupted",
        (None, Some(_)) if run.stopped.is_some() => "interrupted",
        (None, Some(_)) if run.pause.is_some() => "paused",
        (None, Some(_)) => "running",
    }
}

/// The word for how a run came out, once it came to rest.
pub fn run_outcome(parts: &Parts) -> Option<&'static str> {
    outcome(parts).map(Outcome::word)
}

pub(super) fn outcome(parts: &Parts) -> Option<Outcome> {
    parts.run.finished.or(parts.run.stopped.as_ref().map(|(outcome, _)| *outcome))
}

/// The exit code of a run. One that neither finished nor stopped was cut off without a word: its state is saved and
/// it can be resumed, which is what 130 promises.
pub fn exit_code(state: &State) -> u8 {
    state.parts().and_then(outcome).map_or(130, Outcome::exit_code)
}

/// The ref that keeps the last attempt's work, if it was kept.
pub(super) fn kept_ref(parts: &Parts, task: &Task) -> Option<String> {
    task.tip.as_ref().map(|tip| ref_name(&parts.run.id, &task.spec.id, tip.attempt))
}

/// A worktree that stays, because removing it could destroy work.
pub(super) struct Kept<'a> {
    /// Whose.
    pub(super) task: &'a TaskId,
    /// Which attempt's.
    pub(super) attempt: u32,
    /// Where it is.
    pub(super) path: &'a str,
    /// Why it stays.
    pub(super) why: &'a str,
}

/// All worktrees that stay.
pub(super) fn kept_worktrees(parts: &Parts) -> impl Iterator<Item = Kept<'_>> {
    parts.tasks.iter().flat_map(|task| {
        let id = &task.spec.id;
        task.kept.iter().map(move |(attempt, (path, why))| Kept { task: id, attempt: *attempt, path, why })
    })
}

/// What a repair of the journal could not bring back.
fn lost(parts: &Parts) -> String {
    let many = |n: u64, noun| count(usize::try_from(n).unwrap_or(usize::MAX), noun);
    let unfit = match parts.run.unfit {
        0 => String::new(),
        n => format!("; {} behind them no longer fit, and were left out", many(n, "event")),
    };
    let lost = many(parts.run.lost, "record");
    format!("{lost} of the journal destroyed{unfit}: what was asked, spent and done there may be done again")
}

/// What somebody should know, although nobody has to act on it.
fn warnings(parts: &Parts) -> Vec<String> {
    let mut warnings = Vec::new();
    warnings.extend(caps::told(parts));
    if parts.run.lost > 0 {
        warnings.push(lost(parts));
    }
    match parts.ledger.cost() {
        Cost::Unknown if parts.run.lost > 0 => {}
        Cost::Metered => {}
        Cost::Estimated => warnings.push(
            "the sum is an estimate: tokens at list prices, or what was reserved where an agent did not say"
                .to_owned(),
        ),
        Cost::Unknown => {
            warnings.push("some agents did not say what they cost, so the sum is not known".to_owned());
        }
    }
    warnings.extend(denials(parts));
    for kept in kept_worktrees(parts) {
        let (path, why) = (clean(kept.path), clean(kept.why));
        warnings
            .push(format!("the worktree of {}, attempt {}, stays at {path}: {why}", kept.task, kept.attempt));
    }
    warnings
}
