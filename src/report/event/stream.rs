//! The lines of a whole run. Keeps just enough to name all tasks in the first line and to say what led to what.

use serde_json::Value;
use swarm_actors::Recorded;
use swarm_domain::{Event, TaskId};

use super::causes::Causes;
use super::{Context, line_of};

/// Turns the events of a run, in order from the first, into the lines of its public stream.
#[derive(Debug)]
pub struct EventStream {
    run: String,
    causes: Causes,
    planning: Option<Planning>,
}

/// A plan whose tasks are still coming in.
#[derive(Debug)]
struct Planning {
    head: Recorded,
    wanted: usize,
    ids: Vec<TaskId>,
    lines: Vec<Value>,
}

impl EventStream {
    /// The stream of a run.
    pub fn new(run: &str) -> Self {
        Self { run: run.to_owned(), causes: Causes::default(), planning: None }
    }

    /// The lines that an event leads to: none while the plan is still coming in, then `run.planned` with every task
    /// id and one line a task, after that one line an event.
    pub fn push(&mut self, recorded: &Recorded) -> Vec<Value> {
        let context = self.causes.take(recorded);
        match (&mut self.planning, &recorded.event) {
            (_, Event::RunPlanned(planned)) => {
                let wanted = planned.tasks as usize;
                let head = recorded.clone();
                self.planning = Some(Planning { head, wanted, ids: Vec::new(), lines: Vec::new() });
            }
            (Some(planning), Event::TaskPlanned(planned)) => {
                planning.ids.push(planned.spec.id.clone());
                planning.lines.push(line_of(&self.run, recorded, &context));
            }
            (None, _) => return vec![line_of(&self.run, recorded, &context)],
            (Some(_), _) => {
                let mut lines = self.planned();
                lines.push(line_of(&self.run, recorded, &context));
                return lines;
            }
        }
        let complete = self.planning.as_ref().is_some_and(|planning| planning.ids.len() >= planning.wanted);
        if complete { self.planned() } else { Vec::new() }
    }

    fn planned(&mut self) -> Vec<Value> {
        let Some(planning) = self.planning.take() else { return Vec::new() };
        let context = Context { tasks: Some(planning.ids), ..Context::default() };
        let mut lines = vec![line_of(&self.run, &planning.head, &context)];
        lines.extend(planning.lines);
        lines
    }
}
