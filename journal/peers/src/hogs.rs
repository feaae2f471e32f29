//! What agents that keep every processor busy, at the lowest priority, cost our own appends.

use std::process::{Child, Stdio};

use crate::append::{Pace, pace};
use crate::child::Part;
use crate::failure::Result;
use crate::peers::{OURS, Peer, peer};
use crate::process;
use crate::table::{count, median, spread};

const ROUNDS: usize = 3;
const APPENDERS: usize = 8;
const HOGS: usize = 4;
const NICE: [&str; 3] = ["nice", "-n", "19"];

/// Measures our own store only, whichever are named.
pub(crate) fn run(_: &[&dyn Peer]) -> Result<()> {
    let ours = peer(OURS)?;
    let (mut idle, mut beside) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        eprintln!("round {round}");
        idle.push(pace(ours, false, APPENDERS)?);
        let _hogs = (0..HOGS).map(|_| Hog::start()).collect::<Result<Vec<_>>>()?;
        beside.push(pace(ours, false, APPENDERS)?);
    }
    println!("{OURS}, {APPENDERS} appenders\n");
    println!("| beside it | appends/s | min..max | p50 µs | p99 µs | of idle |\n|---|---|---|---|---|---|");
    println!("{}", row("nothing", &idle, &idle));
    println!("{}", row(&format!("{HOGS} busy loops at nice 19"), &beside, &idle));
    Ok(())
}

fn row(label: &str, paces: &[Pace], idle: &[Pace]) -> String {
    let all = |of: fn(&Pace) -> f64| paces.iter().map(of).collect::<Vec<_>>();
    let rates = all(|pace| pace.rate);
    let ratios: Vec<f64> = rates.iter().zip(idle).map(|(rate, idle)| rate / idle.rate).collect();
    format!(
        "| {label} | {} | {} | {} | {} | {:.2} |",
        count(median(&rates)),
        spread(&rates),
        count(median(&all(|pace| pace.p50))),
        count(median(&all(|pace| pace.p99))),
        median(&ratios),
    )
}

/// A busy loop, for as long as this value lives.
struct Hog(Child);

impl Hog {
    fn start() -> Result<Self> {
        Ok(Self(process::again(&NICE, Part::Hog)?.stdout(Stdio::null()).spawn()?))
    }
}

impl Drop for Hog {
    fn drop(&mut self) {
        // It can only fail if it is gone already, which is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
