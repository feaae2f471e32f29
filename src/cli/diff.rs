//! `swarm diff`: what a run, or the last attempt of one task, changed.

use std::io::IsTerminal;

use swarm_domain::TaskId;
use swarm_domain::owed::ref_name;
use swarm_domain::state::Parts;
use swarm_domain::task::End;

use super::Context;
use super::args::DiffArgs;
use super::exit::{Failure, OK, USAGE};
use super::out;
use crate::git::Repo;
use crate::runs;
use crate::world::guard::Guard;

pub(super) fn diff(context: &Context, args: &DiffArgs) -> Result<u8, Failure> {
    let repo = context.repo()?;
    let folder = context.find(None)?;
    let state = runs::read_state(&folder.journal())?;
    let parts = state.parts().ok_or_else(|| Failure::new(USAGE, "that run was never planned"))?;
    let (from, to) = match &args.task {
        Some(task) => of_task(&repo, parts, task)?,
        None => of_run(parts)?,
    };
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let text = if args.stat {
        repo.diff_stat(&from, &to, colour)?
    } else {
        let plain = repo.diff(&from, &to, false)?;
        match without_secrets(&Guard::of_run(parts), &plain) {
            Some(clean) => {
                eprintln!("note: secrets are left out; `git diff {from} {to}` shows all of it");
                clean
            }
            None if colour => repo.diff(&from, &to, true)?,
            None => plain,
        }
    };
    if context.json {
        out::line(serde_json::json!({"schema": "swarm.diff/1", "from": from, "to": to, "diff": text}));
    } else {
        out::text_of(&text);
    }
    Ok(OK)
}

/// Law 18: a diff is handed on as logs are. None if there is nothing to leave out.
fn without_secrets(guard: &Guard, diff: &str) -> Option<String> {
    let mut rest = diff;
    let (mut clean, mut any) = (String::new(), false);
    while !rest.is_empty() {
        let end =
            rest.get(1..).and_then(|behind| behind.find("\ndiff --git ")).map_or(rest.len(), |at| at + 2);
        let (file, behind) = rest.split_at(end);
        let name = file.lines().next().and_then(|line| line.rsplit_once(" b/"));
        let (shown, left_out) = guard.shown(name.map_or("", |(_, path)| path), file);
        clean.push_str(&shown);
        any |= left_out;
        rest = behind;
    }
    any.then_some(clean)
}

fn of_run(parts: &Parts) -> Result<(String, String), Failure> {
    let nothing =
        || Failure::new(USAGE, "nothing has landed yet").hint("`swarm diff TASK` shows an attempt's work");
    let landed = parts.train.landed().ok_or_else(nothing)?;
    Ok((parts.run.settings.base.to_string(), landed.to_string()))
}

/// What landed for a task, or else what its last attempt left.
fn of_task(repo: &Repo, parts: &Parts, name: &str) -> Result<(String, String), Failure> {
    let id = TaskId::new(name).ok();
    let task = id.as_ref().and_then(|id| parts.tasks.get(id));
    let task = task.ok_or_else(|| {
        Failure::new(USAGE, format!("the run has no task `{name}`")).hint("`swarm status` lists them")
    })?;
    if let Some(End::Merged { commit }) = task.end() {
        return Ok((format!("{commit}^1"), commit.to_string()));
    }
    let attempt = task.attempt.as_ref().ok_or_else(|| {
        Failure::new(USAGE, format!("`{name}` has not started yet"))
            .hint(format!("`swarm why {name}` says why"))
    })?;
    let kept = ref_name(&parts.run.id, &task.spec.id, attempt.no);
    let tip = repo.ref_value(&kept)?;
    let tip = tip
        .ok_or_else(|| Failure::new(USAGE, format!("attempt {} of `{name}` is still at work", attempt.no)))?;
    Ok((attempt.onto.to_string(), tip))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use swarm_domain::plan::{AllowedSecret, Secrets};

    use super::without_secrets;
    use crate::world::guard::Guard;

    #[test]
    fn secrets_are_left_out_but_where_the_plan_allows_them() {
        let token = format!("gh{}_{}", "p", "x7Kq2mW9vB4nR8tY3cZ6jH1dF5gS0aLpQeUi");
        let of =
            |path: &str| format!("diff --git a/{path} b/{path}\n+++ b/{path}\n@@ -0,0 +1 @@\n+{token}\n");
        let allow = vec![AllowedSecret { rule: None, path: Some("docs/".to_owned()) }];
        let guard = Guard::new(&Secrets { scan: true, allow }, &BTreeSet::new());
        let (src, docs) = (of("src/a.rs"), of("docs/b.md"));
        let cut = src.replace(&token, "[secret: github-pat]");
        assert_eq!(without_secrets(&guard, &docs), None);
        assert_eq!(
            without_secrets(&guard, &format!("{docs}{src}{docs}")),
            Some(format!("{docs}{cut}{docs}"))
        );
        assert_eq!(without_secrets(&guard, ""), None);
    }
}
