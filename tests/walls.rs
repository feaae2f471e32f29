//! Walls, tried for real: each attack against each wall that this machine offers, and the work that has to go on behind them.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

#[path = "walls/attacks.rs"]
mod attacks;
#[path = "walls/bombs.rs"]
mod bombs;
mod common;
#[path = "walls/offers.rs"]
mod offers;
#[path = "walls/set.rs"]
mod set;
#[path = "walls/tried.rs"]
mod tried;
#[path = "walls/work.rs"]
mod work;
