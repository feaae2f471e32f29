//! What an actor is doing: each owed effect once, as long as it is owed. Knows neither the effects nor the world's answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use ractor::{ActorRef, Message};
use swarm_domain::effect::{Effect, Key};
use swarm_domain::{Command, Event};
use tokio::task::AbortHandle;

use crate::journal::{Commands, Work};
use crate::ports::{Tell, World};
use crate::writer::{Reply, Submit};

/// What an actor that performs effects is told.
#[derive(Debug)]
pub(crate) enum Told {
    /// Everything it owes, as of a seq.
    Owes(u64, Vec<Effect>),
    /// An effect is over, and its facts are answered; as of a seq.
    Done(Key, u64),
    /// An effect ended without facts, by a panic.
    Broken(Key, String),
}

/// Effects under way, and those that were answered at a seq which the actor has not been told of yet.
#[derive(Debug, Default)]
pub(crate) struct Doing {
    /// The seq of the latest news. Older news that arrives late, as after a restart, is no news.
    latest: u64,
    running: BTreeMap<Key, AbortHandle>,
    answered: BTreeMap<Key, u64>,
}

impl Drop for Doing {
    fn drop(&mut self) {
        for handle in self.running.values() {
            handle.abort();
        }
    }
}

/// What an effect needs while it is under way.
pub(crate) struct Means<'a, M> {
    pub(crate) world: &'a Arc<dyn World>,
    pub(crate) commands: &'a Commands,
    pub(crate) myself: &'a ActorRef<M>,
}

impl Doing {
    /// Starts what is owed and not under way. An effect that was answered after this news was written is not started
    /// again on its account. News from before an actor's restart comes after the view it was restarted from: it is old.
    pub(crate) fn owes<M: Message + From<Told>>(
        &mut self,
        seq: u64,
        effects: Vec<Effect>,
        means: &Means<'_, M>,
    ) {
        if seq < self.latest {
            return;
        }
        self.latest = seq;
        self.answered.retain(|_, at| *at > seq);
        for effect in effects {
            let key = effect.key();
            if !self.running.contains_key(&key) && !self.answered.contains_key(&key) {
                let handle = begin(key.clone(), effect, means);
                self.running.insert(key, handle);
            }
        }
    }

    pub(crate) fn done(&mut self, key: Key, seq: u64) {
        self.running.remove(&key);
        self.answered.insert(key, seq);
    }
}

fn begin<M: Message + From<Told>>(key: Key, effect: Effect, means: &Means<'_, M>) -> AbortHandle {
    let (world, commands, myself) = (means.world.clone(), means.commands.clone(), means.myself.clone());
    let tell = teller(commands.clone());
    let task = tokio::spawn(async move {
        let performed = tokio::spawn(world.perform(effect, tell));
        let _abort_inner = AbortOnDrop(performed.abort_handle());
        let told = match performed.await {
            Ok(facts) => {
                let seq = submit(&commands, &key, facts).await;
                Told::Done(key, seq)
            }
            Err(error) => Told::Broken(key, error.to_string()),
        };
        // The actor may have been stopped, since nothing was owed any more.
        let _ = myself.cast(told.into());
    });
    task.abort_handle()
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn teller(commands: Commands) -> Tell {
    Arc::new(move |event| {
        let submit = Submit { command: Command::Fact(event), reply: None };
        // Without a writer the run is over, and nobody can be told.
        let _ = commands.hand_in(Work::Submit(submit));
    })
}

/// Records what an effect led to, in order; the answer is the seq as of which they are all answered. No handler runs here, so the
/// writer's turn may be taken.
async fn submit(commands: &Commands, to: &Key, facts: Vec<Event>) -> u64 {
    let mut seen = 0;
    for fact in facts {
        let (reply, answer) = tokio::sync::oneshot::channel();
        let submit = Submit { command: Command::Answer { to: to.clone(), fact }, reply: Some(reply) };
        if commands.send(Work::Submit(submit)).is_err() {
            return seen;
        }
        if let Ok(Reply::Durable(seq)) = answer.await {
            seen = seq;
        }
        // Whoever that woke comes first: it may wait on this very thread.
        tokio::task::yield_now().await;
    }
    seen
}
