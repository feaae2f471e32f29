//! The supervisor: owns the tree. Spawns the other actors, hands each what it owes, restarts one that failed from its view, ends the run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor as Ractor, ActorCell, ActorProcessingErr, ActorRef, SupervisionEvent};
use swarm_domain::effect::{Actor, Effect};
use swarm_domain::owed::ActorView;
use swarm_domain::{Command, TaskId};
use swarm_journal::Group;
use tokio::sync::oneshot;

use crate::budget::{Budget, BudgetArgs, BudgetMsg};
use crate::doing::Told;
use crate::journal::{Commands, Journal, Observer, Turns, Work};
use crate::merge::{MergeArgs, MergeQueue};
use crate::ports::World;
use crate::run::{Ended, RunError, TurnsOn};
use crate::task::{Performer, PerformerArgs};
use crate::writer::{Committed, Submit, Writer, WriterError};

/// How often one actor may fail before the run gives up: what fails so often will fail again.
const RESTARTS_MAX: u32 = 5;

/// What the supervisor is told.
#[derive(Debug)]
pub(crate) enum SupervisorMsg {
    /// Something became durable.
    Committed(Box<Committed>),
    /// The journal failed: nothing may be done any more.
    JournalFailed(WriterError),
    /// Something is due by time alone.
    Wakeup(u64),
    /// A command from outside.
    Submit(Submit),
}

/// The supervisor.
pub(crate) struct Supervisor;

/// What it begins with.
pub(crate) struct SupervisorArgs {
    pub(crate) writer: Writer,
    pub(crate) world: Arc<dyn World>,
    pub(crate) observer: Observer,
    pub(crate) open: Command,
    pub(crate) done: oneshot::Sender<Result<Ended, RunError>>,
    pub(crate) turns: TurnsOn,
}

/// An actor that performs effects.
enum Child {
    Task(ActorRef<Told>),
    Merge(ActorRef<Told>),
    Budget(ActorRef<BudgetMsg>),
}

impl Child {
    fn cell(&self) -> ActorCell {
        match self {
            Self::Task(child) | Self::Merge(child) => child.get_cell(),
            Self::Budget(child) => child.get_cell(),
        }
    }

    fn owes(&self, seq: u64, owed: Vec<Effect>) {
        // A child that just failed is restarted from its view, so this news is not lost.
        let _ = match self {
            Self::Task(child) | Self::Merge(child) => child.cast(Told::Owes(seq, owed)).map_err(|_| ()),
            Self::Budget(child) => child.cast(BudgetMsg::Owes(seq, owed)).map_err(|_| ()),
        };
    }
}

/// The tree.
pub(crate) struct Tree {
    world: Arc<dyn World>,
    journal: ActorRef<Work>,
    commands: Commands,
    closed: Option<oneshot::Receiver<Writer>>,
    children: BTreeMap<Actor, Child>,
    restarts: BTreeMap<Actor, u32>,
    wakeup_ms: Option<u64>,
    done: Option<oneshot::Sender<Result<Ended, RunError>>>,
}

impl Ractor for Supervisor {
    type Msg = SupervisorMsg;
    type State = Tree;
    type Arguments = SupervisorArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<SupervisorMsg>,
        args: SupervisorArgs,
    ) -> Result<Tree, ActorProcessingErr> {
        let (closing, closed) = oneshot::channel();
        let turns = Turns {
            writer: args.writer,
            supervisor: myself.clone(),
            observer: args.observer,
            closed: Some(closing),
        };
        let commands = match args.turns {
            TurnsOn::Thread => Group::spawn("journal", turns)?,
            TurnsOn::Caller => Group::inline(turns),
        };
        let (journal, _) = Ractor::spawn_linked(None, Journal, commands.clone(), myself.get_cell()).await?;
        journal.cast(Work::Submit(Submit { command: args.open, reply: None }))?;
        Ok(Tree {
            world: args.world,
            journal,
            commands,
            closed: Some(closed),
            children: BTreeMap::new(),
            restarts: BTreeMap::new(),
            wakeup_ms: None,
            done: Some(args.done),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<SupervisorMsg>,
        message: SupervisorMsg,
        tree: &mut Tree,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SupervisorMsg::Committed(committed) => tree.committed(&myself, *committed).await,
            SupervisorMsg::JournalFailed(error) => {
                tree.end(&myself, Err(RunError::Journal(error))).await;
                Ok(())
            }
            SupervisorMsg::Wakeup(at_ms) => {
                if tree.wakeup_ms == Some(at_ms) {
                    tree.wakeup_ms = None;
                    if tree.world.now_ms() < at_ms {
                        // The clock was set back: nothing would be decided, and without a commit no timer set again.
                        tree.arm(&myself, Some(at_ms));
                        return Ok(());
                    }
                    tree.journal.cast(Work::Submit(Submit { command: Command::Advance, reply: None }))?;
                }
                Ok(())
            }
            SupervisorMsg::Submit(submit) => Ok(tree.journal.cast(Work::Submit(submit))?),
        }
    }

    /// The default would stop the supervisor on any child's exit.
    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<SupervisorMsg>,
        event: SupervisionEvent,
        tree: &mut Tree,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(cell, error) => {
                tree.failed(&myself, &cell, &error.to_string()).await
            }
            SupervisionEvent::ActorStarted(_)
            | SupervisionEvent::ActorTerminated(..)
            | SupervisionEvent::ProcessGroupChanged(_) => Ok(()),
        }
    }
}

