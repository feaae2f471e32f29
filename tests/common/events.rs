//! The public event stream of a run, as `swarm replay --events` prints it.

use serde_json::Value;

/// One line of the stream.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    /// Who it comes from: user, policy, timer, world or recovery.
    pub(crate) by: String,
    pub(crate) kind: String,
    /// Empty if it is about no task.
    pub(crate) task: String,
    /// 0 if it is about no attempt.
    pub(crate) attempt: u64,
    pub(crate) data: Value,
}

impl Event {
    fn new(line: &Value) -> Self {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        Self {
            seq: line["seq"].as_u64().expect("each line has a seq"),
            by: text("by"),
            kind: text("type"),
            task: text("task"),
            attempt: line["attempt"].as_u64().unwrap_or(0),
            data: line["data"].clone(),
        }
    }

    /// A text of its data, empty if there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.data[name].as_str().unwrap_or_default()
    }

    /// Money of its data, in micro-dollars.
    pub(crate) fn micros(&self, name: &str) -> u64 {
        micros(self.text(name))
    }
}

/// Exact money: `1.25` is 1,250,000.
pub(crate) fn micros(decimal: &str) -> u64 {
    let (whole, part) = decimal.split_once('.').unwrap_or((decimal, ""));
    let part = format!("{part:0<6}");
    assert!(part.len() == 6, "{decimal} is finer than a micro-dollar");
    whole.parse::<u64>().expect("money is a number") * 1_000_000
        + part.parse::<u64>().expect("money is a number")
}

/// All events of a run, in order.
#[derive(Clone, Debug)]
pub(crate) struct Events(pub(crate) Vec<Event>);

impl Events {
    pub(super) fn parse(lines: &str) -> Self {
        let lines = lines.lines().map(|line| serde_json::from_str(line).expect("each line is JSON"));
        Self(lines.map(|line| Event::new(&line)).collect())
    }

    /// Those of a kind.
    pub(crate) fn of(&self, kind: &str) -> std::vec::IntoIter<&Event> {
        self.0.iter().filter(|event| event.kind == kind).collect::<Vec<_>>().into_iter()
    }

    /// Those of a kind about a task.
    pub(crate) fn about(&self, kind: &str, task: &str) -> std::vec::IntoIter<&Event> {
        self.of(kind).filter(|event| event.task == task).collect::<Vec<_>>().into_iter()
    }

    /// How many of a kind there are about a task.
    pub(crate) fn count(&self, kind: &str, task: &str) -> usize {
        self.about(kind, task).count()
    }

    /// Whether there is one of a kind about a task.
    pub(crate) fn has(&self, kind: &str, task: &str) -> bool {
        self.count(kind, task) > 0
    }

    /// Whether there is one of a kind.
    pub(crate) fn any(&self, kind: &str) -> bool {
        self.of(kind).next().is_some()
    }

    /// The first of a kind about a task.
    pub(crate) fn first(&self, kind: &str, task: &str) -> &Event {
        self.about(kind, task).next().unwrap_or_else(|| panic!("no {kind} of {task}"))
    }

    /// The last of a kind about a task.
    pub(crate) fn last(&self, kind: &str, task: &str) -> &Event {
        self.about(kind, task).last().unwrap_or_else(|| panic!("no {kind} of {task}"))
    }

    /// Tasks in the order in which they have an event of a kind.
    pub(crate) fn order(&self, kind: &str) -> Vec<String> {
        self.of(kind).map(|event| event.task.clone()).collect()
    }

    /// The reasons of a task's failed attempts.
    pub(crate) fn failures(&self, task: &str) -> Vec<String> {
        self.about("attempt.failed", task).map(|event| event.text("reason").to_owned()).collect()
    }
}
