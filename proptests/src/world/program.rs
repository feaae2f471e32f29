//! A simulated program under its keeper: what it does and when is a function of time, so it lives on while nobody looks.
//!
//! Does not know who wrote its steps: a fate, or a check that wants to see what comes of them.

use swarm_domain::fact::{Ending, Report, Usage};
use swarm_domain::{Usd, prompt};

use crate::conformance::stage::Step;

use super::script::{Play, Script};

/// How long a keeper waits for a raise before it kills at the grant, and a proxy before it refuses a call, in milliseconds.
const RAISE_WAIT_MS: u64 = 2_000;
/// Between SIGTERM and SIGKILL, in milliseconds.
const GRACE_MS: u64 = 5_000;

/// What ends a program besides itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    /// How long it may take, in milliseconds.
    pub(super) timeout_ms: Option<u64>,
    /// How long it may be silent, in milliseconds.
    pub(super) idle_timeout_ms: Option<u64>,
    /// What it may spend. None: its figures are nobody's business.
    pub(super) grant: Option<Usd>,
    /// A proxy holds each of its calls to that: a report is what a call has cost, and was let through before.
    pub(super) held: bool,
}

/// A program, with the keeper above it.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    steps: Script,
    /// What comes of it when nothing else ends it, and how long after its start.
    own: (u64, Ending),
    started_ms: u64,
    limits: Limits,
    talks: bool,
    last_word: Option<Report>,
    stop_ms: Option<u64>,
    /// When its keeper is gone.
    lost_ms: Option<u64>,
    /// When it was let go, once for each time that it waits.
    let_go_ms: Vec<u64>,
    /// What it may spend, and since when.
    grants: Vec<(u64, Usd)>,
    /// How many steps have been done to its worktree.
    done: usize,
    /// When it ends, as things stand, and how. None: it waits for somebody. Once that has come nothing changes it any more.
    end: Option<(u64, Ending)>,
    /// The programs that it is made of, those of its setup among them.
    pub(super) starts: usize,
}

impl Program {
    /// Starts what is to be played in a folder with these files. `let_go_ms`: what it may be going to wait for has come.
    pub(super) fn start(play: Play, limits: Limits, files: &[u64], now_ms: u64, let_go_ms: &[u64]) -> Self {
        let (lost_ms, talks) = (play.lost_after_ms.map(|after_ms| now_ms + after_ms), play.talks);
        let last_word = play.last_word.clone();
        let (steps, own, starts) = play.in_a_folder(files);
        let mut program = Self {
            steps,
            own,
            started_ms: now_ms,
            limits,
            talks,
            last_word,
            stop_ms: None,
            lost_ms,
            let_go_ms: let_go_ms.to_vec(),
            grants: limits.grant.map(|grant| (now_ms, grant)).into_iter().collect(),
            done: 0,
            end: None,
            starts,
        };
        program.end = program.reckoned();
        program
    }

    /// When it ends, as things stand, and how.
    pub(super) fn end(&self) -> Option<&(u64, Ending)> {
        self.end.as_ref()
    }

    /// What it said of its own end. One that never ran said nothing, and one that was ended did not come to its final record.
    pub(super) fn last_word(&self) -> Option<Report> {
        let (_, ending) = self.end.as_ref()?;
        match ending {
            Ending::SetupFailed { .. } | Ending::NotStarted { .. } => None,
            Ending::Exited { .. } | Ending::Overstayed => self.last_word.clone(),
            Ending::Signaled { .. }
            | Ending::TimedOut
            | Ending::Idle
            | Ending::Spent
            | Ending::Stopped
            | Ending::Unknown => self.last_word.clone().map(|said| Report { finished: false, ..said }),
        }
    }

    pub(super) fn is_over(&self, now_ms: u64) -> bool {
        self.end.as_ref().is_some_and(|(at_ms, _)| *at_ms <= now_ms)
    }

