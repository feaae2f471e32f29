//! The journal as the program uses it: reading a million events, following them from another process, and whether a
//! decision about money costs more in a long run than in a short one.
//!
//! `cargo bench --bench journal`. Each row has its limit; how the journal does beside others is measured in
//! `journal/peers`.
#![expect(clippy::unwrap_used, reason = "a benchmark that stops there says where")]
#![expect(clippy::cast_precision_loss, reason = "nothing here is measured to fifteen digits")]

mod schedule;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command as Child, Stdio};
use std::time::{Duration, Instant, SystemTime};

use swarm::plan;
use swarm_actors::codec::entry_of;
use swarm_actors::{Fold, event_of};
use swarm_domain::{Command, Event, Plan};
use swarm_journal::{Entry, Follower, Item, Log, replay, survey};

use schedule::Run;

/// As many as lead to a million events, with what each attempt reports.
const TASKS: usize = 10_000;
const REPORTS: u64 = 90;
const ROUNDS: usize = 3;
/// How many records a follower is shown, one a millisecond.
const SHOWN: usize = 2_000;
/// How many decisions are measured in the short run and in the long one.
const DECISIONS: usize = 400;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["follow", dir] => follow(Path::new(dir)),
        ["memory", dir] => memory(Path::new(dir)),
        _ => measure(),
    }
}

fn measure() {
    let scratch = tempfile::tempdir().unwrap();
    let (long, short) = (scratch.path().join("long"), scratch.path().join("short"));
    let (events, bytes) = write(&long, REPORTS, scratch.path());
    // The same plan, which is the largest batch there is: memory is taken for that, and not for what follows.
    write(&short, 0, scratch.path());
    let plain = scratch.path().join("plain");
    write_plain(&plain);
    println!("{events} events of a run, {bytes} bytes each on average; 1000000 records of 200 bytes\n");
    println!("{:<58} {:>12} {:>10}", "row", "", "limit");
    rate("events replayed: checked, decoded, counted", 3.4, || decode(&long));
    rate("events replayed into the state of the run", 1.0, || fold(&long));
    rate("records of 200 bytes checked", 15.0, || count(&plain));
    rate("records of 200 bytes checked, with their BLAKE3", 0.0, || hash(&plain));
    let (small, large) = (memory_of(&short), memory_of(&long));
    ratio(
        "memory to replay nine times as many",
        large / small,
        1.1,
        &format!("{small:.0} and {large:.0} KiB"),
    );
    follower(scratch.path());
    budget(scratch.path());
}

/// A row in millions a second, of the median of some rounds; what it is to reach, or 0.
fn rate(row: &str, least: f64, mut act: impl FnMut() -> u64) {
    let rates = (0..ROUNDS).map(|_| {
        let begun = Instant::now();
        let records = act();
        records as f64 / begun.elapsed().as_secs_f64() / 1e6
    });
    let rate = median(rates.collect());
    let limit = if least > 0.0 { format!(">= {least}") } else { String::new() };
    let verdict = if rate < least { "  MISSED" } else { "" };
    println!("{row:<58} {rate:>9.2} M/s {limit:>8}{verdict}");
}

fn ratio(row: &str, ratio: f64, most: f64, of: &str) {
    let verdict = if ratio > most { "  MISSED" } else { "" };
    println!("{row:<58} {ratio:>12.2} {:>10}{verdict}   {of}", format!("<= {most}"));
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A plan of so many tasks, by way of a file.
fn plan_of(tasks: usize, dir: &Path) -> Plan {
    let file = dir.join("plan.yaml");
    std::fs::write(&file, schedule::plan_text(tasks)).unwrap();
    schedule::resolve(plan::load(&file, 4).unwrap())
}

/// The journal of a whole run whose attempts report so often; how many events it has, and their size.
fn write(dir: &Path, reports: u64, scratch: &Path) -> (u64, u64) {
    let mut log = Log::create(dir, [7; 16]).unwrap();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    let mut run = Run::begin(plan_of(TASKS, scratch), reports, &mut |event| batch.push(entry(event)));
    loop {
        bytes += batch.iter().map(|entry: &Entry| entry.payload.len() as u64).sum::<u64>();
        log.append(&batch).unwrap();
        batch.clear();
        if log.last_seq() > log.durable_seq() + 1000 {
            log.sync().unwrap();
        }
        let Some(fact) = run.next() else { break };
        run.take(&Command::Fact(fact), &mut |event| batch.push(entry(event)));
    }
    let events = log.last_seq();
    log.close().unwrap();
    (events, bytes / events)
}

fn write_plain(dir: &Path) {
    let mut log = Log::create(dir, [7; 16]).unwrap();
    for n in 0..1_000_000 {
        log.append(&[Entry { kind: 1, schema: 1, time_ms: n, payload: vec![7; 200] }]).unwrap();
        if n % 1000 == 0 {
            log.sync().unwrap();
        }
    }
    log.close().unwrap();
}

fn entry(event: &Event) -> Entry {
    entry_of(event, 1).unwrap()
}

fn count(dir: &Path) -> u64 {
    replay(dir, &mut |_| {}).unwrap().last_seq
}

fn hash(dir: &Path) -> u64 {
    survey(dir, &mut |_| {}).unwrap().anchor.seq
}

fn decode(dir: &Path) -> u64 {
    let mut kinds = [0_u64; 64];
    replay(dir, &mut |item| {
        let Item::Record(record) = item else { return };
        kinds[usize::from(event_of(&record).unwrap().kind())] += 1;
    })
    .unwrap();
    kinds.iter().sum()
}

fn fold(dir: &Path) -> u64 {
    let mut fold = Fold::new();
    replay(dir, &mut |item| fold.take(&item)).unwrap();
    fold.state().unwrap().seq()
}

/// The most memory that a process of its own took to replay a journal, in KiB.
fn memory_of(dir: &Path) -> f64 {
    let out = Child::new(std::env::current_exe().unwrap()).arg("memory").arg(dir).output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().parse().unwrap()
}

fn memory(dir: &Path) {
    decode(dir);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("{}", peak.trim().trim_end_matches(" kB"));
}

fn now_ns() -> u128 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos()
}

