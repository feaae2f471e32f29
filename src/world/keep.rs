//! Keeping what an attempt wrote: commits, what it left uncommitted, and whether it kept to its claims.

use std::path::PathBuf;

use swarm_actors::Tell;
use swarm_domain::effect::Preserve;
use swarm_domain::event::{PreserveFailed, Preserved};
use swarm_domain::fact::Leak;
use swarm_domain::{Event, Hazard, Oid, claims};

use super::{Site, hazards, identity, leaks, note, room, trees};
use crate::git::{self, GitError, Worktree};

/// Writes outside the claims that are recorded: enough to see what went wrong, and never more than a record can hold.
const STRAYS_MAX: usize = 1000;

pub(super) fn preserve(site: &Site, keep: &Preserve, tell: &Tell) -> Event {
    let order = git::Preserve {
        worktree: Worktree { path: PathBuf::from(&keep.path), git_dir: PathBuf::from(&keep.git_dir) },
        base: keep.base.to_string(),
        start: keep.start.to_string(),
        ref_name: keep.ref_name.clone(),
        message: format!(
            "{}\n\nLeft uncommitted by attempt {} of {}.\n",
            keep.title, keep.attempt, keep.task
        ),
        who: identity(&keep.identity),
        at_s: keep.at_s,
        conflict_paths: keep.conflicts.clone(),
    };
    let kept = room::patiently(site, tell, || {
        let kept = site.repo.preserve(&order)?;
        let hazards = hazards_of(site, keep, &kept)?;
        let secrets = leaks::find(site, keep.base.as_str(), &kept.tip, keep.each_commit)?;
        Ok((kept, (hazards, secrets)))
    });
    match kept {
        Ok((kept, found)) => kept_event(site, keep, &kept, found, tell),
        Err(error) => {
            PreserveFailed { task: keep.task.clone(), attempt: keep.attempt, error: error.to_string() }.into()
        }
    }
}

/// What of it may not land. Claims are judged by themselves: an attempt may be let off with a warning.
fn hazards_of(site: &Site, keep: &Preserve, kept: &git::Preserved) -> Result<Vec<Hazard>, GitError> {
    let rules = hazards::Rules { allow: &keep.allow, claims: &[], shared: &[] };
    hazards::find(&site.repo, keep.base.as_str(), &kept.tip, &rules)
}

fn kept_event(
    site: &Site,
    keep: &Preserve,
    kept: &git::Preserved,
    (hazards, secrets): (Vec<Hazard>, Vec<Leak>),
    tell: &Tell,
) -> Event {
    if let Some(why) = why_it_stays(kept) {
        let file = site.places.attempt(&keep.task, keep.attempt).join(trees::KEEP);
        if let Err(error) = std::fs::write(&file, &why) {
            return PreserveFailed {
                task: keep.task.clone(),
                attempt: keep.attempt,
                error: error.to_string(),
            }
            .into();
        }
        note(tell, Some(&keep.task), format!("the worktree of {} stays: {why}", keep.task));
    }
    if !kept.tampered.is_empty() {
        let what = kept.tampered.join(", ");
        let text = format!(
            "attempt {} of {} changed what is not its own, and it was put right: {what}",
            keep.attempt, keep.task
        );
        note(tell, Some(&keep.task), text);
    }
    let outside = |path: &&String| !claims::matches(&keep.claims, &keep.shared, path);
    let strays: Vec<String> = kept.paths.iter().filter(outside).take(STRAYS_MAX).cloned().collect();
    Preserved {
        task: keep.task.clone(),
        attempt: keep.attempt,
        tip: Oid::new(&kept.tip),
        changed: kept.tree_changed,
        descends: kept.descends,
        missing: kept.missing,
        strays,
        markers: kept
            .markers
            .iter()
            .filter(|path| !hazards::may_be_marked(path, &keep.allow))
            .cloned()
            .collect(),
        subjects: kept.subjects.clone(),
        hazards,
        secrets,
    }
    .into()
}

/// Law 17: what holds work that is nowhere else is not removed.
fn why_it_stays(kept: &git::Preserved) -> Option<String> {
    let submodules = (!kept.submodules.is_empty()).then(|| {
        format!("submodules changed and may hold commits of their own: {}", kept.submodules.join(", "))
    });
    let commits = kept.left_behind.as_ref();
    let commits = commits.map(|error| format!("its commits could not be taken over ({error})"));
    let why: Vec<String> = submodules.into_iter().chain(commits).collect();
    (!why.is_empty()).then(|| why.join("; "))
}
