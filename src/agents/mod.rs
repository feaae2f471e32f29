//! The agent programs that people use: how each is started, how its output is read, what it costs. Knows no plan, no journal and no process.
//!
//! An adapter is data and a pure reader: it says what to start and understands what comes out. Who starts it, holds it and
//! pays for it is elsewhere. One program, one file.

mod account;
mod adapter;
mod aider;
mod bill;
mod bookmark;
mod chats;
mod claude;
mod codex;
mod copilot;
mod cursor;
mod gemini;
mod json;
mod litellm;
mod mini_swe_agent;
mod opencode;
mod prices;
mod providers;
mod qwen;
mod reading;
mod rollouts;
mod sessions;
mod tail;
mod talk;
mod upstream;

pub use account::{Account, Tokens};
pub use adapter::{Adapter, Ask, Facts, GATEWAY, Launch, Login, Meter, Permission, Reader, Setting, Unfit};
pub use prices::{PriceError, Prices, Rate};
pub use reading::{Reading, Spent};
pub use talk::{Talk, one_line};

/// Every adapter that starts a program of its own, in the order of the documentation. The `shell` adapter runs what the
/// plan says and understands nothing of it, so it is not here.
pub const ADAPTERS: &[&dyn Adapter] = &[
    &claude::Claude,
    &codex::Codex,
    &gemini::Gemini,
    &qwen::Qwen,
    &cursor::Cursor,
    &opencode::Opencode,
    &copilot::Copilot,
    &aider::Aider,
    &mini_swe_agent::MiniSweAgent,
];

/// The adapter of a name.
pub fn adapter(name: &str) -> Option<&'static dyn Adapter> {
    ADAPTERS.iter().copied().find(|adapter| adapter.facts().name == name)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that stops there says where")]
mod tests;
