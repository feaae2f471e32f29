//! What the actors need of the world. The real world and the simulated one answer the same questions.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use swarm_domain::effect::{Actor, Effect};
use swarm_domain::fact::Usage;
use swarm_domain::{Event, TaskId, Usd};

/// Something under way.
pub type Doing<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Takes facts that come before an effect is over.
pub type Tell = Arc<dyn Fn(Event) + Send + Sync>;

/// The world, as far as a run can change or see it.
///
/// An effect may be asked for again, after a crash or when an actor was restarted. Whoever performs it first looks
/// whether it has happened.
pub trait World: Send + Sync + 'static {
    /// The time, in milliseconds since 1970.
    fn now_ms(&self) -> u64;

    /// Random bits. Two calls never answer the same.
    fn entropy(&self) -> u64;

    /// Performs an effect and answers with what then is true.
    fn perform(&self, effect: Effect, tell: Tell) -> Doing<Vec<Event>>;

    /// Tells the holder of an attempt what it may spend.
    fn set_grant(&self, task: &TaskId, attempt: u32, grant: Usd, refused: bool) -> Doing<()>;

    /// What an attempt has used so far.
    fn usage(&self, task: &TaskId, attempt: u32) -> Doing<Usage>;

    /// Called before an actor handles a message: tests panic or yield here.
    fn before(&self, actor: &Actor) -> Doing<()> {
        let _ = actor;
        Box::pin(std::future::ready(()))
    }
}
