//! Who is let through: reservations before calls, settlements after them, each on disk before anything follows from it. Waits for nobody.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use swarm_domain::Usd;
use tokio::sync::watch;

use super::ask::Ask;
use super::book::{Book, Line, PICOS_PER_MICRO, Totals, micros};
use super::calls::Calls;
use super::config::{Limits, Unpriced};
use super::error::ProxyError;
use super::estimate::{self, Sample, TOKENS_MAX};
use super::seen::{Charge, Known, Seen};
use crate::agents::{Prices, Rate, Tokens};

/// What was reserved for a call.
#[derive(Clone, Debug)]
pub(super) struct Reserved {
    call: u64,
    model: String,
    rate: Option<Rate>,
    bytes: u64,
    input: u64,
    /// The most tokens that the answer may have.
    pub(super) answer: u64,
    picos: u64,
    /// What it was charged so far, once it was.
    charged: Option<(u64, Tokens)>,
}

/// Why a call does not fit.
#[derive(Debug, thiserror::Error)]
pub(super) enum Short {
    /// `want_micros` would have to be granted in all. `room`: it fits once other calls have turned out cheaper.
    #[error(
        "the budget of this swarm attempt is spent: {} of {} are used or reserved, and this call could cost {}",
        Usd::from_micros(*used_micros), Usd::from_micros(*granted_micros), Usd::from_micros(*cost_micros)
    )]
    Money { granted_micros: u64, used_micros: u64, cost_micros: u64, want_micros: u64, room: bool },
    #[error("the budget of this swarm attempt is spent: its {0} calls are used up")]
    Calls(u64),
    #[error("the budget of this swarm attempt is spent: its {most} tokens are used up or reserved")]
    Tokens { most: u64, room: bool },
    #[error(
        "swarm has no price for the model {0:?}, so its cost cannot be held to a budget: put one into prices.toml, or choose \
         `on_unknown_cost: allow`"
    )]
    Unpriced(String),
    #[error("what it costs cannot be recorded: {0}")]
    Record(#[from] ProxyError),
}

/// The money of an attempt.
pub(super) struct Ledger {
    prices: Arc<Prices>,
    unpriced: Unpriced,
    limits: Limits,
    state: Mutex<State>,
    /// Told whenever a call is settled.
    freed: watch::Sender<()>,
    settled: Condvar,
}

struct State {
    calls: Calls,
    book: Book,
    samples: BTreeMap<String, Sample>,
}

impl State {
    /// Nothing is true before it is in the file.
    fn record(&mut self, line: &Line) -> Result<(), ProxyError> {
        self.calls.append(line)?;
        self.book.add(line);
        Ok(())
    }
}

impl Ledger {
    pub(super) fn open(
        dir: &Path,
        prices: Arc<Prices>,
        unpriced: Unpriced,
        limits: Limits,
    ) -> Result<Self, ProxyError> {
        let (calls, book) = Calls::open(dir)?;
        let state = Mutex::new(State { calls, book, samples: BTreeMap::new() });
        Ok(Self { prices, unpriced, limits, state, freed: watch::Sender::new(()), settled: Condvar::new() })
    }

    /// Reserves what a call can cost, if that fits into what is granted.
    pub(super) fn admit(&self, ask: &Ask, granted_micros: u64) -> Result<Reserved, Short> {
        let rate = self.prices.rate(&ask.model);
        if rate.is_none() && self.unpriced == Unpriced::Refuse {
            return Err(Short::Unpriced(ask.model.clone()));
        }
        let mut state = self.state();
        let mut reserved = reservation(ask, rate, state.samples.get(&ask.model).copied());
        self.fits(&state.book, &reserved, granted_micros)?;
        reserved.call = state.book.next();
        let (model, tokens) = (reserved.model.clone(), reserved.input.saturating_add(reserved.answer));
        state.record(&Line::Reserve {
            call: reserved.call,
            at_ms: now_ms(),
            model,
            picos: reserved.picos,
            tokens,
            unpriced: reserved.rate.is_none(),
        })?;
        Ok(reserved)
    }

    /// How many tokens of answer there is money for beside what is spent and reserved, however many are asked for: a
    /// hundredth less than that, since a request grows by the number that is written into it.
    pub(super) fn affords(&self, ask: &Ask, granted_micros: u64) -> u64 {
        let state = self.state();
        let Some(rate) = self.prices.rate(&ask.model).filter(|rate| rate.output > 0) else { return 0 };
        let whole = reservation(ask, Some(rate), state.samples.get(&ask.model).copied());
        let answer = u128::from(whole.answer) * u128::from(rate.output);
        let (spent, reserved) = state.book.picos();
        let used =
            spent.saturating_add(reserved).saturating_add(u128::from(whole.picos).saturating_sub(answer));
        let left = (u128::from(granted_micros) * u128::from(PICOS_PER_MICRO)).saturating_sub(used);
        let answer = left / u128::from(rate.output);
        u64::try_from(answer - answer.div_ceil(100)).unwrap_or(u64::MAX)
    }

    fn fits(&self, book: &Book, new: &Reserved, granted_micros: u64) -> Result<(), Short> {
        if let Some(most) = self.limits.calls.filter(|most| book.calls() >= *most) {
            return Err(Short::Calls(most));
        }
        let tokens = new.input.saturating_add(new.answer);
        let (used, reserved) = book.tokens();
        let beyond = |most: &u64| used.saturating_add(reserved).saturating_add(tokens) > *most;
        if let Some(most) = self.limits.tokens.filter(beyond) {
            return Err(Short::Tokens { most, room: used.saturating_add(tokens) <= most });
        }
        let (spent, reserved) = book.picos();
        money(spent, reserved, u128::from(new.picos), granted_micros)
    }

