//! The worktrees of attempts: made on the target's head or with an earlier attempt's work, removed when they hold nothing of their own.

use std::path::{Path, PathBuf};

use swarm_actors::Tell;
use swarm_domain::event::{WorktreeFailed, WorktreeKept, WorktreeMade, WorktreeRemoved};
use swarm_domain::fact::Start;
use swarm_domain::{Event, Oid, TaskId, Tree};

use super::{Site, pool, room};
use crate::git::{GitError, Identity, Rebuilt, Worktree};
use crate::holder::{self, Probe};

/// The file in an attempt's folder that says why its worktree must stay.
pub(super) const KEEP: &str = "keep-worktree";

/// A worktree to be made.
pub(super) struct Make {
    pub(super) task: TaskId,
    pub(super) attempt: u32,
    pub(super) onto: Oid,
    pub(super) from: Start,
    pub(super) materialise: bool,
    pub(super) at_s: u64,
    pub(super) tree: Tree,
}

pub(super) fn make(site: &Site, order: &Make, tell: &Tell) -> Event {
    let (task, attempt) = (order.task.clone(), order.attempt);
    // Law 17: a worktree in which something was started is not made again, whoever asks. Only where records were lost
    // does anybody. Without an answer the attempt would wait for its worktree for ever.
    let taken = match holder::probe(&site.places.attempt(&task, attempt)) {
        Ok(Probe::Absent) => None,
        Ok(_) => Some("something was started in it already; it stays as it is".to_owned()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(error) = taken {
        return WorktreeFailed { task, attempt, error }.into();
    }
    match room::patiently(site, tell, || site.alone(|| checkout(site, order))) {
        Ok((worktree, start, conflicts)) => WorktreeMade {
            task,
            attempt,
            start,
            path: worktree.path.to_string_lossy().into_owned(),
            git_dir: worktree.git_dir.to_string_lossy().into_owned(),
            conflicts,
        }
        .into(),
        Err(error) => WorktreeFailed { task, attempt, error: error.to_string() }.into(),
    }
}

/// The worktree, its HEAD, and the files in conflict. A half-made one is made again from the start.
fn checkout(site: &Site, order: &Make) -> Result<(Worktree, Oid, Vec<String>), GitError> {
    let path = site.places.worktrees.join(format!("{}-{}", order.task, order.attempt));
    hold(site, order, &path, order.onto.as_str())?;
    let worktree = site.pool.take(&site.repo, &path, order.onto.as_str(), order.tree)?;
    let Start::Tip { attempt, tip, base } = &order.from else {
        return Ok((worktree, order.onto.clone(), Vec::new()));
    };
    let who = Identity { name: "swarm".to_owned(), email: "swarm@localhost".to_owned() };
    let message = format!("Work of attempt {attempt}");
    let rebuilt = site.repo.rebuild(
        &worktree,
        order.onto.as_str(),
        tip.as_str(),
        base.as_str(),
        &message,
        &who,
        order.at_s,
    )?;
    match rebuilt {
        Rebuilt::Clean { commit } => {
            hold(site, order, &path, &commit)?;
            Ok((worktree, Oid::new(&commit), Vec::new()))
        }
        Rebuilt::Conflict { paths } if order.materialise => Ok((worktree, order.onto.clone(), paths)),
        Rebuilt::Conflict { .. } => {
            site.repo.remove_worktree(&worktree)?;
            Ok((
                pool::add(&site.repo, &path, order.onto.as_str(), order.tree)?,
                order.onto.clone(),
                Vec::new(),
            ))
        }
    }
}

/// A ref that holds what a repository of an attempt's own borrows: to the user's `git gc` it is a stranger.
fn hold(site: &Site, order: &Make, path: &Path, commit: &str) -> Result<(), GitError> {
    if order.tree == Tree::Worktree {
        return Ok(());
    }
    let name = held(site, path);
    match site.repo.update_ref(&name, commit, None) {
        Err(GitError::RefMoved { found: Some(found), .. }) if found == commit => Ok(()),
        Err(GitError::RefMoved { found: Some(found), .. }) => {
            site.repo.update_ref(&name, commit, Some(&found))
        }
        outcome => outcome,
    }
}

fn held(site: &Site, path: &Path) -> String {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // No task has an id that begins so.
    format!("refs/swarm/{}/_trees/{}", name(&site.places.run_dir), name(path))
}

/// Law 17: what is in the worktree was recorded as reachable before this is owed.
pub(super) fn remove(site: &Site, task: TaskId, attempt: u32, path: &str, git_dir: &str) -> Event {
    let keep = site.places.attempt(&task, attempt).join(KEEP);
    if let Ok(error) = std::fs::read_to_string(keep) {
        return WorktreeKept { task, attempt, error }.into();
    }
    let worktree = Worktree { path: PathBuf::from(path), git_dir: PathBuf::from(git_dir) };
    let name = held(site, &worktree.path);
    let gone = || site.pool.give(&site.repo, &worktree).and_then(|()| site.repo.delete_ref(&name));
    match site.alone(gone) {
        Ok(()) => WorktreeRemoved { task, attempt }.into(),
        Err(error) => WorktreeKept { task, attempt, error: error.to_string() }.into(),
    }
}
