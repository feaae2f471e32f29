//! What people and machines are told of a run. It reads events and the state they fold to, and cannot tell live from replayed.

mod agents;
mod burn;
mod caps;
mod counts;
mod ending;
mod event;
mod lines;
mod ls;
mod next;
mod paint;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that stops there says where")]
mod sample;
#[cfg(test)]
mod scenes;
mod scrub;
mod status;
mod talk;
mod teller;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that stops there says where")]
mod tests;
mod text;
mod waits;
mod why;
mod words;

pub use agents::Heard;
pub use burn::{Burn, Spending, last_ms};
pub use ending::ending;
pub use event::{EventStream, event_json, event_line, schema_event};
pub use ls::{Row, ls_json, ls_text, summary};
pub use status::{
    Liveness, exit_code, run_outcome, run_state, schema_status, status_json, status_text, with_notes,
};
pub use talk::talk_text;
pub use teller::Teller;
pub use text::{columns, rfc3339};
pub use why::{Why, why};
pub use words::wall;
