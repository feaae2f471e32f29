//! The metering proxy between programs and the model server, whose log is the judge: what it sold is never more than was granted.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that stops there says where")]

#[path = "model_server/client.rs"]
mod client;
mod common;
#[path = "proxy/doors.rs"]
mod doors;
#[path = "proxy/ends.rs"]
mod ends;
#[path = "proxy/hand.rs"]
mod hand;
#[path = "proxy/killed.rs"]
mod killed;
mod model;
#[path = "model_server/programs.rs"]
mod programs;
#[path = "proxy/protocols.rs"]
mod protocols;
#[path = "proxy/stage.rs"]
mod stage;
#[path = "proxy/streams.rs"]
mod streams;
#[path = "proxy/tls.rs"]
mod tls;
#[path = "proxy/waiting.rs"]
mod waiting;
#[path = "proxy/wall.rs"]
mod wall;
