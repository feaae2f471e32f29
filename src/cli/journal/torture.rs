//! `swarm journal torture`: breaks journals, in memory and on the user's disk, and counts what is lost. It should be nothing.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use swarm_journal::torture::{self, RUN, Tally};
use swarm_journal::{Item, JournalError, Log};

use super::super::args::TortureArgs;
use super::super::exit::{ENVIRONMENT, Failure, JOURNAL, OK};
use super::super::{Context, out};

/// A disk that answers faster than this has hardly asked its medium.
const TOO_FAST: Duration = Duration::from_micros(15);

/// What one kind of torture found.
struct Finding {
    name: &'static str,
    /// What was done how often, and what was seen.
    text: String,
    figures: Value,
    /// What went wrong.
    fault: Option<String>,
}

pub(super) fn torture(context: &Context, args: &TortureArgs) -> Result<u8, Failure> {
    let scratch = Scratch::new(&place(context, args)?)?;
    let findings = [
        tally("crashes", "states after crashes in the middle of writes", torture::crashes(0..args.seeds)),
        tally("cuts", "cuts of a file, at every byte", torture::cuts()),
        tally("flips", "flipped bits, each one", torture::flips()),
        tally("blocks", "blocks of zeros", torture::blocks()),
        kills(&scratch.0, args.kills)?,
        syncs(&scratch.0)?,
    ];
    let faults: Vec<&String> = findings.iter().filter_map(|finding| finding.fault.as_ref()).collect();
    if context.json {
        let figures: serde_json::Map<String, Value> =
            findings.iter().map(|finding| (finding.name.to_owned(), finding.figures.clone())).collect();
        out::line(json!({"schema": "swarm.torture/1", "faults": faults, "found": figures}));
        return Ok(if faults.is_empty() { OK } else { JOURNAL });
    }
    for finding in &findings {
        out::line(format!("{:<8} {}", finding.name, finding.text));
    }
    if faults.is_empty() {
        out::line("nothing acknowledged was lost, and nothing came back changed");
        return Ok(OK);
    }
    let text = faults.iter().map(|fault| fault.as_str()).collect::<Vec<_>>().join("\n       ");
    Err(Failure::new(JOURNAL, text)
        .hint("do not trust this disk, or this build, with a run; please report it"))
}

/// The folder that was named, or one that is nobody's checkout.
fn place(context: &Context, args: &TortureArgs) -> Result<PathBuf, Failure> {
    let place = match (&args.dir, context.repo()) {
        (Some(dir), _) => return Ok(context.dir.join(dir)),
        (None, Ok(repo)) => repo.common_dir().join("swarm"),
        (None, Err(_)) => return Ok(context.dir.clone()),
    };
    std::fs::create_dir_all(&place)?;
    Ok(place)
}

fn tally(name: &'static str, what: &str, came: Result<Tally, String>) -> Finding {
    match came {
        Ok(Tally { states, refused, torn }) => Finding {
            name,
            text: format!("{states} {what}: {refused} refused, {torn} torn ends left out, 0 lost"),
            figures: json!({"states": states, "refused": refused, "torn": torn}),
            fault: None,
        },
        Err(why) => Finding { name, text: format!("FAILED: {why}"), figures: Value::Null, fault: Some(why) },
    }
}

/// A folder of our own, removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(dir: &Path) -> Result<Self, Failure> {
        let path = dir.join(format!("swarm-torture-{}", std::process::id()));
        std::fs::create_dir(&path)
            .map_err(|error| Failure::new(ENVIRONMENT, format!("cannot make {}: {error}", path.display())))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Whoever removes the folder under us wanted it gone as well.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Writers of one journal on the real disk, each killed in the middle.
