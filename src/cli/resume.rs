//! `swarm resume`: carries a run on where it stopped, or reaches it where it runs.

use swarm_domain::fact::Request;
use swarm_domain::state::State;
use swarm_domain::{Caps, TaskSpec};

use super::agents;
use super::args::ResumeArgs;
use super::exit::{BUSY, Failure};
use super::retry::is_same;
use super::run::{conclude, detach, drive_here};
use super::{Context, control, prepare};
use crate::runs::{self, RunFolder};
use crate::{drive, plan, report, walls};

pub(super) fn resume(context: &Context, args: &ResumeArgs) -> Result<u8, Failure> {
    let folder = context.find(args.run.as_deref())?;
    let mut requests = Vec::new();
    requests.extend(args.budget.map(|usd| Request::SetBudget { caps: Caps::of_usd(Some(usd)) }));
    requests.extend(args.concurrency.map(|slots| Request::SetConcurrency { slots }));
    if let Some(pid) = folder.owner() {
        return reach(context, &folder, pid, requests);
    }
    let state = runs::read_state(&folder.journal())?;
    if state.parts().is_some_and(|parts| parts.run.finished.is_some()) {
        // A finished run is told again, and nothing is appended. Its last process may have been killed just then.
        if let Ok(repo) = context.repo() {
            drive::conclude(&repo, &folder, &state);
        }
        return Ok(conclude(context, &state, &args.view));
    }
    say_if_edited(&state);
    check_agents(&state)?;
    say_if_walled_otherwise(&state)?;
    if args.view.detach {
        for request in requests {
            control::record(context, &folder, request)?;
        }
        return detach(context, &folder, &args.view);
    }
    drive_here(context, &context.repo()?, &folder, &args.view, requests)
}

/// A live run takes what is asked, and goes on if it was paused.
fn reach(context: &Context, folder: &RunFolder, pid: u32, mut requests: Vec<Request>) -> Result<u8, Failure> {
    let state = runs::read_state(&folder.journal())?;
    let paused = state.parts().is_some_and(|parts| parts.run.pause.is_some());
    if paused {
        requests.push(Request::Unpause);
    }
    if requests.is_empty() {
        return Err(Failure::new(BUSY, format!("run {} is driven by process {pid}", folder.id))
            .hint(format!("`swarm attach {}` shows it", folder.id)));
    }
    for request in requests {
        control::send(context, folder, request)?;
    }
    eprintln!("run {} goes on under process {pid}", folder.id);
    Ok(super::exit::OK)
}

/// What is left must find its agents, or it fails for nothing. A program that may still run is adopted in any case.
fn check_agents(state: &State) -> Result<(), Failure> {
    let Some(parts) = state.parts().filter(|parts| !parts.tasks.any_slot()) else { return Ok(()) };
    let left = parts.tasks.iter().filter(|task| task.end().is_none());
    let left: Vec<TaskSpec> = left.map(|task| task.spec.as_ref().clone()).collect();
    let settings = &parts.run.settings;
    prepare::check_walls(settings.isolation.wall, &left).map_err(|failure| {
        failure.hint(
            "the run keeps the plan that it began with: `swarm resume` once the machine has the wall, or \
             `swarm retry --plan FILE` with another `isolation`",
        )
    })?;
    agents::check(&left, &settings.instructions, settings.meter, settings.on_unknown_cost)
}

/// Whoever went to bed with a wall around everything is told if it is another one now.
fn say_if_walled_otherwise(state: &State) -> Result<(), Failure> {
    let Some(run) = state.parts().map(|parts| &parts.run) else { return Ok(()) };
    let (was, is) = (&run.wall.wall, walls::find(run.settings.isolation.wall)?.standing());
    if !was.is_empty() && *was != is.wall {
        eprintln!(
            "warning: the wall was {was} when this run was driven last; from here on it is {}",
            report::wall(&is)
        );
        eprintln!(
            "  help: `isolation: {was}` in a plan takes no other; `swarm doctor` says what the machine offers"
        );
    }
    Ok(())
}

/// A run uses its recorded plan. Whoever edited the file since should know.
fn say_if_edited(state: &State) {
    let Some(parts) = state.parts() else { return };
    let source = std::path::Path::new(&parts.run.source);
    let Ok(loaded) = plan::load(source, parts.run.settings.concurrency) else { return };
    let same = loaded.draft.tasks.len() == parts.tasks.len()
        && loaded
            .draft
            .tasks
            .iter()
            .all(|task| parts.tasks.get(&task.id).is_some_and(|known| is_same(&known.spec, task)));
    if !same {
        eprintln!(
            "note: {} was edited since; this run uses the plan it recorded (`swarm retry --plan` takes the new one)",
            source.display()
        );
    }
}
