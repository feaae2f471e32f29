//! A list of checks on one commit: setup first, then gates in order, one at a time, until one is red. Does not know whose commit it is.

use std::collections::VecDeque;

use serde::Serialize;

use crate::Oid;
use crate::fact::Verdict;
use crate::plan::{Gate, GateScope};
use crate::task::{Illegal, illegal};

/// How often a check may end without a verdict before it counts as red.
pub const MISHAPS_MAX: u32 = 3;

/// Where a list of checks runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// On the base, before the first start.
    Preflight,
    /// On an attempt's own tip.
    Task,
    /// On the commit that is to land.
    Merge,
}

/// The checks on one commit, and how far they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checks {
    commit: Oid,
    /// `None` is the setup, `Some` a place in the list of gates.
    todo: VecDeque<Option<u32>>,
    running: Option<u32>,
    mishaps: u32,
    red: Option<Red>,
}

/// A check that is red.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Red {
    /// Its run.
    pub n: u32,
    /// The place in the list of gates; none is the setup.
    pub index: Option<u32>,
    /// What happened, in a few words.
    pub detail: String,
    /// The end of its output.
    pub tail: String,
}

impl Checks {
    /// The gates that belong to a stage, after setup if there is any. Without such a gate there is nothing to check, except on the base.
    pub fn new(commit: Oid, gates: &[Gate], stage: Stage, setup: bool) -> Self {
        let mut todo: VecDeque<_> =
            (0_u32..).zip(gates).filter(|(_, gate)| belongs(gate, stage)).map(|(at, _)| Some(at)).collect();
        if setup && (stage == Stage::Preflight || !todo.is_empty()) {
            todo.push_front(None);
        }
        Self { commit, todo, running: None, mishaps: 0, red: None }
    }

    /// What is checked.
    pub fn commit(&self) -> &Oid {
        &self.commit
    }

    /// The check to start now, if none runs and none is red.
    pub fn due(&self) -> Option<Option<u32>> {
        if self.running.is_some() || self.red.is_some() { None } else { self.todo.front().copied() }
    }

    /// The check that runs: its run number and its place.
    pub fn running(&self) -> Option<(u32, Option<u32>)> {
        self.running.zip(self.todo.front().copied())
    }

    /// The one that is red.
    pub fn red(&self) -> Option<&Red> {
        self.red.as_ref()
    }

    /// Whether all are green.
    pub fn passed(&self) -> bool {
        self.todo.is_empty() && self.red.is_none()
    }

    /// Whoever opens the run again has seen to what kept checks from a verdict.
    pub(crate) fn opened(&mut self) {
        self.mishaps = 0;
    }

    /// Only the check that is due can start.
    pub(crate) fn started(&mut self, n: u32, index: Option<u32>) -> Result<(), Illegal> {
        if self.due() != Some(index) {
            return Err(illegal("gate.started", "that check is not due"));
        }
        self.running = Some(n);
        Ok(())
    }

    pub(crate) fn ended(&mut self, n: u32, verdict: &Verdict, tail: &str, advisory: bool) {
        // A gate of an earlier merge may end while the gate of this one runs.
        if self.running != Some(n) {
            return;
        }
        self.running = None;
        match verdict {
            Verdict::Green => self.pass(),
            Verdict::Red { .. } if advisory => self.pass(),
            Verdict::Red { detail } => self.fail(n, detail, tail),
            Verdict::None { detail } => {
                self.mishaps += 1;
                if self.mishaps >= MISHAPS_MAX {
                    self.fail(n, &format!("no verdict in {MISHAPS_MAX} tries: {detail}"), tail);
                }
            }
        }
    }

    fn pass(&mut self) {
        self.todo.pop_front();
        self.mishaps = 0;
    }

    fn fail(&mut self, n: u32, detail: &str, tail: &str) {
        let index = self.todo.front().copied().flatten();
        self.red = Some(Red { n, index, detail: detail.to_owned(), tail: tail.to_owned() });
    }
}

fn belongs(gate: &Gate, stage: Stage) -> bool {
    match stage {
        Stage::Preflight => !gate.baseline_skip,
        Stage::Task => matches!(gate.scope, GateScope::Task | GateScope::Both),
        Stage::Merge => matches!(gate.scope, GateScope::Merge | GateScope::Both),
    }
}
