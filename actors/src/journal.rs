//! The journal actor: hands commands on to the writer's bounded queue. The writer owns log and state, on a thread of its own.

use ractor::{Actor as Ractor, ActorProcessingErr, ActorRef, SupervisionEvent};
use swarm_domain::effect::Actor;
use swarm_domain::owed::ActorView;
use tokio::sync::{mpsc, oneshot};

use crate::supervisor::SupervisorMsg;
use crate::writer::{Committed, Submit, Writer};

/// Commands that may wait for the writer. Whoever sends more waits.
const QUEUE_MAX: usize = 4096;
/// Commands that share one write and one sync.
const BATCH_MAX: usize = 1024;

/// What the journal actor is told.
#[derive(Debug)]
pub(crate) enum JournalMsg {
    /// A command.
    Submit(Submit),
    /// A question for an actor's state, for its restart.
    View(Actor, oneshot::Sender<(u64, ActorView)>),
}

/// What the writer is told, in order.
#[derive(Debug)]
pub(crate) enum Work {
    Submit(Submit),
    View(Actor, oneshot::Sender<(u64, ActorView)>),
}

/// Sees each commit before anybody else does.
pub(crate) type Observer = Box<dyn FnMut(&Committed) + Send>;

/// The journal actor.
pub(crate) struct Journal;

/// What it begins with.
pub(crate) struct JournalArgs {
    pub(crate) writer: Writer,
    pub(crate) supervisor: ActorRef<SupervisorMsg>,
    pub(crate) observer: Observer,
    pub(crate) closed: oneshot::Sender<Writer>,
}

impl Ractor for Journal {
    type Msg = JournalMsg;
    type State = mpsc::Sender<Work>;
    type Arguments = JournalArgs;

    async fn pre_start(
        &self,
        _myself: ActorRef<JournalMsg>,
        args: JournalArgs,
    ) -> Result<mpsc::Sender<Work>, ActorProcessingErr> {
        let (queue, work) = mpsc::channel(QUEUE_MAX);
        std::thread::Builder::new().name("journal".to_owned()).spawn(move || drain(args, work))?;
        Ok(queue)
    }

    async fn handle(
        &self,
        _myself: ActorRef<JournalMsg>,
        message: JournalMsg,
        queue: &mut mpsc::Sender<Work>,
    ) -> Result<(), ActorProcessingErr> {
        let work = match message {
            JournalMsg::Submit(submit) => Work::Submit(submit),
            JournalMsg::View(actor, reply) => Work::View(actor, reply),
        };
        // The writer is gone when the run has ended or the journal failed; the supervisor knows which.
        let _ = queue.send(work).await;
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<JournalMsg>,
        _event: SupervisionEvent,
        _state: &mut mpsc::Sender<Work>,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

/// The writer's thread: take what waits, one write, one sync, then answer and publish. Ends when the queue closes, the
/// run ends, or the journal fails.
fn drain(mut args: JournalArgs, mut queue: mpsc::Receiver<Work>) {
    let mut waiting = Vec::new();
    while queue.blocking_recv_many(&mut waiting, BATCH_MAX) > 0 {
        let mut submits = Vec::new();
        let mut views = Vec::new();
        for work in waiting.drain(..) {
            match work {
                Work::Submit(submit) => submits.push(submit),
                Work::View(actor, reply) => views.push((actor, reply)),
            }
        }
        let ended = match args.writer.turn(submits) {
            Ok(None) => false,
            Ok(Some(committed)) => {
                (args.observer)(&committed);
                let ended = committed.ended.is_some();
                // Without a supervisor the process is on its way out.
                let _ = args.supervisor.cast(SupervisorMsg::Committed(Box::new(committed)));
                ended
            }
            Err(error) => {
                let _ = args.supervisor.cast(SupervisorMsg::JournalFailed(error));
                return;
            }
        };
        for (actor, reply) in views {
            let _ = reply.send((args.writer.state().seq(), args.writer.view(&actor)));
        }
        if ended {
            break;
        }
    }
    let _ = args.closed.send(args.writer);
}
