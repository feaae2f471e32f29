//! What one party of a run has used: the run itself, a task, or an agent. It keeps sums as they change, and knows no cap.

use serde::Serialize;

use super::Line;
use crate::Usd;
use crate::caps::Used;

/// What is used, running attempts included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Account {
    /// By attempts that ended.
    pub(super) settled: Used,
    /// What running attempts are known to have used, besides their time.
    pub(super) running: Used,
    /// What running attempts hold.
    pub(super) reserved: Usd,
    /// How many run.
    pub(super) open: u64,
    /// The sum of their starts, in milliseconds since 1970: with it their time is known at any moment.
    starts_ms: u64,
}

impl Account {
    pub(super) fn enter(&mut self, line: &Line) {
        self.open += 1;
        self.starts_ms = self.starts_ms.saturating_add(line.started_ms);
        self.hold(line);
    }

    /// A line that is entered has changed.
    pub(super) fn change(&mut self, before: &Line, after: &Line) {
        self.let_go(before);
        self.hold(after);
    }

    pub(super) fn settle(&mut self, line: &Line, used: &Used) {
        self.let_go(line);
        self.open -= 1;
        self.starts_ms = self.starts_ms.saturating_sub(line.started_ms);
        self.settled = self.settled.plus(used);
    }

    fn hold(&mut self, line: &Line) {
        self.reserved = self.reserved.plus(line.held());
        self.running = self.running.plus(&Used::of(&line.usage));
    }

    fn let_go(&mut self, line: &Line) {
        self.reserved = self.reserved.minus(line.held());
        self.running = self.running.minus(&Used::of(&line.usage));
    }

    /// All that is known to be used at a moment.
    pub(super) fn used(&self, now_ms: u64) -> Used {
        let time_ms = now_ms.saturating_mul(self.open).saturating_sub(self.starts_ms);
        self.settled.plus(&self.running).plus(&Used { time_ms, ..Used::default() })
    }

    /// What is spent or held back.
    pub(super) fn committed(&self) -> Usd {
        self.settled.usd.plus(self.reserved)
    }

    /// When running attempts will have used up so much time, in milliseconds since 1970; none while none runs.
    pub(super) fn time_up_ms(&self, cap_ms: u64) -> Option<u64> {
        let left_ms = cap_ms.saturating_sub(self.settled.time_ms);
        (self.open > 0).then(|| self.starts_ms.saturating_add(left_ms).div_ceil(self.open))
    }
}
