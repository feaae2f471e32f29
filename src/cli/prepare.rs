//! Before a run exists: where it starts, where it lands, and whether everything it will need is there. Changes nothing.

use std::collections::BTreeSet;
use std::path::Path;

use swarm_domain::plan::{Plan, TaskSpec};
use swarm_domain::{Oid, Program, Usd, Wall, Work};

use super::agents;
use super::exit::{ENVIRONMENT, Failure, PLAN, TARGET, USAGE};
use super::run::cpus;
use crate::drive::DriveError;
use crate::git::{GitError, Repo};
use crate::plan::{self, Draft, Known, Loaded, Resolved};
use crate::runs::{self, TargetLock};
use crate::walls;
use crate::world::guard::Guard;
use crate::world::{environment, program};

/// The most tasks that are listed where a name fits none.
const NAMES_SHOWN: usize = 12;

/// What the command line says about where a run starts and lands.
pub(super) struct Wanted<'a> {
    /// `--target`.
    pub(super) target: Option<&'a str>,
    /// Whether setup and gates run on the base first.
    pub(super) preflight: bool,
    /// A retry goes on where its parent landed.
    pub(super) continues: bool,
}

/// Everything that a draft lacks.
pub(super) fn resolve(repo: &Repo, draft: &Draft, wanted: &Wanted<'_>) -> Result<Resolved, Failure> {
    let target = wanted.target.map_or_else(|| draft.target_name(), str::to_owned);
    let named = wanted.target.is_some() || draft.target.is_some();
    repo.check_target_name(&target)?;
    // First of all: what a live run has landed there is no reason to land or to retry it.
    if TargetLock::take(repo, &target)?.is_none() {
        return Err(DriveError::TargetBusy(target).into());
    }
    if let Some(path) = repo.checked_out(&target)? {
        let error = GitError::CheckedOut { branch: target, path, state: "HEAD".to_owned() };
        return Err(Failure::new(TARGET, error).hint("or choose another branch with --target NAME"));
    }
    let asked = repo.resolve(draft.base.as_deref().unwrap_or("HEAD"))?;
    let target_at = repo.ref_value(&format!("refs/heads/{target}"))?;
    let base = match &target_at {
        Some(at) if !repo.is_ancestor(at, &asked)? => {
            let used_as_it_is = wanted.continues || (named && draft.base.is_none());
            if !used_as_it_is {
                return Err(target_ahead(&target));
            }
            at.clone()
        }
        _ => asked,
    };
    Ok(Resolved {
        base: Oid::new(&base),
        target,
        target_at: target_at.as_deref().map(Oid::new),
        identity: identity(repo),
        preflight: wanted.preflight,
    })
}

fn target_ahead(target: &str) -> Failure {
    Failure::new(TARGET, format!("`{target}` has commits that the base lacks, from an earlier run or from somebody else")).hint(
        format!("`swarm land` brings them into your branch, `swarm retry` goes on with the earlier run, `--target NAME` lands elsewhere, and `target: {target}` in the plan (without `base`) builds on them"),
    )
}

/// The user's git identity, or swarm's own with a notice.
fn identity(repo: &Repo) -> (String, String) {
    if let Some(who) = repo.identity() {
        return (who.name, who.email);
    }
    eprintln!("note: git knows no user.name and user.email; commits are by swarm <swarm@localhost>");
    ("swarm".to_owned(), "swarm@localhost".to_owned())
}

/// What the plan passes through by name must be there, and the programs of its agents too.
pub(super) fn check_surroundings(plan: &Plan) -> Result<(), Failure> {
    let gates = plan.tasks().iter().flat_map(|task| &task.gates).flat_map(|gate| &gate.pass_env);
    let tasks = plan.tasks().iter().flat_map(|task| &task.pass_env);
    let missing: BTreeSet<_> =
        environment::missing(plan.settings().pass_env.iter().chain(tasks).chain(gates)).into_iter().collect();
    if !missing.is_empty() {
        let names = missing.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Failure::new(
            ENVIRONMENT,
            format!("the plan passes through variables that are not set: {names}"),
        )
        .hint("set them in this shell, or take them out of `pass_env`"));
    }
    check_values(plan)?;
    let mut seen = BTreeSet::new();
    for task in plan.tasks() {
        check_agent(task, &mut seen)?;
    }
    let settings = plan.settings();
    check_walls(settings.isolation.wall, plan.tasks())?;
    agents::check(plan.tasks(), &settings.instructions, settings.meter, settings.on_unknown_cost)
}

