//! Fates: names for what programs do in a run, each a list of steps. When they do it, and what it costs, is chosen beside.

use std::collections::BTreeSet;

use swarm_domain::fact::{Report, Trouble, TroubleKind};
use swarm_domain::{Meter, Usd};

use crate::choice::{Choices, Site, Who};
use crate::conformance::stage::Step::{self, Commit, DeleteWorktree, Die, Exit, Uproot, Wait, Write};

use super::script::{Play, Script, on};

/// What a program uses it uses in so many responses.
const QUANTA: u64 = 4;
/// When a limit is over that says so, in milliseconds after the start of its program. The clock that it means is never set.
const LIMIT_MS: u64 = 20_000;
/// How much is printed by one that prints without end, in bytes.
const FLOOD_BYTES: usize = 2_000;

/// What becomes of a program; the numbers are those of [`Site::AgentFate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Works,
    Fails,
    Dies,
    DiesLate,
    ChangesNothing,
    Hangs,
    IsSilent,
    Wrecks,
    MovesHead,
    LeavesMarkers,
    Strays,
    DoesNotStart,
    FailsInSetup,
    LosesHolder,
    IsLimited,
    IsLimitedUntil,
    IsLoggedOut,
    HasNoLastWord,
}

/// Whose a path is that a fate writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// All that are the task's.
    Own,
    /// Those of them that it was not given with conflict markers.
    Unmarked,
    /// One that is somebody else's.
    Others,
}
use Whose::{Others, Own, Unmarked};

impl Fate {
    const ALL: [Self; 18] = [
        Self::Works,
        Self::Fails,
        Self::Dies,
        Self::DiesLate,
        Self::ChangesNothing,
        Self::Hangs,
        Self::IsSilent,
        Self::Wrecks,
        Self::MovesHead,
        Self::LeavesMarkers,
        Self::Strays,
        Self::DoesNotStart,
        Self::FailsInSetup,
        Self::LosesHolder,
        Self::IsLimited,
        Self::IsLimitedUntil,
        Self::IsLoggedOut,
        Self::HasNoLastWord,
    ];

    /// What it is a name for: what is done at once, and what comes when its time is over.
    fn steps(self) -> (&'static [Step<Whose>], Step<Whose>) {
        match self {
            Self::Works | Self::LosesHolder | Self::HasNoLastWord => (&[Write(Own)], Exit(0)),
            Self::Fails | Self::IsLimitedUntil | Self::IsLoggedOut => (&[Write(Own)], Exit(1)),
            Self::Dies => (&[], Die(11)),
            Self::DiesLate => (&[Write(Own), Commit], Die(11)),
            Self::ChangesNothing => (&[], Exit(0)),
            Self::Hangs | Self::IsSilent => (&[Write(Own)], Wait),
            // It asks again and again by itself, until it is ended.
            Self::IsLimited => (&[], Wait),
            Self::Wrecks => (&[Write(Own), Commit, Write(Others), DeleteWorktree], Exit(0)),
            Self::MovesHead => (&[Write(Own), Commit, Uproot], Exit(0)),
            Self::LeavesMarkers => (&[Write(Unmarked)], Exit(0)),
            Self::Strays => (&[Write(Own), Write(Others)], Exit(0)),
            Self::DoesNotStart | Self::FailsInSetup => (&[], Exit(1)),
        }
    }

    /// What an agent program says of its own end, where somebody understands it. What is in its way it says at once.
    fn last_word(self, bookmark: String, now_ms: u64) -> Report {
        let trouble = match self {
            Self::Fails => Some((TroubleKind::Error, None)),
            Self::IsLimited => Some((TroubleKind::Limit, None)),
            Self::IsLimitedUntil => Some((TroubleKind::Limit, Some(now_ms + LIMIT_MS))),
            Self::IsLoggedOut => Some((TroubleKind::Login, None)),
            _ => None,
        };
        let trouble = trouble.map(|(kind, until_ms)| Trouble { kind, said: "no".to_owned(), until_ms });
        let finished = trouble.is_none() && self != Self::HasNoLastWord;
        Report { finished, trouble, bookmark: Some(bookmark), ..Report::default() }
    }

