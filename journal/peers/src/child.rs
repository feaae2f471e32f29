//! What this program does as a child of itself: the part that may die, hang or be in the way.

use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use crate::failure::{Failure, Result};
use crate::peers::{self, Peer, Purpose};
use crate::record::record;

/// The exit code of a reader whose store says that it cannot be read.
pub(crate) const REFUSED: u8 = 3;
/// The exit code of a child that did not come to an end by itself.
pub(crate) const HUNG: u8 = 4;
/// What an attempt printed that was acknowledged.
pub(crate) const ACKNOWLEDGED: char = '+';
/// What an attempt printed that failed.
pub(crate) const FAILED: char = '-';
/// What an attempt printed that panicked.
pub(crate) const PANICKED: char = '!';

/// A child that takes longer hangs. Most take a hundredth of it.
const LIFE: Duration = Duration::from_secs(30);

/// What a child is there for.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    /// `STORE FOLDER COUNT`: makes a store, appends records one by one, and is gone without closing it.
    Write,
    /// `STORE FOLDER`: opens a store, reads it, and prints how many records there were and how many were wrong.
    Read,
    /// `STORE FOLDER COUNT`: appends records one by one whatever happens, and prints a character for each.
    Insist,
    /// Keeps a processor busy, until it is killed.
    Hog,
}

const PARTS: [Part; 4] = [Part::Write, Part::Read, Part::Insist, Part::Hog];

impl Part {
    /// As a command of this program.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Write => "child-write",
            Self::Read => "child-read",
            Self::Insist => "child-insist",
            Self::Hog => "child-hog",
        }
    }
}

/// The part with this name.
pub(crate) fn part(name: &str) -> Option<Part> {
    PARTS.into_iter().find(|part| part.name() == name)
}

/// Plays a part.
pub(crate) fn play(part: Part, arguments: &[String]) -> Result<ExitCode> {
    // Its own clock, not the parent's: so nothing is left behind, whatever becomes of the parent.
    thread::spawn(|| {
        thread::sleep(LIFE);
        std::process::exit(HUNG.into());
    });
    match (part, arguments) {
        (Part::Hog, []) => loop {
            std::hint::spin_loop();
        },
        (Part::Read, [store, dir]) => Ok(read(peers::peer(store)?, Path::new(dir))),
        (Part::Write, [store, dir, count]) => write(peers::peer(store)?, Path::new(dir), count.parse()?),
        (Part::Insist, [store, dir, count]) => insist(peers::peer(store)?, Path::new(dir), count.parse()?),
        (Part::Hog | Part::Read | Part::Write | Part::Insist, _) => {
            Err(Failure::new("that part has other arguments"))
        }
    }
}

fn write(peer: &dyn Peer, dir: &Path, count: u64) -> Result<ExitCode> {
    let store = peer.create(dir, Purpose::Keep)?;
    let mut append = store.appender();
    for number in 0..count {
        append(&[record(number)])?;
    }
    // Nothing is dropped: to the store this is as if the process had been killed.
    std::process::exit(0)
}

fn read(peer: &dyn Peer, dir: &Path) -> ExitCode {
    match peer.read(dir) {
        Ok(tally) => {
            println!("{} {}", tally.records, tally.wrong);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(REFUSED)
        }
    }
}

/// A panic is caught: in a program with more threads the others would go on too.
fn insist(peer: &dyn Peer, dir: &Path, count: u64) -> Result<ExitCode> {
    let store = peer.create(dir, Purpose::Keep)?;
    let mut append = store.appender();
    for number in 0..count {
        let attempt = panic::catch_unwind(AssertUnwindSafe(|| append(&[record(number)])));
        print!(
            "{}",
            match attempt {
                Ok(Ok(())) => ACKNOWLEDGED,
                Ok(Err(_)) => FAILED,
                Err(_) => PANICKED,
            }
        );
        std::io::stdout().flush()?;
    }
    std::process::exit(0)
}
