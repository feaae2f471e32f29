//! What the agents of a plan need before the first start: a program, a login, a prompt that fits, a cost that can be known. Starts none of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use swarm_domain::plan::{Meter as Metering, OnUnknownCost};
use swarm_domain::{TaskSpec, Work, prompt};

use super::cost::{self, Known};
use super::exit::{ENVIRONMENT, Failure, PLAN};
use crate::agents::{Facts, Login, Meter, PriceError, Prices};
use crate::world::agent::{Agent, home, prices_file, seen_by};
use crate::world::program;

/// Every agent of a plan by its name in the plan, each with the first of its tasks.
pub(super) fn of_plan(tasks: &[TaskSpec]) -> BTreeMap<&str, &TaskSpec> {
    let mut agents = BTreeMap::new();
    for task in tasks {
        if let Work::Agent { agent, .. } = &task.work {
            agents.entry(agent.as_str()).or_insert(task);
        }
    }
    agents
}

/// The user's own prices over those that come with swarm.
pub(super) fn prices() -> Result<Prices, Failure> {
    let own = prices_file(&|name| std::env::var(name).ok());
    Prices::load(own.as_deref()).map_err(|error: PriceError| {
        Failure::new(ENVIRONMENT, error)
            .hint("correct the file, or remove it to use the prices that come with swarm")
    })
}

/// What is wrong with the agents of a plan, before anything starts and at no cost.
pub(super) fn check(
    tasks: &[TaskSpec],
    instructions: &str,
    meter: Metering,
    on_unknown: OnUnknownCost,
) -> Result<(), Failure> {
    let prices = prices()?;
    for (name, task) in of_plan(tasks) {
        let Some(agent) = Agent::of_work(&task.work) else { continue };
        installed(name, task, agent.facts())?;
        signed_in(task, &agent)?;
        if on_unknown == OnUnknownCost::Refuse && cost::known(task, &prices, meter) == Known::Unknown {
            return Err(refused(name, task, agent.facts()));
        }
    }
    for task in tasks {
        let Some(agent) = Agent::of_work(&task.work) else { continue };
        let tried = agent.try_out(&prompt::brief(instructions, task), &seen_by(task));
        tried.map_err(|error| Failure::new(PLAN, format!("task `{}`: {error}", task.id)))?;
    }
    Ok(())
}

fn refused(name: &str, task: &TaskSpec, facts: &Facts) -> Failure {
    let why = match (&task.work, facts.meter) {
        (Work::Agent { model: Some(model), .. }, Meter::Tokens) => {
            format!("its model `{model}` has no price")
        }
        _ => format!("{} says nothing of it", facts.title),
    };
    let text = format!("the cost of the agent `{name}` cannot be known: {why}; the plan refuses that");
    Failure::new(PLAN, text).hint(
        "write `on_unknown_cost: estimate` under `budget`, or put a price into swarm/prices.toml in your configuration folder",
    )
}

fn installed(name: &str, task: &TaskSpec, facts: &Facts) -> Result<(), Failure> {
    if where_is(task, facts).is_some() {
        return Ok(());
    }
    let text =
        format!("agent `{name}` needs {}, and there is no `{}` on the PATH", facts.title, facts.program);
    Err(Failure::new(ENVIRONMENT, text)
        .hint(format!("install it: `{}`; `swarm doctor` shows what is there", facts.install)))
}

fn where_is(task: &TaskSpec, facts: &Facts) -> Option<PathBuf> {
    match task.env.get("PATH") {
        Some(path) => program::find_in(path.as_ref(), facts.program),
        None => program::find(facts.program),
    }
}

fn signed_in(task: &TaskSpec, agent: &Agent<'_>) -> Result<(), Failure> {
    let env = seen_by(task);
    match agent.login(&env, &home(&env)) {
        Login::Yes(_) | Login::Unknown(_) => Ok(()),
        Login::No(way) => {
            let text = format!("{} is not signed in, and task `{}` needs it", agent.facts().title, task.id);
            Err(Failure::new(ENVIRONMENT, text).hint(format!("{way}; `swarm doctor` shows every agent")))
        }
    }
}
