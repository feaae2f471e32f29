//! Why a task is not running, read off the state: what it needs, a slot, money, a time, a person. Changes nothing.

use serde_json::{Value, json};
use swarm_domain::Usd;
use swarm_domain::caps::Measure;
use swarm_domain::fact::Cap;
use swarm_domain::plan::{MergeOrder, NeedWhen};
use swarm_domain::run::{Pause, Preflight, Run};
use swarm_domain::state::Parts;
use swarm_domain::task::{End, Phase, Task};
use swarm_domain::tasks::reserve;
use swarm_domain::train::CarStage;

use super::agents;
use super::counts::{landing_order, spent_and_reserved};
use super::text::{clean, count, dollars, few, rfc3339};
use super::words;

/// One reason why a task does not go on right now.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wait {
    /// For machines.
    pub(super) kind: &'static str,
    /// For people: the end of "it waits: …".
    pub(super) text: String,
    /// Its figures.
    pub(super) data: Value,
}

fn wait(kind: &'static str, text: impl Into<String>, data: Value) -> Wait {
    Wait { kind, text: text.into(), data }
}

/// All that keeps a task from going on; nothing for one that runs or has ended.
pub(super) fn of(parts: &Parts, task: &Task) -> Vec<Wait> {
    match &task.phase {
        Phase::Waiting => needs(parts, task).into_iter().chain(of_run(parts)).collect(),
        Phase::Ready => start(parts, task),
        Phase::Backoff { at_ms } => backoff(*at_ms).into_iter().chain(of_run(parts)).collect(),
        Phase::Held { reason } => {
            vec![wait("held", format!("held for a person: {}", clean(reason)), json!({}))]
        }
        Phase::Queued => queued(parts, task),
        Phase::Merging => merging(parts),
        Phase::Running => money_refused(task).into_iter().collect(),
        Phase::Gating(checks) if checks.running().is_none() => {
            let slots = parts.run.settings.gate_slots;
            let text = format!("for a gate slot; {} at once", count(slots as usize, "gate"));
            vec![wait("gate_slot", text, json!({"gate_slots": slots}))]
        }
        Phase::Making
        | Phase::Saving
        | Phase::Judging(_)
        | Phase::Gating(_)
        | Phase::Failing { .. }
        | Phase::Ended(_) => Vec::new(),
    }
}

/// What it needs and does not have yet.
fn needs(parts: &Parts, task: &Task) -> Vec<Wait> {
    let mut unmet = Vec::new();
    for (need, when) in &task.spec.needs {
        let Some(needed) = parts.tasks.get(need) else { continue };
        let met = match when {
            NeedWhen::Merged => needed.end().is_some_and(End::is_landed),
            NeedWhen::Ended => needed.end().is_some(),
        };
        if !met {
            let text = format!("needs {need}, which is {}", needed.word());
            unmet.push(wait("needs", text, json!({"task": need, "state": needed.word()})));
        }
    }
    unmet
}

/// Why nothing new starts in the whole run.
fn of_run(parts: &Parts) -> Vec<Wait> {
    let run = &parts.run;
    let mut waits: Vec<Wait> = preflight(parts).into_iter().chain(pause(run)).collect();
    if run.interrupt.or(run.drain).is_some() {
        waits.push(wait("draining", "the run is being ended by a signal, so nothing new starts", json!({})));
    }
    if run.overdue {
        waits.push(wait(
            "deadline",
            "the run's time is up",
            json!({"deadline": run.deadline_ms().map(rfc3339)}),
        ));
    }
    if let Some(task) = &run.halted {
        let text = format!("{task} failed and the plan says on_failure: stop");
        waits.push(wait("halted", text, json!({"task": task})));
    }
    if run.no_room.is_some() {
        waits.push(wait("disk", "there is no room on the disk", json!({})));
    }
    if parts.train.is_lost() {
        waits.push(wait("target_lost", "the target no longer holds what this run landed", json!({})));
    }
    if let Some((outcome, _)) = &run.stopped {
        let text = format!("the run stopped: {}", words::outcome(*outcome));
        waits.push(wait("stopped", text, json!({"outcome": outcome.word()})));
    } else if run.epoch == 0 {
        waits.push(wait("unopened", "no process has driven the run yet", json!({})));
    }
    waits
}