    /// Charges a call for what was seen of its answer; more, if it is asked again and more was seen.
    pub(super) fn settle(&self, reserved: &mut Reserved, seen: &Seen) {
        let (picos, tokens) = reserved.cost(seen.charge(reserved.answer));
        self.charge(reserved, picos, tokens);
        if seen.known == Known::All && seen.tokens.sent() > 0 {
            let sample = Sample { bytes: reserved.bytes, tokens: seen.tokens.sent() };
            self.state().samples.insert(reserved.model.clone(), sample);
        }
    }

    /// Frees what was reserved for a call that was not answered, or not well: it costs nothing.
    pub(super) fn release(&self, reserved: &mut Reserved) {
        self.charge(reserved, 0, Tokens::default());
    }

    fn charge(&self, reserved: &mut Reserved, picos: u64, tokens: Tokens) {
        let (old_picos, old_tokens) = reserved.charged.unwrap_or_default();
        let (more_picos, more_tokens) = (picos.saturating_sub(old_picos), tokens.minus(old_tokens));
        if reserved.charged.is_some() && more_picos == 0 && more_tokens == Tokens::default() {
            return;
        }
        reserved.charged = Some((old_picos.max(picos), old_tokens.max(tokens)));
        let (call, model) = (reserved.call, reserved.model.clone());
        let line = Line::Settle { call, model, picos: more_picos, tokens: more_tokens };
        let mut state = self.state();
        // On a disk that takes nothing any more, the reservation stays what the call counts as; only what is beyond it
        // must not be forgotten.
        if state.record(&line).is_err() && picos > reserved.picos {
            state.book.add(&line);
        }
        drop(state);
        self.freed.send_replace(());
        self.settled.notify_all();
    }

    /// Notes that a call was refused. Nothing depends on whether that can be written.
    pub(super) fn refuse(&self, why: &Short) {
        let unpriced = matches!(why, Short::Unpriced(_));
        drop(self.state().record(&Line::Refuse { at_ms: now_ms(), why: why.to_string(), unpriced }));
    }

    /// Notes that something was passed on that is not known to cost nothing.
    pub(super) fn unknown(&self) {
        drop(self.state().record(&Line::Unknown { at_ms: now_ms() }));
    }

    /// The file of the calls, for who syncs it.
    pub(super) fn file(&self) -> Arc<File> {
        self.state().calls.file()
    }

    /// Tells of settlements from here on.
    pub(super) fn watch(&self) -> watch::Receiver<()> {
        self.freed.subscribe()
    }

    pub(super) fn totals(&self) -> Totals {
        self.state().book.totals()
    }

    /// Waits until no call is open, at most this long.
    pub(super) fn await_settled(&self, within: Duration) {
        let waited = self.settled.wait_timeout_while(self.state(), within, |state| state.book.is_open());
        drop(waited.expect("nothing panics while it holds the ledger"));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the ledger")
    }
}

impl Reserved {
    /// Money and tokens of a charge.
    fn cost(&self, charge: Charge) -> (u64, Tokens) {
        match charge {
            Charge::Reserved => {
                (self.picos, Tokens { input: self.input, output: self.answer, ..Tokens::default() })
            }
            Charge::Tokens(tokens, for_an_hour) => {
                let picos = self.rate.map_or(0, |rate| rate.picos(tokens) + surcharge(rate, for_an_hour));
                (capped(picos), tokens)
            }
        }
    }
}

/// What is kept for an hour costs twice what is sent; the table has the price for five minutes.
fn surcharge(rate: Rate, for_an_hour: u64) -> u128 {
    u128::from(hourly(rate).saturating_sub(rate.cache_write)) * u128::from(for_an_hour)
}

fn hourly(rate: Rate) -> u64 {
    rate.input.saturating_mul(2)
}

/// The most that a call can cost, as far as its request tells.
fn reservation(ask: &Ask, rate: Option<Rate>, last: Option<Sample>) -> Reserved {
    let bytes = ask.body.len() as u64;
    let input = estimate::tokens(bytes, last).saturating_add(ask.unseen).min(TOKENS_MAX);
    let (model, answer) = (ask.model.clone(), ask.answer.min(TOKENS_MAX));
    let picos = rate.map_or(0, |rate| {
        let sent = rate.input.max(rate.cache_read).max(rate.cache_write);
        let sent = if ask.for_an_hour { sent.max(hourly(rate)) } else { sent };
        u128::from(input) * u128::from(sent) + u128::from(answer) * u128::from(rate.output)
    });
    Reserved { call: 0, model, rate, bytes, input, answer, picos: capped(picos), charged: None }
}

/// Whether `new` fits beside what is spent and reserved, all in pico-dollars.
fn money(spent: u128, reserved: u128, new: u128, granted_micros: u64) -> Result<(), Short> {
    let granted = u128::from(granted_micros) * u128::from(PICOS_PER_MICRO);
    let (used, alone) = (spent.saturating_add(reserved), spent.saturating_add(new));
    let wanted = used.saturating_add(new);
    if wanted <= granted {
        return Ok(());
    }
    Err(Short::Money {
        granted_micros,
        used_micros: micros(used),
        cost_micros: micros(new),
        want_micros: micros(wanted),
        room: alone <= granted,
    })
}

/// No figure of the file is larger.
fn capped(picos: u128) -> u64 {
    u64::try_from(picos).unwrap_or(u64::MAX)
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that stops there says where")]
mod tests;
