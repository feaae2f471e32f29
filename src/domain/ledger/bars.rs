//! What the caps let be admitted, and which of them are reached: of the run, a task, an agent and the day. Changes nothing.

use super::{Account, Ledger, Line};
use crate::Usd;
use crate::caps::{Caps, Measure, Reached, Used};
use crate::fact::Cap;
use crate::plan::TaskSpec;

/// More than any run may spend: what an unlimited purse holds.
pub const UNLIMITED: Usd = Usd::from_micros(u64::MAX);

/// What counts by the figures that programs report. Time passes by itself, and money is held back beforehand.
const REPORTED: [Measure; 3] = [Measure::Tokens, Measure::Calls, Measure::Turns];
/// What the attempts of an agent may use up besides money.
const OF_AGENT: [Measure; 4] = [Measure::Tokens, Measure::Calls, Measure::Turns, Measure::Time];

/// A cap at or past which nothing is admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Whose cap.
    pub cap: Cap,
    /// Which, and how much of it is used.
    pub reached: Reached,
}

impl Ledger {
    /// What the run can still admit, and what the day lets it; none is unlimited. Law 7: an admission takes at most this.
    pub fn free(&self) -> Option<Usd> {
        let run = self.caps.usd.map(|cap| cap.minus(self.run.committed()));
        let day =
            self.per_day.map(|_| self.day.as_ref().map_or(Usd::ZERO, |day| day.free(self.run.reserved)));
        [run, day].into_iter().flatten().min()
    }

    /// The same for an attempt of an agent, whose own cap holds too.
    pub fn free_for(&self, agent: Option<&str>) -> Option<Usd> {
        let own = agent.and_then(|agent| self.agent_caps.get(agent)?.usd.map(|cap| (agent, cap)));
        let committed = |agent: &str| self.agents.get(agent).map(Account::committed).unwrap_or_default();
        let own = own.map(|(agent, cap)| cap.minus(committed(agent)));
        [self.free(), own].into_iter().flatten().min()
    }

    /// Which cap leaves an attempt of an agent the least money.
    pub fn tightest(&self, agent: Option<&str>) -> Cap {
        let (all, own) = (self.free(), self.free_for(agent));
        let run = self.caps.usd.map(|cap| cap.minus(self.run.committed()));
        match (all == own, all == run) {
            (false, _) => Cap::Agent,
            (true, true) => Cap::Run,
            (true, false) => Cap::Day,
        }
    }

    /// What an attempt of an agent may reserve at a moment; none: nothing is admitted, not even what asks for nothing.
    pub fn room(&self, agent: Option<&str>, now_ms: u64) -> Option<Usd> {
        self.bar(agent, now_ms).is_none().then(|| self.free_for(agent).unwrap_or(UNLIMITED))
    }

    /// The cap that lets nothing of an agent be admitted at a moment. Law 7: of money that is one which is overdrawn, as
    /// after a program that told its cost too late; of all else one that is reached.
    pub fn bar(&self, agent: Option<&str>, now_ms: u64) -> Option<Bar> {
        let bar = |cap, reached| Bar { cap, reached };
        let run =
            || self.caps.reached(&self.run.used(now_ms), &REPORTED).map(|reached| bar(Cap::Run, reached));
        let of_agent = || {
            let (caps, account) = self.agent_caps.get(agent?).zip(self.agents.get(agent?))?;
            let reached = caps.reached(&account.used(now_ms), &OF_AGENT);
            reached
                .or_else(|| overdrawn(caps.usd, account.committed()))
                .map(|reached| bar(Cap::Agent, reached))
        };
        let money = || overdrawn(self.caps.usd, self.run.committed()).map(|reached| bar(Cap::Run, reached));
        run().or_else(money).or_else(|| self.day_bar(now_ms)).or_else(of_agent)
    }

