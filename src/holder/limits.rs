//! What ends a running job besides itself: its time, its silence, its money. Decides, and kills nothing.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use swarm_domain::fact::TroubleKind;

use super::grant::{self, Grant};
use super::job::{Ended, Job};
use super::lock;
use super::meter::Meter;
use crate::agents::Reading;

/// Usage is looked at this often: at every second tick of the holder's loop.
const USAGE_EVERY_MS: u64 = 85;
/// How long a raise may take to arrive while somebody lives who can grant it.
const RAISE_MS: u64 = 2_000;

/// Further ahead nothing is planned; it keeps a limit of "forever" from overflowing the clock.
const FOREVER_MS: u64 = 100 * 365 * 24 * 3_600 * 1_000;

/// The moment `ms` after `now`.
pub(super) fn after(now: Instant, ms: u64) -> Instant {
    now + Duration::from_millis(ms.min(FOREVER_MS))
}

/// The limits of one job, from the moment its main command starts.
pub(super) struct Limits {
    started: Instant,
    timeout: Option<Duration>,
    idle_timeout: Option<Duration>,
    overstay: Option<Duration>,
    patience: Option<Duration>,
    /// Since when nothing but a limit or a refused login is heard of.
    refused_since: Option<Instant>,
    money: Option<Money>,
}

impl Limits {
    pub(super) fn new(dir: &Path, job: &Job, started: Instant) -> Self {
        Self {
            started,
            timeout: job.timeout_ms.map(Duration::from_millis),
            idle_timeout: job.idle_timeout_ms.map(Duration::from_millis),
            overstay: job.listen.as_ref().map(|listen| Duration::from_millis(listen.overstay_ms)),
            patience: job.listen.as_ref().map(|listen| Duration::from_millis(listen.patience_ms)),
            refused_since: None,
            money: job.metered.then(|| Money::new(dir, job, started)),
        }
    }

    /// Which limit is reached. `last_bytes_at`: when the job last printed something. `reading`: what an agent program said.
    /// `counted`: what it spends is counted, and held, by others.
    pub(super) fn reached(
        &mut self,
        now: Instant,
        last_bytes_at: Instant,
        reading: Option<&Reading>,
        counted: bool,
    ) -> Option<Ended> {
        let passed = |since: Instant, limit: Option<Duration>| {
            limit.is_some_and(|limit| now.duration_since(since) >= limit)
        };
        if passed(self.started, self.timeout) {
            return Some(Ended::TimedOut);
        }
        let finished = reading.is_some_and(|reading| reading.report.finished);
        if finished && passed(last_bytes_at.max(self.started), self.overstay) {
            return Some(Ended::Overstayed);
        }
        if passed(last_bytes_at.max(self.started), self.idle_timeout) {
            return Some(Ended::Idle);
        }
        if self.tries_in_vain(now, reading) {
            return Some(Ended::Idle);
        }
        let read_micros = reading.map(|reading| reading.spent.usd_micros.unwrap_or(0));
        let money = self.money.as_mut().filter(|_| !counted);
        money.is_some_and(|money| money.is_spent(now, read_micros)).then_some(Ended::Grant)
    }
}

impl Limits {
    fn tries_in_vain(&mut self, now: Instant, reading: Option<&Reading>) -> bool {
        let trouble = reading.and_then(|reading| reading.report.trouble.as_ref());
        let refused = trouble.is_some_and(|trouble| trouble.kind != TroubleKind::Error);
        self.refused_since = refused.then(|| self.refused_since.unwrap_or(now));
        self.refused_since
            .is_some_and(|since| self.patience.is_some_and(|patience| now.duration_since(since) >= patience))
    }
}

struct Money {
    dir: PathBuf,
    meter: Meter,
    owner_lock: Option<PathBuf>,
    next_look: Instant,
    spent_since: Option<Instant>,
}

impl Money {
    fn new(dir: &Path, job: &Job, started: Instant) -> Self {
        let (meter, owner_lock) = (Meter::new(dir), job.owner_lock.clone());
        Self { dir: dir.to_path_buf(), meter, owner_lock, next_look: started, spent_since: None }
    }

