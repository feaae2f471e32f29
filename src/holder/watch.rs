//! The life of a job under its holder: setup, main, and the end of its tree. One thread, one loop, one state.
//!
//! Deliberately knows neither the holder's lock nor `exit.json`: it starts a job and returns how it ended, when
//! nothing of it lives any more.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

use super::error::HolderError;
use super::gateway::Gateway;
use super::group::Group;
use super::job::{Ended, Job, MARK};
use super::limits::{Limits, after};
use super::listener::{self, Listener};
use super::output::Pump;
use super::process::Process;
use super::spawn::{Child, Main, Spawner};
use super::stop;
use super::trampoline::CANNOT_START;
use super::tree::{self, Hunt};
use crate::agents::Reading;

/// How often the requests and limits of a running job are looked at.
const TICK_MS: u64 = 45;
/// How often a tree that is ending is looked at: only its first process wakes us.
const ENDING_TICK_MS: u64 = 5;
/// What the tree of a job that ended by itself gets to finish on its own: as long as it still prints, at most this…
const LINGER_MS: u64 = 2_000;
/// …and when it is silent, this. A `tee` behind the job needs some of it.
const QUIET_MS: u64 = 200;
/// What is left then gets no more than this between SIGTERM and SIGKILL.
const STRAGGLER_GRACE_MS: u64 = 500;
/// A process that SIGKILL does not end at once is in the kernel's hands: look less and less often.
const KILL_PAUSE_MS: std::ops::RangeInclusive<u64> = 2..=500;
/// Somebody outside the tree may hold a pipe's end and print forever.
const DRAIN_MS: u64 = 2_000;
const BUFFER_BYTES: usize = 128 << 10;

/// How a job ended, and what it left.
pub(super) struct Outcome {
    pub(super) ended: Ended,
    pub(super) reading: Option<Reading>,
    pub(super) stdout_bytes: u64,
    pub(super) stderr_bytes: u64,
    pub(super) killed: u32,
}

/// Where a job stands.
enum Phase {
    /// Main waits while the setup commands run.
    Setup { until: Instant, step: usize, running: Option<Child> },
    /// Main runs.
    Main,
    /// Main ended by itself; the rest of its tree may still do so.
    Linger { since: Instant },
    /// The tree was told to end.
    Terminate { kill_at: Instant },
    /// The tree is being killed.
    Kill { again_at: Instant, pause_ms: u64 },
}

/// A job being watched.
pub(super) struct Watch<'a> {
    dir: &'a Path,
    job: &'a Job,
    /// Present while something of the job is still to be started.
    spawner: Option<Spawner>,
    main: Main,
    main_status: Option<WaitStatus>,
    step_status: Option<WaitStatus>,
    pumps: [Pump; 2],
    buffer: Vec<u8>,
    limits: Limits,
    listener: Option<Listener>,
    phase: Phase,
    verdict: Option<Ended>,
    hunt: Hunt,
    group: Option<Group>,
    gateway: Option<Gateway>,
    childless: bool,
}

impl<'a> Watch<'a> {
    /// A job whose main waits and may now go.
    pub(super) fn new(
        dir: &'a Path,
        job: &'a Job,
        spawner: Spawner,
        main: Main,
        pumps: [Pump; 2],
        gateway: Option<Gateway>,
    ) -> Self {
        let now = Instant::now();
        let group = spawner.group().and_then(|group| Group::at(group.dir(), &job.nonce));
        Self {
            dir,
            job,
            spawner: Some(spawner),
            group,
            gateway,
            main,
            main_status: None,
            step_status: None,
            pumps,
            buffer: vec![0; BUFFER_BYTES],
            limits: Limits::new(dir, job, now),
            listener: None,
            phase: Phase::Setup { until: after(now, job.setup_timeout_ms), step: 0, running: None },
            verdict: None,
            hunt: Hunt::default(),
            childless: false,
        }
    }

    /// Runs the job to the end of its tree.
    pub(super) fn run(mut self) -> Outcome {
        self.next_step();
        while !self.is_over() {
            self.sleep();
            self.pump();
            self.reap();
            self.advance();
        }
        self.drain();
        if let Some(group) = &self.group {
            group.remove();
        }
        let main = self.main.child.pid.as_raw_nonzero().get();
        let [stdout_bytes, stderr_bytes] = self.pumps.map(Pump::finish);
        let ended = self.verdict.unwrap_or(Ended::Unknown);
        let reading = self.listener.map(Listener::finish);
        self.gateway.map(Gateway::finish).unwrap_or_default();
        Outcome { ended, reading, stdout_bytes, stderr_bytes, killed: self.hunt.count(Some(main)) }
    }

