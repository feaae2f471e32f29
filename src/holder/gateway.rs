//! The proxy that a job's calls go through, for as long as its holder lives. Knows no ledger: what may be spent stands in `grant`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::error::HolderError;
use super::files::{self, Durable};
use super::grant;
use super::job::{Job, Route};
use super::lock;
use crate::agents::{GATEWAY, Prices, Reading};
use crate::proxy::{self, Api, Config, Grant, Patience, Proxy, Token, Unpriced, Upstream};

/// How long a call waits for a raise while somebody lives who can grant it. A machine with too much to do needs some of it.
const RAISE: Duration = Duration::from_secs(15);
/// How long nobody may be there to grant a raise: an orchestrator that was killed is soon back, or not.
const ABSENT: Duration = Duration::from_secs(2);
/// How long an answer is read on whose program is gone, to learn what it costs.
const LINGER: Duration = Duration::from_secs(5);
/// How long a program may live on after it was told that its money is spent. Most are gone within seconds.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// A running proxy.
pub(super) struct Gateway {
    proxy: Proxy,
    dir: PathBuf,
    owner_lock: Option<PathBuf>,
    grant: Arc<Grant>,
    /// The most that was asked for, in micro-dollars, and what of it is written down.
    wants: Arc<AtomicU64>,
    told: u64,
    absent_since: Option<Instant>,
    stuck_since: Option<Instant>,
}

impl Gateway {
    /// Starts the proxy. The error is for people.
    pub(super) fn start(dir: &Path, job: &Job, route: &Route) -> Result<Self, String> {
        let own = job.listen.as_ref().and_then(|listen| listen.prices.as_deref());
        let prices = Prices::load(own).map_err(|error| error.to_string())?;
        let granted = grant::read(dir);
        let grant = Arc::new(Grant::new(granted.micros));
        let wants = Arc::new(AtomicU64::new(0));
        let asked = wants.clone();
        let config = Config {
            upstream: Upstream::parse(&route.upstream).map_err(|error| error.to_string())?,
            apis: Api::ALL.to_vec(),
            prices: Arc::new(prices),
            unpriced: if route.refuse_unpriced { Unpriced::Refuse } else { Unpriced::Pass },
            dir: dir.to_path_buf(),
            token: Token::random().map_err(|error| error.to_string())?,
            grant: grant.clone(),
            on_want: Arc::new(move |micros| {
                asked.fetch_max(micros, Ordering::Relaxed);
            }),
            limits: proxy::Limits::default(),
            patience: Patience { raise: RAISE, linger: LINGER, ..Patience::default() },
        };
        let proxy = Proxy::start(config).map_err(|error| format!("its proxy cannot be started: {error}"))?;
        let (dir, owner_lock) = (dir.to_path_buf(), job.owner_lock.clone());
        let (absent_since, stuck_since) = (None, None);
        Ok(Self { proxy, dir, owner_lock, grant, wants, told: 0, absent_since, stuck_since })
    }

    /// A text of the job's with the proxy's address in the place of what stands for it.
    pub(super) fn fill_in(&self, text: &str) -> Option<String> {
        text.contains(GATEWAY).then(|| text.replace(GATEWAY, &self.proxy.url()))
    }

    /// Hands on what is granted and what is asked for.
    pub(super) fn look(&mut self, now: Instant) {
        let wants = self.wants.load(Ordering::Relaxed);
        if wants > self.told && write_wants(&self.dir, wants).is_ok() {
            self.told = wants;
        }
        let granted = grant::read(&self.dir);
        let absent = wants > granted.micros && !self.owner_lives();
        self.absent_since = absent.then(|| self.absent_since.unwrap_or(now));
        let alone = self.absent_since.is_some_and(|since| now.duration_since(since) >= ABSENT);
        self.grant.set(granted.micros, granted.refused || alone);
        let stuck = self.proxy.totals().stuck;
        self.stuck_since = stuck.then(|| self.stuck_since.unwrap_or(now));
    }

    /// Whether it knows of calls. A program that leads its calls around it is held by its own word only.
    pub(super) fn counts(&self) -> bool {
        let totals = self.proxy.totals();
        totals.calls > 0 || totals.stuck
    }

    /// Whether its program was told that its money is spent, and lives on.
    pub(super) fn is_ignored(&self, now: Instant) -> bool {
        self.stuck_since.is_some_and(|since| now.duration_since(since) >= LAST_WORDS)
    }

    /// Whether want of money is how its program ended: the last that it asked for was refused, and it did not get over that.
    pub(super) fn has_stopped(&self, reading: Option<&Reading>) -> bool {
        let over = |reading: &Reading| reading.report.finished && reading.report.trouble.is_none();
        self.proxy.totals().stuck && !reading.is_some_and(over)
    }

    /// Waits for what is still known to cost something.
    pub(super) fn finish(self) {
        drop(self.proxy.settled(LINGER));
    }

    /// Nobody named, nobody holding the lock, a lock that cannot be asked: nobody who could grant a raise.
    fn owner_lives(&self) -> bool {
        self.owner_lock.as_deref().is_some_and(|path| lock::is_owned(path).unwrap_or(false))
    }
}

fn write_wants(dir: &Path, micros: u64) -> Result<(), HolderError> {
    files::replace(dir, files::WANTS, format!("{micros}\n").as_bytes(), Durable::No)
}

/// What would have to be granted in all for the call that asked for most, in micro-dollars.
pub fn read_wants(dir: &Path) -> u64 {
    let bytes = files::read_if_there(&dir.join(files::WANTS)).ok().flatten().unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim().parse().unwrap_or(0)
}
