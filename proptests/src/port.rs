//! The simulated world behind the port that the writer and the actors know. Decides nothing.

use std::sync::{Arc, Mutex, MutexGuard};

use swarm_actors::ports::Doing;
use swarm_actors::{Tell, World as Port};
use swarm_domain::fact::Usage;
use swarm_domain::{Effect, Event, TaskId, Usd};

use crate::sabotage::Sabotage;
use crate::world::World;

/// A world that the writer asks for time and numbers. Clones are the same world.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().expect("nothing panics while it holds the world")
    }
}

/// What the writer asks when there are no actors above it.
impl Port for Shared {
    fn now_ms(&self) -> u64 {
        self.lock().wall_ms()
    }

    fn entropy(&self) -> u64 {
        let mut world = self.lock();
        if world.is(Sabotage::DecidesByClock) { crate::sabotage::moving_number() } else { world.entropy() }
    }

    fn perform(&self, _effect: Effect, _tell: Tell) -> Doing<Vec<Event>> {
        unreachable!("without actors the driver performs effects itself")
    }

    fn set_grant(&self, _task: &TaskId, _attempt: u32, _grant: Usd, _refused: bool) -> Doing<()> {
        unreachable!("without actors the driver keeps the meters itself")
    }

    fn usage(&self, _task: &TaskId, _attempt: u32) -> Doing<Usage> {
        unreachable!("without actors the driver keeps the meters itself")
    }
}