    /// Takes what was printed; says whether more may be waiting.
    fn pump(&mut self) -> bool {
        let mut more = false;
        for (stream, pump) in self.pumps.iter_mut().enumerate() {
            let listener = &mut self.listener;
            more |= pump.pump(&mut self.buffer, |bytes| {
                if let Some(listener) = listener {
                    listener.hear(stream, bytes);
                }
            });
        }
        more
    }

    /// As the subreaper of its tree, a holder without children has no tree. The mark is asked only when we had to
    /// kill: it tells of what left the tree by ways unknown to us. A table that cannot be read proves nothing.
    fn is_over(&self) -> bool {
        match self.phase {
            Phase::Setup { .. } | Phase::Main => false,
            Phase::Linger { .. } => self.childless,
            Phase::Terminate { .. } | Phase::Kill { .. } => {
                self.childless && self.tree().is_ok_and(|tree| tree.is_empty())
            }
        }
    }

    fn tree(&self) -> Result<Vec<Process>, HolderError> {
        let me = tree::own_pid();
        let members = self.group.as_ref().map(Group::members).unwrap_or_default();
        tree::grown_from(|one| {
            one.parent == me || members.contains(&one.pid) || one.has_variable(MARK, &self.job.nonce)
        })
    }

    /// What cannot be signalled now is signalled in the next round of [`Phase::Kill`].
    fn signal(&mut self, signal: Signal) {
        if let Ok(tree) = self.tree() {
            self.hunt.send(&tree, signal);
        }
    }

    /// Waits for output, for the end of a process that matters, or for the next tick.
    fn sleep(&self) {
        let tick_ms = match self.phase {
            Phase::Setup { .. } | Phase::Main => TICK_MS,
            Phase::Linger { .. } | Phase::Terminate { .. } => ENDING_TICK_MS,
            Phase::Kill { pause_ms, .. } => pause_ms,
        };
        let timeout =
            Timespec::try_from(Duration::from_millis(tick_ms)).expect("a tick is far below a second");
        let mut sources = self.wakers();
        // A failure is an interruption or a lack of memory; the next round asks again.
        let _ = poll(&mut sources, Some(&timeout));
    }

