//! Commands and what they lead to. `decide` is a function of the state and the moment: the same question has the same answer. Law 10.

use std::collections::BTreeMap;

use crate::caps::{AtCap, Caps, Measure};
use crate::event::{
    AgentExited, DaySeen, Event, GrantRaised, Opened, RaiseRefused, Requested, RunPlanned, TaskPlanned,
    UsageReported,
};
use crate::fact::{Cap, Cost, Ending, Moment, Request, Site, Standing};
use crate::ledger::Line;
use crate::plan::{OnLimit, OnUnknownCost, Plan};
use crate::policy::{AsPlanned, Policy};
use crate::state::{Parts, State, task_of};
use crate::task::{Phase, Task};
use crate::{Key, Oid, TaskId, Usd};

/// What may be asked of a run.
#[derive(Clone, Debug)]
pub enum Command {
    /// Begin it.
    Plan(Box<NewRun>),
    /// Take it over.
    Open {
        /// The process.
        pid: u32,
        /// The version of swarm.
        version: String,
        /// The wall around everything that it starts.
        wall: Standing,
    },
    /// Say what should happen next.
    Advance,
    /// Something happened in the world, which nobody asked about.
    Fact(Event),
    /// What an effect led to. It counts only as long as the effect is owed: an answer that comes twice, or after what it
    /// was about was begun anew, changes nothing. Law 8.
    Answer {
        /// The effect.
        to: Key,
        /// What is true now.
        fact: Event,
    },
    /// Somebody asks for something.
    Ask {
        /// Makes it happen once.
        id: String,
        /// Who asks.
        by: String,
        /// What for.
        request: Request,
    },
}

/// A run that is to begin.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Its id.
    pub run: String,
    /// The run it retries.
    pub parent: Option<String>,
    /// The version of swarm.
    pub version: String,
    /// The plan file, as the user named it.
    pub source: String,
    /// What is to be done.
    pub plan: Plan,
    /// Tasks that the parent landed, and by which commit.
    pub carried: BTreeMap<TaskId, Oid>,
}

/// Why a command changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is a run already.
    #[error("the run is planned already")]
    Planned,
    /// There is none yet.
    #[error("no run is planned yet")]
    Unplanned,
    /// It is over.
    #[error("the run is finished")]
    Finished,
    /// A fact that does not fit: it comes from a superseded attempt, or twice. Law 8.
    #[error("{0}")]
    Unfit(String),
    /// A request that was carried out before.
    #[error("request {0} was carried out before")]
    Repeated(String),
    /// A request that makes no sense here.
    #[error("{0}")]
    Unreasonable(String),
}

impl State {
    /// What a command leads to: one atomic batch of events, or why it changes nothing.
    pub fn decide(&self, now: &Moment<'_>, command: &Command) -> Result<Vec<Event>, Refusal> {
        self.decide_by(&AsPlanned, now, command)
    }

    /// The same, with choices by a policy where the plan leaves one.
    pub fn decide_by(
        &self,
        policy: &dyn Policy,
        now: &Moment<'_>,
        command: &Command,
    ) -> Result<Vec<Event>, Refusal> {
        match command {
            Command::Plan(new) if self.parts().is_none() => Ok(plan(now, new)),
            Command::Plan(_) => Err(Refusal::Planned),
            Command::Advance => Ok(crate::next::next(self, policy, now)),
            Command::Open { pid, version, wall } => {
                // Only the owner of the journal can ask: the journal's own epoch fences off whoever was it before.
                let epoch = self.live()?.run.epoch + 1;
                let (pid, version, wall) = (*pid, version.clone(), wall.clone());
                Ok(vec![Opened { epoch, pid, version, at_ms: now.at_ms, wall }.into()])
            }
            Command::Fact(event) => fact(self.live()?, now, event),
            Command::Answer { to, fact: event } => {
                let parts = self.live()?;
                if !crate::owed::is_owed(parts, to) {
                    return Err(Refusal::Unfit(format!("{}: nobody waits for it any more", event.name())));
                }
                fact(parts, now, event)
            }
            Command::Ask { id, by, request } => ask(self.live()?, id, by, request),
        }
    }

