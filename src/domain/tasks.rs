//! All tasks of a run, and where each is filed: who is ready at which price, who waits for a time, who needs a decision. Decides nothing.

mod index;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::ledger::Ledger;
use crate::plan::NeedWhen;
use crate::task::{Phase, Task};
use crate::{TaskId, Usd};

use index::{File, Index, Place, set};

/// What an agent with neither estimate nor budget reserves.
pub const ASSUMED_ESTIMATE: Usd = Usd::from_dollars(1);

/// What an attempt of an agent of the plan may reserve, by the agent's name; none: nothing of it starts.
pub type Room<'a> = dyn Fn(Option<&str>) -> Option<Usd> + 'a;

/// The tasks of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tasks {
    list: Vec<Task>,
    by_id: BTreeMap<TaskId, usize>,
    /// The agents of the plan that do tasks; commands are nobody's.
    #[serde(skip)]
    agents: Vec<Option<String>>,
    /// The place of each task's agent among them.
    #[serde(skip)]
    agent_of: Vec<usize>,
    #[serde(skip)]
    needed_by: Vec<Vec<(usize, NeedWhen)>>,
    #[serde(skip)]
    files: Vec<Option<File>>,
    #[serde(skip)]
    order: Vec<usize>,
    #[serde(skip)]
    index: Index,
}

impl Tasks {
    /// All tasks, in plan order.
    pub fn iter(&self) -> impl Iterator<Item = &Task> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The task with an id.
    pub fn get(&self, id: &TaskId) -> Option<&Task> {
        self.by_id.get(id).map(|&at| &self.list[at])
    }

    /// The place of a task in the plan.
    pub fn place(&self, id: &TaskId) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The task at a place in the plan.
    pub fn at(&self, place: usize) -> &Task {
        &self.list[place]
    }

    /// How many are final.
    pub fn ended(&self) -> usize {
        self.index.ended
    }

    /// Whether every task is final.
    pub fn all_ended(&self) -> bool {
        self.index.ended == self.list.len()
    }

    /// The first task about which something is to be decided.
    pub fn on_agenda(&self) -> Option<&Task> {
        self.index.agenda.first().map(|&at| &self.list[at])
    }

    /// Tasks that hold a slot.
    pub fn in_slots(&self) -> impl Iterator<Item = &Task> {
        self.index.slots.iter().map(|&at| &self.list[at])
    }

    /// How many slots are taken.
    pub fn slots_taken(&self) -> usize {
        self.index.slots.len()
    }

    /// How many programs have ended whose attempts are not judged yet.
    pub fn unjudged(&self) -> usize {
        let is_saving = |at: &&usize| self.list[**at].phase == Phase::Saving;
        self.index.busy.iter().filter(is_saving).count() + self.index.agenda.len()
    }

    /// Whether the program of an attempt runs.
    pub fn any_program(&self) -> bool {
        self.in_slots().any(|task| task.phase == Phase::Running)
    }

    /// Whether an attempt holds a slot.
    pub fn any_slot(&self) -> bool {
        !self.index.slots.is_empty()
    }

    /// Whether anything of an attempt is under way besides its gates, in a slot or after it.
    pub fn any_under_way(&self) -> bool {
        let saving = !self.index.busy.is_subset(&self.index.gating);
        saving || !self.index.slots.is_empty() || !self.index.agenda.is_empty()
    }

    /// Whether a worktree is still to be removed.
    pub fn any_leftover(&self) -> bool {
        !self.index.leftovers.is_empty()
    }

    /// Tasks whose own gates run.
    pub fn gating(&self) -> impl Iterator<Item = &Task> {
        self.index.gating.iter().map(|&at| &self.list[at])
    }

    /// The retry that is due next: when, and whose.
    pub fn next_retry(&self) -> Option<(u64, &Task)> {
        self.index.backoff.first().map(|&(at_ms, at)| (at_ms, &self.list[at]))
    }

