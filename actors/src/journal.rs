//! The journal actor, and the line of commands that it keeps. The writer behind it owns log and state.

use std::mem;
use std::ops::ControlFlow;

use ractor::{Actor as Ractor, ActorProcessingErr, ActorRef, SupervisionEvent};
use swarm_domain::effect::Actor;
use swarm_domain::owed::ActorView;
use swarm_journal::{Group, Owner};
use tokio::sync::oneshot;

use crate::supervisor::SupervisorMsg;
use crate::writer::{Committed, Submit, Writer, WriterError};

/// What the writer is told, in order.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are of the large one, and each is moved through one queue"
)]
pub(crate) enum Work {
    /// A command.
    Submit(Submit),
    /// A question for an actor's state, for its restart.
    View(Actor, oneshot::Sender<(u64, ActorView)>),
}

/// The line of commands. Who finds the writer idle does its turn; everybody else is served by its thread.
pub(crate) type Commands = Group<Turns>;

/// Sees each commit before anybody else does.
pub(crate) type Observer = Box<dyn FnMut(&Committed) + Send>;

/// The journal actor: the line lives as long as it does.
pub(crate) struct Journal;

impl Ractor for Journal {
    type Msg = Work;
    type State = Commands;
    type Arguments = Commands;

    async fn pre_start(
        &self,
        _myself: ActorRef<Work>,
        commands: Commands,
    ) -> Result<Commands, ActorProcessingErr> {
        Ok(commands)
    }

    async fn handle(
        &self,
        _myself: ActorRef<Work>,
        work: Work,
        commands: &mut Commands,
    ) -> Result<(), ActorProcessingErr> {
        // The writer is gone when the run has ended or the journal failed; the supervisor knows which.
        let _ = commands.hand_in(work);
        Ok(())
    }

    async fn post_stop(
        &self,
        _myself: ActorRef<Work>,
        commands: &mut Commands,
    ) -> Result<(), ActorProcessingErr> {
        commands.close();
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<Work>,
        _event: SupervisionEvent,
        _commands: &mut Commands,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

/// The writer's turns: take what waits, one write, one sync, then answer and publish.
pub(crate) struct Turns {
    pub(crate) writer: Writer,
    pub(crate) supervisor: ActorRef<SupervisorMsg>,
    pub(crate) observer: Observer,
    /// Where the writer goes in the end, unless the journal failed.
    pub(crate) closed: Option<oneshot::Sender<Writer>>,
}

impl Owner for Turns {
    type Work = Work;

    /// The last turn is the one in which the run ends, or the journal fails.
    fn turn(&mut self, work: &mut Vec<Work>) -> ControlFlow<()> {
        let mut report = Panics { supervisor: self.supervisor.clone(), in_turn: true };
        let mut submits = Vec::new();
        let mut views = Vec::new();
        for work in work.drain(..) {
            match work {
                Work::Submit(submit) => submits.push(submit),
                Work::View(actor, reply) => views.push((actor, reply)),
            }
        }
        let ended = match self.writer.turn(submits) {
            Ok(committed) => committed.is_some_and(|committed| self.publish(committed)),
            Err(error) => {
                self.closed = None;
                report.in_turn = false;
                let _ = self.supervisor.cast(SupervisorMsg::JournalFailed(error));
                return ControlFlow::Break(());
            }
        };
        for (actor, reply) in views {
            let _ = reply.send((self.writer.state().seq(), self.writer.view(&actor)));
        }
        report.in_turn = false;
        if ended { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn end(mut self) {
        if let Some(closed) = mem::take(&mut self.closed) {
            let _ = closed.send(self.writer);
        }
    }
}

impl Turns {
    /// Whether the run ended with it.
    fn publish(&mut self, committed: Committed) -> bool {
        (self.observer)(&committed);
        let ended = committed.ended.is_some();
        // Without a supervisor the process is on its way out.
        let _ = self.supervisor.cast(SupervisorMsg::Committed(Box::new(committed)));
        ended
    }
}

/// During a turn: a panic in it is the journal's failure, on whose thread it ever happens.
struct Panics {
    supervisor: ActorRef<SupervisorMsg>,
    in_turn: bool,
}

impl Drop for Panics {
    fn drop(&mut self) {
        if self.in_turn {
            let _ = self.supervisor.cast(SupervisorMsg::JournalFailed(WriterError::Panicked));
        }
    }
}
