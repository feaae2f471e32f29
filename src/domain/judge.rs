//! What an attempt came to, and whether there is another, for one task. Changes nothing by itself.

use crate::caps::{Measure, Reached};
use crate::checks::{Checks, Red, Stage};
use crate::event::{
    AttemptFailed, AttemptPassed, Event, Preserved, RetryScheduled, TaskCancelled, TaskDone, TaskFailed,
    TaskHeld, TaskQueued, TaskSkipped,
};
use crate::fact::{Cap, Cause, Ending, Leak, Start, Stop, Trouble, TroubleKind};
use crate::hazard::{self, Hazard};
use crate::holds::trouble;
use crate::ledger::Ledger;
use crate::plan::{OnChangeless, OnConflict, OnLimit, OnStray, RetryOn};
use crate::policy::{Again, Policy};
use crate::state::Parts;
use crate::task::{Attempt, Finding, Phase, Task};

/// Places of secrets that are written out in a sentence.
const PLACES_SHOWN: usize = 3;
/// What the next attempt is told to do about secrets.
const SECRET_HINT: &str = "take every secret out of the files and out of every commit message; let the program read it \
                           from its environment, and let tests make one up";

/// Failures in a row that are nobody's fault, before they count as the task's own.
pub(crate) const MISHAPS_MAX: u32 = 3;

/// The next event of a task about which something is to be decided, if it can be decided now.
pub(crate) fn next(parts: &Parts, policy: &dyn Policy, task: &Task, now_ms: u64) -> Option<Event> {
    match &task.phase {
        Phase::Failing { cause, counts } => {
            Some(after_failure(parts, policy, task, (*cause, *counts), now_ms))
        }
        Phase::Judging(finding) if !task.cancel => Some(judged(parts, task, finding)),
        Phase::Waiting if task.doomed.is_some() && !task.cancel => skipped(task),
        Phase::Ready if !task.cancel => Some(out_of_money(&parts.ledger, task)),
        Phase::Gating(checks) if checks.passed() => Some(queued(task)),
        Phase::Gating(checks) => checks.red().map(|red| red_gate(task, red)),
        Phase::Judging(_)
        | Phase::Waiting
        | Phase::Ready
        | Phase::Backoff { .. }
        | Phase::Queued
        | Phase::Held { .. } => cancelled(parts, task, false),
        Phase::Making | Phase::Running | Phase::Saving | Phase::Merging | Phase::Ended(_) => None,
    }
}

/// The end of a task that is to be cancelled, or of any other if it must be.
pub(crate) fn cancelled(parts: &Parts, task: &Task, anyway: bool) -> Option<Event> {
    let reason = match &parts.run.halted {
        Some(failed) => format!("`{failed}` failed and the plan says on_failure: stop"),
        None => "cancelled on request".to_owned(),
    };
    (task.cancel || anyway).then(|| TaskCancelled { task: task.spec.id.clone(), reason }.into())
}

fn skipped(task: &Task) -> Option<Event> {
    let because = task.doomed.clone()?;
    Some(TaskSkipped { task: task.spec.id.clone(), because }.into())
}

fn out_of_money(ledger: &Ledger, task: &Task) -> Event {
    let reason = match ledger.task_used_up(&task.spec) {
        Some(Reached { measure: Measure::Usd, cap, .. }) => {
            format!("its budget of {} is spent", Measure::Usd.amount(cap))
        }
        Some(Reached { measure, used, cap }) => {
            format!("its budget of {} is used up ({} used)", measure.amount(cap), measure.amount(used))
        }
        None => "its budget is used up".to_owned(),
    };
    TaskFailed { task: task.spec.id.clone(), cause: Cause::Budget, reason }.into()
}

/// What a kept attempt means.
fn judged(parts: &Parts, task: &Task, finding: &Finding) -> Event {
    let attempt = task.attempt.as_ref().expect("a judged task has an attempt");
    let verdict = match finding {
        Finding::NoWorktree(error) => Err((Cause::Environment, format!("no worktree: {error}"))),
        Finding::Unkept(error) => Err((Cause::Environment, format!("its work could not be kept: {error}"))),
        Finding::Kept(kept) => reported(parts, attempt)
            .and_then(|()| ended(parts, task, attempt))
            .and_then(|()| left(task, attempt, kept)),
    };
    match verdict {
        Err((Cause::Secret, _)) => leaked(task, secrets_of(finding)),
        Err((cause, reason)) => failed(task, cause, reason, String::new(), mends(cause, finding)),
        Ok(()) => accepted(parts, task, finding),
    }
}

