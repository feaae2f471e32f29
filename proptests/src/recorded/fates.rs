//! What the events of a run say about everything that swarm did not decide, in the words of named choices.
//!
//! Values are the nearest that there are. The numbers of gates and the order of landings are those of the real run: where
//! the simulated one goes another way, a verdict may meet another commit.

use std::collections::BTreeMap;

use swarm_actors::writer::Recorded;
use swarm_domain::event::{AgentExited, Preserved};
use swarm_domain::fact::{Ending, Report, Trouble, TroubleKind, Verdict};
use swarm_domain::plan::Plan;
use swarm_domain::state::task_of;
use swarm_domain::{Event, TaskId, Usd};

use crate::choice::{Place, Scenario, Site, Who};
use crate::world::Fate;

/// A program's shortest time in a simulation, in milliseconds; each value of its site is four times the one before.
const SHORTEST_MS: u64 = 20;
/// The longest.
const LONGEST_MS: u64 = SHORTEST_MS << 8;
/// Groups of tasks that meet on a path.
const GROUPS: u32 = 5;

/// The choices that a run was made of, as far as its events tell.
pub(super) fn scenario(plan: &Plan, events: &[Recorded]) -> Scenario {
    let mut fates = Fates::new(plan);
    for recorded in events {
        fates.enter(recorded);
    }
    fates.settle()
}

/// How an attempt began.
#[derive(Default)]
struct Began {
    seq: u64,
    /// When its program was first seen to run, in milliseconds since 1970.
    runs_ms: Option<u64>,
    reserve: Usd,
    /// Whether its use was reported while it ran.
    metered: bool,
}

/// What took how long, and must not take longer.
struct Span {
    place: Place,
    took_ms: u64,
    limit_ms: u64,
}

struct Fates<'a> {
    places: BTreeMap<&'a TaskId, u16>,
    plan: &'a Plan,
    named: BTreeMap<Place, u32>,
    /// How often each place was asked before.
    times: BTreeMap<(Site, Who), u16>,
    began: BTreeMap<Who, Began>,
    spans: Vec<Span>,
    /// Landings so far: when, and whose.
    landed: Vec<(u64, Who)>,
    /// The paths that tasks met on, by the places of the tasks.
    meetings: BTreeMap<u16, Vec<u32>>,
    met: u32,
    /// The merge or landing that git is at.
    under_way: Option<Who>,
}

impl<'a> Fates<'a> {
    fn new(plan: &'a Plan) -> Self {
        Self {
            places: plan.tasks().iter().zip(0..).map(|(task, place)| (&task.id, place)).collect(),
            plan,
            named: BTreeMap::new(),
            times: BTreeMap::new(),
            began: BTreeMap::new(),
            spans: Vec::new(),
            landed: Vec::new(),
            meetings: BTreeMap::new(),
            met: 0,
            under_way: None,
        }
    }

    /// The attempt that an event is about, if its task is in the plan.
    fn who(&self, event: &Event) -> Option<Who> {
        let place = *self.places.get(task_of(event)?)?;
        let attempt = match event {
            Event::AttemptStarted(event) => event.attempt,
            Event::WorktreeMade(event) => event.attempt,
            Event::WorktreeFailed(event) => event.attempt,
            Event::AgentStarted(event) => event.attempt,
            Event::UsageReported(event) => event.attempt,
            Event::AgentExited(event) => event.attempt,
            Event::Preserved(event) => event.attempt,
            Event::PreserveFailed(event) => event.attempt,
            Event::WorktreeRemoved(event) => event.attempt,
            Event::WorktreeKept(event) => event.attempt,
            Event::MergePrepared(event) => event.attempt,
            Event::MergeBuilt(event) => event.attempt,
            Event::MergeEmpty(event) => event.attempt,
            Event::MergeConflicted(event) => event.attempt,
            Event::MergeRefused(event) => event.attempt,
            Event::MergeFailed(event) => event.attempt,
            Event::MergeIntended(event) => event.attempt,
            Event::Merged(event) => event.attempt,
            _ => return None,
        };
        Some(Who::Attempt(place, u16::try_from(attempt).unwrap_or(u16::MAX)))
    }

    fn name(&mut self, site: Site, who: Who, time: u16, value: u32) {
        if value != 0 {
            self.named.insert(Place { site, who, time }, value);
        }
    }

