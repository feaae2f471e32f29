//! The graph of needs: do they exist, is it free of cycles, which tasks can run together.

use std::collections::{BTreeMap, BTreeSet};

use swarm_domain::TaskSpec;

use crate::plan::draft::Decoded;
use crate::plan::problem::{Problem, similar};
use crate::plan::shape::Problems;

/// How many cycles are drawn.
const CYCLES_MAX: usize = 10;

/// For each task the positions of those it needs; needs that do not exist are left out.
pub(in crate::plan) struct Graph {
    needs: Vec<Vec<usize>>,
}

impl Graph {
    /// The graph of some tasks.
    pub(in crate::plan) fn new(tasks: &[TaskSpec]) -> Self {
        let places: BTreeMap<&str, usize> =
            tasks.iter().enumerate().map(|(at, task)| (task.id.as_str(), at)).collect();
        let needs = tasks.iter().map(|task| {
            let known = task.needs.iter().filter_map(|(need, _)| places.get(need.as_str()).copied());
            known.collect()
        });
        Self { needs: needs.collect() }
    }

    /// What a task needs.
    pub(in crate::plan) fn needs(&self, task: usize) -> &[usize] {
        &self.needs[task]
    }

    /// Positions so that each comes after what it needs, the file's order breaking ties, and the cycles that had to be cut for that.
    pub(in crate::plan) fn order(&self) -> Order {
        let mut walk = Walk::new(self);
        walk.run();
        let mut cycles = Vec::new();
        while let Some(cycle) = walk.cycle() {
            // Taken as done, last need first, the rest of the graph is walked too and shows its own cycles.
            for &task in cycle.iter().rev() {
                walk.release(task);
            }
            walk.run();
            cycles.push(cycle);
        }
        Order { tasks: walk.order, cycles }
    }

    /// For each task everything it needs, near and far.
    pub(super) fn closure(&self, order: &Order) -> Closure {
        let words = self.needs.len().div_ceil(64);
        let mut rows = vec![Vec::new(); self.needs.len()];
        // Where a cycle was cut the first walk comes upon needs that it has not seen; the second has.
        let walks = if order.cycles.is_empty() { 1 } else { 2 };
        for &task in order.tasks.iter().cycle().take(order.tasks.len() * walks) {
            let mut row = vec![0_u64; words];
            for &need in &self.needs[task] {
                row[need / 64] |= 1 << (need % 64);
                row.iter_mut().zip(&rows[need]).for_each(|(word, other): (&mut u64, &u64)| *word |= other);
            }
            rows[task] = row;
        }
        Closure { rows }
    }
}

/// An order of all tasks.
pub(in crate::plan) struct Order {
    /// Positions of tasks.
    pub(in crate::plan) tasks: Vec<usize>,
    /// Tasks that wait for one another, each needing the next. Empty in a good plan.
    pub(in crate::plan) cycles: Vec<Vec<usize>>,
}

/// All needs of all tasks, a bit for each pair.
pub(super) struct Closure {
    rows: Vec<Vec<u64>>,
}

impl Closure {
    /// Whether neither waits for the other.
    pub(super) fn together(&self, a: usize, b: usize) -> bool {
        let needs = |task: usize, need: usize| self.rows[task][need / 64] >> (need % 64) & 1 == 1;
        !needs(a, b) && !needs(b, a)
    }
}

/// Kahn's algorithm with a sorted frontier.
struct Walk<'a> {
    graph: &'a Graph,
    unmet: Vec<usize>,
    needed_by: Vec<Vec<usize>>,
    frontier: BTreeSet<usize>,
    done: Vec<bool>,
    order: Vec<usize>,
}

impl<'a> Walk<'a> {
    fn new(graph: &'a Graph) -> Self {
        let mut needed_by = vec![Vec::new(); graph.needs.len()];
        for (task, needs) in graph.needs.iter().enumerate() {
            for &need in needs {
                needed_by[need].push(task);
            }
        }
        let unmet: Vec<usize> = graph.needs.iter().map(Vec::len).collect();
        let frontier = (0..unmet.len()).filter(|&task| unmet[task] == 0).collect();
        Self { graph, needed_by, frontier, done: vec![false; unmet.len()], order: Vec::new(), unmet }
    }

    fn run(&mut self) {
        while let Some(task) = self.frontier.pop_first() {
            self.release(task);
        }
    }

    fn release(&mut self, task: usize) {
        if std::mem::replace(&mut self.done[task], true) {
            return;
        }
        self.order.push(task);
        for &next in &self.needed_by[task] {
            self.unmet[next] -= 1;
            if self.unmet[next] == 0 {
                self.frontier.insert(next);
            }
        }
    }

    /// Follows needs that are not done until a task comes up again.
    fn cycle(&self) -> Option<Vec<usize>> {
        let mut task = self.done.iter().position(|done| !done)?;
        let mut place = BTreeMap::new();
        let mut path = Vec::new();
        loop {
            if let Some(&start) = place.get(&task) {
                return Some(path[start..].to_vec());
            }
            place.insert(task, path.len());
            path.push(task);
            task = self.graph.needs[task].iter().copied().find(|&need| !self.done[need])?;
        }
    }
}

/// Reports needs that are not there, and tasks that need themselves.
pub(super) fn needs(plan: &Decoded, problems: &mut Problems) {
    let tasks = &plan.draft.tasks;
    let known: BTreeSet<&str> =
        tasks.iter().map(|task| task.id.as_str()).chain(plan.broken.iter().map(String::as_str)).collect();
    for (task, spots) in tasks.iter().zip(&plan.spots) {
        for ((need, _), &span) in task.needs.iter().zip(&spots.needs) {
            if *need == task.id {
                problems.push(
                    Problem::error("P0302", format!("the task `{need}` needs itself")).at(span, "itself"),
                );
            } else if !known.contains(need.as_str()) && !problems.full() {
                let problem = Problem::error(
                    "P0302",
                    format!("the task `{}` needs `{need}`, which is not in the plan", task.id),
                );
                let problem = problem.at(span, "no task has this id");
                problems.push(match similar(need.as_str(), known.iter().copied()) {
                    Some(meant) => problem.help(format!("did you mean `{meant}`?")).fix(span, meant),
                    None => problem,
                });
            }
        }
    }
}

/// Draws cycles, a label for each edge.
pub(super) fn cycles(plan: &Decoded, cycles: &[Vec<usize>], problems: &mut Problems) {
    let id = |task: usize| &plan.draft.tasks[task].id;
    for cycle in cycles.iter().filter(|cycle| cycle.len() > 1).take(CYCLES_MAX) {
        let shown = cycle.len().min(20);
        let mut path: Vec<String> = cycle[..shown].iter().map(|&task| id(task).to_string()).collect();
        if shown < cycle.len() {
            path.push(format!("… {} more", cycle.len() - shown));
        }
        path.push(id(cycle[0]).to_string());
        let mut problem =
            Problem::error("P0301", format!("these tasks wait for one another: {}", path.join(" → ")));
        for (at, &task) in cycle[..shown].iter().enumerate() {
            let next = cycle[(at + 1) % cycle.len()];
            let edge = plan.draft.tasks[task].needs.iter().position(|(need, _)| need == id(next));
            if let Some(&span) = edge.and_then(|edge| plan.spots[task].needs.get(edge)) {
                problem = problem.at(span, format!("`{}` needs `{}`", id(task), id(next)));
            }
        }
        problems.push(problem.help("leave out one of these needs"));
    }
}
