//! What a store does after the disk has failed one sync. What it calls durable after that may not be.

use std::fs;
use std::process::{Command, Output, Stdio};

use crate::child::{ACKNOWLEDGED, HUNG, PANICKED, Part};
use crate::failure::Result;
use crate::peers::Peer;
use crate::process;
use crate::scratch;

const APPENDS: usize = 60;
/// The fortieth sync of a thread fails, no other.
const STRACE: [&str; 8] = [
    "strace",
    "-f",
    "-o",
    "/dev/null",
    "-e",
    "trace=fdatasync,fsync",
    "-e",
    "inject=fdatasync,fsync:error=EIO:when=40",
];

/// Fails a sync of each of these stores.
pub(crate) fn run(peers: &[&dyn Peer]) -> Result<()> {
    println!("{APPENDS} appends, one failed sync among them\n");
    if !has_strace() {
        println!("skipped: no strace");
        return Ok(());
    }
    println!("| store | what it does |\n|---|---|");
    for peer in peers {
        eprintln!("{}: a failed sync", peer.name());
        println!("| {} | {} |", peer.name(), story(&attempts(*peer)?));
    }
    Ok(())
}

/// Whether it is there, and may look into other processes.
fn has_strace() -> bool {
    let mut strace = Command::new("strace");
    let status =
        strace.args(["-o", "/dev/null", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn attempts(peer: &dyn Peer) -> Result<Output> {
    let scratch = scratch::folder()?;
    let dir = scratch.path().join("store");
    fs::create_dir(&dir)?;
    let mut command = process::again(&STRACE, Part::Insist)?;
    Ok(command.arg(peer.name()).arg(dir).arg(APPENDS.to_string()).output()?)
}

fn story(writer: &Output) -> String {
    let attempts = String::from_utf8_lossy(&writer.stdout);
    let hangs = writer.status.code() == Some(HUNG.into());
    let before = attempts.chars().take_while(|attempt| *attempt == ACKNOWLEDGED).count();
    let mut after = attempts.chars().skip(before);
    let first = match after.next() {
        Some(PANICKED) => "panics",
        Some(_) => "reports an error",
        None if hangs => "HANGS",
        None if before == APPENDS => "has not noticed",
        None => "dies",
    };
    let rest: Vec<char> = after.collect();
    let acknowledged = rest.iter().filter(|attempt| **attempt == ACKNOWLEDGED).count();
    let panicked = rest.iter().filter(|attempt| **attempt == PANICKED).count();
    let mut story = vec![format!("{before} acknowledged"), format!("then it {first}")];
    let counts = [
        (acknowledged, "ACKNOWLEDGES"),
        (rest.len() - acknowledged - panicked, "refuses"),
        (panicked, "panics at"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    story.extend(counts.map(|(count, what)| format!("then {what} {count} more")));
    if hangs && before < attempts.len() {
        story.push("then HANGS".to_owned());
    }
    story.join(", ")
}
