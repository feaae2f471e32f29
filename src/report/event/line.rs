//! One line an event, for a listing. Knows one event and nothing that came before it.

use swarm_actors::Recorded;

use super::super::text::rfc3339;
use super::super::words::say;
use super::{about, attempt_of};

/// An event on one line: seq, time, type, task, and what it says.
pub fn event_line(recorded: &Recorded) -> String {
    let event = &recorded.event;
    let subject = match (about(event), attempt_of(event)) {
        (Some(task), Some(attempt)) => format!("{task}/{attempt}"),
        (Some(task), None) => task.to_string(),
        (None, _) => "-".to_owned(),
    };
    let (seq, time) = (recorded.seq, rfc3339(recorded.time_ms));
    format!("{seq:>6}  {time}  {:<19} {subject:<16} {}", event.name(), say(event)).trim_end().to_owned()
}
