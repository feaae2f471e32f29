//! The metering proxy: makes a budget a wall for programs whose own limits are soft. Knows no plan, no journal and no agent program.
//!
//! An agent program is given the proxy's URL as the base URL of its model's API. Before a call is sent on, what it can
//! cost is reserved; a call that does not fit into the grant is refused. After it, what the provider reports is charged.
//! What is reserved and charged is in the file `calls` of the attempt's folder before anything follows from it.
//!
//! `door` lets requests in, `api` says what they want, `ask` reads what they can cost, `ledger` decides, `call` carries
//! one of them out, `meter` reads its answer.

mod api;
mod ask;
mod book;
mod call;
mod calls;
mod config;
mod door;
mod error;
mod estimate;
mod fields;
mod grant;
mod handle;
mod headers;
mod ledger;
mod meter;
mod payload;
mod refusal;
mod seen;
mod serve;
mod sse;
mod token;
mod unseen;
mod upstream;
mod usage;

pub use api::Api;
pub use book::Totals;
pub use calls::{is_metered, read_calls};
pub use config::{Config, Limits, Patience, Unpriced};
pub use error::ProxyError;
pub use grant::Grant;
pub use handle::Proxy;
pub use token::Token;
pub use upstream::Upstream;
