//! What a run may spend on a day, by the law's own books. What other runs spend it does not know.

use swarm_domain::Usd;
use swarm_domain::event::DaySeen;
use swarm_domain::plan::Plan;

/// The day as the run was last told of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Day {
    capped: bool,
    date: String,
    until_ms: u64,
    allowed: Usd,
    spent: Usd,
}

impl Day {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { capped: plan.settings().per_day.is_some(), ..Self::default() }
    }

    /// On another day nothing is spent yet.
    pub(super) fn seen(&mut self, event: &DaySeen) {
        if self.date != event.date {
            self.spent = Usd::ZERO;
        }
        self.date.clone_from(&event.date);
        (self.until_ms, self.allowed) = (event.until_ms, event.allowed);
    }

    pub(super) fn settle(&mut self, charge: Usd) {
        self.spent = self.spent.plus(charge);
    }

    /// Whether there is as much as is held back, with what is to be.
    pub(super) fn has(&self, held: Usd) -> bool {
        !self.capped || self.spent.plus(held) <= self.allowed
    }

    /// Whether it is known what may be spent at a moment.
    pub(super) fn is_known(&self, now_ms: u64) -> bool {
        !self.capped || now_ms < self.until_ms
    }
}