    /// Its steps, each with its moment, up to where it waits for somebody.
    fn moments(&self) -> impl Iterator<Item = (u64, &Step<usize>)> {
        let (mut not_before_ms, mut let_go_ms) = (self.started_ms, self.let_go_ms.iter());
        let mut used = Usd::ZERO;
        self.steps.iter().map_while(move |(after_ms, step)| {
            match step {
                Step::Wait => not_before_ms = not_before_ms.max(*let_go_ms.next()?),
                Step::Report(total) if self.limits.held => {
                    let asked_ms = not_before_ms.max(self.started_ms + after_ms);
                    not_before_ms = self.let_through_ms(asked_ms, most(used, *total))?;
                    used = *total;
                }
                _ => {}
            }
            Some((not_before_ms.max(self.started_ms + after_ms), step))
        })
    }

    /// When a call is let through for which so much must be granted in all. None: it is refused, as things stand.
    fn let_through_ms(&self, asked_ms: u64, wants: Usd) -> Option<u64> {
        let granted = self.grants.iter().find(|(_, grant)| *grant >= wants);
        let at_ms = granted.map(|(since_ms, _)| asked_ms.max(*since_ms));
        at_ms.filter(|at_ms| *at_ms < asked_ms + RAISE_WAIT_MS)
    }

    /// The call that is not let through as things stand: when it was made, and what would have to be granted in all.
    fn waiting_call(&self) -> Option<(u64, Usd)> {
        let (mut steps, mut last_ms, mut used) = (0, self.started_ms, Usd::ZERO);
        for (at_ms, step) in self.moments() {
            (steps, last_ms) = (steps + 1, at_ms);
            if let Step::Report(total) = step {
                used = *total;
            }
        }
        let (after_ms, step) = self.steps.get(steps).filter(|_| self.limits.held)?;
        let Step::Report(total) = step else { return None };
        Some((last_ms.max(self.started_ms + after_ms), most(used, *total)))
    }

    /// Its steps until now, or until its end.
    fn past(&self, now_ms: u64) -> impl Iterator<Item = &Step<usize>> {
        let until_ms = self.end.as_ref().map_or(now_ms, |(end_ms, _)| now_ms.min(*end_ms));
        self.moments().take_while(move |(at_ms, _)| *at_ms <= until_ms).map(|(_, step)| step)
    }

    fn reckoned(&self) -> Option<(u64, Ending)> {
        let own_ms = self.own_end_ms();
        let killed = self.first_kill().filter(|(at_ms, _)| own_ms.is_none_or(|own_ms| *at_ms < own_ms));
        let end = match killed {
            Some((at_ms, verdict)) => {
                let dead_ms = at_ms + if self.is_deaf(at_ms) { GRACE_MS } else { 0 };
                Some((own_ms.map_or(dead_ms, |own_ms| own_ms.min(dead_ms)), verdict))
            }
            None => own_ms.map(|own_ms| (own_ms, self.own.1.clone())),
        };
        let unseen_ms =
            self.lost_ms.filter(|lost_ms| end.as_ref().is_none_or(|(end_ms, _)| lost_ms < end_ms));
        unseen_ms.map(|lost_ms| (lost_ms, Ending::Unknown)).or(end)
    }

    /// When it ends by itself, unless it waits for somebody before.
    fn own_end_ms(&self) -> Option<u64> {
        let (steps, last_ms) =
            self.moments().fold((0, self.started_ms), |(steps, _), (at_ms, _)| (steps + 1, at_ms));
        (steps == self.steps.len()).then(|| last_ms.max(self.started_ms + self.own.0))
    }

    /// When its keeper first sees a reason to end it.
    fn first_kill(&self) -> Option<(u64, Ending)> {
        let limit = |since_ms: u64, limit_ms: Option<u64>| limit_ms.map(|ms| since_ms.saturating_add(ms));
        let reasons = [
            (self.stop_ms, Ending::Stopped),
            (limit(self.started_ms, self.limits.timeout_ms), Ending::TimedOut),
            (self.silent_too_long_ms(), Ending::Idle),
            (self.at_grant_ms(), Ending::Spent),
        ];
        let seen = reasons.into_iter().filter_map(|(at_ms, ending)| at_ms.map(|at_ms| (at_ms, ending)));
        seen.min_by_key(|(at_ms, _)| *at_ms)
    }