    /// The next answer of a site that is asked again and again about the same.
    fn answer(&mut self, site: Site, who: Who, value: u32) {
        let times = self.times.entry((site, who)).or_default();
        let time = *times;
        *times += 1;
        self.name(site, who, time, value);
    }

    fn enter(&mut self, recorded: &Recorded) {
        let Some(who) = self.who(&recorded.event) else { return self.enter_other(&recorded.event) };
        let began = self.began.entry(who).or_default();
        match &recorded.event {
            Event::AttemptStarted(event) => (began.seq, began.reserve) = (recorded.seq, event.reserve),
            Event::AgentStarted(_) => began.runs_ms = began.runs_ms.or(Some(recorded.time_ms)),
            Event::UsageReported(_) => began.metered = true,
            Event::AgentExited(event) => self.exited(who, recorded.time_ms, event),
            Event::Preserved(event) => {
                self.answer(Site::WorktreeKeep, who, if event.hazards.is_empty() { 0 } else { 2 });
                self.left(who, event);
            }
            Event::PreserveFailed(_) => self.answer(Site::WorktreeKeep, who, 1),
            Event::WorktreeMade(_) => self.answer(Site::WorktreeMake, who, 0),
            Event::WorktreeFailed(_) => self.answer(Site::WorktreeMake, who, 1),
            Event::WorktreeRemoved(_) => self.answer(Site::WorktreeRemove, who, 0),
            Event::WorktreeKept(_) => self.answer(Site::WorktreeRemove, who, 1),
            event => self.merging(who, recorded.seq, event),
        }
    }

    fn enter_other(&mut self, event: &Event) {
        match event {
            Event::GateEnded(event) => {
                let who = Who::Number(event.n);
                let value = match event.verdict {
                    Verdict::Green => 0,
                    Verdict::Red { .. } => 1,
                    Verdict::None { .. } => 2,
                };
                self.name(Site::GateVerdict, who, 0, value);
                self.took(Site::GateTime, who, event.took_ms, u64::MAX);
            }
            Event::TargetHeld(_) => self.disturbed(3),
            Event::TargetSeen(event) => self.disturbed(if event.keeps { 1 } else { 4 }),
            Event::Opened(_) => self.under_way = None,
            _ => {}
        }
    }

    fn took(&mut self, site: Site, who: Who, took_ms: u64, limit_ms: u64) {
        self.spans.push(Span { place: Place { site, who, time: 0 }, took_ms, limit_ms });
    }

    fn exited(&mut self, who: Who, time_ms: u64, event: &AgentExited) {
        let fate = said(event.report.as_deref(), &event.ending).unwrap_or_else(|| fate(&event.ending));
        self.name(Site::AgentFate, who, 0, fate as u32);
        let began = &self.began[&who];
        let (runs_ms, reserve, metered) = (began.runs_ms.unwrap_or(time_ms), began.reserve, began.metered);
        let limit_ms = self.plan.tasks()[usize::from(self.places[&event.task])].timeout_ms;
        let limit_ms = limit_ms.unwrap_or(u64::MAX);
        self.took(Site::AgentTime, who, time_ms.saturating_sub(runs_ms), limit_ms);
        let spent = event.ending == Ending::Spent;
        self.name(Site::AgentCost, who, 0, eighths(reserve, event.usage.usd.unwrap_or_default(), spent));
        let meter = match event.usage.usd {
            _ if spent || metered => 0,
            Some(_) => 1,
            None => 2,
        };
        self.name(Site::AgentMeter, who, 0, meter);
    }

    /// What a program left behind says more about its fate than its exit status does.
    fn left(&mut self, who: Who, event: &Preserved) {
        let place = Place { site: Site::AgentFate, who, time: 0 };
        let fate = match self.named.get(&place).copied().unwrap_or_default() {
            dies if dies == Fate::Dies as u32 && event.changed => Fate::DiesLate,
            0 if event.missing => Fate::Wrecks,
            0 if !event.descends => Fate::MovesHead,
            0 if !event.markers.is_empty() => Fate::LeavesMarkers,
            0 if !event.strays.is_empty() => Fate::Strays,
            0 if !event.changed => Fate::ChangesNothing,
            _ => return,
        };
        self.named.insert(place, fate as u32);
    }