    fn live(&self) -> Result<&Parts, Refusal> {
        let parts = self.parts().ok_or(Refusal::Unplanned)?;
        if parts.run.finished.is_some() { Err(Refusal::Finished) } else { Ok(parts) }
    }

    /// When something is due by time alone, in milliseconds since 1970.
    pub fn wakeup_ms(&self) -> Option<u64> {
        let parts = self.parts().filter(|parts| parts.run.is_live())?;
        let retry = parts.tasks.next_retry().map(|(at_ms, _)| at_ms);
        let deadline = parts.run.deadline_ms().filter(|_| !parts.run.overdue);
        let hold = parts.holds.next_over().map(|(at_ms, _)| at_ms);
        let disk = parts.run.no_room.map(|(_, since_ms)| since_ms.saturating_add(crate::end::DISK_WAIT_MS));
        let agent_time = agent_time_up_ms(parts);
        let warning = crate::warn::time_due_ms(parts);
        [retry, deadline, hold, disk, agent_time, warning].into_iter().flatten().min()
    }
}

/// When attempts are to be stopped because their agent's time is up, in milliseconds since 1970.
fn agent_time_up_ms(parts: &Parts) -> Option<u64> {
    let unstopped = |task: &&Task| task.attempt.as_ref().is_some_and(|attempt| attempt.stop.is_none());
    let running = parts.tasks.in_slots().filter(unstopped);
    let up = running.filter_map(|task| parts.ledger.time_up_ms(task.spec.agent()?)).min();
    up.filter(|_| parts.run.settings.at_cap == AtCap::Kill)
}

fn plan(now: &Moment<'_>, new: &NewRun) -> Vec<Event> {
    let (settings, tasks) = new.plan.clone().into_parts();
    let planned = RunPlanned {
        run: new.run.clone(),
        parent: new.parent.clone(),
        version: new.version.clone(),
        source: new.source.clone(),
        at_ms: now.at_ms,
        tasks: u32::try_from(tasks.len()).unwrap_or(u32::MAX),
        settings: Box::new(settings),
    };
    let tasks = tasks.into_iter().map(|spec| {
        let carried = new.carried.get(&spec.id).cloned();
        Event::from(TaskPlanned { spec: Box::new(spec), carried })
    });
    std::iter::once(Event::from(planned)).chain(tasks).collect()
}

fn ask(parts: &Parts, id: &str, by: &str, request: &Request) -> Result<Vec<Event>, Refusal> {
    if parts.run.requests.contains(id) {
        return Err(Refusal::Repeated(id.to_owned()));
    }
    let unreasonable = |text: &str| Err(Refusal::Unreasonable(text.to_owned()));
    match request {
        Request::AddBudget { caps } | Request::SetBudget { caps } if names_nothing(caps) => {
            return unreasonable(
                "an amount of 0 would change nothing or stop everything; use `swarm cancel` to stop",
            );
        }
        Request::AddBudget { caps } => {
            let unlimited = |(measure, _): &(Measure, u64)| parts.ledger.caps().get(*measure).is_none();
            if let Some((measure, _)) = caps.iter().find(unlimited) {
                let what = match measure {
                    Measure::Usd => "budget is",
                    Measure::Tokens => "tokens are",
                    Measure::Calls => "calls are",
                    Measure::Turns => "turns are",
                    Measure::Time => "time is",
                };
                return unreasonable(&format!(
                    "the run's {what} unlimited; use `swarm budget set` to give it a cap"
                ));
            }
        }
        Request::SetConcurrency { slots: 0 } => {
            return unreasonable("concurrency is at least 1; use `swarm pause` to start nothing");
        }
        Request::Cancel { tasks } => {
            if let Some(unknown) = tasks.iter().find(|task| parts.tasks.get(task).is_none()) {
                return unreasonable(&format!("the run has no task `{unknown}`; `swarm status` lists them"));
            }
        }
        Request::Pause
        | Request::Unpause
        | Request::SetBudget { .. }
        | Request::SetConcurrency { .. }
        | Request::Drain { .. }
        | Request::Interrupt { .. } => {}
    }
    Ok(vec![Requested { id: id.to_owned(), by: by.to_owned(), request: request.clone() }.into()])
}

fn names_nothing(caps: &Caps) -> bool {
    caps.iter().next().is_none() || caps.iter().any(|(_, amount)| amount == 0)
}