/// What the next attempt is advised to do.
fn mends(cause: Cause, finding: &Finding) -> String {
    match finding {
        Finding::Kept(kept) if cause == Cause::Hazard => hazard::hint(&kept.hazards),
        Finding::Kept(_) | Finding::NoWorktree(_) | Finding::Unkept(_) => String::new(),
    }
}

/// What the program said of its own end. An exit status alone proves nothing: programs leave with 0 that were refused,
/// interrupted, or cut off.
fn reported(parts: &Parts, attempt: &Attempt) -> Result<(), (Cause, String)> {
    let (Some(report), Some(ending)) = (&attempt.report, &attempt.ending) else { return Ok(()) };
    let by_itself = matches!(ending, Ending::Exited { .. } | Ending::Overstayed);
    // One that tried in vain was ended for its silence, which is not why it failed.
    let refused = |kind: TroubleKind| *ending == Ending::Idle && kind != TroubleKind::Error;
    match trouble(ending, Some(report)).filter(|_| attempt.stop.is_none()) {
        Some(Trouble { kind: TroubleKind::Login, said, .. }) => Err((Cause::Login, said.clone())),
        Some(Trouble { kind: TroubleKind::Limit, said, .. }) if waits(parts) => {
            Err((Cause::Limit, said.clone()))
        }
        Some(Trouble { kind, said, .. }) if by_itself || refused(*kind) => Err((Cause::Crash, said.clone())),
        _ if report.finished && report.trouble.is_none() => Ok(()),
        _ if by_itself && attempt.stop.is_some() => {
            Err((Cause::Interrupted, "stopped before it was done".to_owned()))
        }
        _ if by_itself => Err((Cause::Crash, format!("{} without its final record", how(ending)))),
        _ => Ok(()),
    }
}

fn waits(parts: &Parts) -> bool {
    parts.run.settings.on_limit == OnLimit::Wait
}

fn how(ending: &Ending) -> String {
    match ending {
        Ending::Exited { code } => format!("exited with status {code}"),
        _ => "ended".to_owned(),
    }
}

/// How the program ended; an error is a failure and its reason.
fn ended(parts: &Parts, task: &Task, attempt: &Attempt) -> Result<(), (Cause, String)> {
    let stopped = attempt.stop.map(|stop| why_stopped(task, stop));
    let ending = attempt.ending.as_ref().expect("a judged attempt has ended");
    match (ending, stopped) {
        (Ending::Exited { code: 0 } | Ending::Overstayed, _) => Ok(()),
        (_, Some(why)) => Err(why),
        (Ending::Exited { code }, None) => Err((Cause::Crash, format!("exited with status {code}"))),
        (Ending::Signaled { signal }, None) => Err((Cause::Crash, format!("killed by signal {signal}"))),
        (Ending::TimedOut, None) if parts.ledger.task_used_up(&task.spec).is_some_and(is_time) => {
            Err((Cause::Budget, "used up the task's budget of time".to_owned()))
        }
        (Ending::TimedOut, None) => Err((Cause::Timeout, "took longer than its timeout".to_owned())),
        (Ending::Idle, None) => {
            Err((Cause::Timeout, "printed nothing for longer than its idle timeout".to_owned()))
        }
        (Ending::Spent, None) if attempt.refused == Some(Cap::Task) => {
            Err((Cause::Budget, "reached the task's budget".to_owned()))
        }
        (Ending::Spent, None) => {
            let whose = attempt.refused.map(|cap| crate::warn::whose(cap, task.spec.agent()));
            let why = whose.map_or_else(
                || "nobody was there to raise it".to_owned(),
                |whose| format!("{whose} has no more"),
            );
            Err((Cause::Interrupted, format!("reached its grant, and {why}")))
        }
        (Ending::Stopped, None) => Err((Cause::Interrupted, "stopped".to_owned())),
        (Ending::SetupFailed { step, detail }, None) => {
            Err((Cause::Environment, format!("setup command {step} failed: {detail}")))
        }
        (Ending::NotStarted { error }, None) => {
            Err((Cause::Environment, format!("could not be started: {error}")))
        }
        (Ending::Unknown, None) => {
            Err((Cause::Lost, "its holder is gone and nobody saw how it ended".to_owned()))
        }
    }
}

fn secrets_of(finding: &Finding) -> &[Leak] {
    match finding {
        Finding::Kept(kept) => &kept.secrets,
        Finding::NoWorktree(_) | Finding::Unkept(_) => &[],
    }
}