    /// When it has been silent for longer than it may be.
    fn silent_too_long_ms(&self) -> Option<u64> {
        let allowed_ms = self.limits.idle_timeout_ms.filter(|_| !self.talks)?;
        let since_ms = self.moments().fold(self.started_ms, |since_ms, (at_ms, step)| {
            let talks = matches!(step, Step::Print(_)) && at_ms - since_ms < allowed_ms;
            if talks { at_ms } else { since_ms }
        });
        Some(since_ms.saturating_add(allowed_ms))
    }

    /// When its keeper ends it at its grant: it has said that it used so much, and nobody raised it in time.
    fn at_grant_ms(&self) -> Option<u64> {
        if self.limits.held {
            return self.waiting_call().map(|(asked_ms, _)| asked_ms + RAISE_WAIT_MS);
        }
        let grant = self.limits.grant?;
        let reaches =
            |step: &Step<usize>| matches!(step, Step::Report(usd) if *usd >= grant && *usd > Usd::ZERO);
        self.moments().find(|(_, step)| reaches(step)).map(|(at_ms, _)| at_ms + RAISE_WAIT_MS)
    }

    fn is_deaf(&self, at_ms: u64) -> bool {
        self.moments().any(|(since_ms, step)| matches!(step, Step::IgnoreTerm) && since_ms <= at_ms)
    }

    /// What it has said that it used: totals that never fall, as many tokens as micro-dollars, and a call for four of them.
    pub(crate) fn usage(&self, now_ms: u64) -> Usage {
        let said =
            self.past(now_ms).filter_map(|step| if let Step::Report(usd) = step { Some(*usd) } else { None });
        let usd = said.max();
        let tokens = usd.map_or(0, Usd::micros);
        let (calls, turns) = (usd.map(|_| tokens / 4), usd.map(|_| tokens / 8));
        let wants = self.waiting_call().filter(|(asked_ms, _)| *asked_ms <= now_ms).map(|(_, wants)| wants);
        let wants = wants.unwrap_or_default();
        Usage { usd, priced: false, input_tokens: tokens, output_tokens: tokens / 2, calls, turns, wants }
    }

    /// The end of what it has printed.
    pub(super) fn tail(&self, now_ms: u64) -> String {
        let mut text = String::new();
        for step in self.past(now_ms) {
            if let Step::Print(more) = step {
                text.push_str(more);
            }
        }
        if text.len() > prompt::TAIL_BYTES_MAX { prompt::bounded(&text).to_owned() } else { text }
    }

    /// Does to its worktree what it has done since this was asked last.
    pub(super) fn act(&mut self, now_ms: u64, mut on_worktree: impl FnMut(&Step<usize>)) {
        let before = self.done;
        let done = self.past(now_ms).skip(before).map(&mut on_worktree).count();
        self.done += done;
    }

    fn change(&mut self, now_ms: u64, change: impl FnOnce(&mut Self)) {
        if !self.is_over(now_ms) {
            change(self);
            self.end = self.reckoned();
        }
    }

    /// Its keeper is gone, so nobody sees how it ends.
    pub(super) fn lose(&mut self, now_ms: u64) {
        self.change(now_ms, |program| program.lost_ms = Some(now_ms));
    }

    pub(super) fn stop(&mut self, now_ms: u64) {
        self.change(now_ms, |program| _ = program.stop_ms.get_or_insert(now_ms + 10));
    }

    pub(super) fn grant(&mut self, now_ms: u64, grant: Usd) {
        self.change(now_ms, |program| {
            if program.limits.grant < Some(grant) {
                program.limits.grant = Some(grant);
                program.grants.push((now_ms, grant));
            }
        });
    }

    /// What it waits for, or is going to wait for, has come.
    pub(super) fn let_go(&mut self, now_ms: u64) {
        self.change(now_ms, |program| program.let_go_ms.push(now_ms));
    }
}

/// What must be granted in all for a call that brings what is used from here to there. Nobody knows what a call will cost, so
/// more than that is reserved for it.
fn most(used: Usd, total: Usd) -> Usd {
    let cost = total.minus(used).micros();
    used.plus(Usd::from_micros(cost + cost / 2 + 1))
}

