//! The journal of swarm beside what others use in its place: how fast each is, and what each makes of damage.
#![forbid(unsafe_code)]

mod append;
mod child;
mod damage;
mod dice;
mod eio;
mod failure;
mod faults;
mod hogs;
mod peers;
mod process;
mod record;
mod replay;
mod scratch;
mod table;

use std::process::ExitCode;

use failure::{Failure, Result};
use peers::{PEERS, Peer};

const HELP: &str = "\
Measures the journal of swarm and what others use in its place, on this machine and this disk.
Tables go to stdout as Markdown, progress to stderr.

Usage: cargo run --release -- COMMAND [STORE]...

  append   durable appends a second with 1, 8 and 64 appenders, and how long one waits
  replay   opening and reading up to 1,000,000 records, and the room they take
  faults   what reopening makes of flipped bits, zeroed blocks and cut files; and what a store does after one
           sync has failed (that part needs strace)
  hogs     our own appends beside four busy loops at nice 19

Named stores are the only ones measured; without names it is all of them:
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((command, rest)) => run(command, rest).unwrap_or_else(|failure| {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }),
        None => help(),
    }
}

fn run(command: &str, arguments: &[String]) -> Result<ExitCode> {
    let measure = match command {
        "append" => append::run,
        "replay" => replay::run,
        "faults" => faults::run,
        "hogs" => hogs::run,
        "help" | "-h" | "--help" => return Ok(help()),
        command => {
            let part = child::part(command);
            let part =
                part.ok_or_else(|| Failure::new(format!("there is no command {command}; see --help")))?;
            return child::play(part, arguments);
        }
    };
    let named: Vec<&dyn Peer> = arguments.iter().map(|name| peers::peer(name)).collect::<Result<_>>()?;
    println!("{}\n", table::machine()?);
    measure(if named.is_empty() { &PEERS } else { &named })?;
    Ok(ExitCode::SUCCESS)
}

fn help() -> ExitCode {
    println!("{HELP}  {}", PEERS.map(Peer::name).join(", "));
    ExitCode::SUCCESS
}