/// Law 18: the plan is recorded and told to agents, so no value of a variable may stand in it that is a secret.
fn check_values(plan: &Plan) -> Result<(), Failure> {
    let guard = Guard::of_plan(plan.settings(), plan.tasks().iter());
    let held = |what: String, text: serde_json::Result<String>| {
        let name = guard.holds(&text.unwrap_or_default())?.to_owned();
        Some((what, name))
    };
    let settings = [held("the plan".to_owned(), serde_json::to_string(plan.settings()))];
    let tasks =
        plan.tasks().iter().map(|task| held(format!("task `{}`", task.id), serde_json::to_string(task)));
    let Some((what, name)) = settings.into_iter().chain(tasks).flatten().next() else { return Ok(()) };
    Err(Failure::new(PLAN, format!("{what} has the value of `{name}` in it, which would be recorded and told to agents")).hint(
        format!(
            "let it read `${{{name}}}` from its environment, where `pass_env: [{name}]` puts it; if that is no secret, \
             `secrets: {{allow: [{{rule: {name}}}]}}`"
        ),
    ))
}

/// The wall that is asked for must stand, and a gate that is denied the network must not get it all the same.
pub(super) fn check_walls(asked: Wall, tasks: &[TaskSpec]) -> Result<(), Failure> {
    let kind = walls::find(asked)?.kind;
    let Some(gate) = tasks.iter().flat_map(|task| &task.gates).find(|gate| !gate.network) else {
        return Ok(());
    };
    walls::check_network(kind).map_err(|why| {
        Failure::new(ENVIRONMENT, format!("the gate `{}` is to have no network, and {why}", gate.name))
            .hint("this machine does not let it be taken away (no user namespaces?); `network: true` lets the gate have it")
    })
}

fn check_agent(task: &TaskSpec, seen: &mut BTreeSet<String>) -> Result<(), Failure> {
    let Work::Agent { agent, command: Some(command), .. } = &task.work else { return Ok(()) };
    let Some(word) = first_word(command) else { return Ok(()) };
    if !seen.insert(word.clone()) || runs(&word) {
        return Ok(());
    }
    Err(Failure::new(ENVIRONMENT, format!("agent `{agent}` runs `{word}`, which is not on the PATH"))
        .hint("install it, or correct the agent's `command` in the plan"))
}

/// The program that a command begins with, if that can be told without running a shell.
fn first_word(command: &Program) -> Option<String> {
    let word = match command {
        Program::Argv(argv) => argv.first()?.clone(),
        Program::Shell(script) => script.split_whitespace().next()?.to_owned(),
    };
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '+'));
    plain.then_some(word)
}

/// Programs on the path, paths (which may be made by setup), and what a shell brings along itself.
fn runs(word: &str) -> bool {
    word.contains('/') || program::find(word).is_some() || is_shell_word(word)
}

fn is_shell_word(word: &str) -> bool {
    let argv = program::argv(&Program::Shell(format!("type {} >/dev/null 2>&1", program::quote(word))));
    let asked =
        std::process::Command::new(&argv[0]).args(&argv[1..]).stdin(std::process::Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// A name that no task has, with the names that there are.
pub(super) fn no_task(draft: &Draft, name: &str) -> Failure {
    let ids = draft.tasks.iter().map(|task| task.id.as_str());
    let shown = ids.take(NAMES_SHOWN).collect::<Vec<_>>().join(", ");
    let more = draft.tasks.len().saturating_sub(NAMES_SHOWN);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    Failure::new(USAGE, format!("the plan has no task `{name}`")).hint(format!("its tasks are {shown}{more}"))
}

/// The tasks that `--only` names, and what they need.
pub(super) fn only(draft: &mut Draft, names: &[String]) -> Result<(), Failure> {
    if names.is_empty() {
        return Ok(());
    }
    let known = |name: &str| draft.tasks.iter().find(|task| task.id.as_str() == name);
    let mut wanted = BTreeSet::new();
    let mut todo: Vec<String> = names.to_vec();
    while let Some(name) = todo.pop() {
        let Some(task) = known(&name) else {
            return Err(no_task(draft, &name));
        };
        if wanted.insert(task.id.clone()) {
            todo.extend(task.needs.iter().map(|(need, _)| need.to_string()));
        }
    }
    draft.tasks.retain(|task| wanted.contains(&task.id));
    Ok(())
}

/// A plan file, judged by what earlier runs of the repository teach of the costs of its agents, and by the cap that will hold.
pub(super) fn load(repo: Option<&Repo>, file: &Path, cap: Option<Usd>) -> Result<Loaded, plan::Refused> {
    let past = repo.map(runs::past_attempts).unwrap_or_default();
    plan::load_with(file, cpus(), &Known { past: &past, cap })
}
