//! Caps in words and figures: what is used of which, for people and for machines. Judges nothing.

use serde_json::{Map, Value, json};
use swarm_domain::Usd;
use swarm_domain::caps::{Caps, Measure, Used};
use swarm_domain::event::BudgetWarned;
use swarm_domain::fact::Cap;
use swarm_domain::ledger::{Bar, Ledger, Silent};
use swarm_domain::state::Parts;

use super::text::{clean, count, dollars};

/// Whose budget it is, for the middle of a sentence.
pub(super) fn whose(cap: Cap, agent: Option<&str>) -> String {
    match (cap, agent) {
        (Cap::Agent, Some(agent)) => format!("the budget of agent `{}`", clean(agent)),
        (Cap::Agent, None) => "the agent's budget".to_owned(),
        (Cap::Task, _) => "the task's budget".to_owned(),
        (Cap::Run, _) => "the run's budget".to_owned(),
        (Cap::Day, _) => "the budget of the day".to_owned(),
    }
}

/// An amount of a measure: micro-dollars, a count, or milliseconds.
pub(super) fn amount(measure: Measure, amount: u64) -> String {
    match measure {
        Measure::Usd => dollars(Usd::from_micros(amount)),
        Measure::Tokens | Measure::Calls | Measure::Turns | Measure::Time => {
            measure.amount(amount).to_string()
        }
    }
}

/// So much of a cap: `$9.61 of $12.00`, `120 of 500 calls`.
fn share(measure: Measure, used: u64, cap: u64) -> String {
    let cap = amount(measure, cap);
    match measure {
        Measure::Usd | Measure::Time => format!("{} of {cap}", amount(measure, used)),
        Measure::Tokens | Measure::Calls | Measure::Turns => format!("{used} of {cap}"),
    }
}

/// `80% of the run's budget is used: $9.61 of $12.00`.
pub(super) fn warned(event: &BudgetWarned) -> String {
    let agent = Some(event.agent.as_str()).filter(|agent| !agent.is_empty());
    let used = share(event.measure, event.used, event.of);
    format!("{}% of {} is used: {used}", event.percent, whose(event.cap, agent))
}

/// A cap that nothing is admitted at, in words.
pub(super) fn barred(bar: &Bar, agent: Option<&str>) -> String {
    let measure = bar.reached.measure;
    let (used, cap) = (amount(measure, bar.reached.used), amount(measure, bar.reached.cap));
    format!("{} of {cap} is used up ({used} used)", whose(bar.cap, agent))
}

/// Caps as they stand in a plan, by measure: `usd` as a decimal string, `time_ms` in milliseconds.
pub(super) fn caps(caps: &Caps) -> Value {
    let figures = caps.iter().map(|(measure, cap)| (key(measure).to_owned(), figure(measure, cap)));
    Value::Object(figures.collect::<Map<String, Value>>())
}

/// What is used, by measure. Where agents did not say how much, `at_least` names the measure.
pub(super) fn used(used: &Used, silent: Silent) -> Value {
    let figures = Measure::ALL.map(|measure| (key(measure).to_owned(), figure(measure, used.get(measure))));
    let mut value = Value::Object(figures.into_iter().collect::<Map<String, Value>>());
    let unsaid = Measure::ALL.into_iter().filter(|measure| silent.of(*measure) > 0);
    value["at_least"] = json!(unsaid.map(key).collect::<Vec<_>>());
    value
}

fn key(measure: Measure) -> &'static str {
    match measure {
        Measure::Time => "time_ms",
        Measure::Usd | Measure::Tokens | Measure::Calls | Measure::Turns => measure.word(),
    }
}

fn figure(measure: Measure, amount: u64) -> Value {
    match measure {
        Measure::Usd => json!(Usd::from_micros(amount).decimal()),
        Measure::Tokens | Measure::Calls | Measure::Turns | Measure::Time => json!(amount),
    }
}

/// The caps besides the run's on money, with what is used of each, one line each.
pub(super) fn lines(parts: &Parts, now_ms: u64) -> Vec<String> {
    let ledger = &parts.ledger;
    let mut lines: Vec<String> = Vec::new();
    let others = Caps { usd: None, time_ms: None, ..*ledger.caps() };
    lines.extend(of(ledger, &others, &ledger.used(now_ms)));
    if let Some(cap) = ledger.per_day() {
        let spent = ledger.day().map(|day| day.total(ledger.reserved()));
        let date = ledger.day().map_or("today", |day| day.date.as_str());
        let spent = spent.map_or_else(|| "not known yet".to_owned(), dollars);
        lines.push(format!("{date}: {spent} of {} by all runs of the repository", dollars(cap)));
    }
    for (agent, caps) in ledger.capped_agents() {
        let agent_used = of(ledger, caps, &ledger.used_by_agent(agent, now_ms));
        lines.push(format!("agent {}: {}", clean(agent), agent_used.unwrap_or_default()));
    }
    lines
}

/// `at least 120 calls of 500 (2 attempts did not say), 1h of 8h`.
fn of(ledger: &Ledger, caps: &Caps, used: &Used) -> Option<String> {
    let each = caps.iter().map(|(measure, cap)| {
        let used = share(measure, used.get(measure), cap);
        match ledger.silent().of(measure) {
            0 => used,
            silent => format!("at least {used} ({} did not say)", count(silent as usize, "attempt")),
        }
    });
    let text = each.collect::<Vec<_>>().join(", ");
    (!text.is_empty()).then_some(text)
}

/// What `swarm budget` calls an amount of the run's: `5usd`, `20000tokens`, `500calls`, `2h`.
pub(super) fn typed(measure: Measure, amount: u64) -> String {
    match measure {
        Measure::Usd => format!("{}usd", amount.div_ceil(1_000_000).max(1)),
        Measure::Tokens | Measure::Calls | Measure::Turns => format!("{}{}", amount.max(1), measure.word()),
        Measure::Time => measure.amount(amount.max(1)).to_string(),
    }
}

/// Of each cap the highest share that people were told of.
pub(super) fn told(parts: &Parts) -> Vec<String> {
    let told = parts.ledger.told_of().map(|(cap, agent, measure, percent)| {
        let agent = Some(agent).filter(|agent| !agent.is_empty());
        format!("{percent}% or more of {} ({}) is used", whose(cap, agent), measure.word())
    });
    told.collect()
}
