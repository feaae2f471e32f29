//! The single writer: drains commands, decides, applies, appends, syncs, and only then answers and publishes.
//!
//! Whoever has the turn calls it: its own thread, or a task that found it idle. On a simulated disk, the test.

use std::sync::Arc;

use swarm_domain::decide::{Command, Refusal};
use swarm_domain::effect::Actor;
use swarm_domain::fact::{Anchor, Moment, Outcome};
use swarm_domain::owed::ActorView;
use swarm_domain::state::State;
use swarm_domain::task::Illegal;
use swarm_domain::{AsPlanned, Event, Policy, TaskId};
use swarm_journal::codec::CodecError;
use swarm_journal::{Entry, Item, JournalError, Log};
use tokio::sync::oneshot;

use crate::codec::{EventError, entry_of, recorded};
use crate::ports::World;

/// More follow-up decisions than this after one batch of commands means that policy goes round in circles.
const DECISIONS_MAX: usize = 1_000_000;

/// A command on its way to the writer.
#[derive(Debug)]
pub struct Submit {
    /// What is asked.
    pub command: Command,
    /// Who waits for the answer.
    pub reply: Option<oneshot::Sender<Reply>>,
}

/// The answer to a command, given once its events are durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Durable up to and including this seq.
    Durable(u64),
    /// It changed nothing.
    Refused(Refusal),
    /// The journal failed: whether it is durable is not known.
    Unknown(String),
}

/// An event with its place in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its place, from 1.
    pub seq: u64,
    /// When it was recorded, in milliseconds since 1970.
    pub time_ms: u64,
    /// What happened.
    pub event: Event,
}

/// What became durable with one sync.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The last seq.
    pub seq: u64,
    /// The events, in order.
    pub events: Vec<Recorded>,
    /// The actors whose debts may have changed.
    pub views: Vec<ActorView>,
    /// Tasks that are final and owe nothing.
    pub idle: Vec<TaskId>,
    /// When something is due by time alone, in milliseconds since 1970.
    pub wakeup_ms: Option<u64>,
    /// How the run ended or stopped, if it did.
    pub ended: Option<Outcome>,
}

