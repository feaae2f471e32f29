//! How well it will be known what a plan's agents cost, and who says so, in words. Starts no agent and asks no provider.

use swarm_domain::TaskSpec;
use swarm_domain::plan::{Meter, OnUnknownCost};

use super::agents::{of_plan, prices};
use super::exit::Failure;
use crate::agents::{self as programs, Prices};
use crate::world::agent::{Agent, seen_by};

/// How well it is known what an agent's attempts cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Every call goes through swarm, which holds it to the budget before it is made.
    Proxied,
    /// The program says dollars.
    Metered,
    /// The program says tokens, and they have a price.
    Estimated,
    /// A command of the plan's own may report what it costs.
    Reported,
    /// Nobody says.
    Unknown,
}

/// How well it is known what a task's attempts cost.
pub(super) fn known(task: &TaskSpec, prices: &Prices, meter: Meter) -> Known {
    let Some(agent) = Agent::of_work(&task.work) else { return Known::Reported };
    // Which model the program takes by itself shows when it starts.
    let has_price = agent.has_price(prices);
    match (meter, agent.facts().meter) {
        (Meter::Proxy, _) if has_price && agent.upstream(&seen_by(task)).is_ok() => Known::Proxied,
        (_, programs::Meter::Dollars) => Known::Metered,
        (_, programs::Meter::Tokens) if has_price => Known::Estimated,
        (_, programs::Meter::Tokens | programs::Meter::Nothing) => Known::Unknown,
    }
}

/// How well it will be known what a run costs, in words; none if it has no agents.
pub(super) fn words(
    tasks: &[TaskSpec],
    meter: Meter,
    on_unknown: OnUnknownCost,
) -> Result<Option<String>, Failure> {
    let (prices, agents) = (prices()?, of_plan(tasks));
    let named = |wanted: Known| {
        let names = agents.iter().filter(|(_, task)| known(task, &prices, meter) == wanted);
        names.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    };
    let own = if prices.own.is_some() { " and your own prices" } else { "" };
    let list = format!("list prices of {}{own}", prices.date);
    let unknown = match on_unknown {
        OnUnknownCost::Allow => "unknown, and counts as nothing",
        OnUnknownCost::Estimate | OnUnknownCost::Refuse => {
            "unknown, so an attempt counts as what it reserved"
        }
    };
    let kinds = [
        (Known::Proxied, format!("metered by swarm before and after each call, at {list}")),
        (Known::Metered, "metered by the program".to_owned()),
        (Known::Estimated, format!("estimated from tokens at {list}")),
        (Known::Reported, "what it reports, or what it reserved".to_owned()),
        (Known::Unknown, unknown.to_owned()),
    ];
    let words = kinds.map(|(kind, words)| (named(kind), words));
    let words = words.into_iter().filter(|(names, _)| !names.is_empty());
    let words = words.map(|(names, words)| format!("{names}: {words}")).collect::<Vec<_>>().join("; ");
    Ok((!agents.is_empty()).then_some(words))
}

/// A line for each agent whose calls are counted only when they are over, though the plan wants them held: which, and why.
pub(super) fn unheld(tasks: &[TaskSpec], meter: Meter) -> Vec<String> {
    if meter == Meter::Reported {
        return Vec::new();
    }
    let why = |task: &TaskSpec| Agent::of_work(&task.work)?.upstream(&seen_by(task)).err();
    let lines = of_plan(tasks).into_iter().filter_map(|(name, task)| Some((name, why(task)?)));
    lines.map(|(name, why)| format!("{name}: counted after each call, not held before it: {why}")).collect()
}
