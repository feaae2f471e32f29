//! How fast text is looked over for secrets: the project's own sources, again and again, beside counting their lines.
//!
//! `cargo bench --bench secrets`. Each row has its limit. Time is that on the processor, so that other programs matter less.
#![expect(clippy::unwrap_used, reason = "a benchmark that stops there says where")]
#![expect(clippy::cast_precision_loss, reason = "nothing here is measured to fifteen digits")]

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use swarm::secrets::{Flow, Redactor, Scanner};

/// Large enough that no cache holds it.
const CORPUS_BYTES: usize = 64 << 20;
const ROUNDS: usize = 5;
/// What a pipe holds.
const PIPE_BYTES: usize = 64 << 10;
const ENDINGS: [&str; 5] = ["rs", "md", "toml", "yaml", "json"];

fn main() {
    let mut sources = Vec::new();
    collect(Path::new(env!("CARGO_MANIFEST_DIR")), &mut sources);
    sources.sort();
    let once: String = sources.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let corpus = once.repeat(CORPUS_BYTES / once.len() + 1);
    let begun = processor_ns();
    let scanner = Scanner::standard();
    let made = Duration::from_nanos(processor_ns() - begun);
    println!(
        "{} files, {} bytes, {} times; the rules are read in {made:.1?}\n",
        sources.len(),
        once.len(),
        corpus.len() / once.len()
    );
    println!("{:<44} {:>10} {:>10} {:>8}", "row", "MB/s", "limit", "ratio");
    let floor = row("lines counted", 0.0, None, corpus.len(), || {
        corpus.bytes().filter(|byte| *byte == b'\n').count()
    });
    row("scanned", 200.0, Some(floor), corpus.len(), || {
        scanner.scan(Some("src/lib.rs"), corpus.as_bytes()).len()
    });
    let redactor = Arc::new(Redactor::new([("KEY".to_owned(), "a value that is nowhere".to_owned())]));
    row("kept by a holder, 64 KiB at a time", 100.0, Some(floor), corpus.len(), || {
        kept(&redactor, corpus.as_bytes())
    });
    let short = "y\n".repeat(corpus.len() / 2);
    row("the same, lines of one byte", 100.0, Some(floor), short.len(), || kept(&redactor, short.as_bytes()));
    row("redacted line by line", 100.0, Some(floor), corpus.len(), || {
        let mut lines = redactor.lines();
        corpus.lines().map(|line| lines.redact(line).len()).sum()
    });
}

/// How much a holder writes of what it reads in pieces.
fn kept(redactor: &Arc<Redactor>, text: &[u8]) -> usize {
    let (mut flow, mut clean, mut bytes) = (Flow::new(redactor.clone()), Vec::new(), 0);
    for piece in text.chunks(PIPE_BYTES) {
        flow.take(piece, &mut clean);
        flow.flush(&mut clean);
        bytes += clean.len();
        clean.clear();
    }
    bytes
}

/// A row in megabytes a second on the processor, of the median of some rounds; what it is to reach, and its ratio to the
/// floor.
fn row(name: &str, least: f64, floor: Option<f64>, bytes: usize, mut act: impl FnMut() -> usize) -> f64 {
    let mut rates: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = processor_ns();
            black_box(act());
            bytes as f64 / (processor_ns() - begun) as f64 * 1e3
        })
        .collect();
    rates.sort_unstable_by(f64::total_cmp);
    let rate = rates[ROUNDS / 2];
    let limit = if least > 0.0 { format!(">= {least}") } else { String::new() };
    let ratio = floor.map(|floor| format!("1/{:.0}", floor / rate)).unwrap_or_default();
    let verdict = if rate < least { "  MISSED" } else { "" };
    println!("{name:<44} {rate:>10.0} {limit:>10} {ratio:>8}{verdict}");
    rate
}

/// How long this process, which has one thread, has been on a processor.
fn processor_ns() -> u64 {
    let statistics = fs::read_to_string("/proc/self/schedstat").unwrap();
    statistics.split(' ').next().unwrap().parse().unwrap()
}

/// The sources of the project; the rules, which are full of keywords, are no ordinary text.
fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if name.starts_with('.') || name == "target" || name == "secrets" {
            continue;
        }
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| *known == ending)) {
            found.push(path);
        }
    }
}
