//! How fast a run spends, and when its money runs out at that pace. Works on the times of events alone; it asks no clock.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};
use swarm_actors::Recorded;
use swarm_domain::caps::Measure;
use swarm_domain::state::Parts;
use swarm_domain::{Event, TaskId, Usd};

use super::text::{dollars, duration, rfc3339};

/// How far back the pace is measured, in milliseconds.
const WINDOW_MS: u64 = 15 * 60_000;
/// A pace measured over less than this says nothing, in milliseconds.
const WINDOW_MIN_MS: u64 = 30_000;
const HOUR_MS: u64 = 3_600_000;

/// What was spent when, as far as it matters for the pace of now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// When the first attempt started, in milliseconds since 1970.
    since_ms: Option<u64>,
    known: BTreeMap<(TaskId, u32), Usd>,
    steps: VecDeque<(u64, Usd)>,
}

impl Spending {
    /// What the events of a run tell.
    pub fn of(history: &[Recorded]) -> Self {
        let mut spending = Self::default();
        for recorded in history {
            spending.take(recorded.time_ms, &recorded.event);
        }
        spending
    }

    /// Takes an event with its time, in milliseconds since 1970.
    pub fn take(&mut self, at_ms: u64, event: &Event) {
        match event {
            Event::AttemptStarted(_) => self.since_ms = self.since_ms.or(Some(at_ms)),
            Event::UsageReported(event) => {
                let usd = event.usage.usd.unwrap_or_default();
                self.reach(at_ms, (event.task.clone(), event.attempt), usd);
            }
            Event::AgentExited(event) => {
                let key = (event.task.clone(), event.attempt);
                self.reach(at_ms, key.clone(), event.charge);
                self.known.remove(&key);
            }
            _ => {}
        }
    }

    fn reach(&mut self, at_ms: u64, key: (TaskId, u32), total: Usd) {
        let known = self.known.entry(key).or_default();
        let more = total.minus(*known);
        *known = total.max(*known);
        if more > Usd::ZERO {
            self.steps.push_back((at_ms, more));
        }
        while self.steps.front().is_some_and(|(then_ms, _)| at_ms.saturating_sub(*then_ms) > WINDOW_MS) {
            self.steps.pop_front();
        }
    }

    /// The pace at a moment, in milliseconds since 1970.
    pub fn burn(&self, now_ms: u64) -> Burn {
        let since_ms = self.since_ms.unwrap_or(now_ms).max(now_ms.saturating_sub(WINDOW_MS));
        let window_ms = now_ms.saturating_sub(since_ms);
        let recent = self.steps.iter().filter(|(at_ms, _)| *at_ms >= since_ms).map(|(_, usd)| *usd);
        let spent = u128::from(recent.sum::<Usd>().micros());
        let per_hour = (window_ms >= WINDOW_MIN_MS)
            .then(|| spent * u128::from(HOUR_MS) / u128::from(window_ms))
            .map(|micros| Usd::from_micros(u64::try_from(micros).unwrap_or(u64::MAX)));
        Burn { per_hour, window_ms, now_ms }
    }
}

/// The time of the last event, in milliseconds since 1970; 0 where there is none.
pub fn last_ms(history: &[Recorded]) -> u64 {
    history.last().map_or(0, |recorded| recorded.time_ms)
}

/// A pace, and when it was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burn {
    /// Dollars an hour; none: it is too early to say.
    pub per_hour: Option<Usd>,
    /// Over how long it was measured, in milliseconds.
    pub window_ms: u64,
    /// When, in milliseconds since 1970.
    pub now_ms: u64,
}

impl Burn {
    /// In how long the money runs out that is neither spent nor known to be used, in milliseconds.
    fn lasts_ms(&self, parts: &Parts) -> Option<u64> {
        let ledger = &parts.ledger;
        let used = Usd::from_micros(ledger.used(self.now_ms).get(Measure::Usd));
        let run = ledger.cap().map(|cap| cap.minus(used));
        let day = ledger.per_day().zip(ledger.day());
        let day = day.map(|(cap, day)| cap.minus(day.total(used.minus(ledger.spent()))));
        let left = [run, day].into_iter().flatten().min()?;
        let pace = u128::from(self.per_hour.filter(|pace| *pace > Usd::ZERO)?.micros());
        u64::try_from(u128::from(left.micros()) * u128::from(HOUR_MS) / pace).ok()
    }

    /// `$3.20/h, lasts 2h 44m`; nothing while nothing is spent.
    pub(super) fn words(&self, parts: &Parts) -> Option<String> {
        let pace = self.per_hour.filter(|pace| *pace > Usd::ZERO)?;
        let pace = format!("{}/h", dollars(pace));
        Some(match self.lasts_ms(parts) {
            Some(lasts_ms) => format!("{pace}, lasts {} at that pace", duration(lasts_ms)),
            None => pace,
        })
    }

    pub(super) fn json(&self, parts: &Parts) -> Value {
        let lasts_ms = self.lasts_ms(parts);
        json!({
            "usd_per_hour": self.per_hour.map(Usd::decimal),
            "window_ms": self.window_ms,
            "lasts_ms": lasts_ms,
            "runs_out": lasts_ms.map(|lasts_ms| rfc3339(self.now_ms.saturating_add(lasts_ms))),
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that stops there says where")]
mod tests {
    use swarm_domain::event::UsageReported;
    use swarm_domain::fact::Usage;

    use super::{HOUR_MS, Spending, TaskId, Usd, WINDOW_MS};

    /// An attempt that has used so much in all, at so many minutes.
    fn spending(steps: &[(u64, u64)]) -> Spending {
        let mut spending = Spending { since_ms: Some(0), ..Spending::default() };
        for (minute, dollars) in steps {
            let usage = Usage { usd: Some(Usd::from_dollars(*dollars)), ..Usage::default() };
            let task = TaskId::new("a").unwrap();
            spending.take(minute * 60_000, &UsageReported { task, attempt: 1, usage }.into());
        }
        spending
    }

    #[test]
    fn the_pace_is_that_of_the_last_quarter_of_an_hour() {
        for (steps, minute, expected) in [
            (&[][..], 0, None),
            (&[], 60, Some(0)),
            (&[(5, 1)], 5, Some(12)),
            (&[(5, 1), (10, 3)], 10, Some(18)),
            (&[(5, 1), (10, 3)], 21, Some(8)),
            (&[(5, 1), (10, 3)], 60, Some(0)),
            // Totals, not differences; and a figure never falls.
            (&[(5, 2), (6, 2), (7, 1)], 10, Some(12)),
        ] {
            let burn = spending(steps).burn(minute * 60_000);
            assert_eq!(burn.per_hour, expected.map(Usd::from_dollars), "{steps:?} at {minute}");
            assert!(burn.window_ms <= WINDOW_MS && WINDOW_MS < HOUR_MS);
        }
    }
}
