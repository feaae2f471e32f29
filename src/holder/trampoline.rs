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

use super::files;
use super::job::{Job, MARK};
use crate::walls::{self, WallError};

/// The hidden subcommand.
pub(super) const SUBCOMMAND: &str = "__trampoline";
/// What a shell returns for a command that it cannot start.
pub(super) const CANNOT_START: i32 = 127;

/// When a process may become its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// When the holder says so over the socket. The complaint goes there as well.
    Told,
    /// At once. The complaint goes to standard error, as a shell's would.
    Now,
}

impl When {
    const ALL: [Self; 2] = [Self::Told, Self::Now];

    /// As an argument.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Told => "told",
            Self::Now => "now",
        }
    }
}

/// The hidden subcommand `__trampoline WHEN DIR CWD STDIN PROGRAM ARGUMENT…`; an empty STDIN is an empty input, and an empty
/// DIR means that the job there has no wall. Returns, with an exit code, only if nothing was started.
pub fn trampoline_main(args: &[OsString]) -> i32 {
    let Some((when, args)) = args.split_first() else { return CANNOT_START };
    match When::ALL.into_iter().find(|one| one.word() == *when) {
        Some(When::Told) => when_told(args),
        Some(When::Now) => {
            let said = become_job(args);
            drop(writeln!(io::stderr(), "{said}"));
            CANNOT_START
        }
        None => CANNOT_START,
    }
}

fn when_told(args: &[OsString]) -> i32 {
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
    let [dir, cwd, stdin, words @ ..] = args else { return "the command is empty".to_owned() };
    let Some(program) = words.first() else { return "the command is empty".to_owned() };
    if let Err(error) = env::set_current_dir(cwd) {
        return format!("cannot work in {}: {error}", Path::new(cwd).display());
    }
    let input = match input(stdin) {
        Ok(input) => input,
        Err(error) => return format!("cannot read the input {}: {error}", Path::new(stdin).display()),
    };
    let program = program.to_string_lossy();
    let line = match enclosed(dir, Path::new(cwd), words) {
        Ok(line) => line,
        Err(Unwalled::Gone(error)) => return cannot_start(&program, &error),
        Err(Unwalled::Other(said)) => {
            return format!("`{program}` was not started, for want of its wall: {said}");
        }
    };
    let error = Command::new(&line[0]).args(&line[1..]).stdin(input).exec();
    cannot_start(&program, &error)
}

/// Why there is no wall, so that nothing is started.
enum Unwalled {
    /// There is nothing to start either.
    Gone(io::Error),
    /// For people.
    Other(String),
}

fn is_ours(nonce: &str) -> bool {
    env::var_os(MARK).is_some_and(|mark| mark == *nonce)
}

/// What to become, behind the wall that the job in `dir` is to have.
fn enclosed(dir: &OsString, cwd: &Path, argv: &[OsString]) -> Result<Vec<OsString>, Unwalled> {
    if dir.is_empty() {
        return Ok(argv.to_vec());
    }
    let job = files::read_json::<Job>(Path::new(dir), files::JOB);
    let enclosure = match job {
        Ok(Some(Job { enclosure: Some(enclosure), nonce, .. })) if is_ours(&nonce) => enclosure,
        Ok(_) => return Err(Unwalled::Other("its job is gone".to_owned())),
        Err(error) => return Err(Unwalled::Other(error.to_string())),
    };
    walls::raise(&enclosure, cwd, argv).map_err(|error| match error {
        WallError::NoProgram(error) => Unwalled::Gone(error),
        other => Unwalled::Other(other.to_string()),
    })
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
