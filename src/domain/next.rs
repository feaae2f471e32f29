//! What should happen next, if anything, in the whole run. Asked after every change until it has nothing more to say.

use crate::checks::Checks;
use crate::event::{
    AgentFreed, AttemptStarted, DeadlineReached, Event, GateStarted, MergeIntended, MergePrepared,
    PreflightFailed, PreflightPassed, RetryDue, RunPaused, StopAsked, TaskDone,
};
use crate::fact::{Anchor, Cap, Cause, Moment, Site, Start, Stop};
use crate::judge;
use crate::plan::{AtCap, MergeOrder, OnFailure, RetryFrom, Strategy, Work};
use crate::policy::Policy;
use crate::run::Preflight;
use crate::state::{Parts, State};
use crate::task::Task;
use crate::train::{Car, CarStage, Waiting};

/// The next events, as one atomic batch; empty when only the world can bring news.
pub(crate) fn next(state: &State, policy: &dyn Policy, now: &Moment<'_>) -> Vec<Event> {
    let Some(parts) = state.parts() else { return Vec::new() };
    if !parts.run.is_live() || parts.tasks.len() < parts.run.tasks as usize {
        return Vec::new();
    }
    agenda(parts, policy, now)
        .or_else(|| one(deadline(parts, now)))
        .or_else(|| one(retry_due(parts, now)))
        .or_else(|| one(hold_over(parts, now)))
        .or_else(|| one(crate::warn::due(parts, now.at_ms)))
        .or_else(|| one(stop(parts, now.at_ms)))
        .or_else(|| one(preflight(parts, now)))
        .or_else(|| one(land(parts, policy, now)))
        .or_else(|| one(own_gate(parts, now)))
        .or_else(|| one(start(parts, policy, now)))
        .or_else(|| one(crate::end::end(parts, now)))
        .unwrap_or_default()
}

fn one(event: Option<Event>) -> Option<Vec<Event>> {
    event.map(|event| vec![event])
}

/// What is to be decided about single tasks. A failure that pauses the run does so in the same batch.
fn agenda(parts: &Parts, policy: &dyn Policy, now: &Moment<'_>) -> Option<Vec<Event>> {
    let task = parts.tasks.on_agenda()?;
    let event = judge::next(parts, policy, task, now.at_ms)?;
    let pauses = matches!(event, Event::TaskFailed(_))
        && !task.spec.optional
        && parts.run.settings.on_failure == OnFailure::Pause
        && parts.run.pause.is_none();
    let mut events = vec![event];
    if pauses {
        events.push(RunPaused { because: task.spec.id.clone() }.into());
    }
    Some(events)
}

fn deadline(parts: &Parts, now: &Moment<'_>) -> Option<Event> {
    let due = parts.run.deadline_ms().is_some_and(|at_ms| now.at_ms >= at_ms);
    (due && !parts.run.overdue).then(|| DeadlineReached {}.into())
}

fn retry_due(parts: &Parts, now: &Moment<'_>) -> Option<Event> {
    let (at_ms, task) = parts.tasks.next_retry()?;
    (at_ms <= now.at_ms).then(|| RetryDue { task: task.spec.id.clone() }.into())
}

fn hold_over(parts: &Parts, now: &Moment<'_>) -> Option<Event> {
    let (at_ms, agent) = parts.holds.next_over()?;
    (at_ms <= now.at_ms).then(|| AgentFreed { agent: agent.to_owned() }.into())
}

/// An attempt that is to end and was not told so yet.
fn stop(parts: &Parts, now_ms: u64) -> Option<Event> {
    parts.tasks.in_slots().find_map(|task| {
        let attempt = task.attempt.as_ref().filter(|attempt| attempt.stop.is_none())?;
        let why = match (task.cancel, parts.run.interrupt, parts.run.overdue) {
            (true, _, _) => Stop::Cancelled,
            (false, Some(_), _) => Stop::Interrupted,
            (false, None, true) => Stop::Deadline,
            (false, None, false) => capped(parts, task, now_ms)?,
        };
        Some(StopAsked { task: task.spec.id.clone(), attempt: attempt.no, why }.into())
    })
}

/// A task's own cap ends its attempt. One that is shared does where the plan says so. Money of a task is kept by the
/// grant, and its time by the attempt's timeout.
fn capped(parts: &Parts, task: &Task, now_ms: u64) -> Option<Stop> {
    let ledger = &parts.ledger;
    let own = ledger.task_reached(&task.spec, now_ms).map(|reached| (Cap::Task, reached.measure));
    let kills = parts.run.settings.at_cap == AtCap::Kill;
    let line = ledger.line(&task.spec.id, task.attempt.as_ref()?.no);
    let shared = || line.filter(|_| kills).and_then(|line| ledger.reached(line, now_ms));
    let (cap, measure) = own.or_else(|| shared().map(|bar| (bar.cap, bar.reached.measure)))?;
    Some(Stop::Capped { cap, measure })
}