    fn wakers(&self) -> Vec<PollFd<'_>> {
        let streams = self.pumps.iter().filter_map(|pump| pump.source.as_ref());
        let mut wakers = streams.map(|source| PollFd::new(source, PollFlags::IN)).collect::<Vec<_>>();
        if self.main_status.is_none() {
            wakers.push(PollFd::new(&self.main.child.ended, PollFlags::IN));
        }
        if let Phase::Setup { running: Some(step), .. } = &self.phase {
            wakers.push(PollFd::new(&step.ended, PollFlags::IN));
        }
        wakers
    }

    /// Reaps our own children and those that the tree left to its subreaper.
    fn reap(&mut self) {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => self.note_end(pid, status),
                Err(Errno::INTR) => {}
                end => {
                    self.childless = matches!(end, Err(Errno::CHILD));
                    return;
                }
            }
        }
    }

    fn note_end(&mut self, pid: Pid, status: WaitStatus) {
        if pid == self.main.child.pid {
            self.main_status = Some(status);
        } else if matches!(&self.phase, Phase::Setup { running: Some(step), .. } if step.pid == pid) {
            self.step_status = Some(status);
        }
    }

    fn advance(&mut self) {
        let now = Instant::now();
        match self.phase {
            Phase::Setup { until, step, .. } => self.during_setup(now, until, step),
            Phase::Main => self.during_main(now),
            Phase::Linger { since } => self.during_linger(now, since),
            Phase::Terminate { kill_at } => self.during_terminate(now, kill_at),
            Phase::Kill { again_at, pause_ms } => self.during_kill(now, again_at, pause_ms),
        }
    }

    fn during_setup(&mut self, now: Instant, until: Instant, step: usize) {
        if let Some(status) = self.main_status {
            return self.settle(now, status);
        }
        if let Some(status) = self.step_status.take() {
            return match status.exit_status() {
                Some(0) => self.next_step(),
                code => self.end(Ended::SetupFailed { step, code, timed_out: false }, self.job.grace_ms),
            };
        }
        if self.verdict.is_some() {
            return self.terminate(self.job.grace_ms);
        }
        if let Some(stop) = stop::read(self.dir, self.job.grace_ms) {
            return self.end(Ended::Stopped { reason: stop.reason }, stop.grace_ms);
        }
        if now >= until {
            self.end(Ended::SetupFailed { step, code: None, timed_out: true }, self.job.grace_ms);
        }
    }

    /// Starts the next setup command, or lets main go if there is none.
    fn next_step(&mut self) {
        let Phase::Setup { step, running, .. } = &mut self.phase else { return };
        let at = if running.is_some() { *step + 1 } else { *step };
        let Some((argv, spawner)) = self.job.setup.get(at).zip(self.spawner.as_ref()) else {
            return self.start_main();
        };
        *step = at;
        match spawner.step(self.job, argv) {
            Ok(child) => *running = Some(child),
            Err(error) => {
                self.pumps[1].say(&error);
                self.verdict =
                    Some(Ended::SetupFailed { step: at, code: Some(CANNOT_START), timed_out: false });
            }
        }
    }

    fn start_main(&mut self) {
        self.phase = Phase::Main;
        self.limits = Limits::new(self.dir, self.job, Instant::now());
        // What setup prints is not the program's, neither now nor when the output is read once more.
        self.pump();
        listener::begin(self.dir, self.pumps.each_ref().map(super::output::Pump::seen_bytes));
        self.listener = self.job.listen.as_ref().and_then(|listen| Listener::new(self.dir, listen));
        self.main.go();
        self.spawner = None;
    }

    fn during_main(&mut self, now: Instant) {
        if let Some(status) = self.main_status {
            return self.settle(now, status);
        }
        if let Some(stop) = stop::read(self.dir, self.job.grace_ms) {
            return self.end(Ended::Stopped { reason: stop.reason }, stop.grace_ms);
        }
        let reading = self.listener.as_mut().map(|listener| {
            listener.look(now);
            listener.reading()
        });
        let last_bytes_at = self.pumps[0].last_bytes_at.max(self.pumps[1].last_bytes_at);
        if let Some(gateway) = &mut self.gateway {
            gateway.look(now);
            if gateway.is_ignored(now) {
                return self.end(Ended::Grant, self.job.grace_ms);
            }
        }
        let counted = self.gateway.as_ref().is_some_and(Gateway::counts);
        if let Some(ended) = self.limits.reached(now, last_bytes_at, reading, counted) {
            self.end(ended, self.job.grace_ms);
        }
    }

    /// Main is gone without our doing: this is how the job ended, whatever becomes of the rest of its tree.
    fn settle(&mut self, now: Instant, status: WaitStatus) {
        let signal = status.terminating_signal().unwrap_or(0);
        let by_itself =
            || status.exit_status().map_or(Ended::Signaled { signal }, |code| Ended::Exited { code });
        self.verdict =
            Some(self.main.complaint().map_or_else(by_itself, |error| Ended::NotStarted { error }));
        self.pump();
        let reading = self.listener.as_ref().map(Listener::reading);
        if self.gateway.as_ref().is_some_and(|gateway| gateway.has_stopped(reading)) {
            self.verdict = Some(Ended::Grant);
        }
        self.spawner = None;
        self.phase = Phase::Linger { since: now };
    }

    fn during_linger(&mut self, now: Instant, since: Instant) {
        let quiet = now.duration_since(self.last_bytes_at().max(since)) >= Duration::from_millis(QUIET_MS);
        if !self.childless && (quiet || now.duration_since(since) >= Duration::from_millis(LINGER_MS)) {
            self.terminate(self.job.grace_ms.min(STRAGGLER_GRACE_MS));
        }
    }

    fn last_bytes_at(&self) -> Instant {
        self.pumps[0].last_bytes_at.max(self.pumps[1].last_bytes_at)
    }

    fn end(&mut self, verdict: Ended, grace_ms: u64) {
        self.verdict = Some(verdict);
        self.terminate(grace_ms);
    }

    fn terminate(&mut self, grace_ms: u64) {
        self.spawner = None;
        self.phase = Phase::Terminate { kill_at: after(Instant::now(), grace_ms) };
        self.signal(Signal::TERM);
    }

    fn during_terminate(&mut self, now: Instant, kill_at: Instant) {
        // A second request, or one that comes while a limit ends the job, can be in more of a hurry.
        let hurried = stop::read(self.dir, self.job.grace_ms).map(|stop| after(now, stop.grace_ms));
        let kill_at = hurried.map_or(kill_at, |hurried| hurried.min(kill_at));
        self.phase = Phase::Terminate { kill_at };
        if now >= kill_at {
            self.during_kill(now, now, *KILL_PAUSE_MS.start());
        }
    }

    fn during_kill(&mut self, now: Instant, again_at: Instant, pause_ms: u64) {
        if now < again_at {
            return;
        }
        self.signal(Signal::KILL);
        if let Some(group) = &self.group {
            group.kill();
        }
        let again_at = now + Duration::from_millis(pause_ms);
        self.phase = Phase::Kill { again_at, pause_ms: (pause_ms * 2).min(*KILL_PAUSE_MS.end()) };
    }

    /// What the tree printed last is still in the pipes. Their end is not waited for: it may never come.
    fn drain(&mut self) {
        let until = Instant::now() + Duration::from_millis(DRAIN_MS);
        let mut more = true;
        while more && Instant::now() < until {
            more = self.pump();
        }
    }
}
