//! The plan in the event stream. Prompts, environment and commands are left out: they may hold what nobody else should read.

use serde_json::{Map, Value, json};
use swarm_domain::Usd;
use swarm_domain::event::{RunPlanned, TaskPlanned};
use swarm_domain::plan::{
    AtCap, Learned, MergeOrder, Meter, NeedWhen, OnConflict, OnFailure, OnUnknownCost, Strategy, Tree, Work,
};

use super::super::caps::caps;

/// The settings of a run.
pub(super) fn run(event: &RunPlanned) -> Value {
    let settings = &event.settings;
    let agent_caps = settings.agent_caps.iter().map(|(agent, capped)| (agent.clone(), caps(capped)));
    json!({
        "parent": event.parent,
        "version": event.version,
        "plan": settings.name,
        "source": event.source,
        "task_count": event.tasks,
        "base": settings.base,
        "target": settings.target,
        "target_at": settings.target_at,
        "cap_usd": settings.caps.usd.map(Usd::decimal),
        "cap_tokens": settings.caps.tokens,
        "caps": caps(&settings.caps),
        "agent_caps": agent_caps.collect::<Map<String, Value>>(),
        "per_day_usd": settings.per_day.map(Usd::decimal),
        "warn_percent": settings.warn,
        "at_cap": if settings.at_cap == AtCap::Kill { "kill" } else { "finish" },
        "on_unknown_cost": on_unknown_cost(settings.on_unknown_cost),
        "meter": meter(settings.meter),
        "concurrency": settings.concurrency,
        "gate_slots": settings.gate_slots,
        "deadline_ms": settings.caps.time_ms,
        "on_failure": on_failure(settings.on_failure),
        "merge": {
            "strategy": strategy(settings.merge.strategy),
            "order": order(settings.merge.order),
            "on_conflict": on_conflict(settings.merge.on_conflict),
        },
        "preflight": settings.preflight,
        "tree": match settings.tree {
            Tree::Worktree => "worktree",
            Tree::Clone => "clone",
        },
        "author": {"name": settings.identity.0, "email": settings.identity.1},
    })
}

/// What attempts like a task's cost before.
fn learned(learned: &Learned) -> Value {
    json!({
        "median_usd": learned.median.decimal(),
        "p90_usd": learned.p90.decimal(),
        "attempts": learned.attempts,
        "of": learned.of,
    })
}

/// A task of the plan.
pub(super) fn task(event: &TaskPlanned) -> Value {
    let spec = &event.spec;
    let needs: Vec<Value> =
        spec.needs.iter().map(|(task, when)| json!({"task": task, "when": need_when(*when)})).collect();
    let gates: Vec<&str> = spec.gates.iter().map(|gate| gate.name.as_str()).collect();
    json!({
        "title": spec.title,
        "kind": if spec.is_agent() { "agent" } else { "run" },
        "agent": agent(&spec.work),
        "needs": needs,
        "files": spec.files,
        "gates": gates,
        "budget_usd": spec.caps.usd.map(Usd::decimal),
        "caps": caps(&spec.caps),
        "estimate_usd": spec.estimate.map(Usd::decimal),
        "learned": spec.learned.as_ref().map(learned),
        "timeout_ms": spec.timeout_ms,
        "retries_max": spec.retries.max,
        "priority": spec.priority,
        "optional": spec.optional,
        "labels": spec.labels,
        "carried": event.carried,
    })
}

fn agent(work: &Work) -> Value {
    match work {
        Work::Run(_) => Value::Null,
        Work::Agent { agent, adapter, model, .. } => {
            json!({"name": agent, "adapter": adapter, "model": model})
        }
    }
}

fn need_when(when: NeedWhen) -> &'static str {
    match when {
        NeedWhen::Merged => "merged",
        NeedWhen::Ended => "ended",
    }
}

fn on_unknown_cost(policy: OnUnknownCost) -> &'static str {
    match policy {
        OnUnknownCost::Refuse => "refuse",
        OnUnknownCost::Estimate => "estimate",
        OnUnknownCost::Allow => "allow",
    }
}

fn meter(meter: Meter) -> &'static str {
    match meter {
        Meter::Proxy => "proxy",
        Meter::Reported => "reported",
    }
}

fn on_failure(policy: OnFailure) -> &'static str {
    match policy {
        OnFailure::Continue => "continue",
        OnFailure::Stop => "stop",
        OnFailure::Pause => "pause",
    }
}

fn strategy(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Squash => "squash",
        Strategy::Merge => "merge",
    }
}

fn order(order: MergeOrder) -> &'static str {
    match order {
        MergeOrder::Ready => "ready",
        MergeOrder::Plan => "plan",
    }
}

fn on_conflict(policy: OnConflict) -> &'static str {
    match policy {
        OnConflict::Retry => "retry",
        OnConflict::Agent => "agent",
        OnConflict::Hold => "hold",
        OnConflict::Fail => "fail",
    }
}
