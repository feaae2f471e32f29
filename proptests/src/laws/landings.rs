//! Law 6: merged at most once, one merge at a time, and the journal says merged exactly when the target has it.

use std::collections::{BTreeMap, BTreeSet};

use swarm_domain::{Event, Oid, TaskId};

use crate::world::Repo;

use super::{Broken, Entry};

/// What landed, as far as it was recorded.
#[derive(Clone, Debug, Default)]
pub(super) struct Landings {
    merged: BTreeMap<TaskId, Oid>,
    done: BTreeSet<TaskId>,
    /// The merge that is under way: whose, and the commit once it is intended.
    under_way: Option<(TaskId, Option<Oid>)>,
}

impl Landings {
    pub(super) fn is_done(&self, task: &TaskId) -> bool {
        self.done.contains(task)
    }

    pub(super) fn recorded(&self, task: &TaskId) -> bool {
        self.merged.contains_key(task)
    }

    pub(super) fn enter(&mut self, entry: &Entry<'_>, repo: Option<&Repo>) -> Result<(), Broken> {
        match entry.event {
            Event::TaskPlanned(event) => {
                if let Some(commit) = &event.carried {
                    self.merged.insert(event.spec.id.clone(), commit.clone());
                }
            }
            Event::MergePrepared(event) => self.begin(entry, &event.task)?,
            Event::MergeIntended(event) => {
                self.is_the_one(entry, &event.task)?;
                self.under_way = Some((event.task.clone(), Some(event.commit.clone())));
            }
            Event::Merged(event) => self.merged(entry, &event.task, &event.commit, repo)?,
            Event::TaskDone(event) => {
                self.done.insert(event.task.clone());
                self.leave(&event.task);
            }
            Event::AttemptFailed(event) => self.leave(&event.task),
            Event::TaskCancelled(event) => self.leave(&event.task),
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, entry: &Entry<'_>, task: &TaskId) -> Result<(), Broken> {
        let free = self.under_way.as_ref().is_none_or(|(whose, _)| whose == task);
        entry.check(6, free, || format!("the merge of {task} begins while another is under way"))?;
        self.under_way = Some((task.clone(), None));
        Ok(())
    }

    fn is_the_one(&self, entry: &Entry<'_>, task: &TaskId) -> Result<(), Broken> {
        let is = self.under_way.as_ref().is_some_and(|(whose, _)| whose == task);
        entry.check(6, is, || format!("{task} lands out of turn"))
    }

    fn merged(
        &mut self,
        entry: &Entry<'_>,
        task: &TaskId,
        commit: &Oid,
        repo: Option<&Repo>,
    ) -> Result<(), Broken> {
        let intended = self
            .under_way
            .as_ref()
            .is_some_and(|(whose, intended)| whose == task && intended.as_ref() == Some(commit));
        entry.check(6, intended, || {
            format!("{task} is recorded as merged with a commit that was not intended")
        })?;
        let before = self.merged.insert(task.clone(), commit.clone());
        entry.check(6, before.is_none(), || format!("{task} is merged twice"))?;
        if let Some(repo) = repo {
            let times = repo.landed(commit);
            entry.check(6, times == 1, || {
                format!("{task} is recorded as merged, and its commit landed {times} times")
            })?;
        }
        self.under_way = None;
        Ok(())
    }

    fn leave(&mut self, task: &TaskId) {
        if self.under_way.as_ref().is_some_and(|(whose, _)| whose == task) {
            self.under_way = None;
        }
    }

    /// Between two events a landing may have happened that is not recorded yet; never two, and none without an intent.
    pub(super) fn agrees(&self, seq: u64, repo: &Repo) -> Result<(), Broken> {
        let unrecorded: Vec<_> =
            repo.standing().filter(|(_, task)| !self.merged.contains_key(task)).collect();
        let allowed = match (unrecorded.as_slice(), &self.under_way) {
            ([], _) => true,
            ([(commit, task)], Some((whose, Some(intended)))) => task == whose && commit == intended,
            _ => false,
        };
        if allowed {
            Ok(())
        } else {
            Err(Broken::new(6, format!("at {seq}: {unrecorded:?} landed and is not recorded")))
        }
    }

    pub(super) fn at_end(&self, seq: u64, repo: Option<&Repo>) -> Result<(), Broken> {
        let Some(repo) = repo else { return Ok(()) };
        let landed: BTreeMap<_, _> = repo.standing().map(|(commit, task)| (task, commit)).collect();
        let twice = landed.len() != repo.standing().count();
        let unrecorded = repo.standing().any(|(_, task)| !self.merged.contains_key(task));
        if twice || unrecorded {
            return Err(Broken::new(
                6,
                format!("at {seq}: landed {:?}, recorded {:?}", repo.landings, self.merged),
            ));
        }
        Ok(())
    }
}