    /// Whose cap on what is counted, and not on money, an attempt of an agent has reached: it gets no more money, either.
    pub fn counted_bar(&self, agent: Option<&str>) -> Option<Cap> {
        let full = |caps: &Caps, account: &Account| caps.reached(&account.used(0), &REPORTED).is_some();
        let of_agent = || agent.and_then(|agent| self.agent_caps.get(agent).zip(self.agents.get(agent)));
        if full(&self.caps, &self.run) {
            return Some(Cap::Run);
        }
        of_agent().filter(|(caps, account)| full(caps, account)).map(|_| Cap::Agent)
    }

    /// Whether nothing but the run's share in the day keeps so much from being admitted, and the day has more: then that
    /// share grows, or the next day begins, and whoever says so is waited for.
    pub fn day_may_grow(&self, wanted: Usd, now_ms: u64) -> bool {
        let Some(per_day) = self.per_day else { return false };
        let fits = self.caps.usd.is_none_or(|cap| self.run.committed().plus(wanted) <= cap);
        let others = self.caps.reached(&self.run.used(now_ms), &REPORTED).is_none() && fits;
        let grows = self.day.as_ref().filter(|day| now_ms < day.until_ms).is_none_or(|day| {
            let all = day.total(self.run.reserved).plus(wanted);
            all <= per_day && day.free(self.run.reserved) < wanted
        });
        others && grows
    }

    /// Nothing starts before it is known what the day allows.
    fn day_bar(&self, now_ms: u64) -> Option<Bar> {
        let cap = self.per_day?.micros();
        let day = self.day.as_ref().filter(|day| now_ms < day.until_ms);
        let used = match day {
            None => cap,
            Some(day) if day.is_overdrawn(self.run.reserved) => day.total(self.run.reserved).micros(),
            Some(_) => return None,
        };
        Some(Bar { cap: Cap::Day, reached: Reached { measure: Measure::Usd, used, cap } })
    }

    /// The cap of a task that its attempts have reached, besides that on money, which its grant keeps.
    pub fn task_reached(&self, spec: &TaskSpec, now_ms: u64) -> Option<Reached> {
        spec.caps.reached(&self.used_by(&spec.id, now_ms), &REPORTED)
    }

    /// The cap of a task that its settled attempts have used up: there is no other.
    pub fn task_used_up(&self, spec: &TaskSpec) -> Option<Reached> {
        spec.caps.reached(&self.settled_by(&spec.id), &Measure::ALL)
    }

    /// The cap of the run, the day or an agent that a running attempt has to stop for, by what is known to be used. One
    /// that holds no money costs nothing so far, and does not stop for want of it.
    pub fn reached(&self, line: &Line, now_ms: u64) -> Option<Bar> {
        let money: &[Measure] = if line.held() > Usd::ZERO { &[Measure::Usd] } else { &[] };
        let first = |caps: &Caps, used: &Used, others: &[Measure]| {
            caps.reached(used, money).or_else(|| caps.reached(used, others))
        };
        let used = self.run.used(now_ms);
        let run = first(&self.caps, &used, &REPORTED);
        let day = self.day.as_ref().and_then(|day| {
            let used = Used { usd: day.total(self.run.running.usd), ..used };
            first(&Caps::of_usd(self.per_day), &used, &[])
        });
        let own = line.agent.as_deref().and_then(|agent| {
            first(self.agent_caps.get(agent)?, &self.used_by_agent(agent, now_ms), &OF_AGENT)
        });
        let bar = |cap| move |reached| Bar { cap, reached };
        run.map(bar(Cap::Run)).or(day.map(bar(Cap::Day))).or(own.map(bar(Cap::Agent)))
    }

    /// When the time of an agent is up by what runs now, in milliseconds since 1970.
    pub fn time_up_ms(&self, agent: &str) -> Option<u64> {
        self.agents.get(agent)?.time_up_ms(self.agent_caps.get(agent)?.time_ms?)
    }
}

/// More is spent and held back than a cap on money allows.
fn overdrawn(cap: Option<Usd>, committed: Usd) -> Option<Reached> {
    let cap = cap.filter(|cap| committed > *cap)?;
    Some(Reached { measure: Measure::Usd, used: committed.micros(), cap: cap.micros() })
}