    /// The best ready task that costs at most as much to start as there is room for its agent. No room: none of its.
    pub fn best_ready<'a>(&'a self, room: &'a Room<'a>) -> Option<(&'a Task, Usd)> {
        self.affordable(room)
            .filter_map(|(reserve, places)| places.first().map(|place| (*place, reserve)))
            .min()
            .map(|((_, _, at), reserve)| (&self.list[at], reserve))
    }

    /// All ready tasks that there is room for, best first. Nothing is looked up before the first is taken.
    pub fn all_ready<'a>(&'a self, room: &'a Room<'a>) -> impl Iterator<Item = &'a Task> {
        let sorted = move || self.affordable(room).flat_map(|(_, places)| places).collect::<BTreeSet<_>>();
        std::iter::once_with(sorted).flatten().map(|(_, _, at)| &self.list[*at])
    }

    /// The task with an id, and what it costs to start, if it is ready and there is room for it.
    pub fn ready_at(&self, id: &TaskId, room: &Room<'_>) -> Option<(&Task, Usd)> {
        let at = self.place(id)?;
        let Some(File::Ready(agent, reserve, _)) = self.files[at] else { return None };
        let room = room(self.agents[agent].as_deref())?;
        (reserve <= room).then(|| (&self.list[at], reserve))
    }

    fn affordable<'a>(&'a self, room: &'a Room<'a>) -> impl Iterator<Item = (Usd, &'a BTreeSet<Place>)> {
        let agents = self.agents.iter().enumerate();
        let rooms = agents.filter_map(|(at, agent)| Some((at, room(agent.as_deref())?)));
        let ready = rooms.flat_map(|(at, room)| self.index.ready.range((at, Usd::ZERO)..=(at, room)));
        ready.map(|((_, reserve), places)| (*reserve, places))
    }

    /// The least that a ready task asks for.
    pub fn least_ready(&self) -> Usd {
        self.index.ready.keys().map(|(_, reserve)| *reserve).min().unwrap_or_default()
    }

    /// The first of the ready tasks, affordable or not.
    pub fn first_ready(&self) -> Option<&Task> {
        self.index.ready.values().flatten().min().map(|(_, _, at)| &self.list[*at])
    }

    /// The task whose turn it is to land in plan order: the first that is not final.
    pub fn first_open(&self) -> Option<&Task> {
        self.index.open.first().map(|&(_, at)| &self.list[at])
    }

    /// How many are ready.
    pub fn ready(&self) -> usize {
        self.index.ready.values().map(BTreeSet::len).sum()
    }

    pub(crate) fn push(&mut self, task: Task) {
        self.by_id.insert(task.spec.id.clone(), self.list.len());
        let agent = task.spec.agent();
        let known = self.agents.iter().position(|known| known.as_deref() == agent);
        self.agent_of.push(known.unwrap_or(self.agents.len()));
        if known.is_none() {
            self.agents.push(agent.map(str::to_owned));
        }
        self.list.push(task);
        self.files.push(None);
    }

    /// So many records are lost: each may have told of an attempt of any task.
    pub(crate) fn lose(&mut self, records: u32) {
        for task in &mut self.list {
            task.used = task.attempts.max(task.used).saturating_add(records);
        }
    }

    /// An attempt of which nothing else is known has had this number.
    pub(crate) fn lost(&mut self, id: &TaskId, attempt: u32) {
        if let Some(&at) = self.by_id.get(id) {
            self.list[at].used = self.list[at].used.max(attempt);
        }
    }

    /// Once all tasks are there: who needs whom, who is how far from the end, who may start.
    pub(crate) fn link(&mut self, ledger: &Ledger) {
        let mut needed_by = vec![Vec::new(); self.list.len()];
        for (at, task) in self.list.iter().enumerate() {
            for (need, when) in &task.spec.needs {
                if let Some(&place) = self.by_id.get(need) {
                    needed_by[place].push((at, *when));
                }
            }
        }
        self.needed_by = needed_by;
        self.rank();
        for task in &mut self.list {
            task.unmet = u32::try_from(task.spec.needs.len()).unwrap_or(u32::MAX);
        }
        for at in 0..self.list.len() {
            self.settle(at, ledger);
        }
    }

    /// The longest remaining path of each task, by a walk against the needs.
    fn rank(&mut self) {
        let specs: Vec<_> = self.list.iter().map(|task| task.spec.clone()).collect();
        let order = crate::plan::topological(&specs).unwrap_or_else(|_| (0..specs.len()).collect());
        self.order = vec![0; order.len()];
        for (position, &at) in order.iter().enumerate() {
            self.order[at] = position;
        }
        for &at in order.iter().rev() {
            let above = self.needed_by[at].iter().map(|&(next, _)| self.list[next].rank).max();
            self.list[at].rank = above.map_or(1, |rank| rank + 1);
        }
    }

    /// Changes a task, files it anew, and tells those that need it when it ended.
    pub(crate) fn change<E>(
        &mut self,
        at: usize,
        ledger: &Ledger,
        change: impl FnOnce(&mut Task) -> Result<(), E>,
    ) -> Result<(), E> {
        let was_ended = self.list[at].end().is_some();
        change(&mut self.list[at])?;
        if was_ended {
            self.file(at, ledger);
        } else {
            self.settle(at, ledger);
        }
        Ok(())
    }

    /// Files a task. If it is final, those that need it are told.
    fn settle(&mut self, at: usize, ledger: &Ledger) {
        self.file(at, ledger);
        let Some(landed) = self.list[at].end().map(crate::task::End::is_landed) else { return };
        let id = self.list[at].spec.id.clone();
        for (next, when) in self.needed_by[at].clone() {
            let task = &mut self.list[next];
            if landed || when == NeedWhen::Ended {
                task.unmet = task.unmet.saturating_sub(1);
            } else if task.doomed.is_none() {
                task.doomed = Some(id.clone());
            }
            self.file(next, ledger);
        }
    }

    /// The tasks of an agent program may not start for now, or may again.
    pub(crate) fn hold(&mut self, agent: &str, held: bool, ledger: &Ledger) {
        for at in 0..self.list.len() {
            if self.list[at].spec.adapter() == Some(agent) {
                self.list[at].held = held;
                self.file(at, ledger);
            }
        }
    }

    /// Tasks that could start if their agent program were not held.
    pub fn held(&self) -> impl Iterator<Item = &Task> {
        self.list.iter().filter(|task| task.held && task.phase == Phase::Ready && !task.cancel)
    }

    /// Files all ready tasks anew, after the cap changed.
    pub(crate) fn refile(&mut self, ledger: &Ledger) {
        for at in 0..self.list.len() {
            self.file(at, ledger);
        }
    }

    fn file(&mut self, at: usize, ledger: &Ledger) {
        let task = &mut self.list[at];
        if task.phase == Phase::Waiting && task.unmet == 0 {
            task.phase = Phase::Ready;
        }
        let file = filing(task, at, self.agent_of[at], ledger);
        let gating = matches!(task.phase, Phase::Gating(_));
        let leftover = !task.leftovers.is_empty();
        set(&mut self.index.gating, at, gating);
        set(&mut self.index.leftovers, at, leftover);
        set(&mut self.index.open, (self.order[at], at), file != File::Ended);
        if let Some(old) = self.files[at].replace(file) {
            self.index.take(at, old);
        }
        self.index.put(at, file);
    }
}

