//! What the runs of a repository may spend on one calendar day: a file of claims that live runs share under a lock, the journals of all others, and what is kept of removed ones. It decides nothing about any attempt.
//!
//! A run that has a budget by the day spends within its claim, and a claim is on the disk before its run hears of it. So
//! all claims together, with what other runs have spent and hold back, are within the budget by the day. Of a run that
//! is not live only its journal counts, which has what it spent, and what its agents may still spend.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;

use serde::{Deserialize, Serialize};
use swarm_domain::event::DaySeen;
use swarm_domain::{Event, Usd};

use super::{RunFolder, list, read};
use crate::git::Repo;

/// The claims of one day, by run, in micro-dollars.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Claims {
    date: String,
    runs: BTreeMap<String, u64>,
    /// What runs that nobody drives have of the day, by the length of their journals, which grow with every record.
    told: BTreeMap<String, (u64, u64)>,
    /// What runs that were removed had of the day: no journal tells it any more.
    #[serde(default)]
    removed: BTreeMap<String, u64>,
}

/// The day's claims of a repository, seen from one run of it.
#[derive(Clone, Debug)]
pub struct DayBook {
    repo: Repo,
    run: String,
    per_day: Usd,
}

/// A calendar day where swarm runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Today {
    /// Its date.
    pub date: String,
    /// When it began, in milliseconds since 1970.
    from_ms: u64,
    /// When it is over, in milliseconds since 1970.
    pub until_ms: u64,
}

impl Today {
    /// The day of a moment, in milliseconds since 1970, in the time zone of this machine.
    pub fn at(now_ms: u64) -> Option<Self> {
        let now = jiff::Timestamp::from_millisecond(i64::try_from(now_ms).ok()?).ok()?;
        let start = now.to_zoned(jiff::tz::TimeZone::system()).start_of_day().ok()?;
        let ms = |at: &jiff::Zoned| u64::try_from(at.timestamp().as_millisecond()).ok();
        let until = start.tomorrow().ok()?.start_of_day().ok()?;
        Some(Self { date: start.date().to_string(), from_ms: ms(&start)?, until_ms: ms(&until)? })
    }
}

impl DayBook {
    /// The claims of a run that may spend within a budget by the day.
    pub fn new(repo: &Repo, run: &RunFolder, per_day: Usd) -> Self {
        Self { repo: repo.clone(), run: run.id.clone(), per_day }
    }

    /// Claims as if the run had claimed nothing: while nobody drove it, others went by its journal.
    pub fn claim_afresh(&self, today: &Today, held: Usd, wanted: Usd) -> io::Result<DaySeen> {
        self.give_back(today, held)?;
        self.claim(today, held, wanted)
    }

    /// Claims as much of the day as is wanted and to be had, and no less than is held already.
    pub fn claim(&self, today: &Today, held: Usd, wanted: Usd) -> io::Result<DaySeen> {
        locked(&self.repo, today, |claims| {
            let elsewhere = self.elsewhere(today, claims);
            let own = claims.runs.get(&self.run).copied().map(Usd::from_micros).unwrap_or_default();
            let most = self.per_day.minus(elsewhere);
            // What was claimed before stays claimed until the run has given it back.
            let allowed = wanted.min(most).max(own).max(held);
            claims.runs.insert(self.run.clone(), allowed.micros());
            DaySeen { date: today.date.clone(), until_ms: today.until_ms, elsewhere, allowed }
        })
    }

    /// Gives back what the run has let go of: by now it is on record that it may spend no more than this.
    pub fn give_back(&self, today: &Today, allowed: Usd) -> io::Result<()> {
        locked(&self.repo, today, |claims| {
            claims.runs.insert(self.run.clone(), allowed.micros());
        })
    }