    /// Nobody is refused for ever: that would be a history without an end.
    fn in_attempt(self, who: Who) -> Self {
        match self {
            Self::IsLimited | Self::IsLimitedUntil | Self::IsLoggedOut
                if matches!(who, Who::Attempt(_, 3..)) =>
            {
                Self::Works
            }
            fate => fate,
        }
    }
}

/// The places of the paths that a task may lay hands on.
pub(super) struct Hands<'a> {
    pub(super) own: &'a BTreeSet<usize>,
    pub(super) others: usize,
    pub(super) has_markers: &'a dyn Fn(usize) -> bool,
}

/// What an attempt does in a run.
pub(super) fn of_attempt(
    choices: &mut Choices,
    who: Who,
    (grant, metered): (Usd, Meter),
    hands: &Hands<'_>,
    now_ms: u64,
) -> Play {
    let mut once = |site| choices.once(site, who);
    let eighths = u64::from(once(Site::AgentCost));
    let fate = Fate::ALL[once(Site::AgentFate) as usize].in_attempt(who);
    let takes_ms = 20 << (2 * once(Site::AgentTime));
    // A proxy sees every call.
    let says = if metered == Meter::Proxy { 0 } else { once(Site::AgentMeter) };
    let mut script = Script::with_capacity(8);
    if once(Site::AgentDeaf) == 1 {
        script.push((0, Step::IgnoreTerm));
    }
    if once(Site::AgentFlood) == 1 {
        script.push((0, Step::Print("x".repeat(FLOOD_BYTES))));
    }
    let (begins, end) = fate.steps();
    for step in begins {
        begin(step, hands, &mut script);
    }
    report(says, takes_ms, cost(grant, eighths), &mut script);
    script.push((takes_ms, on(&end, |_| hands.others)));
    let lost_after_ms = (fate == Fate::LosesHolder).then_some(takes_ms / 2);
    let last_word = Some(fate.last_word(who.to_string(), now_ms));
    let played = Play { talks: fate == Fate::Hangs, lost_after_ms, last_word, ..Play::default() };
    match fate {
        Fate::DoesNotStart => played,
        Fate::FailsInSetup => Play { setup: vec![Some(vec![(takes_ms, Exit(1))])], ..played },
        _ => Play { main: Some(script), ..played },
    }
}

/// In micro-dollars.
fn cost(grant: Usd, eighths: u64) -> u64 {
    let grant = grant.micros();
    if grant == 0 { 5 * eighths } else { grant.min(1_000_000) * 2 * eighths / 8 }
}

/// What is done at once.
fn begin(step: &Step<Whose>, hands: &Hands<'_>, script: &mut Script) {
    let own = hands.own.iter().copied();
    match step {
        Write(Own) => script.extend(own.map(|path| (0, Write(path)))),
        Write(Unmarked) => {
            script.extend(own.filter(|path| !(hands.has_markers)(*path)).map(|path| (0, Write(path))));
        }
        step => script.push((0, on(step, |_| hands.others))),
    }
}

/// It says what it has used: as it goes, at the end, or never.
fn report(says: u32, takes_ms: u64, cost: u64, script: &mut Script) {
    let from = [1, QUANTA, QUANTA + 1][says as usize];
    script.extend((from..=QUANTA).map(|quanta| {
        let used = Usd::from_micros(cost * quanta / QUANTA);
        (takes_ms * quanta / QUANTA, Step::Report(used))
    }));
}

/// What a gate does in a run. `on_base`: nobody has changed anything that it could find.
pub(super) fn of_gate(choices: &mut Choices, n: u32, on_base: bool) -> Play {
    let who = Who::Number(n);
    let last = match choices.once(Site::GateVerdict, who) {
        1 if !on_base => Exit(1),
        2 => Die(9),
        _ => Exit(0),
    };
    let takes_ms = 20 << (2 * choices.once(Site::GateTime, who));
    Play { main: Some(vec![(takes_ms, last)]), ..Play::default() }
}
