//! What must sometimes happen: a counter for each branch that a recovery can take, and for each thing that can go wrong.
//!
//! A harness that never gets anywhere unkind proves nothing, so a mark that is never hit fails the build.

use std::collections::BTreeMap;

use swarm_domain::task::Phase;

use crate::choice::{Place, Site};

macro_rules! marks {
    ($( $Name:ident $text:literal; )*) => {
        /// Something that must happen in some run.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Mark { $( #[doc = $text] $Name ),* }

        impl Mark {
            /// All of them.
            pub const ALL: &'static [Self] = &[$( Self::$Name ),*];

            /// What it stands for.
            pub const fn text(self) -> &'static str {
                match self { $( Self::$Name => $text ),* }
            }
        }
    };
}

marks! {
    Adopted "a program that still ran was adopted";
    FoundEnded "a program had ended while nobody looked";
    StoppedBeforeItBegan "an attempt was stopped before its program began";
    WorktreeMadeAgain "a worktree was made again";
    GateFound "a gate was found running or ended";
    FoundLanded "a landing was found to have happened";
    DoneUnreported "git did something after swarm had died";
    MovedBeforeMerge "the target moved before a merge";
    MovedBeforeLanding "the target moved before a landing";
    MayNotLand "what would have landed was refused";
    Conflict "two branches met on one path";
    NothingToMerge "a merge had nothing to add";
    Rewound "somebody took a landing away";
    Twice "an effect was performed twice";
    Echo "the dead spoke";
    Refused "a fact was refused";
    TailLost "an unsynced tail was lost";
    TailKept "an unsynced tail was kept";
    TailCut "a torn tail was cut";
    RecoveredUnacknowledged "a recovery found more than was acknowledged";
    CrashedInRecovery "a recovery crashed";
    JournalFailed "the journal failed under a writer";
    DamageRefused "damage was found and refused";
    DamageHarmless "damage met bytes that nobody needs";
    ClockBack "a timer rang too early, because the clock had been set back";
    Raised "a grant was raised";
    RaiseRefused "a raise was refused";
    Resumed "a run that had stopped was resumed";
    Limited "an agent program was held until a time";
    Freed "the time of an agent program that was held had come";
    ShutOut "an agent program was held until somebody sees to its login";
    TookUp "an attempt took up a conversation";
    FaultsStopped "a run was still going when faults stopped";
}

/// How often each mark was hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks([u32; Mark::ALL.len()]);

impl Default for Marks {
    fn default() -> Self {
        Self([0; Mark::ALL.len()])
    }
}

impl Marks {
    pub(crate) fn hit(&mut self, mark: Mark) {
        self.0[mark as usize] += 1;
    }

    /// How often one was hit.
    pub fn count(&self, mark: Mark) -> u32 {
        self.0[mark as usize]
    }
}

/// What a hunt has come by: the sums over all its runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    marks: BTreeMap<Mark, u64>,
    choices: BTreeMap<(Site, u32), u64>,
    inputs: BTreeMap<(&'static str, &'static str, bool), u64>,
    crashes: BTreeMap<(u32, &'static str), u64>,
}

impl Tally {
    /// Adds what one run came by.
    pub fn add(&mut self, marks: &Marks, choices: &[(Place, u32)], matrix: &Matrix) {
        for mark in Mark::ALL {
            *self.marks.entry(*mark).or_default() += u64::from(marks.count(*mark));
        }
        for (place, value) in choices {
            *self.choices.entry((place.site, *value)).or_default() += 1;
        }
        for (cell, count) in &matrix.inputs {
            *self.inputs.entry(*cell).or_default() += u64::from(*count);
        }
        for (cell, count) in &matrix.crashes {
            *self.crashes.entry(*cell).or_default() += u64::from(*count);
        }
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: &Self) {
        fn sum<K: Ord + Copy>(into: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
            for (cell, count) in from {
                *into.entry(*cell).or_default() += count;
            }
        }
        sum(&mut self.marks, &other.marks);
        sum(&mut self.choices, &other.choices);
        sum(&mut self.inputs, &other.inputs);
        sum(&mut self.crashes, &other.crashes);
    }

    /// How often a mark was hit.
    pub fn mark(&self, mark: Mark) -> u64 {
        self.marks.get(&mark).copied().unwrap_or_default()
    }

    /// How often a site had a value.
    pub fn choice(&self, site: Site, value: u32) -> u64 {
        self.choices.get(&(site, value)).copied().unwrap_or_default()
    }

    /// How often a task in a state met a fact, and took or refused it.
    pub fn input(&self, state: &'static str, fact: &'static str, taken: bool) -> u64 {
        self.inputs.get(&(state, fact, taken)).copied().unwrap_or_default()
    }

    /// Every pair of state and fact that came up: whether it was taken, and how often.
    pub fn inputs(&self) -> impl Iterator<Item = (&'static str, &'static str, bool, u64)> {
        self.inputs.iter().map(|((state, fact, taken), count)| (*state, *fact, *taken, *count))
    }

    /// How often swarm died at a point, a value of [`Site::Crash`], while something was pending.
    pub fn crash(&self, point: u32, pending: &'static str) -> u64 {
        self.crashes.get(&(point, pending)).copied().unwrap_or_default()
    }

    /// Every pair of such a point and what was pending, and how often it came up. Point 0 is a fault of the disk.
    pub fn crashes(&self) -> impl Iterator<Item = (u32, &'static str, u64)> {
        self.crashes.iter().map(|((point, pending), count)| (*point, *pending, *count))
    }
}

/// What met what in one run.
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    inputs: BTreeMap<(&'static str, &'static str, bool), u32>,
    crashes: BTreeMap<(u32, &'static str), u32>,
}

impl Matrix {
    pub(crate) fn input(&mut self, state: &'static str, fact: &'static str, taken: bool) {
        *self.inputs.entry((state, fact, taken)).or_default() += 1;
    }

    pub(crate) fn crash(&mut self, point: u32, pending: &'static str) {
        *self.crashes.entry((point, pending)).or_default() += 1;
    }
}

/// A word for each phase in which a task can meet a fact.
pub(crate) fn phase_name(phase: &Phase) -> &'static str {
    match phase {
        Phase::Waiting => "waiting",
        Phase::Ready => "ready",
        Phase::Backoff { .. } => "backoff",
        Phase::Making => "making",
        Phase::Running => "running",
        Phase::Saving => "saving",
        Phase::Judging(_) => "judging",
        Phase::Gating(_) => "gating",
        Phase::Queued => "queued",
        Phase::Merging => "merging",
        Phase::Failing { .. } => "failing",
        Phase::Held { .. } => "held",
        Phase::Ended(_) => "ended",
    }
}
