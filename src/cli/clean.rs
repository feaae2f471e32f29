//! `swarm clean`: removes what ended runs left. Work that is not in the target stays, unless the user gives it up by name.

use std::path::{Path, PathBuf};

use swarm_domain::owed::ref_name;
use swarm_domain::state::Parts;

use super::Context;
use super::args::CleanArgs;
use super::exit::{Failure, OK, USAGE};
use super::out;
use crate::git::Repo;
use crate::plan::parse_duration;
use crate::runs::{self, RunFolder};
use crate::world::now_ms;

pub(super) fn clean(context: &Context, args: &CleanArgs) -> Result<u8, Failure> {
    let repo = context.repo()?;
    let age_ms = args.older_than.as_deref().map(age).transpose()?;
    let mut runs = Vec::new();
    if args.runs.is_empty() {
        runs = runs::list(&repo)?;
    }
    for name in &args.runs {
        runs.push(runs::find(Some(&repo), name)?);
    }
    let mut removed = 0;
    for run in &runs {
        removed += u32::from(clean_run(&repo, run, args, age_ms)?);
    }
    let verb = if args.dry_run { "would be removed" } else { "removed" };
    out::line(format!("{removed} of {} runs {verb}", runs.len()));
    Ok(OK)
}

fn age(text: &str) -> Result<u64, Failure> {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u64>().ok());
    match days {
        Some(days) => Ok(days.saturating_mul(24 * 60 * 60 * 1000)),
        None => parse_duration(text).map_err(|why| Failure::new(USAGE, why)),
    }
}

/// Whether the run's folder and refs went. Its worktrees go in any case, once it has ended.
fn clean_run(repo: &Repo, run: &RunFolder, args: &CleanArgs, age_ms: Option<u64>) -> Result<bool, Failure> {
    if let Some(pid) = run.owner() {
        eprintln!("{}: kept, process {pid} drives it", run.id);
        return Ok(false);
    }
    let history = match runs::read(&run.journal()) {
        // One that was not asked for by name stands in nobody's way.
        Err(error) if args.runs.is_empty() => {
            eprintln!("{}: kept, {}", run.id, Failure::from(error).text);
            return Ok(false);
        }
        read => read?,
    };
    let Some(parts) = history.state.parts() else {
        return remove(repo, run, args.dry_run).map(|()| true);
    };
    if age_ms.is_some_and(|age_ms| now_ms().saturating_sub(parts.run.started_ms) < age_ms) {
        return Ok(false);
    }
    if parts.run.finished.is_none() && !args.discard_unmerged {
        eprintln!(
            "{}: kept, it is not finished: `swarm resume {0}` carries on, `swarm cancel {0}` ends it",
            run.id
        );
        return Ok(false);
    }
    let unmerged = unmerged(parts);
    if !unmerged.is_empty() && !args.discard_unmerged {
        let refs = unmerged.join(", ");
        eprintln!(
            "{}: kept, it holds work that is not in the target: {refs} (--discard-unmerged gives it up)",
            run.id
        );
        if !args.dry_run {
            remove_worktrees(repo, run, parts)?;
        }
        return Ok(false);
    }
    remove(repo, run, args.dry_run).map(|()| true)
}

/// The kept refs of tasks that changed something and did not land.
fn unmerged(parts: &Parts) -> Vec<String> {
    let lost = parts.tasks.iter().filter(|task| task.end().is_none_or(|end| !end.is_landed()));
    let tips =
        lost.filter_map(|task| task.tip.as_ref().filter(|tip| tip.tip != tip.base).map(|tip| (task, tip)));
    tips.map(|(task, tip)| ref_name(&parts.run.id, &task.spec.id, tip.attempt)).collect()
}

/// Worktrees whose work is kept by a ref. One that stays for a reason stays.
fn remove_worktrees(repo: &Repo, run: &RunFolder, parts: &Parts) -> Result<(), Failure> {
    let folder = run.worktrees(repo);
    let kept: Vec<&Path> = parts
        .tasks
        .iter()
        .flat_map(|task| task.kept.values())
        .map(|(path, _)| Path::new(path.as_str()))
        .collect();
    let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(()) };
    for path in entries.flatten().map(|entry| entry.path()) {
        // Git's half of a repository of its own lies beside it.
        let whole = path.to_string_lossy().strip_suffix(".git").map_or_else(|| path.clone(), PathBuf::from);
        if kept.contains(&whole.as_path()) {
            eprintln!("{}: kept, it holds work that could not be made reachable", path.display());
        } else {
            repo.remove_worktree_at(&path)?;
        }
    }
    run.leave_worktrees(repo);
    Ok(())
}

fn remove(repo: &Repo, run: &RunFolder, dry_run: bool) -> Result<(), Failure> {
    let prefix = format!("refs/swarm/{}/", run.id);
    let refs = repo.list_refs(&prefix)?;
    let (kib, count) = (run.bytes() / 1024, refs.len());
    let noun = if count == 1 { "ref" } else { "refs" };
    eprintln!("{}: its folder ({kib} KiB), its worktrees and {count} {noun}", run.id);
    if dry_run {
        return Ok(());
    }
    let folder = run.worktrees(repo);
    if let Ok(entries) = std::fs::read_dir(&folder) {
        for path in entries.flatten().map(|entry| entry.path()) {
            repo.remove_worktree_at(&path)?;
        }
    }
    repo.forget_worktrees(&folder)?;
    run.leave_worktrees(repo);
    for (name, _) in refs {
        repo.delete_ref(&name)?;
    }
    runs::keep_of_day(repo, run, now_ms())?;
    std::fs::remove_dir_all(&run.dir)?;
    Ok(())
}