    fn merging(&mut self, who: Who, seq: u64, event: &Event) {
        match event {
            Event::MergePrepared(_) | Event::MergeIntended(_) => {
                self.under_way = Some(who);
                // Somebody else comes first, each time that git is asked.
                self.answer(Site::Stranger, who, 0);
                return;
            }
            Event::MergeFailed(_) => self.answer(Site::MergeGit, who, 1),
            Event::MergeRefused(_) => self.answer(Site::MergeGit, who, 2),
            Event::MergeConflicted(_) => {
                self.answer(Site::MergeGit, who, 0);
                self.meet(who);
            }
            Event::MergeBuilt(_) | Event::MergeEmpty(_) => self.answer(Site::MergeGit, who, 0),
            Event::Merged(_) => self.landed.push((seq, who)),
            _ => return,
        }
        self.under_way = None;
    }

    /// Somebody else was at the target.
    fn disturbed(&mut self, how: u32) {
        let Some(who) = self.under_way else { return };
        let times = self.times.get(&(Site::Stranger, who)).copied().unwrap_or_default();
        self.name(Site::Stranger, who, times.saturating_sub(1), how);
    }

    /// A conflict has two sides: whoever landed last since the attempt began, or else a stranger.
    fn meet(&mut self, who: Who) {
        let since = self.began.get(&who).map_or(0, |began| began.seq);
        let other = self.landed.last().filter(|(seq, _)| *seq > since).map(|(_, other)| *other);
        let (Who::Attempt(place, _), Some(Who::Attempt(other, _))) = (who, other) else {
            return self.disturbed(2);
        };
        let group = 1 + self.met % GROUPS;
        self.met += 1;
        for place in [place, other] {
            self.meetings.entry(place).or_default().push(group);
        }
    }

    fn settle(mut self) -> Scenario {
        for (place, groups) in std::mem::take(&mut self.meetings) {
            let (first, last) = (groups[0], groups[groups.len() - 1]);
            self.name(Site::TaskPaths, Who::Task(place), 0, first + 6 * last);
        }
        // What takes longest takes the longest time that there is; what is half as long stays half as long.
        let longest_ms = self.spans.iter().map(|span| span.took_ms).max().unwrap_or_default();
        let shrink = longest_ms.div_ceil(LONGEST_MS).max(1);
        for Span { place, took_ms, limit_ms } in std::mem::take(&mut self.spans) {
            self.name(place.site, place.who, 0, nearest(took_ms / shrink, limit_ms, place.site));
        }
        Scenario { named: self.named, seed: None }
    }
}

/// What a program's last word says more of its fate than how it ended.
fn said(report: Option<&Report>, ending: &Ending) -> Option<Fate> {
    let report = report?;
    match &report.trouble {
        Some(Trouble { kind: TroubleKind::Limit, until_ms: None, .. }) => Some(Fate::IsLimited),
        Some(Trouble { kind: TroubleKind::Limit, .. }) => Some(Fate::IsLimitedUntil),
        Some(Trouble { kind: TroubleKind::Login, .. }) => Some(Fate::IsLoggedOut),
        Some(Trouble { kind: TroubleKind::Error, .. }) => None,
        None => (!report.finished && *ending == Ending::Exited { code: 0 }).then_some(Fate::HasNoLastWord),
    }
}

fn fate(ending: &Ending) -> Fate {
    match ending {
        Ending::Exited { code: 0 } | Ending::Spent | Ending::Stopped | Ending::Overstayed => Fate::Works,
        Ending::Exited { .. } => Fate::Fails,
        Ending::Signaled { .. } => Fate::Dies,
        Ending::TimedOut => Fate::Hangs,
        Ending::Idle => Fate::IsSilent,
        Ending::SetupFailed { .. } => Fate::FailsInSetup,
        Ending::NotStarted { .. } => Fate::DoesNotStart,
        Ending::Unknown => Fate::LosesHolder,
    }
}

/// The cost in eighths of twice the first grant; one that was ended at its grant wanted more.
fn eighths(reserve: Usd, used: Usd, spent: bool) -> u32 {
    let unit = (reserve.micros().min(1_000_000) / 4).max(1);
    let eighths = used.micros().saturating_add(unit / 2) / unit;
    u32::try_from(eighths.clamp(if spent { 5 } else { 0 }, 7)).expect("below eight")
}

/// The value whose time is nearest, as a ratio, and below the limit.
fn nearest(took_ms: u64, limit_ms: u64, site: Site) -> u32 {
    let below = (0..site.values().count()).rev().find(|value| took_ms > SHORTEST_MS << (2 * value) >> 1);
    let fits = |value: &u32| SHORTEST_MS << (2 * value) < limit_ms;
    (0..=below.unwrap_or_default()).rev().find(fits).unwrap_or_default()
}