fn preflight(parts: &Parts, now: &Moment<'_>) -> Option<Event> {
    let Preflight::Due(checks) = &parts.run.preflight else { return None };
    if parts.run.interrupt.is_some() || parts.run.drain.is_some() || parts.run.cancelled {
        return None;
    }
    parts.train.head()?;
    if let Some(red) = checks.red() {
        return Some(PreflightFailed { name: base_gate_name(parts, red.index), n: red.n }.into());
    }
    if checks.passed() {
        return Some(PreflightPassed {}.into());
    }
    let index = checks.due()?;
    gate(parts, now, Site::Preflight, checks, index, base_gate_name(parts, index))
}

fn base_gate_name(parts: &Parts, index: Option<u32>) -> String {
    let gate = index.and_then(|at| parts.run.base_gates.get(at as usize));
    gate.map_or_else(|| "setup".to_owned(), |gate| gate.name.clone())
}

fn gate_name(task: &Task, index: Option<u32>) -> String {
    let gate = index.and_then(|at| task.spec.gates.get(at as usize));
    gate.map_or_else(|| "setup".to_owned(), |gate| gate.name.clone())
}

fn gate(
    parts: &Parts,
    now: &Moment<'_>,
    site: Site,
    checks: &Checks,
    index: Option<u32>,
    name: String,
) -> Option<Event> {
    let slot = parts.gates.free_slot(parts.run.settings.gate_slots)?;
    let n = parts.gates.next();
    let nonce = nonce(now, u64::from(n) << 32);
    Some(GateStarted { n, site, index, name, commit: checks.commit().clone(), nonce, slot }.into())
}

/// A name for a holder that no other attempt of any run has.
fn nonce(now: &Moment<'_>, salt: u64) -> String {
    let mixed = (now.entropy ^ salt).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!("{:016x}{mixed:016x}", now.entropy)
}

/// The next step of the merge train.
fn land(parts: &Parts, policy: &dyn Policy, now: &Moment<'_>) -> Option<Event> {
    let train = &parts.train;
    let stopped =
        train.is_lost() || train.held().is_some() || train.broken().is_some() || parts.run.no_room.is_some();
    if let Some(car) = parts.train.car().filter(|car| car.stage.waits()) {
        let cancelled = parts.tasks.get(&car.task).filter(|task| task.cancel);
        if let Some(event) = cancelled.and_then(|task| judge::cancelled(parts, task, false)) {
            return Some(event);
        }
    }
    if parts.run.interrupt.is_some() {
        return None;
    }
    parts.train.head()?;
    match parts.train.car() {
        Some(Car { task, stage: CarStage::Checking { old, commit, checks }, secrets, .. }) => {
            let task = parts.tasks.get(task)?;
            if !secrets.is_empty() {
                return Some(judge::leaked(task, secrets));
            }
            if let Some(red) = checks.red() {
                return Some(judge::red_gate(task, red));
            }
            if !checks.passed() {
                let index = checks.due()?;
                let site = Site::Train { task: task.spec.id.clone(), attempt: task.attempt_no() };
                return gate(parts, now, site, checks, index, gate_name(task, index));
            }
            let Some(commit) = commit else { return Some(nothing_to_land(task)) };
            let event = MergeIntended {
                task: task.spec.id.clone(),
                attempt: task.attempt_no(),
                old: old.clone(),
                commit: commit.clone(),
            };
            (!stopped).then(|| event.into())
        }
        Some(Car { task, stage: CarStage::Conflicted, .. }) => {
            let task = parts.tasks.get(task)?;
            let paths = task.failure.as_ref().map(|failure| failure.conflicts.clone()).unwrap_or_default();
            let reason = format!("conflicts with the target in {}", judge::some(&paths));
            Some(judge::failed(task, Cause::Conflict, reason, String::new(), String::new()))
        }
        Some(Car { task, stage: CarStage::Refused(hazards), .. }) => {
            let task = parts.tasks.get(task)?;
            Some(judge::refused(task, hazards))
        }
        Some(Car { task, stage: CarStage::Waiting, tip, attempt, .. }) => {
            let task = parts.tasks.get(task)?;
            let waiting = Waiting { task: task.spec.id.clone(), attempt: *attempt, tip: tip.clone() };
            (!stopped).then(|| prepare(parts, now, &waiting))
        }
        Some(Car { stage: CarStage::Building(..) | CarStage::Landing { .. }, .. }) => None,
        None if stopped => None,
        None => Some(prepare(parts, now, turn(parts, policy)?)),
    }
}

