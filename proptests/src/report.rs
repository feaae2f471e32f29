//! What a failure is told as: the law, the few choices that break it, the last events, and how to see it again.
//!
//! It is kept as the folder of a run, so that `swarm replay` shows it as it shows any other.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use swarm_actors::Recorded;
use swarm_actors::codec::entry_of;
use swarm_journal::Log;

use crate::choice::{LoadError, ScenarioFile, Site};
use crate::drive::run;
use crate::laws::{self, Broken};
use crate::line::line;
use crate::setup::{Explored, Setup};
use crate::shrink::shrink;

/// More choices than these are in the file only.
const CHOICES_MAX: usize = 12;
/// More events than these are in the journal only.
const EVENTS_MAX: usize = 14;
/// The run that a journal of a failure names.
const RUN: [u8; 16] = *b"a failure of sim";

/// A run in which a law was broken.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The choices, and what is told of them.
    pub file: ScenarioFile,
    /// What came of them.
    pub explored: Explored,
    /// The law, and how it was broken.
    pub broken: Broken,
    /// The run whose plan it has, if the plan is not the scenario's.
    pub plan_of: Option<PathBuf>,
    /// Where it is kept, if it is.
    pub folder: Option<PathBuf>,
}

/// Why a failure could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", path.display())]
pub struct NotKept {
    /// Where it should have gone.
    path: PathBuf,
    cause: Box<dyn std::error::Error + Send + Sync>,
}

impl ScenarioFile {
    /// How the scenario is driven: thoroughly, and with the fault that is planted.
    pub fn setup(&self) -> Setup {
        Setup { sabotage: self.sabotage, thorough: true, ..Setup::of(self.scenario.clone()) }
    }
}

/// Runs a scenario file.
pub fn run_scenario(path: &Path) -> Result<Explored, LoadError> {
    Ok(run(&ScenarioFile::load(path)?.setup()))
}

impl Failure {
    /// The failure of a run as it is; none if no law was broken.
    pub fn of(file: ScenarioFile, explored: Explored) -> Option<Self> {
        let broken = explored.broken.clone()?;
        Some(Self { file, explored, broken, plan_of: None, folder: None })
    }

    /// The smallest failure that breaks the law that a run broke. `found` says where that run came from.
    pub fn shrunk(setup: &Setup, broken: &Broken, found: &str) -> Self {
        let shrunk = shrink(setup, broken.law);
        let broken = shrunk.explored.broken.clone().unwrap_or_else(|| broken.clone());
        let (before, after) = (shrunk.choices_before, shrunk.scenario.named.len());
        let file = ScenarioFile {
            about: Some(broken.what.clone()),
            law: Some(broken.law),
            found: Some(format!("{found}; {before} choices shrunk to {after}")),
            sabotage: setup.sabotage,
            scenario: shrunk.scenario,
        };
        Self { file, explored: shrunk.explored, broken, plan_of: None, folder: None }
    }

    /// Keeps it in a folder of its own below this one: the scenario, and the journal of the run. The same failure is kept
    /// once.
    pub fn keep(&mut self, below: &Path) -> Result<&Path, NotKept> {
        let text = self.file.to_string();
        let folder = below.join(format!("law-{:02}-{:08x}", self.broken.law, fnv1a(text.as_bytes())));
        let failed = |path: &Path, cause| NotKept { path: path.to_owned(), cause };
        let journal = folder.join("journal");
        match fs::remove_dir_all(&journal) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed(&journal, error.into()));
            }
            _ => fs::create_dir_all(&folder).map_err(|error| failed(&folder, error.into()))?,
        }
        let scenario = folder.join("scenario.toml");
        fs::write(&scenario, text).map_err(|error| failed(&scenario, error.into()))?;
        write_journal(&journal, &self.explored.history).map_err(|error| failed(&journal, error))?;
        Ok(self.folder.insert(folder))
    }
}

/// Writes a history as a journal, with the times at which its events were recorded.
fn write_journal(
    journal: &Path,
    history: &[Recorded],
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut log = Log::create(journal, RUN)?;
    for recorded in history {
        log.append(&[entry_of(&recorded.event, recorded.time_ms)?])?;
    }
    log.close()?;
    Ok(())
}

/// FNV-1a, folded to 32 bits: the same failure has the same name.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// At most forty lines.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Broken { law, what } = &self.broken;
        writeln!(f, "Law {law} is broken: {}.", laws::name(*law))?;
        writeln!(f, "  {what}")?;
        self.tell_choices(f)?;
        self.tell_events(f)?;
        let Some(folder) = &self.folder else { return Ok(()) };
        let folder = folder.display();
        writeln!(f, "\nThe scenario:  {folder}/scenario.toml")?;
        let plan =
            self.plan_of.as_ref().map_or_else(String::new, |run| format!(" --from-run {}", run.display()));
        let again = "cargo run --release -p swarm-proptests -- scenario";
        writeln!(f, "Run it again:  {again} {folder}/scenario.toml{plan}")?;
        writeln!(f, "Look at it:    swarm replay {folder}")
    }
}

impl Failure {
    fn tell_choices(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = &self.file.scenario.named;
        let rest =
            if self.file.scenario.seed.is_some() { "the seed chose the rest" } else { "all else was kind" };
        match named.len() {
            0 => writeln!(f, "\nNothing was chosen; {rest}.")?,
            1 => writeln!(f, "\nOne thing was chosen; {rest}:")?,
            count => writeln!(f, "\n{count} things were chosen; {rest}:")?,
        }
        if let Some(sabotage) = self.file.sabotage {
            writeln!(f, "  planted: {}", sabotage.text())?;
        }
        for (place, value) in named.iter().take(CHOICES_MAX) {
            let choice = format!("{place} = {}", place.site.word(*value));
            writeln!(f, "  {choice:<36} {}", meaning(place.site))?;
        }
        let more = named.len().saturating_sub(CHOICES_MAX);
        if more > 0 { writeln!(f, "  and {more} more") } else { Ok(()) }
    }

    fn tell_events(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let history = &self.explored.history;
        let beginning_ms = history.first().map_or(0, |first| first.time_ms);
        let crashes = match self.explored.crashes {
            0 => String::new(),
            1 => " and one crash".to_owned(),
            count => format!(" and {count} crashes"),
        };
        writeln!(f, "\n{} events{crashes}, the last of them:", history.len())?;
        for recorded in &history[history.len().saturating_sub(EVENTS_MAX)..] {
            writeln!(f, "{}", line(recorded, beginning_ms))?;
        }
        Ok(())
    }
}

/// What a site decides, as a note behind a choice.
fn meaning(site: Site) -> String {
    let text = site.meaning();
    let short = text.split([',', ':']).next().unwrap_or(text).trim_end_matches('.');
    format!("({}{})", short[..1].to_lowercase(), &short[1..])
}
