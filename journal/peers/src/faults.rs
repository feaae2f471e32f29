//! What becomes of durable records when the log is damaged while nobody writes it.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::child::{Part, REFUSED};
use crate::damage::{Damage, Image};
use crate::dice::Dice;
use crate::eio;
use crate::failure::{Failure, Result};
use crate::peers::{Floor, Peer};
use crate::process;
use crate::scratch;

const RECORDS: u64 = 2000;
const SEED: u64 = 42;

/// The columns: what is done, how often, and how that is called.
const TRIALS: [(Damage, u32, &str); 4] = [
    (Damage::FlipAnywhere, 100, "100 bit flips anywhere"),
    (Damage::FlipMiddle, 100, "100 bit flips in the middle half"),
    (Damage::ZeroMiddle, 100, "100 zeroed 4 KiB blocks in the middle half"),
    (Damage::Cut, 5, "5 cuts near the middle"),
];

/// What reopening made of damage.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It said that the store cannot be read.
    Refused,
    /// It opened, and this many records were gone without a word.
    Lost(u64),
    /// It opened, and a record was not what was written.
    Wrong,
    /// It panicked, was killed, or did not come to an end.
    Broke,
    /// All records were there.
    Harmless,
}

/// Damages these stores; and first a plain file, which notices nothing: so it shows that the damage is there.
pub(crate) fn run(peers: &[&dyn Peer]) -> Result<()> {
    let peers = [&[&Floor as &dyn Peer], peers].concat();
    println!("{RECORDS} durable records; refused / silent loss / panic or hang / harmless\n");
    let titles = TRIALS.map(|(_, _, title)| title).join(" | ");
    println!("| store | {titles} | most lost silently |\n|---|{}---|", "---|".repeat(TRIALS.len()));
    for peer in &peers {
        println!("{}", row(*peer)?);
    }
    println!();
    eio::run(&peers)
}

fn row(peer: &dyn Peer) -> Result<String> {
    let scratch = scratch::folder()?;
    let dir = scratch.path().join("store");
    write(peer, &dir)?;
    let image = Image::take(peer, &dir)?;
    if reopen(peer, &dir, &image)? != Outcome::Harmless {
        return Err(Failure::new(format!("{}: it cannot be reopened even undamaged", peer.name())));
    }
    let mut dice = Dice::new(SEED);
    let mut cells = vec![peer.name().to_owned()];
    let mut most = 0;
    for (damage, trials, title) in TRIALS {
        eprintln!("{}: {title}", peer.name());
        let outcomes = (0..trials)
            .map(|_| reopen(peer, &dir, &image.damaged(damage, &mut dice)?))
            .collect::<Result<Vec<_>>>()?;
        most = outcomes
            .iter()
            .map(|outcome| if let Outcome::Lost(lost) = outcome { *lost } else { 0 })
            .fold(most, u64::max);
        cells.push(cell(&outcomes));
    }
    cells.push(most.to_string());
    Ok(format!("| {} |", cells.join(" | ")))
}

fn cell(outcomes: &[Outcome]) -> String {
    let count = |is: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| is(outcome)).count();
    let wrong = count(|outcome| *outcome == Outcome::Wrong);
    format!(
        "{} / {} / {} / {}{}",
        count(|outcome| *outcome == Outcome::Refused),
        count(|outcome| matches!(outcome, Outcome::Lost(_))),
        count(|outcome| *outcome == Outcome::Broke),
        count(|outcome| *outcome == Outcome::Harmless),
        if wrong > 0 { format!(", and {wrong} with WRONG BYTES") } else { String::new() },
    )
}

/// Has another process write a store and go away without closing it.
fn write(peer: &dyn Peer, dir: &Path) -> Result<()> {
    fs::create_dir(dir)?;
    let mut command = process::again(&[], Part::Write)?;
    if command.arg(peer.name()).arg(dir).arg(RECORDS.to_string()).status()?.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("{}: it could not be written", peer.name())))
    }
}

/// Puts a store into its folder and has another process open and read it.
fn reopen(peer: &dyn Peer, dir: &Path, image: &Image) -> Result<Outcome> {
    image.restore()?;
    let mut command = process::again(&[], Part::Read)?;
    Ok(outcome(&command.arg(peer.name()).arg(dir).output()?))
}

fn outcome(reader: &Output) -> Outcome {
    match reader.status.code() {
        Some(0) => {}
        Some(code) if code == i32::from(REFUSED) => return Outcome::Refused,
        _ => return Outcome::Broke,
    }
    match counts(&reader.stdout) {
        Some((RECORDS, 0)) => Outcome::Harmless,
        Some((records, 0)) if records < RECORDS => Outcome::Lost(RECORDS - records),
        _ => Outcome::Wrong,
    }
}

/// How many records a reader found, and how many of them were wrong.
fn counts(printed: &[u8]) -> Option<(u64, u64)> {
    let (records, wrong) = str::from_utf8(printed).ok()?.trim().split_once(' ')?;
    Some((records.parse().ok()?, wrong.parse().ok()?))
}
