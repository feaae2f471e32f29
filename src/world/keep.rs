//! Keeping what an attempt wrote: commits, what it left uncommitted, and whether it kept to its claims.

use std::path::PathBuf;

use swarm_actors::Tell;
use swarm_domain::effect::Preserve;
use swarm_domain::event::{PreserveFailed, Preserved};
use swarm_domain::fact::Leak;
use swarm_domain::{Event, Oid, claims};

use super::{Site, identity, leaks, note, room, trees};
use crate::git::{self, Worktree};

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
        let secrets = leaks::find(site, keep.base.as_str(), &kept.tip, keep.each_commit)?;
        Ok((kept, secrets))
    });
    match kept {
        Ok((kept, secrets)) => kept_event(site, keep, &kept, secrets, tell),
        Err(error) => {
            PreserveFailed { task: keep.task.clone(), attempt: keep.attempt, error: error.to_string() }.into()
        }
    }
}

fn kept_event(site: &Site, keep: &Preserve, kept: &git::Preserved, secrets: Vec<Leak>, tell: &Tell) -> Event {
    if !kept.submodules.is_empty() {
        let why =
            format!("submodules changed and may hold commits of their own: {}", kept.submodules.join(", "));
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
        markers: kept.markers.clone(),
        subjects: kept.subjects.clone(),
        secrets,
    }
    .into()
}
