//! A run that is driven: started from a journal, asked by commands, over when it says so.

use std::sync::Arc;

use ractor::{Actor as Ractor, ActorRef};
use swarm_domain::Event;
use swarm_domain::decide::{Command, Refusal};
use swarm_domain::fact::{Outcome, Request, Standing};
use swarm_domain::state::State;
use tokio::sync::oneshot;

use crate::ports::World;
use crate::supervisor::{Supervisor, SupervisorArgs, SupervisorMsg};
use crate::writer::{Committed, Reply, Submit, Writer, WriterError};

/// Why a run could not be driven to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The journal failed.
    #[error(transparent)]
    Journal(WriterError),
    /// An actor failed again and again.
    #[error("the {0} actor failed too often: {1}")]
    Actor(String, String),
    /// The actors could not be started.
    #[error("the actors could not be started: {0}")]
    Spawn(String),
    /// The supervisor is gone without a word.
    #[error("the supervisor is gone")]
    Gone,
}

/// How a run came out.
#[derive(Debug)]
pub struct Ended {
    /// For machines.
    pub outcome: Outcome,
    /// The state at its end.
    pub state: Box<State>,
}

/// What it takes to drive a run.
pub struct Start {
    /// Log and state.
    pub writer: Writer,
    /// The world.
    pub world: Arc<dyn World>,
    /// Sees each commit, on the writer's thread: it must be quick.
    pub observer: Box<dyn FnMut(&Committed) + Send>,
    /// The process that drives.
    pub pid: u32,
    /// The version of swarm.
    pub version: String,
    /// The wall around everything that it starts.
    pub wall: Standing,
    /// Who takes the writer's turns.
    pub turns: TurnsOn,
}

/// Who takes the turns of the writer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TurnsOn {
    /// A thread of its own, or whoever finds it idle.
    #[default]
    Thread,
    /// Whoever brings a command, before anything else happens: for simulations, in which one thread and one clock are all
    /// there is.
    Caller,
}

/// A run that is being driven.
#[derive(Clone)]
pub struct Handle {
    supervisor: ActorRef<SupervisorMsg>,
}

/// Starts the actors. The answer to wait for is how the run ends.
pub async fn start(start: Start) -> Result<(Handle, oneshot::Receiver<Result<Ended, RunError>>), RunError> {
    let (done, ended) = oneshot::channel();
    let open = Command::Open { pid: start.pid, version: start.version.clone(), wall: start.wall.clone() };
    let Start { writer, world, observer, turns, .. } = start;
    let args = SupervisorArgs { writer, world, observer, open, done, turns };
    let spawned = Box::pin(Ractor::spawn(None, Supervisor, args)).await;
    let (supervisor, _) = spawned.map_err(|error| RunError::Spawn(error.to_string()))?;
    Ok((Handle { supervisor }, ended))
}

impl Handle {
    /// Tells the run of something that happened in the world. It changes nothing if the run knows it already.
    pub fn tell(&self, fact: Event) -> Result<(), RunError> {
        let submit = Submit { command: Command::Fact(fact), reply: None };
        self.supervisor.cast(SupervisorMsg::Submit(submit)).map_err(|_| RunError::Gone)
    }

    /// Asks for something; the answer comes once it is durable.
    pub async fn ask(
        &self,
        id: String,
        by: String,
        request: Request,
    ) -> Result<Result<u64, Refusal>, RunError> {
        let (reply, answer) = oneshot::channel();
        let submit = Submit { command: Command::Ask { id, by, request }, reply: Some(reply) };
        self.supervisor.cast(SupervisorMsg::Submit(submit)).map_err(|_| RunError::Gone)?;
        match answer.await {
            Ok(Reply::Durable(seq)) => Ok(Ok(seq)),
            Ok(Reply::Refused(refusal)) => Ok(Err(refusal)),
            Ok(Reply::Unknown(_)) | Err(_) => Err(RunError::Gone),
        }
    }
}
