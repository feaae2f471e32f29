//! The holder with real processes, real signals and a real kill -9. Knows only the attempt's folder and the built binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

#[path = "holder/attempt.rs"]
mod attempt;
#[path = "holder/ends.rs"]
mod ends;
#[path = "holder/money.rs"]
mod money;
#[path = "holder/orphans.rs"]
mod orphans;
#[path = "holder/output.rs"]
mod output;
#[path = "holder/races.rs"]
mod races;
#[path = "holder/trees.rs"]
mod trees;
