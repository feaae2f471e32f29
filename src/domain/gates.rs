//! The gate board: which gate runs now, where, and in which gate worktree. Verdicts belong to whoever asked for them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Oid;
use crate::event::GateStarted;
use crate::fact::Site;

/// One gate that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GateRun {
    /// Whose commit it checks.
    pub site: Site,
    /// The place in that site's list of gates; none is the setup.
    pub index: Option<u32>,
    /// Its name.
    pub name: String,
    /// What it checks.
    pub commit: Oid,
    /// Identifies its holder.
    pub nonce: String,
    /// Its gate worktree.
    pub slot: u32,
    /// The seq at which it started.
    pub seq: u64,
}

/// All gates that run, by their number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Gates {
    running: BTreeMap<u32, GateRun>,
    last: u32,
}

impl Gates {
    /// The gate with a number, while it runs.
    pub fn get(&self, n: u32) -> Option<&GateRun> {
        self.running.get(&n)
    }

    /// All that run.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &GateRun)> {
        self.running.iter().map(|(n, run)| (*n, run))
    }

    /// Whether none runs.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// The number of the next gate run.
    pub fn next(&self) -> u32 {
        self.last + 1
    }

    /// A gate worktree that is free, if fewer than `slots` gates run.
    pub fn free_slot(&self, slots: u32) -> Option<u32> {
        (0..slots).find(|slot| self.running.values().all(|run| run.slot != *slot))
    }

    /// So many records are lost, and each may have told of a gate: a verdict is found by its number.
    pub(crate) fn lose(&mut self, records: u32) {
        self.last = self.last.saturating_add(records);
    }

    /// A gate of which nothing else is known has had this number.
    pub(crate) fn lost(&mut self, n: u32) {
        self.last = self.last.max(n);
    }

    pub(crate) fn started(&mut self, seq: u64, event: &GateStarted) {
        self.last = self.last.max(event.n);
        self.running.insert(
            event.n,
            GateRun {
                site: event.site.clone(),
                index: event.index,
                name: event.name.clone(),
                commit: event.commit.clone(),
                nonce: event.nonce.clone(),
                slot: event.slot,
                seq,
            },
        );
    }

    pub(crate) fn ended(&mut self, n: u32) -> Option<GateRun> {
        self.running.remove(&n)
    }
}
