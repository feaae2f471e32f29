//! `swarm check`: looks at a plan and starts nothing.

use super::Context;
use super::args::CheckArgs;
use super::exit::{Failure, OK, PLAN, USAGE};
use super::out;
use super::prepare;
use super::run::plan_file;
use super::{agents, cost};
use crate::drive::colour;
use crate::plan;
use crate::world::environment::ALLOWED;

pub(super) fn check(context: &Context, args: &CheckArgs) -> Result<u8, Failure> {
    let file = plan_file(context, args.plan.as_deref())?;
    // A plan may be checked where there is no repository: then nothing is learned.
    let loaded = match prepare::load(context.repo().ok().as_ref(), &file, None) {
        Ok(loaded) => loaded,
        Err(refused) if context.json => {
            let problems = plan::to_json(&refused.problems, &refused.source);
            out::line(serde_json::json!({"schema": "swarm.check/1", "problems": problems}));
            return Ok(PLAN);
        }
        Err(refused) => {
            eprintln!("{}", plan::render(&refused.problems, &refused.source, colour()).trim_end());
            eprintln!("  next: correct the plan, and `swarm check{}` again", named(args));
            return Ok(PLAN);
        }
    };
    if let Some(id) = &args.prompt {
        return prompt(&loaded.draft, id);
    }
    let details = args.verbose.then_some(ALLOWED);
    if context.json {
        out::line(plan::summary_json(&loaded, details));
        return Ok(OK);
    }
    if !loaded.warnings.is_empty() {
        eprintln!("{}", plan::render(&loaded.warnings, &loaded.source, colour()).trim_end());
    }
    out::line(plan::summary_text(&loaded, details).trim_end());
    let draft = &loaded.draft;
    // A plan may be checked where it is not run.
    if let Err(missing) = agents::check(&draft.tasks, &draft.instructions, draft.meter, draft.on_unknown_cost)
    {
        eprintln!("warning: {}", missing.text);
        if let Some(hint) = &missing.hint {
            eprintln!("  help: {hint}");
        }
    }
    if let Some(cost) = cost::words(&draft.tasks, draft.meter, draft.on_unknown_cost)? {
        out::line(format!("  cost: {cost}"));
    }
    for line in cost::unheld(&draft.tasks, draft.meter) {
        out::line(format!("    {line}"));
    }
    eprintln!("  next: swarm run{}", named(args));
    Ok(OK)
}

/// The plan as it was named on the command line, after a space.
fn named(args: &CheckArgs) -> String {
    args.plan.as_ref().map_or_else(String::new, |plan| format!(" {}", plan.display()))
}

/// Exactly what the agent of a task's first attempt would be told.
fn prompt(draft: &plan::Draft, id: &str) -> Result<u8, Failure> {
    let Some(spec) = draft.tasks.iter().find(|task| task.id.as_str() == id) else {
        return Err(prepare::no_task(draft, id));
    };
    if !spec.is_agent() {
        return Err(Failure::new(USAGE, format!("task `{id}` is a command; it has no prompt")));
    }
    out::text_of(&swarm_domain::prompt::brief(&draft.instructions, spec));
    Ok(OK)
}
