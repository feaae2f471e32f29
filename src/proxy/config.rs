//! What a proxy is told when it is started.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::api::Api;
use super::grant::Grant;
use super::token::Token;
use super::upstream::Upstream;
use crate::agents::Prices;

/// What a model without a price means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unpriced {
    /// Calls to it are refused.
    Refuse,
    /// Calls to it pass and cost nothing; their tokens are counted.
    Pass,
}

/// What else is limited besides money.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// At most so many calls to a model.
    pub calls: Option<u64>,
    /// At most so many tokens, sent and received.
    pub tokens: Option<u64>,
    /// How many tokens of answer are assumed where a request names no maximum.
    pub answer_assumed: u64,
    /// Whether that number is also written into the request, so that the provider keeps to it. Without it such a call
    /// can cost more than was reserved.
    pub answer_written: bool,
    /// What does not fit as it is, is sent on with a shorter answer if that may still have so many tokens. More than most
    /// answers of agents have; one that is cut short there would not have been any use.
    pub answer_least: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { calls: None, tokens: None, answer_assumed: 32_000, answer_written: false, answer_least: 8_000 }
    }
}

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long a call waits for a raise.
    pub raise: Duration,
    /// How long a call waits that will fit as soon as others have turned out cheaper than was reserved for them.
    pub room: Duration,
    /// How long an answer is read on after its client is gone, to learn what it costs.
    pub linger: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { raise: seconds(2), room: seconds(60), linger: seconds(60) }
    }
}

/// All that a proxy is told.
pub struct Config {
    /// Where calls go, and nowhere else.
    pub upstream: Upstream,
    /// The APIs that may be called.
    pub apis: Vec<Api>,
    /// What tokens cost.
    pub prices: Arc<Prices>,
    /// What a model without a price means.
    pub unpriced: Unpriced,
    /// The folder for the file `calls`; it exists. What an earlier proxy spent there counts.
    pub dir: PathBuf,
    /// The secret part of the base URL.
    pub token: Token,
    /// What may be spent in all.
    pub grant: Arc<Grant>,
    /// Is told what would have to be granted in all, in micro-dollars, for a call that does not fit. Any number of calls
    /// may ask at once. It must not block: it runs on the thread of all calls.
    pub on_want: Arc<dyn Fn(u64) + Send + Sync>,
    /// What else is limited.
    pub limits: Limits,
    /// How long is waited.
    pub patience: Patience,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("upstream", &self.upstream)
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}
