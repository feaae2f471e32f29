//! Whether the run is over, and how it came out. Law 11: giving up needs a recorded reason.

use crate::Usd;
use crate::caps::{Measure, Reached};
use crate::event::{Event, RunFinished, RunStopped};
use crate::fact::{Cap, Cause, Moment, Outcome};
use crate::holds::Hold;
use crate::next::next_in_line;
use crate::run::{Pause, Preflight};
use crate::state::Parts;
use crate::task::{End, Phase, Task};

/// How long a full disk is waited for, in milliseconds.
pub(crate) const DISK_WAIT_MS: u64 = 10 * 60 * 1000;

/// The run's last event, once nothing more can happen by itself.
pub(crate) fn end(parts: &Parts, now: &Moment<'_>) -> Option<Event> {
    let tidy = !parts.tasks.any_leftover();
    if parts.tasks.all_ended() {
        return (tidy && parts.gates.is_idle()).then(|| RunFinished { outcome: outcome(parts) }.into());
    }
    if is_busy(parts, now) || !(tidy || is_stalled(parts, now)) {
        return None;
    }
    reason(parts, now).map(|(outcome, detail)| RunStopped { outcome, detail }.into())
}

/// Something is under way that will bring news by itself, and is worth waiting for.
fn is_busy(parts: &Parts, now: &Moment<'_>) -> bool {
    if parts.tasks.any_program() {
        return true;
    }
    if is_stalled(parts, now) {
        return false;
    }
    let moving = parts.train.car().is_some_and(|car| car.stage.asks_git());
    if parts.run.interrupt.is_some() {
        // Gates have holders of their own: what they find is found again when the run is resumed.
        return parts.tasks.any_slot() || parts.tasks.unjudged() > 0 || moving;
    }
    let merging = parts.train.car().is_some_and(|car| !car.stage.waits());
    parts.tasks.any_under_way() || merging || !parts.gates.is_idle() || parts.train.head().is_none()
}

/// There is no room on the disk, and nobody waits for it any longer: what cannot be written now is owed again later.
fn is_stalled(parts: &Parts, now: &Moment<'_>) -> bool {
    parts.run.no_room.is_some() && (out_of_patience(parts, now) || parts.run.interrupt.is_some())
}

fn out_of_patience(parts: &Parts, now: &Moment<'_>) -> bool {
    parts.run.no_room.is_some_and(|(_, since_ms)| now.at_ms >= since_ms.saturating_add(DISK_WAIT_MS))
}

/// Why nothing goes on. The order is that of the exit codes: what needs a person most wins.
fn reason(parts: &Parts, now: &Moment<'_>) -> Option<(Outcome, String)> {
    let run = &parts.run;
    if let Preflight::Failed { name, .. } = &run.preflight {
        return Some((Outcome::Environment, format!("`{name}` fails on the base, before any agent ran")));
    }
    if out_of_patience(parts, now) {
        return Some((Outcome::Environment, "there is no room on the disk".to_owned()));
    }
    if let Some(signal) = run.interrupt {
        return Some((Outcome::Interrupted { signal }, "interrupted; work is kept".to_owned()));
    }
    if run.no_room.is_some() {
        return None;
    }
    // In plan order, work may wait for the turn of a task that will not start any more.
    let will_land = parts.train.car().is_some() || next_in_line(parts).is_some();
    if parts.train.is_lost() {
        let target = &run.settings.target;
        return Some((
            Outcome::Merge,
            format!("`{target}` was moved and no longer holds what this run landed"),
        ));
    }
    if will_land && parts.train.held().is_none() && parts.train.broken().is_none() {
        return None;
    }
    if let Some(signal) = run.drain {
        return Some((Outcome::Interrupted { signal }, "interrupted after what ran had finished".to_owned()));
    }
    stuck(parts, now.at_ms)
}