    /// What all other runs have of the day: a live one its claim, or what its journal says if it has none, and a removed
    /// one what was kept of it.
    fn elsewhere(&self, today: &Today, claims: &mut Claims) -> Usd {
        let runs = list(&self.repo).unwrap_or_default();
        let mut had = claims.removed.clone();
        had.remove(&self.run);
        for run in runs.iter().filter(|run| run.id != self.run) {
            let Some(bytes) = changed_on(run, today) else { continue };
            let claimed = claims.runs.get(&run.id).copied();
            let claimed = claimed.filter(|_| run.owner().is_some());
            let has = claimed.unwrap_or_else(|| told(run, today, bytes, claims).micros());
            // A removal that was cut off may have left a part of the journal.
            let kept = had.entry(run.id.clone()).or_default();
            *kept = has.max(*kept);
        }
        had.into_values().map(Usd::from_micros).sum()
    }
}

/// Keeps what a run has of the day of a moment, in milliseconds since 1970, before it is removed with its journal: what is
/// spent stays spent.
pub fn keep_of_day(repo: &Repo, run: &RunFolder, now_ms: u64) -> io::Result<()> {
    let Some(today) = Today::at(now_ms) else { return Ok(()) };
    let Some(bytes) = changed_on(run, &today) else { return Ok(()) };
    locked(repo, &today, |claims| {
        let had = told(run, &today, bytes, claims);
        claims.told.remove(&run.id);
        claims.runs.remove(&run.id);
        if had > Usd::ZERO {
            claims.removed.insert(run.id.clone(), had.micros());
        }
    })
}

/// Changes the claims of a day under their lock. They are durable before anybody goes by them.
fn locked<T>(repo: &Repo, today: &Today, change: impl FnOnce(&mut Claims) -> T) -> io::Result<T> {
    let folder = repo.common_dir().join("swarm");
    fs::create_dir_all(&folder)?;
    // Rust opens files close-on-exec, so that no agent inherits the lock.
    let lock = File::options().create(true).append(true).open(folder.join("day.lock"))?;
    lock.lock()?;
    let path = folder.join("day.json");
    let read = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Claims>(&bytes).ok());
    let mut claims = read.unwrap_or_default();
    if claims.date != today.date {
        claims = Claims { date: today.date.clone(), ..Claims::default() };
    }
    let before = claims.clone();
    let answer = change(&mut claims);
    if claims != before {
        let tmp = folder.join("day.json.tmp");
        let mut file = File::create(&tmp)?;
        io::Write::write_all(&mut file, &serde_json::to_vec(&claims).map_err(io::Error::other)?)?;
        file.sync_all()?;
        fs::rename(&tmp, &path)?;
        File::open(&folder)?.sync_all()?;
    }
    Ok(answer)
}

/// The length of a run's journal, if anything was written to it on the day.
fn changed_on(run: &RunFolder, today: &Today) -> Option<u64> {
    let files = fs::read_dir(run.journal()).ok()?.flatten().filter_map(|entry| entry.metadata().ok());
    let (mut bytes, mut last_ms) = (0, 0);
    for file in files {
        let changed = file.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        bytes += file.len();
        last_ms = last_ms.max(u64::try_from(changed.as_millis()).unwrap_or(u64::MAX));
    }
    // What is held back since yesterday may be spent today.
    let held = last_ms >= today.from_ms || run.owner().is_some();
    held.then_some(bytes)
}

/// What a run has of the day by its journal: what was settled on it, and what is held back now.
fn told(run: &RunFolder, today: &Today, bytes: u64, claims: &mut Claims) -> Usd {
    if let Some((_, micros)) = claims.told.get(&run.id).filter(|(length, _)| *length == bytes) {
        return Usd::from_micros(*micros);
    }
    // A journal that cannot be read tells nothing; `swarm ls` shows it as damaged.
    let Ok(history) = read(&run.journal()) else { return Usd::ZERO };
    let settled = history.events.iter().filter(|recorded| recorded.time_ms >= today.from_ms);
    let settled = settled.filter_map(|recorded| match &recorded.event {
        Event::AgentExited(event) => Some(event.charge),
        _ => None,
    });
    let held = history.state.parts().map(|parts| parts.ledger.reserved()).unwrap_or_default();
    let sum = settled.sum::<Usd>().plus(held);
    claims.told.insert(run.id.clone(), (bytes, sum.micros()));
    sum
}
