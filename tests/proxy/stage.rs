//! A proxy before a model server, with prices of its own, and what the server's log says of money.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use swarm::agents::{Prices, Rate, Tokens};
use swarm::proxy::{
    Api, Config, Grant, Limits, Patience, Proxy, Token, Totals, Unpriced, Upstream, read_calls,
};
use tempfile::TempDir;

use crate::client::{Answer, post};
use crate::model::{Call, ModelServer, Usage};

/// A dollar for a million tokens sent, 0.10 read from a cache, 1.25 written to one, 4 received.
pub(crate) const RATE: Rate =
    Rate { input: 1_000_000, cache_read: 100_000, cache_write: 1_250_000, output: 4_000_000 };

/// More than any test spends.
pub(crate) const PLENTY: u64 = 1_000_000_000;

/// No test waits this long.
pub(crate) const FOREVER: Duration = Duration::from_hours(1);

/// A proxy and what is around it.
pub(crate) struct Stage {
    pub(crate) model: ModelServer,
    pub(crate) proxy: Proxy,
    pub(crate) grant: Arc<Grant>,
    /// What was asked to be granted.
    pub(crate) wants: Arc<Mutex<Vec<u64>>>,
    dir: TempDir,
}

impl Stage {
    /// A proxy whose upstream is a scenario, with so much to spend.
    pub(crate) fn new(scenario: &str, granted_micros: u64) -> Self {
        Self::with(scenario, granted_micros, |_| {})
    }

    /// The same, told something else.
    pub(crate) fn with(scenario: &str, granted_micros: u64, change: impl FnOnce(&mut Config)) -> Self {
        let (model, dir) = (ModelServer::start(), tempfile::tempdir().unwrap());
        let (grant, wants) = (Arc::new(Grant::new(granted_micros)), Arc::<Mutex<Vec<u64>>>::default());
        let mut config = config(&model.url(scenario), dir.path(), grant.clone(), RATE);
        config.on_want = Arc::new({
            let wants = wants.clone();
            move |micros| wants.lock().unwrap().push(micros)
        });
        change(&mut config);
        Self { model, proxy: Proxy::start(config).unwrap(), grant, wants, dir }
    }

    /// A small call of Anthropic Messages.
    pub(crate) fn call(&self) -> Answer {
        call(&self.proxy.url(), 100, "Go on.")
    }

    /// The figures once nothing is open any more, which must be those of the file.
    #[track_caller]
    pub(crate) fn settled(&self) -> Totals {
        let totals = self.proxy.settled(FOREVER);
        assert_eq!(totals.reserved_micros, 0);
        assert_eq!(read_calls(self.dir.path()).unwrap(), totals);
        totals
    }

    /// What the server sold, in pico-dollars.
    pub(crate) fn sold_picos(&self) -> u128 {
        sold_picos(&self.model, RATE)
    }

    /// What the server sold, in micro-dollars, rounded up.
    pub(crate) fn sold_micros(&self) -> u64 {
        u64::try_from(self.sold_picos().div_ceil(1_000_000)).unwrap()
    }

    /// What the server sold, by model.
    pub(crate) fn sold_tokens(&self) -> BTreeMap<String, Tokens> {
        self.model.totals().into_iter().map(|(model, usage)| (model, tokens(usage))).collect()
    }

    /// The text of the file of the calls.
    pub(crate) fn file(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("calls")).unwrap()
    }
}

/// A proxy before an upstream that is no model server, with plenty to spend.
pub(crate) fn before(upstream: &str, change: impl FnOnce(&mut Config)) -> (Proxy, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(upstream, dir.path(), Arc::new(Grant::new(PLENTY)), RATE);
    change(&mut config);
    (Proxy::start(config).unwrap(), dir)
}

/// What tests tell a proxy if they have nothing else to say.
pub(crate) fn config(upstream: &str, dir: &Path, grant: Arc<Grant>, rate: Rate) -> Config {
    Config {
        upstream: Upstream::parse(upstream).unwrap(),
        apis: Api::ALL.to_vec(),
        prices: Arc::new(prices(dir, rate)),
        unpriced: Unpriced::Refuse,
        dir: dir.to_path_buf(),
        token: Token::random().unwrap(),
        grant,
        on_want: Arc::new(|_| {}),
        limits: Limits::default(),
        patience: Patience { raise: Duration::ZERO, room: FOREVER, linger: FOREVER },
    }
}

/// Prices for the model `m`.
fn prices(dir: &Path, rate: Rate) -> Prices {
    let usd = |micros: u64| format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let Rate { input, cache_read, cache_write, output } = rate;
    let rows =
        [("input", input), ("cache_read", cache_read), ("cache_write", cache_write), ("output", output)];
    let rows: String = rows.map(|(name, micros)| format!("{name} = \"{}\"\n", usd(micros))).concat();
    let path = dir.join("prices.toml");
    std::fs::write(&path, format!("[models.m]\n{rows}")).unwrap();
    Prices::load(Some(&path)).unwrap()
}

/// A call of Anthropic Messages as a step of an agent.
pub(crate) fn call(url: &str, max_tokens: u64, prompt: &str) -> Answer {
    post(&format!("{url}/v1/messages"), &request(max_tokens, prompt))
}

/// The request of such a call.
pub(crate) fn request(max_tokens: u64, prompt: &str) -> Value {
    let tools = json!([{ "name": "Write", "input_schema": {} }]);
    let messages = json!([{ "role": "user", "content": prompt }]);
    json!({ "model": "m", "max_tokens": max_tokens, "tools": tools, "messages": messages })
}

/// The most that a request of Anthropic Messages allows to be answered.
pub(crate) fn max_tokens(call: &Call) -> u64 {
    serde_json::from_str::<Value>(&call.body).unwrap()["max_tokens"].as_u64().unwrap()
}

pub(crate) fn tokens(usage: Usage) -> Tokens {
    let Usage { input, cache_read, cache_write, output, reasoning } = usage;
    Tokens { input, cache_read, cache_write, output, reasoning }
}

/// What the log of a server says that it sold, in pico-dollars.
pub(crate) fn sold_picos(model: &ModelServer, rate: Rate) -> u128 {
    model.totals().into_values().map(|usage| rate.picos(tokens(usage))).sum()
}
