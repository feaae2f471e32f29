//! Any life of a journal, next to a model that is a list of entries: batches, closings, crashes, faults and damage in
//! any order. `subject` does to a real log what is planned here, and holds it against the model.

use proptest::{prelude::*, sample::Index};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use swarm_journal::{
    Entry,
    sim::{Fault, Tail},
};

use super::subject::Subject;

/// What happens to a journal.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Append(Vec<Entry>),
    Sync,
    Close,
    Open,
    Follow,
    /// `kill -9`, or the power goes, between two calls.
    Die(End),
    /// Something goes wrong after so many changes of this work, and the writer dies of it.
    Break {
        work: Work,
        after: u64,
        fault: Fault,
        end: End,
    },
    /// The disk has room for so many more bytes while this is written, and then has it again.
    Full {
        room: u64,
        batches: Vec<Vec<Entry>>,
    },
    /// From now on writes take only some of their bytes, or all of them again.
    ShortWrites(bool),
    /// In a copy of the disk, a bit of a durable record flips.
    Flip {
        record: Index,
        bit: Index,
    },
}

impl Step {
    /// Whether the log must be open for it, or must not be.
    pub(crate) fn needs_open(&self) -> Option<bool> {
        match self {
            Self::Append(_) | Self::Sync | Self::Close | Self::Full { .. } => Some(true),
            Self::Open => Some(false),
            Self::Break { work, .. } => Some(!matches!(work, Work::Open)),
            Self::Die(_) | Self::Follow | Self::ShortWrites(_) | Self::Flip { .. } => None,
        }
    }
}

/// What is being done when something goes wrong.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    Write(Vec<Entry>),
    Close,
    Open,
}

/// How a writer ends that does not close.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Kill,
    Cut(Tail),
    /// The power goes, everything survives, and in a copy of the disk a bit of the last write has flipped.
    Flip(usize),
}

/// As much as must be known to say what may happen next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    open: bool,
    /// Whether `HEAD` is as new as the log, so that damage cannot be taken for the trace of a crash.
    exact: bool,
}

impl ReferenceStateMachine for Plan {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        any::<u64>().prop_map(|seed| Self { seed, open: false, exact: true }).boxed()
    }

    fn transitions(plan: &Self) -> BoxedStrategy<Step> {
        let anytime = anytime(*plan);
        if !plan.open {
            return prop_oneof![3 => Just(Step::Open), 2 => anytime].boxed();
        }
        prop_oneof![
            6 => batch().prop_map(Step::Append),
            4 => Just(Step::Sync),
            1 => Just(Step::Close),
            1 => (0..20_000u64, prop::collection::vec(batch(), 1..5))
                .prop_map(|(room, batches)| Step::Full { room, batches }),
            4 => anytime,
        ]
        .boxed()
    }

    fn apply(plan: Self, step: &Step) -> Self {
        match step {
            Step::Append(_) | Step::Sync | Step::Follow | Step::ShortWrites(_) | Step::Flip { .. } => plan,
            Step::Open => Self { open: true, exact: true, ..plan },
            Step::Close | Step::Full { .. } | Step::Die(End::Kill) | Step::Break { end: End::Kill, .. } => {
                Self { open: false, ..plan }
            }
            Step::Die(_) | Step::Break { .. } => Self { open: false, exact: false, ..plan },
        }
    }

    /// Nothing else depends on what was before: a step that has nothing to do is none, so that any may be left out.
    fn preconditions(plan: &Self, step: &Step) -> bool {
        plan.exact || !matches!(step, Step::Flip { .. })
    }
}

/// What may happen to a log that is open, and to one that is not.
fn anytime(plan: Plan) -> impl Strategy<Value = Step> {
    let flip = any::<(Index, Index)>().prop_map(|(record, bit)| Step::Flip { record, bit });
    prop_oneof![
        // Most work is a write, its sync, and a slot of HEAD.
        3 => (work(plan.open), prop_oneof![0..3u64, 0..12u64], fault(), end())
            .prop_map(|(work, after, fault, end)| Step::Break { work, after, fault, end }),
        1 => end().prop_map(Step::Die),
        1 => if plan.exact { flip.boxed() } else { Just(Step::Follow).boxed() },
        1 => Just(Step::Follow),
        1 => any::<bool>().prop_map(Step::ShortWrites),
    ]
}

fn work(open: bool) -> impl Strategy<Value = Work> {
    let write = batch().prop_map(Work::Write);
    if open { prop_oneof![4 => write, 1 => Just(Work::Close)].boxed() } else { Just(Work::Open).boxed() }
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        3 => Just(Fault::PowerCut),
        1 => Just(Fault::CutAfter),
        1 => Just(Fault::SyncError),
        1 => Just(Fault::WriteError),
        1 => Just(Fault::NoSpace),
    ]
}

fn batch() -> impl Strategy<Value = Vec<Entry>> {
    prop::collection::vec(entry(), 0..4)
}

/// Its payload tells as little as possible, so that a failing case is short; zeros are what a torn write leaves too.
fn entry() -> impl Strategy<Value = Entry> {
    let len = prop_oneof![4 => 0..100usize, 2 => 0..6_000usize];
    let factor = prop_oneof![1 => Just(0), 4 => any::<u8>()];
    let payload = (len, factor)
        .prop_map(|(len, factor)| (0..=u8::MAX).cycle().map(|n| n.wrapping_mul(factor)).take(len).collect());
    (0..0xFF00u16, any::<u8>(), any::<u64>(), payload).prop_map(|(kind, schema, time_ms, payload)| Entry {
        kind,
        schema,
        time_ms,
        payload,
    })
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        2 => Just(End::Kill),
        1 => Just(End::Cut(Tail::Lost)),
        1 => Just(End::Cut(Tail::Kept)),
        2 => any::<u8>().prop_map(|part| End::Cut(Tail::Torn(part))),
        2 => Just(End::Cut(Tail::Drawn)),
        2 => (0..1usize << 16).prop_map(End::Flip),
    ]
}

struct Journal;

impl StateMachineTest for Journal {
    type SystemUnderTest = Subject;
    type Reference = Plan;

    fn init_test(plan: &Plan) -> Subject {
        Subject::new(plan.seed)
    }

    fn apply(mut subject: Subject, _: &Plan, step: Step) -> Subject {
        subject.take(step);
        subject
    }

    fn check_invariants(subject: &Subject, _: &Plan) {
        subject.check();
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_journal_is_a_list_of_entries(sequential 1..40 => Journal);
}