    /// `read_micros`: what an agent program's output says; a job that nobody reads says it in a file.
    fn is_spent(&mut self, now: Instant, read_micros: Option<u64>) -> bool {
        if now < self.next_look {
            return false;
        }
        self.next_look = now + Duration::from_millis(USAGE_EVERY_MS);
        let spent_micros = read_micros.unwrap_or_else(|| {
            self.meter.look();
            self.meter.usage().usd_micros.unwrap_or(0)
        });
        if spent_micros == 0 {
            return false;
        }
        let grant = grant::read(&self.dir);
        if !exceeds(spent_micros, grant) {
            self.spent_since = None;
            return false;
        }
        let waited = now.duration_since(*self.spent_since.get_or_insert(now));
        grant.refused || waited >= Duration::from_millis(RAISE_MS) || !self.owner_lives()
    }

    /// Nobody named, nobody holding the lock, a lock that cannot be asked: nobody who could grant a raise.
    fn owner_lives(&self) -> bool {
        self.owner_lock.as_deref().is_some_and(|path| lock::is_owned(path).unwrap_or(false))
    }
}

/// A grant of nothing is not exceeded by spending nothing.
fn exceeds(spent_micros: u64, grant: Grant) -> bool {
    spent_micros > grant.micros || (spent_micros == grant.micros && spent_micros > 0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Instant;

    use swarm_domain::fact::TroubleKind;

    use super::super::job::{Ended, Job, Listen};
    use super::{Grant, Limits, after, exceeds};
    use crate::agents::Reading;

    fn job(timeout_ms: Option<u64>, idle_timeout_ms: Option<u64>) -> Job {
        Job {
            nonce: String::new(),
            epoch: 0,
            cwd: "/".into(),
            setup: Vec::new(),
            setup_timeout_ms: 0,
            main: Vec::new(),
            stdin: None,
            timeout_ms,
            idle_timeout_ms,
            grace_ms: 0,
            metered: false,
            owner_lock: None,
            nice: 0,
            listen: None,
            route: None,
        }
    }

    #[test]
    fn time_and_silence_are_counted_from_the_start_of_main() {
        let earlier = Instant::now();
        let start = after(earlier, 50_000);
        let at = |ms| after(start, ms);
        let reached = |timeout, idle, now, last| {
            Limits::new(Path::new("/"), &job(timeout, idle), start).reached(now, last, None, false)
        };
        assert_eq!(reached(None, None, at(u64::from(u32::MAX)), earlier), None);
        assert_eq!(reached(Some(500), None, at(499), earlier), None);
        assert_eq!(reached(Some(500), None, at(500), at(500)), Some(Ended::TimedOut));
        assert_eq!(reached(None, Some(500), at(499), earlier), None, "setup's last words are long ago");
        assert_eq!(reached(None, Some(500), at(500), earlier), Some(Ended::Idle));
        assert_eq!(reached(None, Some(500), at(900), at(401)), None, "it talks");
        assert_eq!(reached(None, Some(500), at(901), at(401)), Some(Ended::Idle));
        assert_eq!(reached(Some(u64::MAX), Some(u64::MAX), at(900), earlier), None);
        assert!(after(start, u64::MAX) > at(900));
    }

    #[test]
    fn a_program_that_tries_in_vain_is_ended_unless_it_gets_through() {
        let start = Instant::now();
        let listen = Listen {
            adapter: "claude".to_owned(),
            model: None,
            state: "/".into(),
            bookmark: None,
            prices: None,
            overstay_ms: u64::MAX,
            patience_ms: 500,
        };
        let mut limits = Limits::new(Path::new("/"), &Job { listen: Some(listen), ..job(None, None) }, start);
        let mut refused = Reading::default();
        refused.trouble(TroubleKind::Limit, "no more", None);
        let mut reached =
            |ms, reading: &Reading| limits.reached(after(start, ms), start, Some(reading), false);
        assert_eq!(reached(0, &refused), None);
        assert_eq!(reached(499, &refused), None);
        assert_eq!(reached(499, &Reading::default()), None, "it got through");
        assert_eq!(reached(998, &refused), None);
        assert_eq!(reached(1497, &refused), None);
        assert_eq!(reached(1498, &refused), Some(Ended::Idle));
    }

    #[test]
    fn a_grant_is_spent_when_it_is_reached() {
        let grant = |micros| Grant { micros, refused: false };
        assert!(!exceeds(0, grant(0)) && exceeds(1, grant(0)));
        assert!(!exceeds(4, grant(5)) && exceeds(5, grant(5)) && exceeds(6, grant(5)));
    }
}
