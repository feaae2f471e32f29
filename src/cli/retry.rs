//! `swarm retry`: a new run with a parent. What the parent landed is carried over where nothing about it changed; the rest runs.

use std::collections::{BTreeMap, BTreeSet};

use swarm_domain::plan::{Plan, Settings};
use swarm_domain::state::{Parts, State};
use swarm_domain::task::End;
use swarm_domain::{Oid, TaskId, TaskSpec, Usd};

use super::Context;
use super::args::RetryArgs;
use super::exit::{BUSY, Failure, OK, PLAN, USAGE};
use super::prepare::{self, Wanted};
use super::run::{New, begin};
use crate::git::Repo;
use crate::plan::{self, Draft};
use crate::runs::{self, RunFolder};

pub(super) fn retry(context: &Context, args: &RetryArgs) -> Result<u8, Failure> {
    let repo = context.repo()?;
    let (parent, tasks) = names(context, &repo, &args.names)?;
    if let Some(pid) = parent.owner() {
        return Err(Failure::new(BUSY, format!("run {} is driven by process {pid}", parent.id))
            .hint("wait for its end, or `swarm cancel` it first"));
    }
    let state = runs::read_state(&parent.journal())?;
    let parts = state.parts().ok_or_else(|| Failure::new(USAGE, "that run was never planned"))?;
    let mut draft = match &args.plan {
        Some(file) => prepare::load(Some(&repo), &context.dir.join(file), args.budget)?.draft,
        None => again(&repo, parts, args.budget),
    };
    let target = parts.run.settings.target.clone();
    let wanted = Wanted { target: Some(&target), preflight: parts.run.settings.preflight, continues: true };
    let resolved = prepare::resolve(&repo, &draft, &wanted)?;
    let carried = carried(&repo, &state, &draft, resolved.target_at.as_ref(), &tasks)?;
    choose(&mut draft, &tasks, &carried)?;
    report_left_out(parts, &draft, &parent);
    if draft.tasks.iter().all(|task| carried.contains_key(&task.id)) {
        eprintln!("everything in run {} landed and is unchanged: there is nothing to retry", parent.id);
        eprintln!("  next: swarm land {}", parent.id);
        return Ok(OK);
    }
    let plan = draft.into_plan(resolved).map_err(|errors| {
        Failure::new(PLAN, errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    })?;
    prepare::check_surroundings(&plan)?;
    report_carried(&plan, &carried, &parent);
    let source =
        args.plan.as_ref().map_or_else(|| parts.run.source.clone(), |file| file.display().to_string());
    begin(context, &repo, New { parent: Some(parent.id), source, plan, carried }, &args.view)
}

/// The first name is the run if it names one; all others are tasks.
fn names(context: &Context, repo: &Repo, names: &[String]) -> Result<(RunFolder, BTreeSet<String>), Failure> {
    if let Some((first, rest)) = names.split_first()
        && let Ok(run) = runs::find(Some(repo), first)
    {
        return Ok((run, rest.iter().cloned().collect()));
    }
    Ok((context.find(None)?, names.iter().cloned().collect()))
}

/// The plan of the parent, with what was learned of costs since.
fn again(repo: &Repo, parts: &Parts, cap: Option<Usd>) -> Draft {
    let tasks = parts.tasks.iter().map(|task| task.spec.as_ref().clone()).collect();
    let mut draft = recorded(&parts.run.settings, tasks);
    draft.caps.usd = cap.or(draft.caps.usd);
    plan::learn(&mut draft, &runs::past_attempts(repo));
    draft
}

/// The plan that the parent recorded, as a draft.
fn recorded(settings: &Settings, tasks: Vec<TaskSpec>) -> Draft {
    let settings = settings.clone();
    Draft {
        name: settings.name,
        base: None,
        target: Some(settings.target),
        caps: settings.caps,
        agent_caps: settings.agent_caps,
        per_day: settings.per_day,
        warn: settings.warn,
        at_cap: settings.at_cap,
        on_unknown_cost: settings.on_unknown_cost,
        meter: settings.meter,
        concurrency: settings.concurrency,
        gate_slots: settings.gate_slots,
        on_failure: settings.on_failure,
        on_limit: settings.on_limit,
        instructions: settings.instructions,
        workspace: settings.workspace,
        shared: settings.shared,
        pass_env: settings.pass_env,
        merge: settings.merge,
        allow: settings.allow,
        tree: settings.tree,
        secrets: settings.secrets,
        isolation: settings.isolation,
        tasks,
    }
}

/// Whether a task is defined as it was. What is learned of costs meanwhile is no part of that.
pub(super) fn is_same(before: &TaskSpec, now: &TaskSpec) -> bool {
    TaskSpec { learned: now.learned.clone(), ..before.clone() } == *now
}

/// What the parent landed, whose definition is unchanged, and whose commit is still in the target.
fn carried(
    repo: &Repo,
    parent: &State,
    draft: &Draft,
    target: Option<&Oid>,
    again: &BTreeSet<String>,
) -> Result<BTreeMap<TaskId, Oid>, Failure> {
    let mut carried = BTreeMap::new();
    for spec in &draft.tasks {
        let Some(task) = parent.run().tasks.get(&spec.id).filter(|task| is_same(&task.spec, spec)) else {
            continue;
        };
        let Some(End::Merged { commit }) = task.end() else { continue };
        let Some(target) = target else { continue };
        if !again.contains(spec.id.as_str()) && repo.is_ancestor(commit.as_str(), target.as_str())? {
            carried.insert(spec.id.clone(), commit.clone());
        }
    }
    Ok(carried)
}

/// Named tasks run with what they need; all others only if they are carried over.
fn choose(
    draft: &mut Draft,
    tasks: &BTreeSet<String>,
    carried: &BTreeMap<TaskId, Oid>,
) -> Result<(), Failure> {
    if tasks.is_empty() {
        return Ok(());
    }
    let all = draft.tasks.clone();
    prepare::only(draft, &tasks.iter().cloned().collect::<Vec<_>>())?;
    let chosen: BTreeSet<TaskId> = draft.tasks.iter().map(|task| task.id.clone()).collect();
    draft.tasks =
        all.into_iter().filter(|task| chosen.contains(&task.id) || carried.contains_key(&task.id)).collect();
    let kept: BTreeSet<TaskId> = draft.tasks.iter().map(|task| task.id.clone()).collect();
    for task in &mut draft.tasks {
        // A carried task has landed: what it needed is no longer asked.
        if carried.contains_key(&task.id) {
            task.needs.retain(|(need, _)| kept.contains(need));
        }
    }
    Ok(())
}

/// Failed tasks that were not named are not in the new run: whoever retries that one will not find them.
fn report_left_out(parts: &Parts, draft: &Draft, parent: &RunFolder) {
    let open = parts.tasks.iter().filter(|task| !task.end().is_some_and(End::is_landed));
    let ids: Vec<&str> = open
        .map(|task| task.spec.id.as_str())
        .filter(|id| draft.tasks.iter().all(|task| task.id.as_str() != *id))
        .collect();
    if !ids.is_empty() {
        eprintln!("not in it: {} (`swarm retry {}` has all)", ids.join(", "), parent.id);
    }
}

fn report_carried(plan: &Plan, carried: &BTreeMap<TaskId, Oid>, parent: &RunFolder) {
    let all = plan.tasks().len();
    let here = plan.tasks().iter().filter(|task| carried.contains_key(&task.id)).count();
    eprintln!("{here} of {all} tasks landed in run {} and are carried over; {} run", parent.id, all - here);
}