#[cfg(test)]
mod tests {
    use swarm_domain::Usd;
    use swarm_domain::fact::Ending;

    use super::super::script::{Play, Script};
    use super::{GRACE_MS, Limits, Program, RAISE_WAIT_MS};
    use crate::conformance::stage::Step::{IgnoreTerm, Print, Report, Wait};

    fn started(steps: Script, limits: Limits) -> Program {
        let play = Play { main: Some(steps), ..Play::default() };
        Program::start(play, limits, &[], 1_000, &[])
    }

    fn talk() -> crate::conformance::stage::Step<usize> {
        Print("so far so good".to_owned())
    }

    #[test]
    fn whoever_ends_a_deaf_program_first_says_how_it_ended() {
        let timeout = Limits { timeout_ms: Some(100), ..Limits::default() };
        let program = started(vec![(0, IgnoreTerm), (0, Wait)], timeout);
        assert_eq!(program.end(), Some(&(1_100 + GRACE_MS, Ending::TimedOut)));
        // It comes to its own end within its grace, and was told to end all the same.
        let program = started(vec![(0, IgnoreTerm), (300, talk())], timeout);
        assert_eq!(program.end(), Some(&(1_300, Ending::TimedOut)));
        let program = started(vec![(50, talk())], timeout);
        assert_eq!(program.end(), Some(&(1_050, Ending::Exited { code: 0 })));
    }

    #[test]
    fn a_program_is_idle_when_it_has_said_nothing_for_long_enough() {
        let idle = Limits { idle_timeout_ms: Some(100), ..Limits::default() };
        let steps = || vec![(60, talk()), (150, talk()), (400, talk())];
        assert_eq!(started(steps(), idle).end(), Some(&(1_250, Ending::Idle)));
        let play = Play { main: Some(steps()), talks: true, ..Play::default() };
        let program = Program::start(play, idle, &[], 1_000, &[]);
        assert_eq!(program.end(), Some(&(1_400, Ending::Exited { code: 0 })));
    }

    #[test]
    fn a_raise_puts_the_end_off_until_the_next_grant_is_reached() {
        let usd = Usd::from_micros;
        let limits = Limits { grant: Some(usd(10)), ..Limits::default() };
        let steps = vec![(0, Report(usd(9))), (10, Report(usd(10))), (5_000, Report(usd(20))), (9_000, Wait)];
        let mut program = started(steps, limits);
        assert_eq!(program.end(), Some(&(1_010 + RAISE_WAIT_MS, Ending::Spent)));
        program.grant(1_500, usd(20));
        assert_eq!(program.end(), Some(&(6_000 + RAISE_WAIT_MS, Ending::Spent)));
        program.grant(8_000, usd(30));
        assert_eq!(
            program.end(),
            Some(&(6_000 + RAISE_WAIT_MS, Ending::Spent)),
            "what is over stays as it is"
        );
    }

    #[test]
    fn a_proxy_lets_no_call_through_that_could_pass_the_grant() {
        let usd = Usd::from_micros;
        let limits = Limits { grant: Some(usd(16)), held: true, ..Limits::default() };
        let steps = vec![(10, Report(usd(10))), (20, Report(usd(20))), (30, Report(usd(30)))];
        let mut program = started(steps, limits);
        assert_eq!(program.end(), Some(&(1_020 + RAISE_WAIT_MS, Ending::Spent)));
        let at = |program: &Program, ms| {
            let usage = program.usage(ms);
            (usage.usd.map(Usd::micros), usage.wants.micros())
        };
        assert_eq!(at(&program, 1_019), (Some(10), 0));
        assert_eq!(at(&program, 1_020), (Some(10), 26), "ten are used, and up to sixteen are asked for");
        program.grant(1_500, usd(26));
        assert_eq!(at(&program, 1_500), (Some(20), 36));
        assert_eq!(program.end(), Some(&(1_500 + RAISE_WAIT_MS, Ending::Spent)), "the third waits");
        program.grant(1_600, usd(36));
        assert_eq!(program.end(), Some(&(1_600, Ending::Exited { code: 0 })));
    }
}