/// Why the writer cannot go on. The process must not act any more.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A record is not an event of this version.
    #[error("record {seq}: {error}")]
    Event {
        /// Its place.
        seq: u64,
        /// What is wrong with it.
        error: EventError,
    },
    /// An event does not fit the state it met.
    #[error("record {seq}: {illegal}")]
    Illegal {
        /// Its place.
        seq: u64,
        /// Why it does not fit.
        illegal: Illegal,
    },
    /// An event has no encoding.
    #[error("an event cannot be recorded: {0}")]
    Encode(#[from] CodecError),
    /// Policy goes round in circles.
    #[error("the scheduler made {DECISIONS_MAX} decisions without coming to rest; this is a bug")]
    Restless,
    /// A bug.
    #[error("the writer panicked; this is a bug. What is durable stands: resume the run")]
    Panicked,
    /// The first command was refused.
    #[error("{0}")]
    Refused(#[from] Refusal),
}

/// Log and state, in one hand.
pub struct Writer {
    log: Log,
    state: State,
    world: Arc<dyn World>,
    policy: Arc<dyn Policy>,
    pending: Vec<Recorded>,
    published: u64,
}

/// The fold of a journal, item by item. Law 3: it is the live state.
#[derive(Debug, Default)]
pub struct Fold {
    state: State,
    failed: Option<WriterError>,
}

impl Fold {
    /// Before the first record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next item. After one that cannot be taken, none is.
    pub fn take(&mut self, item: &Item<'_>) {
        if self.failed.is_none() {
            self.failed = self.try_take(item).err();
        }
    }

    /// What all of it adds up to, or why it does not.
    pub fn state(self) -> Result<State, WriterError> {
        self.failed.map_or(Ok(self.state), Err)
    }

    fn try_take(&mut self, item: &Item<'_>) -> Result<(), WriterError> {
        let Recorded { seq, event, .. } = recorded(item)?;
        self.state.replay(&event).map_err(|illegal| WriterError::Illegal { seq, illegal })
    }
}

impl Writer {
    /// A writer that goes on from the state that the log's records fold to.
    pub fn new(log: Log, state: State, world: Arc<dyn World>) -> Self {
        let policy = Arc::new(AsPlanned);
        Self { log, state, world, policy, pending: Vec::new(), published: 0 }
    }

    /// The same writer, with choices by a policy where the plan leaves one. What it chose before stands.
    #[must_use]
    pub fn with_policy(self, policy: Arc<dyn Policy>) -> Self {
        Self { policy, ..self }
    }

    /// The state, which may be ahead of what is durable while commands are being taken.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What was appended and is not known to be durable, because a turn failed: after a crash it is there in whole batches
    /// from the front, or not at all. Law 2.
    pub fn unsettled(&self) -> &[Recorded] {
        &self.pending
    }

    /// The epoch of the journal as it is open now.
    pub fn epoch(&self) -> u64 {
        self.log.epoch()
    }

    /// Takes one command and makes it durable, without follow-up decisions: for verbs on a run that nobody drives.
    pub fn record(&mut self, command: &Command) -> Result<u64, WriterError> {
        let (at_ms, events) = self.decide(command)?;
        self.take(at_ms, events)?;
        self.log.sync()?;
        self.pending.clear();
        Ok(self.state.seq())
    }

    /// Closes the log cleanly.
    pub fn close(self) -> Result<State, WriterError> {
        self.log.close()?;
        Ok(self.state)
    }

    /// Takes a batch of commands and all that follows from it, with one write and one sync.
    pub fn turn(&mut self, submits: Vec<Submit>) -> Result<Option<Committed>, WriterError> {
        let mut replies = Vec::with_capacity(submits.len());
        let outcome =
            self.decide_all(submits, &mut replies).and_then(|()| self.log.sync().map_err(WriterError::from));
        let durable = self.state.seq();
        for (reply, answer) in replies {
            let answer = match (&outcome, answer) {
                (Err(error), _) => Reply::Unknown(error.to_string()),
                (Ok(()), None) => Reply::Durable(durable),
                (Ok(()), Some(refusal)) => Reply::Refused(refusal),
            };
            // Whoever asked may be gone; the record stands all the same.
            let _ = reply.send(answer);
        }
        outcome.map(|()| self.publish())
    }

    /// One actor's state at this point, for its restart.
    pub fn view(&self, actor: &Actor) -> ActorView {
        self.state.view(actor)
    }

    fn decide_all(
        &mut self,
        submits: Vec<Submit>,
        replies: &mut Vec<(oneshot::Sender<Reply>, Option<Refusal>)>,
    ) -> Result<(), WriterError> {
        for submit in submits {
            let refusal = match self.decide(&submit.command) {
                Ok((at_ms, events)) => {
                    let taken = self.take(at_ms, events);
                    if let Some(reply) = submit.reply {
                        replies.push((reply, None));
                    }
                    taken?;
                    continue;
                }
                Err(refusal) => refusal,
            };
            tracing::debug!(%refusal, command = ?submit.command, "refused");
            if let Some(reply) = submit.reply {
                replies.push((reply, Some(refusal)));
            }
        }
        self.advance()
    }

    fn advance(&mut self) -> Result<(), WriterError> {
        for _ in 0..DECISIONS_MAX {
            let (at_ms, events) = self.decide(&Command::Advance)?;
            if events.is_empty() {
                return Ok(());
            }
            self.take(at_ms, events)?;
        }
        Err(WriterError::Restless)
    }

    /// What a command leads to now, and when that is, in milliseconds since 1970.
    fn decide(&self, command: &Command) -> Result<(u64, Vec<Event>), Refusal> {
        // That of the last durable record: records of the batch that is being decided are not in it.
        let anchor = || {
            let anchor = self.log.anchor();
            Anchor { seq: anchor.seq, hash: anchor.hash_hex() }
        };
        let now = Moment { at_ms: self.world.now_ms(), entropy: self.world.entropy(), anchor: &anchor };
        Ok((now.at_ms, self.state.decide_by(&*self.policy, &now, command)?))
    }

    fn take(&mut self, at_ms: u64, events: Vec<Event>) -> Result<(), WriterError> {
        if events.is_empty() {
            return Ok(());
        }
        let entries: Vec<Entry> =
            events.iter().map(|event| entry_of(event, at_ms)).collect::<Result<_, _>>()?;
        for event in events {
            let seq = self.state.seq() + 1;
            self.state.apply(&event).map_err(|illegal| WriterError::Illegal { seq, illegal })?;
            self.pending.push(Recorded { seq, time_ms: at_ms, event });
        }
        self.log.append(&entries)?;
        Ok(())
    }

    fn publish(&mut self) -> Option<Committed> {
        let events = std::mem::take(&mut self.pending);
        if events.is_empty() {
            return None;
        }
        let views = self.state.views_since(self.published);
        self.published = self.state.seq();
        let idle = views.iter().filter_map(|view| self.idle(view)).collect();
        let run = self.state.parts().map(|parts| &parts.run);
        let ended = run.and_then(|run| run.finished.or(run.stopped.as_ref().map(|(outcome, _)| *outcome)));
        Some(Committed {
            seq: self.state.seq(),
            events,
            views,
            idle,
            wakeup_ms: self.state.wakeup_ms(),
            ended,
        })
    }

    fn idle(&self, view: &ActorView) -> Option<TaskId> {
        let Actor::Task(id) = &view.actor else { return None };
        let ended =
            self.state.parts().and_then(|parts| parts.tasks.get(id)).is_some_and(|task| task.end().is_some());
        (ended && view.owed.is_empty()).then(|| id.clone())
    }
}