/// From the moment in which a record is durable to the moment in which another process has it.
fn follower(scratch: &Path) {
    let dir = scratch.join("followed");
    let mut log = Log::create(&dir, [7; 16]).unwrap();
    let exe = std::env::current_exe().unwrap();
    let mut child = Child::new(exe).arg("follow").arg(&dir).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    let durable: Vec<u128> = (0..SHOWN)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(1));
            log.append(&[Entry { kind: 1, schema: 1, time_ms: 1, payload: vec![7; 200] }]).unwrap();
            log.sync().unwrap();
            now_ns()
        })
        .collect();
    let seen = lines.take(SHOWN).map(|line| line.unwrap().parse::<u128>().unwrap());
    let mut waits: Vec<f64> =
        durable.iter().zip(seen).map(|(durable, seen)| seen.saturating_sub(*durable) as f64 / 1e3).collect();
    child.wait().unwrap();
    log.close().unwrap();
    waits.sort_unstable_by(f64::total_cmp);
    for (percent, most) in [(50, 50.0), (99, 200.0)] {
        let wait = waits[waits.len() * percent / 100];
        let verdict = if wait > most { "  MISSED" } else { "" };
        let row = format!("durable to seen by another process, {percent} of 100 within");
        println!("{row:<58} {wait:>9.0} µs {:>10}{verdict}", format!("<= {most}"));
    }
}

/// Says when it saw each record.
fn follow(dir: &Path) {
    let mut follower = Follower::new(dir);
    let mut seen = Vec::new();
    follower.wait(Duration::ZERO).unwrap();
    println!();
    std::io::stdout().flush().unwrap();
    while seen.len() < SHOWN {
        follower.next(&mut |_| seen.push(now_ns())).unwrap();
        follower.wait(Duration::from_millis(250)).unwrap();
    }
    seen.truncate(SHOWN);
    for at in seen {
        println!("{at}");
    }
}

/// A run with its log: a decision is over when it is durable.
struct Kept {
    run: Run,
    log: Log,
}

impl Kept {
    fn new(dir: &Path, tasks: usize, scratch: &Path) -> Self {
        let mut batch = Vec::new();
        let run = Run::begin(plan_of(tasks, scratch), REPORTS, &mut |event| batch.push(entry(event)));
        let mut log = Log::create(dir, [7; 16]).unwrap();
        log.append(&batch).unwrap();
        log.sync().unwrap();
        Self { run, log }
    }

    /// Goes on until so many events are recorded.
    fn go_on(&mut self, events: u64) {
        while self.run.state.seq() < events {
            let fact = self.run.next().unwrap();
            self.take(fact);
            if self.log.last_seq() > self.log.durable_seq() + 1000 {
                self.log.sync().unwrap();
            }
        }
        self.log.sync().unwrap();
    }

    fn take(&mut self, fact: Event) {
        let mut batch = Vec::new();
        self.run.take(&Command::Fact(fact), &mut |event| batch.push(entry(event)));
        self.log.append(&batch).unwrap();
    }

    /// Up to the next attempt that ends: its money is settled, and the next attempt's is reserved, both durable. How
    /// long that took, in microseconds.
    fn settle(&mut self) -> f64 {
        loop {
            let fact = self.run.next().unwrap();
            let is_settled = matches!(fact, Event::AgentExited(_));
            let begun = Instant::now();
            self.take(fact);
            self.log.sync().unwrap();
            if is_settled {
                return begun.elapsed().as_secs_f64() * 1e6;
            }
        }
    }
}

fn budget(scratch: &Path) {
    let mut long = Kept::new(&scratch.join("budget-long"), TASKS, scratch);
    long.go_on(1_000_000 - 110 * DECISIONS as u64);
    let (mut in_short, mut in_long) = (Vec::new(), Vec::new());
    for n in 0..DECISIONS / 5 {
        let mut short = Kept::new(&scratch.join(format!("budget-{n}")), 12, scratch);
        short.go_on(60);
        for _ in 0..5 {
            in_short.push(short.settle());
            in_long.push(long.settle());
        }
    }
    let (short, long) = (median(in_short), median(in_long));
    let of = format!("{short:.0} and {long:.0} µs");
    ratio("money settled and reserved after 10^6 events, to 10^2", long / short, 1.1, &of);
}
