//! Faults that are planted on purpose, in the world and the ports and never in swarm: a test of the tests.

mod disk;
mod ports;

pub(crate) use disk::{disk, lose_durable};
pub(crate) use ports::{ahead, forget_trouble, forget_usage, pass_off, tamper};

macro_rules! sabotages {
    ($( $Name:ident $text:literal; )*) => {
        /// One planted fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Sabotage { $( #[doc = $text] $Name ),* }

        impl Sabotage {
            /// All of them.
            pub const ALL: &'static [Self] = &[$( Self::$Name ),*];

            /// Its name in scenario files.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$Name => stringify!($Name) ),* }
            }

            /// What is done.
            pub const fn text(self) -> &'static str {
                match self { $( Self::$Name => $text ),* }
            }
        }
    };
}

sabotages! {
    SkipSync "the disk does not sync, and says that it did";
    SyncErrorIgnored "the disk loses what it should sync, and says that it did not";
    TornTailKept "what a recovery reads has a record twice";
    ReplaySkips "what a recovery reads has one record less";
    DurableLost "a power cut takes the end of what was synced along";
    EffectsBeforeSync "effects begin before their records are durable";
    TimerForgotten "a timer never rings";
    EffectForgotten "an effect is never performed";
    MergeTwice "a landing does not look whether it has happened";
    NoCompareAndSwap "a landing does not look where the target is";
    OrphanNotAdopted "a program is started without looking for the one that runs";
    DeadReportAccepted "the port passes a dead attempt's report off as the present one's";
    ReservationDropped "the port forgets what an attempt reserved";
    UsageForgotten "the port forgets half of what programs say that they used";
    CallsNotHeld "a proxy lets every call through";
    LimitForgotten "the port forgets that an agent program was limited or logged out, so that it starts although it is held";
    WorkNotKept "work is said to be kept, and is not";
    DecidesByClock "two equal questions are answered by a number that changes";
}

impl Sabotage {
    /// The planted fault with a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|sabotage| sabotage.name() == name)
    }
}

/// A number that is never the same twice in this process, as a clock would be.
pub(crate) fn moving_number() -> u64 {
    static CALLS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
