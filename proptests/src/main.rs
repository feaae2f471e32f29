//! The harness at a terminal: hunts, runs one scenario, prints the table of choices. Decides nothing.
#![forbid(unsafe_code)]

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use swarm_proptests::hunt::{Hunt, Progress};
use swarm_proptests::report::Failure;
use swarm_proptests::{
    Recorded, Sabotage, ScenarioFile, Scope, Setup, Site, Values, again, exhaust, laws, line, run, table,
};

/// A law is broken.
const BROKEN: u8 = 1;
/// Something is wrong with what was asked for.
const USAGE: u8 = 2;
/// It was interrupted.
const INTERRUPTED: u8 = 130;

/// How often a terminal is told how far a hunt is, and how often anything else is.
const OFTEN: Duration = Duration::from_millis(200);
const NOW_AND_THEN: Duration = Duration::from_secs(30);

/// Proves the laws of swarm: drives the real core and the real journal through worlds in which everything goes wrong.
#[derive(Parser)]
#[command(name = "swarm-proptests", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run seed after seed until a law is broken
    Hunt(HuntArgs),
    /// Run one scenario: print its events, and whether every law held
    Scenario {
        /// The scenario file
        file: PathBuf,
        /// With the plan of this run
        #[arg(long, value_name = "RUN")]
        from_run: Option<PathBuf>,
        /// Keep the run as a folder below this one, if a law is broken
        #[arg(long, value_name = "FOLDER")]
        keep: Option<PathBuf>,
    },
    /// Run every history of the small scopes: all of them, not a sample
    Exhaust,
    /// Hold the run in a folder to the laws, then ask what would have been had it crashed anywhere
    Recorded {
        /// The folder of a run, or of its journal
        run: PathBuf,
    },
    /// Print a table
    List {
        /// Which one
        what: List,
    },
}

#[derive(Args)]
struct HuntArgs {
    /// How many seeds
    #[arg(long, value_name = "N", value_parser = number, default_value = "100_000")]
    seeds: u64,
    /// The first of them
    #[arg(long, value_name = "N", value_parser = number, default_value = "0")]
    from: u64,
    /// How many threads [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = number)]
    jobs: Option<u64>,
    /// Keep what this scenario names, and let seeds choose the rest
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Begin with this run, a folder: its plan, and all that went wrong in it; seeds choose what else does
    #[arg(long, value_name = "RUN", conflicts_with = "scenario")]
    from_run: Option<PathBuf>,
    /// Stop at this law only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=18))]
    law: Option<u8>,
    /// Plant a fault; `list faults` says what each is
    #[arg(long, value_name = "NAME", hide_possible_values = true, value_parser = sabotage())]
    sabotage: Option<Sabotage>,
    /// Where a failure is kept
    #[arg(long, value_name = "FOLDER", default_value = "proptests/failures")]
    keep: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum List {
    /// Everything in a run that swarm does not decide
    Sites,
    /// What must hold
    Laws,
    /// What can be planted
    Faults,
}

/// A number, with or without underscores.
fn number(text: &str) -> Result<u64, String> {
    text.replace('_', "").parse().map_err(|_| "a number such as 1000 or 1_000_000 is meant".to_owned())
}

fn sabotage() -> impl TypedValueParser<Value = Sabotage> {
    let names = Sabotage::ALL.iter().map(|sabotage| sabotage.name());
    PossibleValuesParser::new(names).map(|name| Sabotage::named(&name).expect("clap has checked the name"))
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Hunt(args) => hunt(&args),
        Command::Scenario { file, from_run, keep } => scenario(&file, from_run.as_deref(), keep.as_deref()),
        Command::Exhaust => Ok(every_history()),
        Command::Recorded { run } => recorded(&run),
        Command::List { what } => {
            list(what);
            Ok(0)
        }
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        USAGE
    })
    .into()
}

type Failed = Box<dyn std::error::Error>;

fn hunt(args: &HuntArgs) -> Result<u8, Failed> {
    let base = base(args)?;
    let base = Setup { sabotage: args.sabotage.or(base.sabotage), ..base };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = args.jobs.map_or(processors, |jobs| usize::try_from(jobs).unwrap_or(processors));
    let seeds = args.from..args.from.saturating_add(args.seeds);
    let hunt = Hunt { base, seeds, jobs, law: args.law };
    let progress = Arc::new(Progress::default());
    stop_at_interrupt(progress.clone())?;
    let began = Instant::now();
    let catch = while_telling(&hunt, &progress, began);
    let took = began.elapsed();
    let mut code = if progress.is_stopped() { INTERRUPTED } else { 0 };
    if let Some((seed, broken)) = &catch.found {
        let mut failure = Failure::shrunk(&hunt.at(*seed), broken, &format!("seed {seed}"));
        failure.plan_of.clone_from(&args.from_run);
        failure.keep(&args.keep)?;
        println!("{failure}");
        code = BROKEN;
    }
    print!("{}", table(&catch, took));
    Ok(code)
}