fn filing(task: &Task, at: usize, agent: usize, ledger: &Ledger) -> File {
    let idle = if task.cancel { File::Agenda } else { File::Idle };
    match &task.phase {
        Phase::Waiting if task.doomed.is_some() => File::Agenda,
        Phase::Waiting | Phase::Held { .. } | Phase::Queued => idle,
        Phase::Ready | Phase::Backoff { .. } if task.cancel => File::Agenda,
        Phase::Ready if task.held => File::Idle,
        Phase::Ready => match reserve(task, ledger) {
            Some(amount) => File::Ready(agent, amount, (Reverse(task.spec.priority), Reverse(task.rank), at)),
            None => File::Agenda,
        },
        Phase::Backoff { at_ms } => File::Backoff(*at_ms),
        Phase::Judging(_) | Phase::Failing { .. } => File::Agenda,
        Phase::Making | Phase::Running => File::Slot,
        Phase::Gating(checks) if checks.passed() || checks.red().is_some() => File::Agenda,
        Phase::Saving | Phase::Gating(_) => File::Busy,
        // The train knows how far a merge is.
        Phase::Merging => File::Idle,
        Phase::Ended(_) => File::Ended,
    }
}

/// What the next attempt of a task reserves; none if its own budget is used up.
pub fn reserve(task: &Task, ledger: &Ledger) -> Option<Usd> {
    if ledger.task_used_up(&task.spec).is_some() {
        return None;
    }
    let left = task.spec.caps.usd.map(|budget| budget.minus(ledger.spent_by(&task.spec.id)));
    let tries_left = u64::from(task.spec.retries.max.saturating_sub(task.retries)) + 1;
    let learned = task.spec.learned.as_ref().map(|learned| learned.p90);
    let share = match (task.spec.estimate.or(learned), left) {
        (Some(estimate), _) => estimate,
        (None, Some(left)) => Usd::from_micros(left.micros().div_ceil(tries_left)),
        (None, None) if task.spec.is_agent() => ASSUMED_ESTIMATE,
        (None, None) => Usd::ZERO,
    };
    // An attempt that was ended at its grant needs more than it used: otherwise what reserves nothing, and yet costs,
    // would be started on an empty purse again and again.
    let share = share.max(task.short);
    // A task without a budget of its own may wait for the run's cap to grow, so its share is not cut to what is left.
    Some(left.map_or(share, |left| share.min(left)))
}
