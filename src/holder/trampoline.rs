//! The job's process before it is the job: waits until it is recorded, then becomes the job. Knows no limits.
//!
//! Its standard input is a socket to the holder. One byte: go. The end without a byte: the holder is gone, start
//! nothing. What it says back is why it could not become the job; silence means that it has.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::io::Errno;

/// The hidden subcommand.
pub(super) const SUBCOMMAND: &str = "__trampoline";
/// What a shell returns for a command that it cannot start.
pub(super) const CANNOT_START: i32 = 127;

/// The hidden subcommand `__trampoline CWD STDIN PROGRAM ARGUMENT…`; an empty STDIN is an empty input.
/// Returns, with an exit code, only if nothing was started.
pub fn trampoline_main(args: &[OsString]) -> i32 {
    let Ok(socket) = io::stdin().as_fd().try_clone_to_owned() else { return CANNOT_START };
    let mut socket = UnixStream::from(socket);
    if socket.read_exact(&mut [0]).is_err() {
        return 0;
    }
    let said = become_job(args);
    drop(socket.write_all(said.as_bytes()));
    CANNOT_START
}

/// Returns only on failure, with the reason.
fn become_job(args: &[OsString]) -> String {
    let [cwd, stdin, program, arguments @ ..] = args else { return "the command is empty".to_owned() };
    if let Err(error) = env::set_current_dir(cwd) {
        return format!("cannot work in {}: {error}", Path::new(cwd).display());
    }
    let input = match input(stdin) {
        Ok(input) => input,
        Err(error) => return format!("cannot read the input {}: {error}", Path::new(stdin).display()),
    };
    let error = Command::new(program).args(arguments).stdin(input).exec();
    cannot_start(&program.to_string_lossy(), &error)
}

fn input(stdin: &OsString) -> io::Result<Stdio> {
    if stdin.is_empty() { Ok(Stdio::null()) } else { File::open(stdin).map(Stdio::from) }
}

/// Why a program could not be started, for people.
pub(super) fn cannot_start(program: &str, error: &io::Error) -> String {
    if error.raw_os_error() == Some(Errno::TOOBIG.raw_os_error()) {
        return format!(
            "cannot start `{program}`: its arguments and environment are too long for this system (E2BIG); \
             pass long text in a file"
        );
    }
    format!("cannot start `{program}`: {error}")
}
