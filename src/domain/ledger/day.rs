//! One calendar day of a repository, as far as one run may spend on it. Which day it is, and what others spend, it is told.

use serde::Serialize;

use crate::Usd;
use crate::event::DaySeen;

/// A day, and this run's share in what may be spent on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Day {
    /// Its date, as people have it: `2026-11-21`.
    pub date: String,
    /// When it is over, in milliseconds since 1970.
    pub until_ms: u64,
    /// What this run may spend and hold back on it.
    pub allowed: Usd,
    /// What other runs of the repository have spent and hold back.
    pub elsewhere: Usd,
    /// What this run's attempts cost that ended on it.
    pub spent: Usd,
}

impl Day {
    /// What this run can still admit while so much is held back.
    pub(super) fn free(&self, reserved: Usd) -> Usd {
        self.allowed.minus(self.spent).minus(reserved)
    }

    /// Whether more is spent and held back than is allowed.
    pub(super) fn is_overdrawn(&self, reserved: Usd) -> bool {
        self.spent.plus(reserved) > self.allowed
    }

    /// What all runs together have spent, with so much on top of it.
    pub fn total(&self, reserved: Usd) -> Usd {
        self.elsewhere.plus(self.spent).plus(reserved)
    }
}

/// A new day begins with nothing spent. What is held back by then counts on it.
pub(super) fn seen(day: &mut Option<Day>, event: &DaySeen) {
    let spent = day.as_ref().filter(|day| day.date == event.date).map(|day| day.spent).unwrap_or_default();
    *day = Some(Day {
        date: event.date.clone(),
        until_ms: event.until_ms,
        allowed: event.allowed,
        elsewhere: event.elsewhere,
        spent,
    });
}
