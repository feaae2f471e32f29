//! The budget of the day while a run is driven: claims what the run is about to need, and tells the run. What a day is and who else spends on it the day's book knows.

use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use swarm_actors::{Handle, Recorded};
use swarm_domain::event::DaySeen;
use swarm_domain::ledger::Line;
use swarm_domain::state::{Parts, State};
use swarm_domain::tasks::reserve;
use swarm_domain::{Command, Usd};

use super::DriveError;
use crate::git::Repo;
use crate::runs::{DayBook, RunFolder, Today};
use crate::world::now_ms;

/// How often it is looked whether the run needs more, or others have spent.
const LOOK: Duration = Duration::from_millis(250);

/// Claims what the run needs at first, before it goes on: nothing starts before that is on record.
pub(super) fn begin(
    repo: &Repo,
    run: &RunFolder,
    writer: &mut swarm_actors::Writer,
) -> Result<Option<DayBook>, DriveError> {
    let parts = writer.state().run();
    let Some(per_day) = parts.ledger.per_day().filter(|_| parts.run.finished.is_none()) else {
        return Ok(None);
    };
    let book = DayBook::new(repo, run, per_day);
    let Some(today) = Today::at(now_ms()) else { return Ok(Some(book)) };
    let (held, wanted) = needs(parts, &today);
    let seen = book.claim_afresh(&today, held, wanted)?;
    match writer.record(&Command::Fact(seen.into())) {
        // What is known already need not be said again.
        Ok(_) | Err(swarm_actors::WriterError::Refused(_)) => Ok(Some(book)),
        Err(error) => Err(DriveError::Open(error.into())),
    }
}

/// What the run has of the day already, and how much it could do with: as much again for what has used half of its grant
/// and will soon ask for more, and the next attempts, as many as there are slots. The run's own cap bounds both.
fn needs(parts: &Parts, today: &Today) -> (Usd, Usd) {
    let ledger = &parts.ledger;
    let spent = ledger.day().filter(|day| day.date == today.date).map(|day| day.spent).unwrap_or_default();
    let held = spent.plus(ledger.reserved());
    let half_used = |line: &&Line| line.usage.usd.unwrap_or_default().micros() >= line.grant.micros() / 2;
    let raises: Usd = ledger.lines().map(|(_, _, line)| line).filter(half_used).map(Line::held).sum();
    let waiting = parts.tasks.iter().filter(|task| task.end().is_none() && !task.holds_slot());
    let slots = (parts.run.slots as usize).saturating_sub(parts.tasks.slots_taken()).max(1);
    // Whichever are ready next, there is enough for them.
    let mut starts: Vec<Usd> = waiting.filter_map(|task| reserve(task, ledger)).collect();
    starts.sort_unstable_by(|one, other| other.cmp(one));
    let starts: Usd = starts.into_iter().take(slots).sum();
    let more = raises.plus(starts);
    let left = ledger.cap().map(|cap| cap.minus(ledger.spent()).minus(ledger.reserved()));
    (held, held.plus(left.map_or(more, |left| left.min(more))))
}

/// Follows the run, and claims for it, until it is aborted.
pub(super) async fn watch(handle: Handle, book: DayBook, mut state: State, news: Receiver<Vec<Recorded>>) {
    let mut told: Option<DaySeen> = None;
    loop {
        if !follow(&mut state, &news) {
            return;
        }
        if let Some(look) = Look::of(&state, told.as_ref()) {
            let book = book.clone();
            let looked = tokio::task::spawn_blocking(move || look.at(&book)).await;
            if let Ok(Some(seen)) = looked {
                told = Some(seen.clone());
                if handle.tell(seen.into()).is_err() {
                    return;
                }
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Takes what was recorded meanwhile; says whether more may come.
fn follow(state: &mut State, news: &Receiver<Vec<Recorded>>) -> bool {
    loop {
        match news.try_recv() {
            Ok(events) => {
                for recorded in events {
                    if state.apply(&recorded.event).is_err() {
                        tracing::warn!(seq = recorded.seq, "the watcher of the day lost the thread");
                    }
                }
            }
            Err(TryRecvError::Empty) => return true,
            Err(TryRecvError::Disconnected) => return false,
        }
    }
}

/// What is asked of the day's book at a moment.
struct Look {
    today: Today,
    held: Usd,
    wanted: Usd,
    /// What is on record of today.
    known: Option<DaySeen>,
    /// The most that the run may believe by now: what it was told may not be on record yet.
    believed: Usd,
}

impl Look {
    fn of(state: &State, told: Option<&DaySeen>) -> Option<Self> {
        let (parts, today) = (state.parts()?, Today::at(now_ms())?);
        let (held, wanted) = needs(parts, &today);
        let known = parts.ledger.day().filter(|day| day.date == today.date).map(seen);
        let told = told.filter(|told| told.date == today.date);
        let believed = known.iter().chain(told).map(|seen| seen.allowed).max().unwrap_or_default();
        Some(Self { today, held, wanted, known, believed })
    }

    /// What is to be told to the run, if anything changed. What it lets go of is given back once that is on record.
    fn at(self, book: &DayBook) -> Option<DaySeen> {
        if let Some(known) = self.known.as_ref().filter(|known| known.allowed >= self.wanted) {
            // As much again as it could do with is kept: to and fro would be recorded each time.
            let spare = known.allowed.minus(self.wanted) > self.wanted.minus(self.held);
            report(book.give_back(&self.today, self.believed).err());
            return spare.then(|| DaySeen { allowed: self.wanted, ..known.clone() });
        }
        match book.claim(&self.today, self.held, self.wanted) {
            Ok(claimed) => (self.known.as_ref() != Some(&claimed)).then_some(claimed),
            Err(error) => {
                report(Some(error));
                None
            }
        }
    }
}

fn seen(day: &swarm_domain::ledger::Day) -> DaySeen {
    let (date, until_ms) = (day.date.clone(), day.until_ms);
    DaySeen { date, until_ms, elsewhere: day.elsewhere, allowed: day.allowed }
}

fn report(error: Option<std::io::Error>) {
    if let Some(error) = error {
        tracing::warn!(%error, "the budget of the day cannot be read or written");
    }
}
