//! The programs that write and check a journal, and the rigs that crash it between the two. See `run`.
//!
//! Deliberately does not know the format: what a journal holds is only ever asked of the library.
#![deny(unsafe_code)]

mod arguments;
mod block;
mod chance;
mod checker;
mod eio;
mod full;
mod image;
mod kill;
mod life;
mod mount;
mod need;
mod open;
mod plan;
mod recorder;
mod rig;
mod say;
mod shutdown;
mod strace;
mod subject;
mod tally;
mod twist;
mod writer;

fn main() -> std::process::ExitCode {
    arguments::dispatch(&std::env::args().skip(1).collect::<Vec<_>>())
}