/// Nothing runs, nothing lands, and nobody asked for that.
fn stuck(parts: &Parts, now_ms: u64) -> Option<(Outcome, String)> {
    let run = &parts.run;
    let limited = |task: &Task| hold_of(parts, task).is_some_and(|(_, hold)| hold.until_ms.is_some());
    let may_retry =
        run.may_start() && (parts.tasks.next_retry().is_some() || parts.tasks.held().any(limited));
    // A pause ends on request, but not beyond the deadline: nothing would start then.
    let paused = run.pause == Some(Pause::Asked) && !run.overdue;
    if may_retry || (matches!(run.preflight, Preflight::Due(_)) && !run.overdue) || paused {
        return None;
    }
    // A limit is over some time: whatever else keeps the run from waiting for that is why it stops.
    let mut held = parts.tasks.held().filter(|task| !limited(task));
    if let Some((agent, hold)) = held.find_map(|task| hold_of(parts, task)) {
        return Some((Outcome::Environment, format!("`{agent}` cannot be used: {}", hold.said)));
    }
    if let Some(fault) = parts.train.broken() {
        return Some((Outcome::Merge, format!("git cannot merge: {fault}")));
    }
    if let Some(hold) = parts.train.held().filter(|_| !parts.train.is_empty()) {
        let target = &run.settings.target;
        return Some((
            Outcome::Merge,
            format!("`{target}` is checked out in {}, so nothing can land on it", hold.path),
        ));
    }
    if let Some(Pause::Failed(task)) = &run.pause {
        return Some((Outcome::Paused, format!("`{task}` failed and the plan says on_failure: pause")));
    }
    if run.overdue {
        return Some((Outcome::Deadline, "the run's deadline has passed".to_owned()));
    }
    if parts.tasks.ready() > 0 && parts.ledger.day_may_grow(parts.tasks.least_ready(), now_ms) {
        return None;
    }
    if parts.tasks.ready() > 0 {
        return Some((Outcome::Budget, money(parts, now_ms)));
    }
    let held = parts.tasks.iter().find(|task| matches!(task.phase, Phase::Held { .. }));
    held.map(|task| (Outcome::Paused, format!("`{}` is held for a person", task.spec.id)))
}

/// What keeps a task's agent program from starting.
fn hold_of<'a>(parts: &'a Parts, task: &'a Task) -> Option<(&'a str, &'a Hold)> {
    let agent = task.spec.adapter()?;
    Some((agent, parts.holds.of(agent)?))
}

/// Which cap keeps what is ready from starting.
fn money(parts: &Parts, now_ms: u64) -> String {
    let ledger = &parts.ledger;
    let agent = parts.tasks.first_ready().and_then(|task| task.spec.agent());
    let bar = ledger.bar(agent, now_ms);
    let cap = bar.map_or_else(|| ledger.tightest(agent), |bar| bar.cap);
    let whose = crate::warn::whose(cap, agent);
    let counted = bar.map(|bar| bar.reached).filter(|reached| reached.measure != Measure::Usd);
    if let Some(Reached { measure, used, cap }) = counted {
        let (used, cap) = (measure.amount(used), measure.amount(cap));
        return format!("{whose} of {cap} is used up ({used} used)");
    }
    let (spent, of) = purse(parts, cap, agent, now_ms);
    // What live runs have claimed of the day is not told apart from what runs have spent of it.
    let shared = cap == Cap::Day && ledger.day().is_some_and(|day| day.elsewhere > Usd::ZERO);
    let or_held = if shared { " or held by other runs" } else { "" };
    format!(
        "{spent} of {whose} of {of} are spent{or_held}, and what is left does not pay for the next attempt"
    )
}

/// What is spent of a cap on money, and the cap.
fn purse(parts: &Parts, cap: Cap, agent: Option<&str>, now_ms: u64) -> (Usd, Usd) {
    let ledger = &parts.ledger;
    let of_agent = |agent| (ledger.used_by_agent(agent, now_ms).usd, ledger.agent_caps(agent).usd);
    let (spent, of) = match (cap, agent) {
        (Cap::Agent, Some(agent)) => of_agent(agent),
        (Cap::Day, _) => (ledger.day().map(|day| day.total(Usd::ZERO)).unwrap_or_default(), ledger.per_day()),
        (Cap::Run | Cap::Task | Cap::Agent, _) => (ledger.spent(), ledger.cap()),
    };
    (spent, of.unwrap_or_default())
}

/// How a run came out whose tasks are all final.
fn outcome(parts: &Parts) -> Outcome {
    let required = || parts.tasks.iter().filter(|task| !task.spec.optional);
    let landed = |end: Option<&End>| end.is_some_and(End::is_landed);
    if required().all(|task| landed(task.end())) {
        return Outcome::Landed;
    }
    if required()
        .any(|task| matches!(task.end(), Some(End::Failed { cause: Cause::Environment | Cause::Lost, .. })))
    {
        return Outcome::Environment;
    }
    if parts.run.cancelled {
        return Outcome::Cancelled;
    }
    let any = parts.tasks.iter().any(|task| landed(task.end()));
    if any { Outcome::Partial } else { Outcome::Failed }
}