/// Work that holds secrets. Where they are is said, and never what they are.
pub(crate) fn leaked(task: &Task, secrets: &[Leak]) -> Event {
    let places: Vec<String> = secrets.iter().map(place).collect();
    let shown = places.iter().take(PLACES_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = places.len().saturating_sub(PLACES_SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let reason = format!("what it added looks like a secret: {shown}{more}");
    failed(task, Cause::Secret, reason, places.join("\n"), SECRET_HINT.to_owned())
}

fn place(leak: &Leak) -> String {
    format!("`{}:{}` ({})", leak.path, leak.line, leak.rule)
}

/// Why an attempt was stopped. Its task's own cap is the task's failure; all else is nobody's.
fn why_stopped(task: &Task, stop: Stop) -> (Cause, String) {
    let interrupted = |why: &str| (Cause::Interrupted, format!("stopped, because {why}"));
    match stop {
        Stop::Cancelled => interrupted("the task was cancelled"),
        Stop::Interrupted => interrupted("the run was interrupted"),
        Stop::Deadline => interrupted("the run's time is up"),
        Stop::Capped { cap: Cap::Task, measure } => {
            let cap = task.spec.caps.get(measure).unwrap_or_default();
            (Cause::Budget, format!("reached the task's budget of {}", measure.amount(cap)))
        }
        Stop::Capped { cap, measure } => {
            let (whose, what) = (crate::warn::whose(cap, task.spec.agent()), measure.word());
            interrupted(&format!("{whose} ({what}) is used up"))
        }
    }
}

fn is_time(reached: Reached) -> bool {
    reached.measure == Measure::Time
}

/// What it left behind.
fn left(task: &Task, attempt: &Attempt, kept: &Preserved) -> Result<(), (Cause, String)> {
    if kept.missing {
        return Err((Cause::Crash, "deleted its own worktree".to_owned()));
    }
    if !kept.descends {
        let base = attempt.onto.short();
        return Err((
            Cause::Crash,
            format!("moved HEAD to {}, which does not descend from its base {base}", kept.tip.short()),
        ));
    }
    if !kept.secrets.is_empty() {
        return Err((Cause::Secret, String::new()));
    }
    if !kept.markers.is_empty() {
        return Err((Cause::Conflict, format!("left conflict markers in {}", some(&kept.markers))));
    }
    if !kept.hazards.is_empty() {
        return Err((Cause::Hazard, hazard::reason(&kept.hazards)));
    }
    if !kept.strays.is_empty() && task.spec.on_claim_violation == OnStray::Fail {
        return Err((Cause::Claims, format!("wrote outside its claims: {}", some(&kept.strays))));
    }
    if !kept.changed && task.spec.if_no_changes == OnChangeless::Fail && attempt.from == Start::Head {
        return Err((
            Cause::Crash,
            "ended well but changed nothing (`if_no_changes: ok` would accept that)".to_owned(),
        ));
    }
    Ok(())
}

/// The first few of some paths, for a sentence.
pub(crate) fn some(paths: &[String]) -> String {
    let shown = paths.iter().take(3).map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    if paths.len() > 3 { format!("{shown} and {} more", paths.len() - 3) } else { shown }
}

fn accepted(parts: &Parts, task: &Task, finding: &Finding) -> Event {
    let Finding::Kept(kept) = finding else { unreachable!("only kept work is accepted") };
    let attempt = task.attempt.as_ref().expect("a judged task has an attempt");
    if !kept.changed && attempt.from == Start::Head {
        return TaskDone { task: task.spec.id.clone(), reason: "changed nothing".to_owned() }.into();
    }
    let setup = !parts.run.settings.workspace.setup.is_empty();
    if Checks::new(kept.tip.clone(), &task.spec.gates, Stage::Task, setup).passed() {
        return queued(task);
    }
    AttemptPassed { task: task.spec.id.clone(), attempt: attempt.no, setup }.into()
}

fn queued(task: &Task) -> Event {
    let tip = task.tip.as_ref().expect("queued work was kept").tip.clone();
    TaskQueued { task: task.spec.id.clone(), attempt: task.attempt_no(), tip }.into()
}

/// A red gate of the attempt's own.
pub(crate) fn red_gate(task: &Task, red: &Red) -> Event {
    let gate = red.index.and_then(|at| task.spec.gates.get(at as usize));
    let name = gate.map_or("setup", |gate| gate.name.as_str());
    let hint = gate.map(|gate| gate.hint.clone()).unwrap_or_default();
    failed(task, Cause::Gate, format!("gate `{name}` is red: {}", red.detail), red.tail.clone(), hint)
}

/// A merge that would land what must not.
pub(crate) fn refused(task: &Task, hazards: &[Hazard]) -> Event {
    let reason = hazard::reason(hazards);
    failed(task, hazard::cause(hazards), reason, String::new(), hazard::hint(hazards))
}

/// The failure of the current attempt. What is nobody's fault uses up no retry, until it has happened too often.
pub(crate) fn failed(task: &Task, cause: Cause, reason: String, tail: String, hint: String) -> Event {
    let counts = match cause {
        Cause::Interrupted | Cause::Limit | Cause::Login => false,
        Cause::Environment | Cause::Lost => task.mishaps + 1 >= MISHAPS_MAX,
        Cause::Crash
        | Cause::Timeout
        | Cause::Gate
        | Cause::Conflict
        | Cause::Claims
        | Cause::Budget
        | Cause::Hazard
        | Cause::Secret => true,
    };
    AttemptFailed {
        task: task.spec.id.clone(),
        attempt: task.attempt_no(),
        cause,
        reason,
        counts,
        tail,
        hint,
    }
    .into()
}

/// Another attempt, or the end.
fn after_failure(
    parts: &Parts,
    policy: &dyn Policy,
    task: &Task,
    (cause, counts): (Cause, bool),
    now_ms: u64,
) -> Event {
    let id = task.spec.id.clone();
    let reason = task.failure.as_ref().map(|failure| failure.reason.clone()).unwrap_or_default();
    if task.cancel {
        return cancelled(parts, task, false).expect("a task that is to be cancelled has a reason");
    }
    if parts.run.halted.is_some() && !counts {
        return cancelled(parts, task, true).expect("what a halted run leaves undone is cancelled");
    }
    if !counts {
        // The same surroundings are not asked again in the same second.
        // Where the agent program is held, the hold is the wait.
        let wait_ms = match cause {
            Cause::Interrupted | Cause::Limit | Cause::Login => 0,
            _ => 1_000 * u64::from(task.mishaps),
        };
        return RetryScheduled { task: id, at_ms: now_ms + wait_ms }.into();
    }
    let hold = parts.run.settings.merge.on_conflict == OnConflict::Hold;
    if cause == Cause::Conflict && hold && parts.run.halted.is_none() {
        return TaskHeld { task: id, reason }.into();
    }
    if parts.run.halted.is_some() || !may_retry(parts, task, cause) {
        return TaskFailed { task: id, cause, reason }.into();
    }
    let delay_ms = match policy.retry(parts, task, cause) {
        Again::AsPlanned => backoff_ms(task),
        Again::After { delay_ms } => delay_ms.min(task.spec.retries.delay_max_ms),
        Again::GiveUp => {
            let reason = format!("{reason}; not tried again, as the scheduling policy chose");
            return TaskFailed { task: id, cause, reason }.into();
        }
    };
    RetryScheduled { task: id, at_ms: now_ms.saturating_add(delay_ms) }.into()
}

fn may_retry(parts: &Parts, task: &Task, cause: Cause) -> bool {
    let retries = &task.spec.retries;
    let on = match cause {
        Cause::Crash | Cause::Claims => RetryOn::Crash,
        Cause::Timeout => RetryOn::Timeout,
        Cause::Gate | Cause::Hazard | Cause::Secret => RetryOn::Gate,
        Cause::Conflict => RetryOn::Conflict,
        Cause::Budget
        | Cause::Environment
        | Cause::Lost
        | Cause::Interrupted
        | Cause::Limit
        | Cause::Login => return false,
    };
    let on_conflict = parts.run.settings.merge.on_conflict;
    let (wanted, max) = match (on, on_conflict) {
        (RetryOn::Conflict, OnConflict::Fail | OnConflict::Hold) => (false, 0),
        // `on_conflict: retry` promises a second attempt, also to a task that has no retries otherwise.
        (RetryOn::Conflict, OnConflict::Retry | OnConflict::Agent) => (true, retries.max.max(1)),
        (RetryOn::Crash | RetryOn::Timeout | RetryOn::Gate, _) => (true, retries.max),
    };
    wanted && retries.after.contains(&on) && task.retries <= max
}

/// `delay × factor^(retries-1)`, at most the longest wait. A conflict waits for nothing: the head it lost to is there.
fn backoff_ms(task: &Task) -> u64 {
    let retries = &task.spec.retries;
    if task.failure.as_ref().is_some_and(|failure| failure.cause == Cause::Conflict) {
        return 0;
    }
    let mut wait_ms = retries.delay_ms;
    for _ in 1..task.retries {
        wait_ms = wait_ms.saturating_mul(u64::from(retries.factor_percent)) / 100;
        if wait_ms >= retries.delay_max_ms {
            break;
        }
    }
    wait_ms.min(retries.delay_max_ms)
}
