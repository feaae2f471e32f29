//! The budget actor's clockwork, without the actor: when it tells holders what they may spend, and when it reads what was used.

use std::collections::BTreeMap;

use swarm_domain::event::UsageReported;
use swarm_domain::fact::Usage;
use swarm_domain::{Effect, Event, TaskId, Usd};

use crate::world::World;

/// How often usage is read, as the budget actor does, in milliseconds.
const POLL_MS: u64 = 150;
/// The budget actor handles its messages at moments that leave this when divided by ten, so that no effect ends then.
const BEAT_MS: u64 = 7;

#[derive(Clone, Debug, Default)]
struct Meter {
    told: Option<(Usd, bool)>,
    seen: Usage,
}

/// The meters that run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meters {
    owed: Option<(u64, Vec<Effect>)>,
    poll_ms: Option<u64>,
    running: BTreeMap<(TaskId, u32), Meter>,
}

/// The next moment at which the budget actor handles a message.
pub(crate) fn on_beat(ms: u64) -> u64 {
    ms + (10 + BEAT_MS - ms % 10) % 10
}

impl Meters {
    /// Everything that is owed by now.
    pub(crate) fn owes(&mut self, now_ms: u64, effects: Vec<Effect>) {
        let at_ms = self.owed.take().map_or_else(|| on_beat(now_ms), |(at_ms, _)| at_ms);
        self.owed = Some((at_ms, effects));
    }

    /// When there is something to do.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        let owed_ms = self.owed.as_ref().map(|(at_ms, _)| *at_ms);
        [owed_ms, self.poll_ms].into_iter().flatten().min()
    }

    /// The time has come: tells holders what they may spend, then reads what was used.
    pub(crate) fn beat(&mut self, world: &mut World) -> Vec<Event> {
        if let Some((_, effects)) = self.owed.take_if(|(at_ms, _)| *at_ms <= world.now_ms) {
            self.grant(world, effects);
        }
        if self.poll_ms.is_none_or(|at_ms| at_ms > world.now_ms) {
            self.arm(world.now_ms);
            return Vec::new();
        }
        self.poll_ms = None;
        let facts = self.read(world);
        self.arm(world.now_ms);
        facts
    }

    fn arm(&mut self, now_ms: u64) {
        if self.poll_ms.is_none() && !self.running.is_empty() {
            self.poll_ms = Some(on_beat(now_ms + POLL_MS));
        }
    }

    fn grant(&mut self, world: &mut World, effects: Vec<Effect>) {
        let mut before = std::mem::take(&mut self.running);
        for effect in effects {
            let Effect::Meter { task, attempt, grant, refused } = effect else { continue };
            let mut meter = before.remove(&(task.clone(), attempt)).unwrap_or_default();
            if meter.told != Some((grant, refused)) {
                world.set_grant(&task, attempt, grant);
                meter.told = Some((grant, refused));
            }
            self.running.insert((task, attempt), meter);
        }
    }

    fn read(&mut self, world: &World) -> Vec<Event> {
        let mut facts = Vec::new();
        for ((task, attempt), meter) in &mut self.running {
            let usage = world.usage(task, *attempt).max(meter.seen);
            if usage != meter.seen {
                meter.seen = usage;
                facts.push(UsageReported { task: task.clone(), attempt: *attempt, usage }.into());
            }
        }
        facts
    }
}
