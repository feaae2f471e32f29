//! Landing: merges made in memory, and one compare-and-swap of one ref. The ref itself says whether it happened.

use std::time::Duration;

use swarm_actors::Tell;
use swarm_domain::effect::BuildMerge;
use swarm_domain::event::{
    MergeBuilt, MergeConflicted, MergeEmpty, MergeFailed, MergeRefused, Merged, TargetFreed, TargetHeld,
    TargetSeen,
};
use swarm_domain::{Event, Oid, Strategy, TaskId};

use super::hazards::{self, Rules};
use super::{Site, identity, leaks, room};
use crate::git::{self, GitError, MergeOrder};

/// Conflicting paths that are recorded: more than anybody reads, and never more than a record can hold.
const PATHS_MAX: usize = 1000;
const WATCH: Duration = Duration::from_millis(300);

/// A landing.
pub(super) struct Order {
    pub(super) task: TaskId,
    pub(super) attempt: u32,
    pub(super) target: String,
    pub(super) old: Option<Oid>,
    pub(super) commit: Oid,
    pub(super) landed: Option<Oid>,
}

/// Reads the target: where it stands, and whether what this run landed last is still in it.
pub(super) fn read(site: &Site, target: &str, landed: Option<&Oid>) -> Event {
    loop {
        match seen(site, target, landed) {
            Ok(event) => return event,
            Err(error) => {
                tracing::warn!(%error, "the target cannot be read; trying again");
                std::thread::sleep(WATCH);
            }
        }
    }
}

fn seen(site: &Site, target: &str, landed: Option<&Oid>) -> Result<Event, GitError> {
    let found = site.repo.ref_value(&ref_name(target))?;
    moved(site, found.as_deref(), landed)
}

/// What a target that was found there means.
fn moved(site: &Site, found: Option<&str>, landed: Option<&Oid>) -> Result<Event, GitError> {
    let keeps = match (landed, found) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(landed), Some(found)) => site.repo.is_ancestor(landed.as_str(), found)?,
    };
    Ok(TargetSeen { found: found.map(Oid::new), keeps }.into())
}

fn ref_name(target: &str) -> String {
    format!("refs/heads/{target}")
}

/// Merges in memory, on the target as it was when the merge was prepared. Nothing points to the result.
pub(super) fn build(site: &Site, order: &BuildMerge, tell: &Tell) -> Event {
    let built = room::patiently(site, tell, || try_build(site, order));
    built.unwrap_or_else(|error| failed(&order.task, order.attempt, &error))
}

fn try_build(site: &Site, order: &BuildMerge) -> Result<Event, GitError> {
    if let Some(path) = site.repo.checked_out(&order.target)? {
        return Ok(TargetHeld { path: path.to_string_lossy().into_owned() }.into());
    }
    let found = site.repo.ref_value(&ref_name(&order.target))?;
    if found.as_deref() != order.old.as_ref().map(Oid::as_str) {
        return moved(site, found.as_deref(), order.landed.as_ref());
    }
    let merged = site.repo.merge(&MergeOrder {
        old: order.onto.to_string(),
        tip: order.tip.to_string(),
        strategy: match order.strategy {
            Strategy::Squash => git::Strategy::Squash,
            Strategy::Merge => git::Strategy::Merge,
        },
        message: order.message.clone(),
        who: identity(&order.identity),
        at_s: order.at_s,
    })?;
    let (task, attempt) = (order.task.clone(), order.attempt);
    Ok(match merged {
        git::Merged::Commit { commit, tree } => {
            let rules = Rules { allow: &order.allow, claims: &order.claims, shared: &order.shared };
            let find = match order.strategy {
                Strategy::Squash => hazards::find,
                Strategy::Merge => hazards::in_history,
            };
            let hazards = find(&site.repo, order.onto.as_str(), &commit, &rules)?;
            if !hazards.is_empty() {
                return Ok(MergeRefused { task, attempt, hazards }.into());
            }
            let each = order.strategy == Strategy::Merge;
            let secrets = leaks::find(site, order.onto.as_str(), &commit, each)?;
            site.repo.prove_durable(order.onto.as_str(), &commit)?;
            MergeBuilt { task, attempt, commit: Oid::new(&commit), tree: Oid::new(&tree), secrets }.into()
        }
        git::Merged::Empty => MergeEmpty { task, attempt }.into(),
        git::Merged::Conflict { mut paths, messages } => {
            paths.truncate(PATHS_MAX);
            let detail = swarm_domain::prompt::bounded(&messages.join("\n")).to_owned();
            MergeConflicted { task, attempt, paths, detail }.into()
        }
    })
}

fn failed(task: &TaskId, attempt: u32, error: &GitError) -> Event {
    tracing::error!(%task, attempt, %error, "a merge could not be tried");
    MergeFailed { task: task.clone(), attempt, error: error.to_string() }.into()
}

/// Moves the target. Law 6: whether it was moved is read off the target, before and after a crash alike.
pub(super) fn land(site: &Site, order: &Order) -> Event {
    // A git that failed, or was killed, may have moved the target all the same: it is asked again.
    let landed = try_land(site, order).or_else(|_| try_land(site, order));
    landed.unwrap_or_else(|error| failed(&order.task, order.attempt, &error))
}

fn try_land(site: &Site, order: &Order) -> Result<Event, GitError> {
    let name = ref_name(&order.target);
    let merged =
        || Merged { task: order.task.clone(), attempt: order.attempt, commit: order.commit.clone() }.into();
    let found = site.repo.ref_value(&name)?;
    if let Some(found) = &found
        && site.repo.is_ancestor(order.commit.as_str(), found)?
    {
        return Ok(merged());
    }
    if found.as_deref() != order.old.as_ref().map(Oid::as_str) {
        return moved(site, found.as_deref(), order.landed.as_ref());
    }
    if let Some(path) = site.repo.checked_out(&order.target)? {
        return Ok(TargetHeld { path: path.to_string_lossy().into_owned() }.into());
    }
    match site.repo.update_ref(&name, order.commit.as_str(), order.old.as_ref().map(Oid::as_str)) {
        Ok(()) => Ok(merged()),
        // It was moved, perhaps to what was to land.
        Err(GitError::RefMoved { .. }) => try_land(site, order),
        Err(error) => Err(error),
    }
}

/// Waits until the target is checked out nowhere.
pub(super) fn watch(site: &Site, target: &str) -> Event {
    while !matches!(site.repo.checked_out(target), Ok(None)) {
        std::thread::sleep(WATCH);
    }
    TargetFreed {}.into()
}
