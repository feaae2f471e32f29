//! Every capture of a program's real output, and what its adapter makes of it: one row a capture. What is not output of
//! the program is never a success.

mod aider;
mod claude;
mod codex;
mod copilot;
mod cursor;
mod garbage;
mod gemini;
mod launches;
mod metered;
mod mini_swe_agent;
mod opencode;
mod page;
mod qwen;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use swarm_domain::fact::TroubleKind;

use super::{Prices, Reading, Setting, adapter};

/// What a capture is to come to.
pub(super) struct Row {
    /// The file, without the adapter's name before it and the stream's behind it.
    pub(super) case: &'static str,
    pub(super) is: Is,
    /// Micro-dollars; none: not known.
    pub(super) usd: Option<u64>,
    /// Tokens sent and received.
    pub(super) tokens: (u64, u64),
}

/// A row of a table of captures.
pub(super) const fn row(case: &'static str, is: Is, usd: Option<u64>, tokens: (u64, u64)) -> Row {
    Row { case, is, usd, tokens }
}

/// How an attempt stands at the end of a capture.
#[derive(Debug, PartialEq)]
pub(super) enum Is {
    Done,
    /// Done, though it was refused these tools.
    Denied(&'static [&'static str]),
    /// There is no final record, and nothing stood in its way.
    Cut,
    /// There is no final record, and this stood in its way: what it is, and a part of what it said.
    Stuck(TroubleKind, &'static str),
    /// The final record tells of this.
    Failed(TroubleKind, &'static str),
}

/// Where the captures are.
pub(super) fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures")
}

/// How the captures of an adapter begin: with its name, but for one.
fn begin(name: &str) -> &str {
    if name == "mini-swe-agent" { "mini" } else { name }
}

fn text(name: &str) -> String {
    std::fs::read_to_string(captures().join(name)).unwrap_or_default()
}

/// A setting without a state of its own.
pub(super) fn setting() -> Setting {
    static PRICES: LazyLock<Arc<Prices>> = LazyLock::new(|| Arc::new(Prices::built_in()));
    Setting { model: None, state: PathBuf::from("/nonexistent"), bookmark: None, prices: PRICES.clone() }
}

/// What an adapter makes of two streams.
pub(super) fn read(name: &str, setting: Setting, stdout: &str, stderr: &str) -> Reading {
    let mut reader = adapter(name).unwrap().reader(setting);
    for line in stderr.lines() {
        reader.complaint(line);
    }
    for line in stdout.lines() {
        reader.line(line, &mut |_| ());
    }
    reader.aside();
    reader.reading().clone()
}

/// What an adapter makes of a capture.
pub(super) fn capture(name: &str, case: &str, setting: Setting) -> Reading {
    let stream = |end: &str| text(&format!("{}-{case}.{end}", begin(name)));
    read(name, setting, &stream("stdout.jsonl"), &stream("stderr.txt"))
}

/// Holds every capture of an adapter to its row. `setting` may differ from case to case.
pub(super) fn check(name: &str, rows: &[Row], setting: impl Fn(&str) -> Setting) {
    let wrong: Vec<String> = rows.iter().filter_map(|row| differs(name, row, setting(row.case))).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    let rows: BTreeSet<String> = rows.iter().map(|row| row.case.to_owned()).collect();
    assert_eq!(cases(name), rows, "every capture has a row");
}

fn differs(name: &str, row: &Row, setting: Setting) -> Option<String> {
    let reading = capture(name, row.case, setting);
    let tokens = (reading.spent.tokens.sent(), reading.spent.tokens.output);
    let fits = fits(&reading, &row.is) && (reading.spent.usd_micros, tokens) == (row.usd, row.tokens);
    (!fits).then(|| format!("{name}-{}: is {:?}, {:?}", row.case, reading.report, reading.spent))
}

fn fits(reading: &Reading, is: &Is) -> bool {
    let report = &reading.report;
    let trouble = |kind: &TroubleKind, said: &str| {
        report.trouble.as_ref().is_some_and(|trouble| trouble.kind == *kind && trouble.said.contains(said))
    };
    let well = report.finished && report.trouble.is_none();
    match is {
        Is::Done => well && report.denials.is_empty(),
        Is::Denied(tools) => well && report.denials == *tools,
        Is::Cut => !report.finished && report.trouble.is_none(),
        Is::Stuck(kind, said) => !report.finished && trouble(kind, said),
        Is::Failed(kind, said) => report.finished && trouble(kind, said),
    }
}

/// The captures of an adapter. One without any output has its command line alone.
fn cases(name: &str) -> BTreeSet<String> {
    let files = std::fs::read_dir(captures()).unwrap().map(|file| file.unwrap().file_name());
    let names = files.filter_map(|file| file.into_string().ok());
    let case = |file: String| {
        let case = file.strip_prefix(begin(name))?.strip_prefix('-')?.to_owned();
        [".stdout.jsonl", ".meta.txt"].iter().find_map(|end| case.strip_suffix(end)).map(str::to_owned)
    };
    names.filter_map(case).collect()
}
