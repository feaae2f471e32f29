//! When people are to be told how much of a cap is used. Once for each share of each cap; it ends nothing.

use crate::caps::{Caps, Measure, Used};
use crate::event::{BudgetWarned, Event};
use crate::fact::Cap;
use crate::state::Parts;

/// Whose budget it is, for the middle of a sentence.
pub(crate) fn whose(cap: Cap, agent: Option<&str>) -> String {
    match cap {
        Cap::Task => "the task's budget".to_owned(),
        Cap::Run => "the run's budget".to_owned(),
        Cap::Agent => format!("the budget of agent `{}`", agent.unwrap_or_default()),
        Cap::Day => "the budget of the day".to_owned(),
    }
}

/// The warning that is due next, if any is.
pub(crate) fn due(parts: &Parts, now_ms: u64) -> Option<Event> {
    let ledger = &parts.ledger;
    let run = Used { time_ms: run_time_ms(parts, now_ms), ..ledger.used(now_ms) };
    let by_agent = |(agent, caps)| one(parts, Cap::Agent, agent, caps, &ledger.used_by_agent(agent, now_ms));
    one(parts, Cap::Run, "", ledger.caps(), &run)
        .or_else(|| {
            let usd = ledger.day()?.total(run.usd.minus(ledger.spent()));
            one(parts, Cap::Day, "", &Caps::of_usd(ledger.per_day()), &Used { usd, ..Used::default() })
        })
        .or_else(|| ledger.capped_agents().find_map(by_agent))
}

/// The time that the run has taken of what it may take.
fn run_time_ms(parts: &Parts, now_ms: u64) -> u64 {
    now_ms.saturating_sub(parts.run.deadline_from_ms)
}

fn one(parts: &Parts, cap: Cap, agent: &str, caps: &Caps, used: &Used) -> Option<Event> {
    caps.iter().find_map(|(measure, of)| {
        let used = used.get(measure);
        let percent = share(&parts.run.settings.warn, used, of)?;
        let told = parts.ledger.told(cap, agent, measure);
        let event = BudgetWarned { cap, agent: agent.to_owned(), measure, percent, used, of };
        (percent > told).then(|| event.into())
    })
}

/// The highest of the shares that is reached.
fn share(shares: &[u32], used: u64, of: u64) -> Option<u32> {
    let reached = |share: &&u32| u128::from(used) * 100 >= u128::from(of) * u128::from(**share);
    shares.iter().filter(reached).max().copied().filter(|_| used > 0)
}

/// When the next share of the run's time is used, in milliseconds since 1970. Other measures grow by events alone, and an
/// agent's time is told when something else happens.
pub(crate) fn time_due_ms(parts: &Parts) -> Option<u64> {
    let within_ms = parts.run.within_ms?;
    let told = parts.ledger.told(Cap::Run, "", Measure::Time);
    let share = parts.run.settings.warn.iter().filter(|share| **share > told && **share < 100).min()?;
    let after_ms = u128::from(within_ms) * u128::from(*share);
    Some(parts.run.deadline_from_ms.saturating_add(u64::try_from(after_ms.div_ceil(100)).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn the_highest_share_that_is_reached_is_told() {
        let shares = [50, 80, 100];
        for (used, of, expected) in [
            (0, 100, None),
            (0, 0, None),
            (49, 100, None),
            (50, 100, Some(50)),
            (99, 100, Some(80)),
            (250, 100, Some(100)),
            (u64::MAX, u64::MAX, Some(100)),
        ] {
            assert_eq!(share(&shares, used, of), expected, "{used} of {of}");
        }
    }
}