fn kills(scratch: &Path, kills: u32) -> Result<Finding, Failure> {
    let dir = scratch.join("killed");
    let mut acknowledged = 0;
    let mut fault = None;
    for n in 0..kills {
        acknowledged = kill_one(&dir, u64::from(n % 7) * 40 + 5)?.max(acknowledged);
        fault = check(&dir, acknowledged).err();
        if fault.is_some() {
            break;
        }
    }
    let text = match &fault {
        None => format!(
            "{kills} writers killed on {}, {acknowledged} records acknowledged: 0 lost",
            scratch.display()
        ),
        Some(why) => format!("FAILED: {why}"),
    };
    Ok(Finding { name: "kills", text, figures: json!({"kills": kills, "acknowledged": acknowledged}), fault })
}

/// Lets a writer acknowledge so many records, kills it, and returns the last record that it acknowledged.
fn kill_one(dir: &Path, records: u64) -> Result<u64, Failure> {
    let mut child: Child = Command::new(std::env::current_exe()?)
        .arg("__torture")
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().expect("its output is a pipe")).lines();
    let mut last = 0;
    for _ in 0..records {
        last = acknowledged(&mut lines).unwrap_or(last).max(last);
    }
    if let Some(status) = child.try_wait()? {
        return Err(Failure::new(
            ENVIRONMENT,
            format!("the writer in {} ended by itself: {status}", dir.display()),
        ));
    }
    child.kill()?;
    child.wait()?;
    // What is still in the pipe was acknowledged as well.
    while let Some(seq) = acknowledged(&mut lines) {
        last = last.max(seq);
    }
    Ok(last)
}

fn acknowledged(lines: &mut std::io::Lines<BufReader<ChildStdout>>) -> Option<u64> {
    lines.next()?.ok()?.parse().ok()
}

fn check(dir: &Path, acknowledged: u64) -> Result<(), String> {
    let mut wrong = None;
    let read = swarm_journal::replay(dir, &mut |item| {
        let right = matches!(&item, Item::Record(record) if torture::is_entry(record));
        if !right && wrong.is_none() {
            wrong = Some(format!("{item:?} is not what was written"));
        }
    });
    match (read, wrong) {
        (Err(JournalError::Missing { .. }), _) if acknowledged == 0 => Ok(()),
        (Err(error), _) => Err(error.to_string()),
        (Ok(_), Some(wrong)) => Err(wrong),
        (Ok(read), None) if read.last_seq < acknowledged => {
            Err(format!("{acknowledged} records were acknowledged, {} are left", read.last_seq))
        }
        (Ok(_), None) => Ok(()),
    }
}

/// The writer that is killed: opens or makes the journal, appends without end, and says what is durable.
pub(in super::super) fn write(dir: &Path) -> Result<u8, Failure> {
    let mut log = match Log::open(dir, &mut |_| {}) {
        Err(JournalError::Missing { .. }) => Log::create(dir, RUN)?,
        opened => opened?.log,
    };
    loop {
        let first = log.last_seq();
        let batch: Vec<_> = (first..=first + first % 4).map(torture::entry).collect();
        log.append(&batch)?;
        log.sync()?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", log.durable_seq()).and_then(|()| out.flush())?;
    }
}

/// How long this disk takes to make one record durable. Nothing proves that it really does.
fn syncs(scratch: &Path) -> Result<Finding, Failure> {
    let mut log = Log::create(&scratch.join("synced"), RUN)?;
    let mut took = Vec::new();
    for n in 0..300 {
        log.append(&[torture::entry(n)])?;
        let since = Instant::now();
        log.sync()?;
        took.push(since.elapsed());
    }
    log.close()?;
    took.sort_unstable();
    let (median, slow) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    let doubt =
        if median < TOO_FAST { "; that is faster than a disk can be: does it sync at all?" } else { "" };
    Ok(Finding {
        name: "syncs",
        text: format!(
            "one record durable in {} µs, 99 of 100 within {} µs{doubt}",
            median.as_micros(),
            slow.as_micros()
        ),
        figures: json!({"median_us": median.as_micros(), "p99_us": slow.as_micros(), "doubtful": median < TOO_FAST}),
        fault: None,
    })
}
