//! Where tasks are filed, so that a decision costs what it changes and not what the run holds. Knows tasks by their place in the plan.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::Usd;

/// The order among ready tasks: higher priority, longer remaining path, earlier in the plan.
pub(super) type Place = (Reverse<i32>, Reverse<u32>, usize);

/// Where a task is filed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum File {
    Idle,
    /// By the place of its agent, and by what it reserves.
    Ready(usize, Usd, Place),
    Backoff(u64),
    Agenda,
    Slot,
    Busy,
    Ended,
}

/// Who is where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) ready: BTreeMap<(usize, Usd), BTreeSet<Place>>,
    pub(super) backoff: BTreeSet<(u64, usize)>,
    pub(super) agenda: BTreeSet<usize>,
    pub(super) slots: BTreeSet<usize>,
    pub(super) busy: BTreeSet<usize>,
    pub(super) gating: BTreeSet<usize>,
    pub(super) leftovers: BTreeSet<usize>,
    /// Tasks that are not final, by their place in the topological order.
    pub(super) open: BTreeSet<(usize, usize)>,
    pub(super) ended: usize,
}

impl Index {
    pub(super) fn put(&mut self, at: usize, file: File) {
        match file {
            File::Idle => {}
            File::Ready(agent, reserve, place) => {
                self.ready.entry((agent, reserve)).or_default().insert(place);
            }
            File::Backoff(at_ms) => {
                self.backoff.insert((at_ms, at));
            }
            File::Agenda => {
                self.agenda.insert(at);
            }
            File::Slot => {
                self.slots.insert(at);
            }
            File::Busy => {
                self.busy.insert(at);
            }
            File::Ended => self.ended += 1,
        }
    }

    pub(super) fn take(&mut self, at: usize, file: File) {
        match file {
            File::Idle => {}
            File::Ready(agent, reserve, place) => {
                let key = (agent, reserve);
                if let Some(places) = self.ready.get_mut(&key) {
                    places.remove(&place);
                    if places.is_empty() {
                        self.ready.remove(&key);
                    }
                }
            }
            File::Backoff(at_ms) => {
                self.backoff.remove(&(at_ms, at));
            }
            File::Agenda => {
                self.agenda.remove(&at);
            }
            File::Slot => {
                self.slots.remove(&at);
            }
            File::Busy => {
                self.busy.remove(&at);
            }
            File::Ended => self.ended -= 1,
        }
    }
}

pub(super) fn set<P: Ord>(places: &mut BTreeSet<P>, place: P, member: bool) {
    if member {
        places.insert(place);
    } else {
        places.remove(&place);
    }
}