fn nothing_to_land(task: &Task) -> Event {
    TaskDone { task: task.spec.id.clone(), reason: "its changes are in the target already".to_owned() }.into()
}

/// `order: ready` takes who came first, `order: plan` who is first among those that are not final.
pub(crate) fn next_in_line(parts: &Parts) -> Option<&Waiting> {
    match parts.run.settings.merge.order {
        MergeOrder::Ready => parts.train.line().next(),
        MergeOrder::Plan => {
            let turn = parts.tasks.first_open()?;
            parts.train.line().find(|waiting| waiting.task == turn.spec.id)
        }
    }
}

/// Whose turn it is to land. Only `order: ready` leaves a choice.
fn turn<'a>(parts: &'a Parts, policy: &dyn Policy) -> Option<&'a Waiting> {
    let chosen = match parts.run.settings.merge.order {
        MergeOrder::Ready => policy.land(parts, &mut parts.train.line()),
        MergeOrder::Plan => None,
    };
    let offered = |chosen| parts.train.line().find(|waiting| waiting.task == chosen);
    chosen.and_then(offered).or_else(|| next_in_line(parts))
}

fn prepare(parts: &Parts, now: &Moment<'_>, waiting: &Waiting) -> Event {
    let Anchor { seq: anchor_seq, hash: anchor_hash } = (now.anchor)();
    MergePrepared {
        task: waiting.task.clone(),
        attempt: waiting.attempt,
        old: parts.train.expected(),
        onto: parts.train.onto(),
        tip: waiting.tip.clone(),
        at_s: now.at_ms / 1000,
        anchor_seq,
        anchor_hash,
    }
    .into()
}

/// The next gate of an attempt's own, when there is a gate worktree for it.
fn own_gate(parts: &Parts, now: &Moment<'_>) -> Option<Event> {
    if parts.run.interrupt.is_some() {
        return None;
    }
    parts.tasks.gating().find_map(|task| {
        let crate::task::Phase::Gating(checks) = &task.phase else { return None };
        let index = checks.due()?;
        let site = Site::Task { task: task.spec.id.clone(), attempt: task.attempt_no() };
        gate(parts, now, site, checks, index, gate_name(task, index))
    })
}

/// Law 11: a free slot and a ready, affordable task start at once. Law 7: what is admitted is free.
fn start(parts: &Parts, policy: &dyn Policy, now: &Moment<'_>) -> Option<Event> {
    // Where a failure stops or pauses the run, nothing starts in the place of an attempt that may have failed.
    let unjudged =
        if parts.run.settings.on_failure == OnFailure::Continue { 0 } else { parts.tasks.unjudged() };
    let slots_full = parts.tasks.slots_taken() + unjudged >= parts.run.slots as usize;
    if !parts.run.may_start() || slots_full || parts.train.is_lost() {
        return None;
    }
    parts.train.head()?;
    let room = |agent: Option<&str>| parts.ledger.room(agent, now.at_ms);
    let chosen = policy.start(parts, &mut parts.tasks.all_ready(&room));
    let offered = |chosen| parts.tasks.ready_at(&chosen, &room);
    let (task, reserve) = chosen.and_then(offered).or_else(|| parts.tasks.best_ready(&room))?;
    let attempt = task.next_attempt();
    Some(
        AttemptStarted {
            task: task.spec.id.clone(),
            attempt,
            nonce: nonce(now, (parts.tasks.place(&task.spec.id)? as u64) << 24 | u64::from(attempt)),
            reserve,
            onto: parts.train.onto(),
            from: from(parts, task),
            at_ms: now.at_ms,
        }
        .into(),
    )
}

/// A retry starts from the last kept tip, unless the plan says otherwise. A command cannot resolve a conflict: it
/// runs again on the head it lost to. Where every commit lands, a secret, or what must not land, stays in those that are there.
fn from(parts: &Parts, task: &Task) -> Start {
    let failed_by = |cause| task.failure.as_ref().is_some_and(|failure| failure.cause == cause);
    let lost_to_head = failed_by(Cause::Conflict);
    let each_lands = parts.run.settings.merge.strategy == Strategy::Merge;
    let tainted = each_lands && (failed_by(Cause::Secret) || failed_by(Cause::Hazard));
    let is_command = matches!(task.spec.work, Work::Run(_));
    match &task.tip {
        Some(tip)
            if tip.usable
                && task.spec.retries.from == RetryFrom::Previous
                && !(lost_to_head && is_command)
                && !tainted =>
        {
            Start::Tip { attempt: tip.attempt, tip: tip.tip.clone(), base: tip.base.clone() }
        }
        _ => Start::Head,
    }
}