/// What all runs of a hunt have in common.
fn base(args: &HuntArgs) -> Result<Setup, Failed> {
    if let Some(run) = &args.from_run {
        return Ok(Recorded::open(run)?.setup());
    }
    Ok(args.scenario.as_deref().map(ScenarioFile::load).transpose()?.unwrap_or_default().setup())
}

fn every_history() -> u8 {
    for scope in Scope::all() {
        let began = Instant::now();
        let mut broken = None;
        let histories = exhaust(&scope, |mut explored| {
            broken = explored.broken.take().map(|law| (law, again(&scope, &explored)));
            broken.is_none()
        });
        if let Some((law, scenario)) = broken {
            println!("{law}\n\n{}", ScenarioFile { scenario, ..ScenarioFile::default() });
            return BROKEN;
        }
        println!("{histories:>9} histories in {:>4} s: {}", began.elapsed().as_secs(), scope.name);
    }
    println!("Every law held in all of them.");
    0
}

fn recorded(run: &std::path::Path) -> Result<u8, Failed> {
    let recorded = Recorded::open(run)?;
    match recorded.check() {
        Ok(checked) => println!("{} events: every law held after each of them.", checked.events),
        Err(broken) => {
            println!("{broken}");
            return Ok(BROKEN);
        }
    }
    match recorded.what_if().crash_at_every_point().check() {
        Ok(tried) => {
            println!("{} runs with {} crashes around it: every law held.", tried.runs, tried.crashes);
        }
        Err(failed) => {
            println!("{failed}");
            return Ok(BROKEN);
        }
    }
    Ok(0)
}

fn while_telling(hunt: &Hunt, progress: &Progress, began: Instant) -> swarm_proptests::hunt::Catch {
    std::thread::scope(|scope| {
        // It ends when the hunt does, also if that panics.
        let (hunting, over) = channel::<()>();
        scope.spawn(move || tell(hunt, progress, began, &over));
        let catch = hunt.go(progress);
        drop(hunting);
        catch
    })
}

/// Says how far the hunt is until it is over.
fn tell(hunt: &Hunt, progress: &Progress, began: Instant, over: &Receiver<()>) {
    let mut err = std::io::stderr();
    let (every, before, after) =
        if err.is_terminal() { (OFTEN, "\r\x1b[K", "") } else { (NOW_AND_THEN, "", "\n") };
    while over.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        let (runs, events) = progress.so_far();
        let (all, seconds) = (hunt.seeds.end - hunt.seeds.start, began.elapsed().as_secs().max(1));
        let rate = runs / seconds;
        let _ = write!(err, "{before}{runs} of {all} seeds, {events} events, {rate} seeds a second{after}");
        let _ = err.flush();
    }
    let _ = write!(err, "{before}");
}

/// Ctrl-C ends a hunt as the last seed does: with the table.
fn stop_at_interrupt(progress: Arc<Progress>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            progress.stop();
        }
    });
    Ok(())
}

fn scenario(path: &Path, from_run: Option<&Path>, keep: Option<&Path>) -> Result<u8, Failed> {
    let file = ScenarioFile::load(path)?;
    let plan = from_run.map(Recorded::open).transpose()?.and_then(|recorded| recorded.setup().plan);
    let explored = run(&Setup { plan, ..file.setup() });
    let beginning_ms = explored.history.first().map_or(0, |first| first.time_ms);
    for recorded in &explored.history {
        println!("{}", line(recorded, beginning_ms));
    }
    let (events, crashes) = (explored.history.len(), explored.crashes);
    let outcome = explored.outcome.map_or("unfinished", |outcome| outcome.word());
    let Some(mut failure) = Failure::of(file, explored) else {
        println!("\nEvery law held: {events} events, {crashes} crashes, and the run ended `{outcome}`.");
        return Ok(0);
    };
    failure.plan_of = from_run.map(Path::to_path_buf);
    if let Some(folder) = keep {
        failure.keep(folder)?;
    }
    println!("\n{failure}");
    Ok(BROKEN)
}

fn list(what: List) {
    match what {
        List::Sites => Site::ALL.iter().copied().for_each(print_site),
        List::Laws => (1..=18).for_each(|law| println!("{law:>2}  {}", laws::name(law))),
        List::Faults => {
            for sabotage in Sabotage::ALL {
                println!("{:<20} {}", sabotage.name(), sabotage.text());
            }
        }
    }
}

fn print_site(site: Site) {
    println!("{:<18} {:<8} {}", site.name(), format!("{:?}", site.of()).to_lowercase(), site.meaning());
    println!("{:<27} {}", "", values(site));
}

fn values(site: Site) -> String {
    match site.values() {
        Values::Named(names) => names.join(" | "),
        Values::Below(end) => format!("0 to {}", end - 1),
    }
}