/// Takes a fact if it fits what is under way. Only facts come from the world; decisions are made here.
fn fact(parts: &Parts, now: &Moment<'_>, event: &Event) -> Result<Vec<Event>, Refusal> {
    let unfit = |why: &str| Err(Refusal::Unfit(format!("{}: {why}", event.name())));
    match event {
        Event::TargetSeen(_) | Event::TargetHeld(_) | Event::Noted(_) => Ok(vec![event.clone()]),
        Event::TargetFreed(_) if parts.train.held().is_some() => Ok(vec![event.clone()]),
        Event::RoomBack(_) if parts.run.no_room.is_some() => Ok(vec![event.clone()]),
        Event::RoomLost(lost) if parts.run.no_room.is_none() => {
            let mut lost = lost.clone();
            lost.at_ms = now.at_ms;
            Ok(vec![lost.into()])
        }
        Event::TargetFreed(_) | Event::RoomBack(_) | Event::RoomLost(_) => unfit("nothing new"),
        Event::GateEnded(ended) => match parts.gates.get(ended.n) {
            Some(run) if gate_is_current(parts, &run.site) => Ok(vec![event.clone()]),
            Some(_) | None => unfit("no such gate runs"),
        },
        Event::AgentExited(exited) => {
            let task = fitting(parts, event)?;
            let settled = settled(parts, now, task, exited);
            let held = held(parts, now, task, exited);
            Ok(std::iter::once(settled.into()).chain(held).collect())
        }
        Event::DaySeen(seen) => day_seen(parts, seen),
        Event::UsageReported(report) => usage(parts, fitting(parts, event)?, report),
        Event::WorktreeMade(_)
        | Event::WorktreeFailed(_)
        | Event::AgentStarted(_)
        | Event::Preserved(_)
        | Event::PreserveFailed(_)
        | Event::WorktreeRemoved(_)
        | Event::WorktreeKept(_)
        | Event::MergeBuilt(_)
        | Event::MergeEmpty(_)
        | Event::MergeConflicted(_)
        | Event::MergeRefused(_)
        | Event::MergeFailed(_)
        | Event::Merged(_) => {
            fitting(parts, event)?;
            parts.train.clone().would_take(event).map_err(|illegal| Refusal::Unfit(illegal.to_string()))?;
            Ok(vec![event.clone()])
        }
        _ => unfit("only a decision can lead to it"),
    }
}

/// A gate that was started for a commit which nobody waits for any more still ends.
fn gate_is_current(parts: &Parts, site: &Site) -> bool {
    match site {
        Site::Preflight => true,
        Site::Task { task, .. } | Site::Train { task, .. } => parts.tasks.get(task).is_some(),
    }
}

/// The task of an event, if the event fits its phase and attempt.
fn fitting<'a>(parts: &'a Parts, event: &Event) -> Result<&'a Task, Refusal> {
    let unfit = |why: String| Refusal::Unfit(why);
    let id = task_of(event).ok_or_else(|| unfit(format!("{} is about no task", event.name())))?;
    let task = parts.tasks.get(id).ok_or_else(|| unfit(format!("no task `{id}`")))?;
    task.clone().apply(event).map_err(|illegal| unfit(illegal.to_string()))?;
    Ok(task)
}

/// Law 7: a reservation is settled at the best known spend, and an unknown cost is not $0.
fn settled(parts: &Parts, now: &Moment<'_>, task: &Task, exited: &AgentExited) -> AgentExited {
    let line = parts.ledger.line(&task.spec.id, exited.attempt).cloned().unwrap_or_default();
    let usage = line.usage.max(exited.usage);
    let never_ran = matches!(exited.ending, Ending::SetupFailed { .. } | Ending::NotStarted { .. });
    let (charge, cost) = match (usage.usd, parts.run.settings.on_unknown_cost) {
        (Some(usd), _) if usage.priced => (usd, Cost::Estimated),
        (Some(usd), _) => (usd, Cost::Metered),
        (None, _) if never_ran || !task.spec.is_agent() => (Usd::ZERO, Cost::Metered),
        (None, OnUnknownCost::Allow) => (Usd::ZERO, Cost::Unknown),
        (None, OnUnknownCost::Estimate | OnUnknownCost::Refuse) => (line.held(), Cost::Estimated),
    };
    AgentExited { usage, charge, cost, at_ms: now.at_ms, ..exited.clone() }
}

