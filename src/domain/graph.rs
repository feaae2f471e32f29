//! The plan as a graph: a [`Plan`] that exists is acyclic and names only tasks it has.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use crate::TaskId;
use crate::plan::{Settings, TaskSpec};

/// A plan that can be run: ids are unique, needs exist, nothing is cyclic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    settings: Settings,
    tasks: Vec<TaskSpec>,
}

/// Why tasks do not make a plan. Ids and positions are those of the list that was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Two tasks with one id.
    #[error("two tasks have the id `{0}`")]
    Duplicate(TaskId),
    /// A task needs one that is not there.
    #[error("task `{task}` needs `{need}`, which is not in the plan")]
    UnknownNeed {
        /// Who needs it.
        task: TaskId,
        /// What is not there.
        need: TaskId,
    },
    /// A task needs itself.
    #[error("task `{0}` needs itself")]
    SelfNeed(TaskId),
    /// Tasks that wait for one another: each needs the next, and the last needs the first.
    #[error("the needs form a cycle: {}", .0.iter().map(TaskId::as_str).collect::<Vec<_>>().join(" → "))]
    Cycle(Vec<TaskId>),
    /// No task at all.
    #[error("the plan has no task")]
    Empty,
}

impl Plan {
    /// Checks the graph and makes a plan. Takes time linear in tasks and needs.
    pub fn new(settings: Settings, tasks: Vec<TaskSpec>) -> Result<Self, Vec<PlanError>> {
        let mut errors = Vec::new();
        let places = places(&tasks, &mut errors);
        for task in &tasks {
            for (need, _) in &task.needs {
                if *need == task.id {
                    errors.push(PlanError::SelfNeed(need.clone()));
                } else if !places.contains_key(need) {
                    errors.push(PlanError::UnknownNeed { task: task.id.clone(), need: need.clone() });
                }
            }
        }
        if tasks.is_empty() {
            errors.push(PlanError::Empty);
        }
        if errors.is_empty()
            && let Err(cycle) = topological(&tasks)
        {
            errors.push(PlanError::Cycle(cycle));
        }
        if errors.is_empty() { Ok(Self { settings, tasks }) } else { Err(errors) }
    }

    /// What holds for the whole run.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The tasks in the order of the file.
    pub fn tasks(&self) -> &[TaskSpec] {
        &self.tasks
    }

    /// The parts, for recording.
    pub fn into_parts(self) -> (Settings, Vec<TaskSpec>) {
        (self.settings, self.tasks)
    }

    /// Positions of the tasks so that each comes after what it needs; plan order breaks ties.
    pub fn order(&self) -> Vec<usize> {
        topological(&self.tasks).expect("a plan is acyclic by construction")
    }

    /// For each task the number of tasks on the longest path that starts with it: 1 for a task that nothing needs.
    pub fn remaining_path(&self) -> Vec<u32> {
        let places = places(&self.tasks, &mut Vec::new());
        let mut longest = vec![1_u32; self.tasks.len()];
        for at in self.order().into_iter().rev() {
            for (need, _) in &self.tasks[at].needs {
                let through = longest[at] + 1;
                let need = &mut longest[places[need]];
                *need = (*need).max(through);
            }
        }
        longest
    }
}

fn places<'a>(tasks: &'a [TaskSpec], errors: &mut Vec<PlanError>) -> BTreeMap<&'a TaskId, usize> {
    let mut places = BTreeMap::new();
    for (at, task) in tasks.iter().enumerate() {
        if places.insert(&task.id, at).is_some() {
            errors.push(PlanError::Duplicate(task.id.clone()));
        }
    }
    places
}

/// Kahn's algorithm with a sorted frontier, so that plan order breaks ties. The error is one cycle, each task needing the next.
pub fn topological<S: Borrow<TaskSpec>>(tasks: &[S]) -> Result<Vec<usize>, Vec<TaskId>> {
    let tasks: Vec<&TaskSpec> = tasks.iter().map(Borrow::borrow).collect();
    let places: BTreeMap<&TaskId, usize> =
        tasks.iter().enumerate().map(|(at, task)| (&task.id, at)).collect();
    let mut unmet: Vec<usize> = tasks.iter().map(|task| task.needs.len()).collect();
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); tasks.len()];
    for (at, task) in tasks.iter().enumerate() {
        for (need, _) in &task.needs {
            match places.get(need) {
                Some(&place) => needed_by[place].push(at),
                None => unmet[at] -= 1,
            }
        }
    }
    let mut frontier: BTreeSet<usize> = (0..tasks.len()).filter(|&at| unmet[at] == 0).collect();
    let mut order = Vec::with_capacity(tasks.len());
    while let Some(at) = frontier.pop_first() {
        order.push(at);
        for &next in &needed_by[at] {
            unmet[next] -= 1;
            if unmet[next] == 0 {
                frontier.insert(next);
            }
        }
    }
    if order.len() == tasks.len() { Ok(order) } else { Err(cycle(&tasks, &places, &unmet)) }
}

/// Walks needs among the tasks that never became ready until one comes up again.
fn cycle(tasks: &[&TaskSpec], places: &BTreeMap<&TaskId, usize>, unmet: &[usize]) -> Vec<TaskId> {
    let mut at = unmet.iter().position(|&left| left > 0).expect("a cycle leaves tasks with unmet needs");
    let mut path: Vec<usize> = Vec::new();
    loop {
        if let Some(start) = path.iter().position(|&seen| seen == at) {
            return path[start..].iter().map(|&at| tasks[at].id.clone()).collect();
        }
        path.push(at);
        at = tasks[at]
            .needs
            .iter()
            .filter_map(|(need, _)| places.get(need).copied())
            .find(|&need| unmet[need] > 0)
            .expect("a task that never became ready needs another such task");
    }
}

#[cfg(test)]
mod tests;