impl Tree {
    async fn committed(
        &mut self,
        myself: &ActorRef<SupervisorMsg>,
        committed: Committed,
    ) -> Result<(), ActorProcessingErr> {
        for view in committed.views {
            self.hand_over(myself, committed.seq, view).await?;
        }
        for task in committed.idle {
            self.dismiss(&task);
        }
        self.arm(myself, committed.wakeup_ms);
        if let Some(outcome) = committed.ended {
            self.end(myself, Ok(outcome)).await;
        }
        Ok(())
    }

    /// Hands an actor what it owes. An actor that owes nothing and does not exist need not exist.
    async fn hand_over(
        &mut self,
        myself: &ActorRef<SupervisorMsg>,
        seq: u64,
        view: ActorView,
    ) -> Result<(), ActorProcessingErr> {
        if !self.children.contains_key(&view.actor) {
            if view.owed.is_empty() {
                return Ok(());
            }
            let child = self.spawn(myself, &view.actor).await?;
            self.children.insert(view.actor.clone(), child);
        }
        self.children[&view.actor].owes(seq, view.owed);
        Ok(())
    }

    /// Actors have no names: those would be global to the process.
    async fn spawn(
        &self,
        myself: &ActorRef<SupervisorMsg>,
        who: &Actor,
    ) -> Result<Child, ActorProcessingErr> {
        let (world, commands, parent) = (self.world.clone(), self.commands.clone(), myself.get_cell());
        Ok(match who {
            Actor::Task(_) => {
                let args = PerformerArgs { who: who.clone(), world, commands };
                Child::Task(Ractor::spawn_linked(None, Performer, args, parent).await?.0)
            }
            Actor::Merge => {
                let args = MergeArgs { who: Actor::Merge, world, commands };
                Child::Merge(Ractor::spawn_linked(None, MergeQueue, args, parent).await?.0)
            }
            Actor::Budget => {
                let args = BudgetArgs { world, commands };
                Child::Budget(Ractor::spawn_linked(None, Budget, args, parent).await?.0)
            }
        })
    }

    fn dismiss(&mut self, task: &TaskId) {
        if let Some(child) = self.children.remove(&Actor::Task(task.clone())) {
            child.cell().stop(None);
        }
    }

    /// A failed actor is replaced by a new one that begins from the core's view of it. Its old state is not reused.
    async fn failed(
        &mut self,
        myself: &ActorRef<SupervisorMsg>,
        cell: &ActorCell,
        error: &str,
    ) -> Result<(), ActorProcessingErr> {
        let id = cell.get_id();
        let Some(who) =
            self.children.iter().find(|(_, child)| child.cell().get_id() == id).map(|(who, _)| who.clone())
        else {
            if self.journal.get_id() == id {
                self.end(myself, Err(RunError::Actor("journal".to_owned(), error.to_owned()))).await;
            }
            return Ok(());
        };
        let restarts = self.restarts.entry(who.clone()).or_default();
        *restarts += 1;
        tracing::error!(actor = ?who, %error, restarts, "an actor failed and is restarted from its view");
        if *restarts > RESTARTS_MAX {
            self.end(myself, Err(RunError::Actor(format!("{who:?}"), error.to_owned()))).await;
            return Ok(());
        }
        self.children.remove(&who);
        let (reply, answer) = oneshot::channel();
        self.journal.cast(Work::View(who, reply))?;
        if let Ok((seq, view)) = answer.await {
            self.hand_over(myself, seq, view).await?;
        }
        Ok(())
    }

    /// One timer at a time, for what is due next.
    fn arm(&mut self, myself: &ActorRef<SupervisorMsg>, wakeup_ms: Option<u64>) {
        if self.wakeup_ms == wakeup_ms {
            return;
        }
        self.wakeup_ms = wakeup_ms;
        if let Some(at_ms) = wakeup_ms {
            let wait_ms = at_ms.saturating_sub(self.world.now_ms()) + 1;
            myself.send_after(Duration::from_millis(wait_ms), move || SupervisorMsg::Wakeup(at_ms));
        }
    }

    /// Stops the children one by one, in order, then the journal, then itself. Agents live on under their holders.
    async fn end(
        &mut self,
        myself: &ActorRef<SupervisorMsg>,
        outcome: Result<swarm_domain::fact::Outcome, RunError>,
    ) {
        for (_, child) in std::mem::take(&mut self.children) {
            child.cell().stop(None);
        }
        self.journal.stop(None);
        let writer = match self.closed.take() {
            Some(closed) => closed.await.ok(),
            None => None,
        };
        if let Some(done) = self.done.take() {
            let ended = outcome.and_then(|outcome| {
                let writer =
                    writer.ok_or_else(|| RunError::Actor("journal".to_owned(), "lost".to_owned()))?;
                let state = writer.close().map_err(RunError::Journal)?;
                Ok(Ended { outcome, state: Box::new(state) })
            });
            // Whoever started the run may have stopped waiting.
            let _ = done.send(ended);
        }
        myself.stop(None);
    }
}
