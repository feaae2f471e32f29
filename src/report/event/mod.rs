//! The public event stream, one JSON object a line. Additive only: a name that was once written keeps its meaning. Does not know the journal's own format.

mod causes;
mod data;
mod line;
mod plan;
mod schema;
mod stream;

pub use line::event_line;
pub use schema::schema_event;
pub use stream::EventStream;

pub(super) use data::{ending as ending_json, verdict as verdict_word};

use serde_json::{Map, Value, json};
use swarm_actors::Recorded;
use swarm_domain::fact::Site;
use swarm_domain::state::task_of;
use swarm_domain::{Event, TaskId};

use super::scrub::scrub;
use super::text::rfc3339;

/// The name and version of a line.
pub(super) const SCHEMA: &str = "swarm.event/1";

/// What a line says beyond its event: it can only be told from what came before.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    cause: Option<u64>,
    /// The task of a gate that ended.
    task: Option<TaskId>,
    attempt: Option<u32>,
    /// All tasks of the plan.
    tasks: Option<Vec<TaskId>>,
}

/// An event as the public stream shows it, as far as it can be told from the event alone.
pub fn event_json(run: &str, recorded: &Recorded) -> Value {
    line_of(run, recorded, &Context::default())
}

fn line_of(run: &str, recorded: &Recorded, context: &Context) -> Value {
    let event = &recorded.event;
    let mut line = Map::new();
    line.insert("schema".to_owned(), json!(SCHEMA));
    line.insert("seq".to_owned(), json!(recorded.seq));
    line.insert("time".to_owned(), json!(rfc3339(recorded.time_ms)));
    line.insert("run".to_owned(), json!(run));
    line.insert("type".to_owned(), json!(event.name()));
    line.insert("by".to_owned(), json!(by(event)));
    if let Some(task) = about(event).or(context.task.as_ref()) {
        line.insert("task".to_owned(), json!(task));
    }
    if let Some(attempt) = attempt_of(event).or(context.attempt) {
        line.insert("attempt".to_owned(), json!(attempt));
    }
    if let Some(cause) = context.cause {
        line.insert("cause".to_owned(), json!(cause));
    }
    let mut data = data::of(event);
    if let Some(tasks) = &context.tasks {
        data["tasks"] = json!(tasks);
    }
    line.insert("data".to_owned(), data);
    if is_final(event) {
        line.insert("final".to_owned(), json!(true));
    }
    scrub(Value::Object(line))
}

/// The run came to rest. If it stopped, it can be resumed, and its stream goes on.
fn is_final(event: &Event) -> bool {
    matches!(event, Event::RunStopped(_) | Event::RunFinished(_))
}

/// The task that an event is about, also where the core files it elsewhere.
pub(super) fn about(event: &Event) -> Option<&TaskId> {
    match event {
        Event::TaskPlanned(event) => Some(&event.spec.id),
        Event::GateStarted(event) => task_at(&event.site),
        Event::Noted(event) => event.task.as_ref(),
        event => task_of(event),
    }
}

fn task_at(site: &Site) -> Option<&TaskId> {
    match site {
        Site::Preflight => None,
        Site::Task { task, .. } | Site::Train { task, .. } => Some(task),
    }
}

fn attempt_at(site: &Site) -> Option<u32> {
    match site {
        Site::Preflight => None,
        Site::Task { attempt, .. } | Site::Train { attempt, .. } => Some(*attempt),
    }
}

/// The attempt that an event is about.
pub(super) fn attempt_of(event: &Event) -> Option<u32> {
    let attempt = match event {
        Event::GateStarted(event) => return attempt_at(&event.site),
        Event::AttemptStarted(event) => event.attempt,
        Event::WorktreeMade(event) => event.attempt,
        Event::WorktreeFailed(event) => event.attempt,
        Event::AgentStarted(event) => event.attempt,
        Event::UsageReported(event) => event.attempt,
        Event::GrantRaised(event) => event.attempt,
        Event::RaiseRefused(event) => event.attempt,
        Event::StopAsked(event) => event.attempt,
        Event::AgentExited(event) => event.attempt,
        Event::Preserved(event) => event.attempt,
        Event::PreserveFailed(event) => event.attempt,
        Event::WorktreeRemoved(event) => event.attempt,
        Event::WorktreeKept(event) => event.attempt,
        Event::AttemptFailed(event) => event.attempt,
        Event::AttemptPassed(event) => event.attempt,
        Event::TaskQueued(event) => event.attempt,
        Event::MergePrepared(event) => event.attempt,
        Event::MergeBuilt(event) => event.attempt,
        Event::MergeEmpty(event) => event.attempt,
        Event::MergeConflicted(event) => event.attempt,
        Event::MergeRefused(event) => event.attempt,
        Event::MergeIntended(event) => event.attempt,
        Event::MergeFailed(event) => event.attempt,
        Event::Merged(event) => event.attempt,
        _ => return None,
    };
    Some(attempt)
}

/// Who an event comes from: a person, a crash or stop that was overcome, the clock, the world, or swarm's own policy.
fn by(event: &Event) -> &'static str {
    match event {
        Event::RunPlanned(_) | Event::TaskPlanned(_) | Event::Requested(_) => "user",
        Event::Opened(event) if event.epoch <= 1 => "user",
        Event::Opened(_) => "recovery",
        Event::RetryDue(_) | Event::DeadlineReached(_) | Event::AgentFreed(_) => "timer",
        Event::TargetSeen(_)
        | Event::TargetHeld(_)
        | Event::TargetFreed(_)
        | Event::DaySeen(_)
        | Event::GateEnded(_)
        | Event::WorktreeMade(_)
        | Event::WorktreeFailed(_)
        | Event::AgentStarted(_)
        | Event::UsageReported(_)
        | Event::AgentExited(_)
        | Event::Preserved(_)
        | Event::PreserveFailed(_)
        | Event::WorktreeRemoved(_)
        | Event::WorktreeKept(_)
        | Event::MergeBuilt(_)
        | Event::MergeEmpty(_)
        | Event::MergeConflicted(_)
        | Event::MergeRefused(_)
        | Event::Merged(_)
        | Event::MergeFailed(_)
        | Event::RoomLost(_)
        | Event::RoomBack(_)
        | Event::RecordsLost(_)
        | Event::Noted(_) => "world",
        Event::GateStarted(_)
        | Event::PreflightPassed(_)
        | Event::PreflightFailed(_)
        | Event::AttemptStarted(_)
        | Event::GrantRaised(_)
        | Event::RaiseRefused(_)
        | Event::StopAsked(_)
        | Event::AttemptFailed(_)
        | Event::RetryScheduled(_)
        | Event::AttemptPassed(_)
        | Event::TaskQueued(_)
        | Event::MergePrepared(_)
        | Event::MergeIntended(_)
        | Event::TaskDone(_)
        | Event::TaskFailed(_)
        | Event::TaskSkipped(_)
        | Event::TaskCancelled(_)
        | Event::TaskHeld(_)
        | Event::RunPaused(_)
        | Event::AgentHeld(_)
        | Event::BudgetWarned(_)
        | Event::RunStopped(_)
        | Event::RunFinished(_) => "policy",
    }
}
