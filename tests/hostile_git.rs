//! What an agent plants for git to run: nothing of it runs, it is named, and the work is kept. The built binary, real git, programs that leave a mark if they are ever started.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod common;
#[path = "hostile_git/planted.rs"]
mod planted;
#[path = "hostile_git/set.rs"]
mod set;