fn preflight(parts: &Parts) -> Option<Wait> {
    match &parts.run.preflight {
        Preflight::Passed => None,
        Preflight::Due(_) => Some(wait("preflight", "setup and gates run on the base first", json!({}))),
        Preflight::Failed { name, n } => {
            let text = format!("`{}` fails on the base, so nothing starts", clean(name));
            Some(wait("preflight_failed", text, json!({"name": name, "n": n})))
        }
    }
}

fn pause(run: &Run) -> Option<Wait> {
    match run.pause.as_ref()? {
        Pause::Asked => Some(wait("paused", "the run is paused on request", json!({}))),
        Pause::Failed(task) => Some(wait(
            "paused",
            format!("the run is paused, because {task} failed"),
            json!({"because": task}),
        )),
    }
}

/// What a task lacks whose needs are met.
fn start(parts: &Parts, task: &Task) -> Vec<Wait> {
    let mut waits: Vec<Wait> =
        held(parts, task).into_iter().chain(money(parts, task)).chain(of_run(parts)).collect();
    if waits.is_empty() {
        waits.extend(slot(parts));
    }
    if waits.is_empty() {
        waits.push(wait("next", "nothing keeps it: it is about to start", json!({})));
    }
    waits
}

/// Its agent program may not start for now.
fn held(parts: &Parts, task: &Task) -> Option<Wait> {
    let agent = task.spec.adapter().filter(|_| task.held)?;
    let hold = parts.holds.of(agent)?;
    let data = json!({"agent": agent, "until": hold.until_ms.map(rfc3339), "said": hold.said});
    Some(wait("agent", agents::because(agent, hold), data))
}

fn slot(parts: &Parts) -> Option<Wait> {
    let (taken, slots) = (parts.tasks.slots_taken(), parts.run.slots as usize);
    let holders: Vec<&str> = parts.tasks.in_slots().map(|task| task.spec.id.as_str()).collect();
    let text = format!("for a slot; {taken} of {slots} are taken by {}", few(&holders));
    (taken >= slots).then(|| wait("slot", text, json!({"taken": taken, "slots": slots, "holders": holders})))
}

fn money(parts: &Parts, task: &Task) -> Option<Wait> {
    let ledger = &parts.ledger;
    let agent = task.spec.agent();
    // What has been running is counted as it was last told of: a wait needs no clock.
    if let Some(bar) = ledger.bar(agent, 0).filter(|bar| bar.reached.measure != Measure::Usd) {
        let figures = json!({"of": bar.cap.word(), "cap": bar.reached.cap, "used": bar.reached.used});
        return Some(wait(bar.reached.measure.word(), super::caps::barred(&bar, agent), figures));
    }
    let (free, wanted) = (ledger.free_for(agent)?, reserve(task, ledger)?);
    if wanted <= free {
        return None;
    }
    let tightest = ledger.tightest(agent);
    let cap = match tightest {
        Cap::Agent => agent.and_then(|agent| ledger.agent_caps(agent).usd)?,
        Cap::Day => ledger.per_day()?,
        Cap::Run | Cap::Task => ledger.cap()?,
    };
    let of = match tightest {
        Cap::Run | Cap::Task => dollars(cap),
        Cap::Agent | Cap::Day => format!("{}, {},", dollars(cap), super::caps::whose(tightest, agent)),
    };
    let (spent, reserved) = spent_and_reserved(ledger);
    let text = format!(
        "for money; its next attempt reserves {}, and {} of {of} is free ({} spent, {} reserved)",
        dollars(wanted),
        dollars(free),
        dollars(spent),
        dollars(reserved)
    );
    let figures =
        [("wanted_usd", wanted), ("free_usd", free), ("cap_usd", cap), ("spent_usd", ledger.spent())];
    let mut data: Value = figures.into_iter().map(|(name, usd)| (name, Usd::decimal(usd))).collect();
    data["reserved_usd"] = json!(ledger.reserved().decimal());
    data["of"] = json!(tightest.word());
    Some(wait("money", text, data))
}

