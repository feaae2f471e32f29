//! The table of the rigs, and how one is run. Does not know what any of them does.

use std::{io, path::Path, process::ExitCode};

use crate::{
    block, eio, full, kill,
    mount::{KINDS, Kind},
    need::{Need, missing},
    shutdown, strace,
    tally::Tally,
    twist::Twist,
};

/// What the user asks of a rig.
#[derive(Default)]
pub(crate) struct Order {
    pub(crate) cases: Option<u64>,
    pub(crate) seed: u64,
    /// If there is one, the rig has to find a violation.
    pub(crate) twist: Option<Twist>,
}

/// What a rig gets.
pub(crate) struct Job<'a> {
    /// An empty folder.
    pub(crate) dir: &'a Path,
    pub(crate) twist: Option<Twist>,
    pub(crate) cases: u64,
    pub(crate) seed: u64,
}

/// What runs a rig: on the folder as it is, or on a file system of its own in there.
enum Start {
    Plain(fn(&Job<'_>, &mut Tally) -> io::Result<()>),
    Disk(fn(&Job<'_>, Kind, &mut Tally) -> io::Result<()>),
}

struct Rig {
    name: &'static str,
    /// How many cases are usual.
    cases: u64,
    needs: &'static [Need],
    start: Start,
}

const RIGS: [Rig; 6] = [
    Rig { name: "kill", cases: 150, needs: &[], start: Start::Plain(kill::run) },
    Rig {
        name: "strace",
        cases: u64::MAX,
        needs: &[Need::Program("strace")],
        start: Start::Plain(strace::run),
    },
    Rig { name: "shutdown", cases: 100, needs: &[], start: Start::Disk(shutdown::run) },
    Rig { name: "block", cases: 300, needs: &[Need::Fuse], start: Start::Disk(block::run) },
    Rig { name: "eio", cases: 60, needs: &[Need::Fuse], start: Start::Disk(eio::run) },
    Rig { name: "full", cases: 20, needs: &[], start: Start::Disk(full::run) },
];

/// A rig that could not do its work is neither good news nor a violation.
const BROKEN: u8 = 2;

/// Runs the rig of this name, with the file system behind a hyphen; none if there is none.
pub(crate) fn run(name: &str, order: &Order) -> Option<ExitCode> {
    let (rig, kind) = match name.split_once('-') {
        Some((rig, kind)) => (rig, Some(*KINDS.iter().find(|known| known.name == kind)?)),
        None => (name, None),
    };
    let rig = RIGS.iter().find(|known| known.name == rig)?;
    if matches!(rig.start, Start::Disk(_)) != kind.is_some() {
        return None;
    }
    let label = order.twist.map_or(name.to_owned(), |twist| format!("{name} on mutant {}", twist.name()));
    if let Some(reason) = missing(&needs(rig, kind)) {
        println!("{label}: skipped: {reason}");
        return Some(ExitCode::SUCCESS);
    }
    let mut tally = Tally::new(&label);
    Some(match rig.run(kind, order, &mut tally) {
        Ok(()) => tally.close(order.twist.is_some()),
        Err(error) => {
            println!("{tally}; then it broke: {error}");
            ExitCode::from(BROKEN)
        }
    })
}

impl Rig {
    fn run(&self, kind: Option<Kind>, order: &Order, tally: &mut Tally) -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let Order { cases, seed, twist } = *order;
        let job = Job { dir: folder.path(), twist, cases: cases.unwrap_or(self.cases), seed };
        match (&self.start, kind) {
            (Start::Plain(run), _) => run(&job, tally),
            (Start::Disk(run), Some(kind)) => run(&job, kind, tally),
            (Start::Disk(_), None) => unreachable!("it was asked for with its file system"),
        }
    }
}

fn needs(rig: &Rig, kind: Option<Kind>) -> Vec<Need> {
    let mut needs = vec![Need::Program("timeout")];
    needs.extend(rig.needs);
    if let Some(kind) = kind {
        needs.extend([Need::Root, Need::Loop, Need::FileSystem(kind.name)]);
        needs.extend(["mount", "umount", kind.mkfs].map(Need::Program));
    }
    needs
}
