//! `swarm check`: looks at a plan and starts nothing.

use super::Context;
use super::args::CheckArgs;
use super::exit::{Failure, OK, PLAN};
use super::out;
use super::run::{cpus, plan_file};
use crate::drive::colour;
use crate::plan;
use crate::world::environment::ALLOWED;

pub(super) fn check(context: &Context, args: &CheckArgs) -> Result<u8, Failure> {
    let file = plan_file(context, args.plan.as_deref())?;
    let loaded = match plan::load(&file, cpus()) {
        Ok(loaded) => loaded,
        Err(refused) if context.json => {
            out::line(plan::to_json(&refused.problems, &refused.source));
            return Ok(PLAN);
        }
        Err(refused) => return Err(refused.into()),
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
    eprintln!(
        "  next: swarm run{}",
        args.plan.as_ref().map_or_else(String::new, |plan| format!(" {}", plan.display()))
    );
    Ok(OK)
}

/// Exactly what the agent of a task's first attempt would be told.
fn prompt(draft: &plan::Draft, id: &str) -> Result<u8, Failure> {
    let Some(spec) = draft.tasks.iter().find(|task| task.id.as_str() == id) else {
        let ids = draft.tasks.iter().map(|task| task.id.as_str()).collect::<Vec<_>>().join(", ");
        return Err(
            Failure::new(PLAN, format!("the plan has no task `{id}`")).hint(format!("its tasks are {ids}"))
        );
    };
    if !spec.is_agent() {
        return Err(Failure::new(PLAN, format!("task `{id}` is a command; it has no prompt")));
    }
    out::text_of(&swarm_domain::prompt::brief(&draft.instructions, spec));
    Ok(OK)
}
