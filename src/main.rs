//! The binary: dispatches the hidden subcommands and the command line, and turns the outcome into an exit code.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::path::Path;
use std::process::exit;

use swarm::holder;

fn main() {
    let args = std::env::args_os().skip(1).collect::<Vec<_>>();
    run_hidden(&args);
    exit(i32::from(swarm::cli::main()));
}

/// A holder and a job's process begin here, before anything else is parsed or started: each costs its share of every task.
fn run_hidden(args: &[OsString]) {
    let Some((name, rest)) = args.split_first() else { return };
    match (name.to_str(), rest) {
        (Some("__holder"), [dir]) => exit(holder::holder_main(Path::new(dir))),
        (Some("__torture"), [dir]) => exit(i32::from(swarm::cli::torture_writer(Path::new(dir)))),
        (Some("__without-network"), []) => exit(swarm::walls::without_network_main()),
        (Some("__trampoline"), rest) => exit(holder::trampoline_main(rest)),
        // A run in the background is nobody's child: the terminal that started it may go.
        (Some("__detached"), rest) => {
            let _ = rustix::process::setsid();
            exit(i32::from(swarm::cli::main_of(rest)));
        }
        _ => {}
    }
}