/// Whether the end of an attempt tells that no other of its agent program would fare better.
fn held(parts: &Parts, now: &Moment<'_>, task: &Task, exited: &AgentExited) -> Option<Event> {
    let held = parts.holds.after(task.spec.adapter()?, exited, now.at_ms)?;
    let waits = held.until_ms.is_none() || parts.run.settings.on_limit == OnLimit::Wait;
    waits.then(|| held.into())
}

/// Law 7 for the day: what is taken back from a run is not what it has spent or holds already, because by then others
/// may have it.
fn day_seen(parts: &Parts, seen: &DaySeen) -> Result<Vec<Event>, Refusal> {
    let unfit = |why: &str| Err(Refusal::Unfit(format!("budget.day: {why}")));
    if parts.ledger.per_day().is_none() {
        return unfit("the run has no budget by the day");
    }
    if let Some(day) = parts.ledger.day().filter(|day| day.date == seen.date) {
        let held = day.spent.plus(parts.ledger.reserved());
        if (day.allowed, day.elsewhere) == (seen.allowed, seen.elsewhere) {
            return unfit("nothing new");
        }
        if seen.allowed < day.allowed && seen.allowed < held {
            return unfit("it is spent or held back");
        }
    }
    Ok(vec![seen.clone().into()])
}

/// New figures, and with them a raise of the grant or its refusal, where one is due.
fn usage(parts: &Parts, task: &Task, report: &UsageReported) -> Result<Vec<Event>, Refusal> {
    let before = parts.ledger.line(&report.task, report.attempt).cloned().unwrap_or_default();
    let line = Line { usage: before.usage.max(report.usage), ..before.clone() };
    if line.usage == before.usage {
        return Err(Refusal::Unfit("usage.reported: nothing new".to_owned()));
    }
    let mut events = vec![UsageReported { usage: line.usage, ..report.clone() }.into()];
    let known = line.usage.usd.unwrap_or_default();
    let nearly = known.micros().saturating_mul(4) >= line.grant.micros().saturating_mul(3);
    // A raise is due at three quarters of the grant, or when a call waits for it.
    if (nearly && known > Usd::ZERO) || line.usage.wants > line.grant {
        events.extend(raise(parts, task, report, &before, &line));
    }
    Ok(events)
}

/// Twice the grant, or more where a call waits for more; what the task has left; what run, day and agent have left: the least of
/// them, if it helps at all, and if no other cap is reached. A call that waits for more than that is not left waiting.
fn raise(parts: &Parts, task: &Task, report: &UsageReported, before: &Line, line: &Line) -> Vec<Event> {
    let known = line.usage.usd.unwrap_or_default();
    let twice = Usd::from_micros(line.grant.max(known).micros().saturating_mul(2)).max(line.usage.wants);
    let task_left = task.spec.caps.usd.map(|budget| budget.minus(parts.ledger.spent_by(&report.task)));
    let wanted = task_left.map_or(twice, |left| left.min(twice));
    let agent = task.spec.agent();
    let run_left = parts.ledger.free_for(agent).map(|free| before.held().plus(free));
    let grant = run_left.map_or(wanted, |left| left.min(wanted));
    let (id, attempt) = (report.task.clone(), report.attempt);
    let counted = parts.ledger.counted_bar(agent);
    let helps = grant > line.grant && grant > known && counted.is_none();
    let raised = helps.then(|| GrantRaised { task: id.clone(), attempt, grant }.into());
    if raised.is_some() && line.usage.wants <= grant {
        return raised.into_iter().collect();
    }
    let of_task = if raised.is_some() { grant == wanted } else { wanted <= line.grant.max(known) };
    let cap = counted.unwrap_or_else(|| if of_task { Cap::Task } else { parts.ledger.tightest(agent) });
    let told = task.attempt.as_ref().and_then(|attempt| attempt.refused) == Some(cap);
    let running = matches!(task.phase, Phase::Running);
    let refused = (running && !told).then(|| RaiseRefused { task: id, attempt, cap }.into());
    raised.into_iter().chain(refused).collect()
}