fn backoff(at_ms: u64) -> Option<Wait> {
    let at = rfc3339(at_ms);
    (at_ms > 0).then(|| wait("backoff", format!("for its next try, not before {at}"), json!({"until": at})))
}

fn money_refused(task: &Task) -> Option<Wait> {
    let cap = task.attempt.as_ref()?.refused?;
    let text = format!("it runs on what it has: {}", words::cap(cap));
    Some(wait("money_refused", text, json!({"cap": cap.word()})))
}

fn queued(parts: &Parts, task: &Task) -> Vec<Wait> {
    let mut waits = landing(parts);
    let order = landing_order(parts);
    let place = order.iter().position(|id| *id == task.spec.id.as_str()).unwrap_or_default();
    if place > 0 {
        let ahead = &order[..place];
        waits.push(wait("queue", format!("to land after {}", few(ahead)), json!({"ahead": ahead})));
    }
    let turn = parts.tasks.first_open().map(|task| &task.spec.id);
    if parts.run.settings.merge.order == MergeOrder::Plan
        && let Some(turn) = turn.filter(|turn| **turn != task.spec.id)
    {
        waits.push(wait("order", format!("its turn to land comes after {turn}"), json!({"after": turn})));
    }
    waits
}

fn merging(parts: &Parts) -> Vec<Wait> {
    let mut waits = landing(parts);
    let gating = matches!(parts.train.car().map(|car| &car.stage), Some(CarStage::Checking { .. }));
    if gating && waits.is_empty() {
        waits.push(wait("merge_gates", "gates run on the merged result", json!({})));
    }
    waits
}

/// What keeps anything from landing.
fn landing(parts: &Parts) -> Vec<Wait> {
    let held = parts.train.held().map(|hold| {
        let text = format!("the target is checked out in {}", clean(&hold.path));
        wait("target_held", text, json!({"path": hold.path, "seq": hold.seq}))
    });
    let broken = parts
        .train
        .broken()
        .map(|fault| wait("broken", format!("git cannot merge: {}", clean(fault)), json!({"fault": fault})));
    let of_run = of_run(parts).into_iter();
    held.into_iter()
        .chain(broken)
        .chain(of_run.filter(|wait| matches!(wait.kind, "stopped" | "disk" | "target_lost")))
        .collect()
}

/// Why a task is where it is, in one line: how it ended, what it waits for, or what went wrong last.
pub(super) fn reason(parts: &Parts, task: &Task) -> Option<String> {
    match &task.phase {
        Phase::Ended(End::Merged { .. }) if task.attempts == 0 => {
            Some("carried over from the parent run".to_owned())
        }
        Phase::Ended(End::Merged { .. }) => None,
        Phase::Ended(End::Done { reason } | End::Failed { reason, .. } | End::Cancelled { reason }) => {
            Some(clean(reason))
        }
        Phase::Ended(End::Skipped { because }) => Some(format!("needs {because}, which did not land")),
        Phase::Waiting => {
            let unmet: Vec<String> = needs(parts, task)
                .iter()
                .filter_map(|wait| wait.data["task"].as_str().map(str::to_owned))
                .collect();
            Some(format!("needs {}", few(&unmet)))
        }
        Phase::Backoff { .. } => task.failure.as_ref().map(|failure| clean(&failure.reason)),
        _ => of(parts, task).first().map(|wait| wait.text.clone()),
    }
}
