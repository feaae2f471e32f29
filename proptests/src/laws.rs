//! The laws, checked against the world's books and the recorded events. A law computed by the code it checks proves nothing.

use std::collections::{BTreeMap, BTreeSet};

use swarm_domain::fact::Request;
use swarm_domain::plan::{NeedWhen, Plan};
use swarm_domain::state::State;
use swarm_domain::{Event, TaskId, Usd};

use crate::world::World;

/// A law that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The number of the law, as in `docs/laws.md`.
    pub law: u32,
    /// What happened, with the seq at which it did.
    pub what: String,
}

/// Books of the events, kept apart from the state under test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    needs: BTreeMap<TaskId, Vec<(TaskId, NeedWhen)>>,
    budgets: BTreeMap<TaskId, Option<Usd>>,
    cap: Option<Usd>,
    slots: usize,
    running: BTreeMap<TaskId, u32>,
    last_attempt: BTreeMap<TaskId, u32>,
    held: BTreeMap<(TaskId, u32), (Usd, Usd)>,
    spent: Usd,
    spent_by: BTreeMap<TaskId, Usd>,
    landed: BTreeSet<TaskId>,
    done: BTreeSet<TaskId>,
    ended: BTreeSet<TaskId>,
    seq: u64,
}

impl Books {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            needs: plan.tasks().iter().map(|task| (task.id.clone(), task.needs.clone())).collect(),
            budgets: plan.tasks().iter().map(|task| (task.id.clone(), task.budget)).collect(),
            cap: plan.settings().cap,
            slots: plan.settings().concurrency as usize,
            ..Self::default()
        }
    }

    /// Enters an event, and checks the laws that it touches.
    pub(crate) fn enter(&mut self, event: &Event, world: &World) -> Result<(), Broken> {
        self.seq += 1;
        match event {
            Event::AttemptStarted(event) => {
                self.started(&event.task, event.attempt, event.reserve, world)?;
            }
            Event::UsageReported(event) => {
                if let Some(line) = self.held.get_mut(&(event.task.clone(), event.attempt)) {
                    line.1 = line.1.max(event.usage.usd.unwrap_or_default());
                }
            }
            Event::GrantRaised(event) => {
                if let Some(line) = self.held.get_mut(&(event.task.clone(), event.attempt)) {
                    line.0 = event.grant;
                }
                let committed = self.committed();
                self.check(7, self.cap.is_none_or(|cap| committed <= cap), || {
                    format!("a grant was raised to {}, and {committed} are committed", event.grant)
                })?;
            }
            Event::AgentExited(event) => self.exited(&event.task, event.attempt, event.charge)?,
            Event::WorktreeFailed(event) => self.exited(&event.task, event.attempt, Usd::ZERO)?,
            Event::Merged(event) => {
                let first = self.landed.insert(event.task.clone());
                self.check(6, first, || format!("{} landed twice", event.task))?;
                let there = world.target.iter().filter(|(oid, _)| *oid == event.commit).count();
                self.check(6, there == 1, || {
                    format!("{} is recorded as merged and {there} times in the target", event.task)
                })?;
                self.end(&event.task)?;
            }
            Event::Requested(event) => match &event.request {
                Request::AddBudget { usd } => self.cap = self.cap.map(|cap| cap.plus(*usd)),
                Request::SetConcurrency { slots } => self.slots = *slots as usize,
                _ => {}
            },
            Event::TaskDone(event) => {
                self.done.insert(event.task.clone());
                self.end(&event.task)?;
            }
            Event::TaskFailed(event) => self.end(&event.task)?,
            Event::TaskSkipped(event) => self.end(&event.task)?,
            Event::TaskCancelled(event) => self.end(&event.task)?,
            _ => {}
        }
        Ok(())
    }

    fn check(&self, law: u32, holds: bool, what: impl FnOnce() -> String) -> Result<(), Broken> {
        if holds { Ok(()) } else { Err(Broken { law, what: format!("at {}: {}", self.seq, what()) }) }
    }

    fn committed(&self) -> Usd {
        self.held.values().map(|(grant, known)| *grant.max(known)).fold(self.spent, Usd::plus)
    }

    fn started(&mut self, task: &TaskId, attempt: u32, reserve: Usd, world: &World) -> Result<(), Broken> {
        for (need, when) in &self.needs[task] {
            let met = match when {
                NeedWhen::Ended => self.ended.contains(need),
                NeedWhen::Merged => {
                    self.done.contains(need)
                        || world.target.iter().any(|(_, whose)| whose.as_ref() == Some(need))
                }
            };
            self.check(4, met, || format!("{task} started before {need}"))?;
        }
        self.check(5, !self.running.contains_key(task), || format!("{task} runs twice"))?;
        let before = self.last_attempt.insert(task.clone(), attempt).unwrap_or_default();
        self.check(5, attempt > before, || format!("{task} went from attempt {before} to {attempt}"))?;
        self.running.insert(task.clone(), attempt);
        self.check(5, self.running.len() <= self.slots, || {
            format!("{} attempts run at once", self.running.len())
        })?;
        self.check(9, !self.ended.contains(task), || format!("{task} started after its end"))?;
        let own = self.spent_by.get(task).copied().unwrap_or_default().plus(reserve);
        let fits = self.budgets[task].is_none_or(|budget| own <= budget);
        self.check(7, fits, || format!("{task} was admitted with {own} in all, past its own budget"))?;
        self.held.insert((task.clone(), attempt), (reserve, Usd::ZERO));
        let committed = self.committed();
        self.check(7, self.cap.is_none_or(|cap| committed <= cap), || {
            format!("{task} was admitted, and {committed} are committed")
        })
    }

    fn exited(&mut self, task: &TaskId, attempt: u32, charge: Usd) -> Result<(), Broken> {
        self.running.remove(task);
        let line = self.held.remove(&(task.clone(), attempt));
        self.check(7, line.is_some(), || format!("{task} attempt {attempt} was settled twice"))?;
        let known = line.unwrap_or_default().1;
        self.check(7, charge >= known, || format!("{task} used {known} and was charged {charge}"))?;
        self.spent = self.spent.plus(charge);
        let spent_by = self.spent_by.entry(task.clone()).or_default();
        *spent_by = spent_by.plus(charge);
        Ok(())
    }

    fn end(&mut self, task: &TaskId) -> Result<(), Broken> {
        let first = self.ended.insert(task.clone());
        self.check(9, first, || format!("{task} ended twice"))
    }

    /// What must hold between two steps: the state agrees with the books, and nothing waits that could run.
    pub(crate) fn at_rest(&self, state: &State, world: &World) -> Result<(), Broken> {
        let parts = state.run();
        self.check(7, parts.ledger.spent() == self.spent, || {
            format!("the ledger says {} are spent, and it was {}", parts.ledger.spent(), self.spent)
        })?;
        let landed = world.target.iter().filter(|(_, whose)| whose.is_some()).count();
        let landing = usize::from(landed > self.landed.len());
        self.check(6, landed == self.landed.len() + landing, || {
            format!("{landed} landed, {} recorded", self.landed.len())
        })?;
        self.work_conserving(state)
    }

    /// Law 11, counted from the task list and not from the index that the scheduler uses.
    fn work_conserving(&self, state: &State) -> Result<(), Broken> {
        let parts = state.run();
        let undecided = parts.run.settings.on_failure != swarm_domain::OnFailure::Continue;
        if !parts.run.may_start() || parts.train.head().is_none() || parts.train.is_lost() || undecided {
            return Ok(());
        }
        let free = self.cap.map(|cap| cap.minus(self.committed()));
        let idle = parts.tasks.iter().find(|task| {
            let reserve = swarm_domain::tasks::reserve(task, &parts.ledger);
            task.word() == "ready" && reserve.is_some_and(|reserve| free.is_none_or(|free| reserve <= free))
        });
        let full = self.running.len() >= self.slots;
        self.check(11, full || idle.is_none(), || {
            format!("{} is ready and affordable, and a slot is free", idle.expect("there is one").spec.id)
        })
    }

    /// What must hold at the end: every task is final, nothing is reserved, nothing runs.
    pub(crate) fn at_end(&self, state: &State) -> Result<(), Broken> {
        let parts = state.run();
        if parts.run.finished.is_none() {
            return Ok(());
        }
        self.check(9, self.ended.len() == self.needs.len(), || {
            format!("{} of {} tasks ended", self.ended.len(), self.needs.len())
        })?;
        self.check(7, self.held.is_empty() && parts.ledger.reserved() == Usd::ZERO, || {
            "money is still reserved".to_owned()
        })?;
        self.check(5, self.running.is_empty(), || "something still runs".to_owned())?;
        Ok(())
    }
}
