//! Scenario files: named choices as TOML, written by a hunt or by hand. Knows the table of sites, and nothing of runs.
//!
//! A scenario file outlives the code that wrote it, which a seed does not: a choice that nobody asks for any more is
//! not made, and one that is new is kind.

mod error;
mod read;

use std::fmt;
use std::path::Path;

use super::{Place, Scenario, Values};
use crate::sabotage::Sabotage;

pub use error::{Cause, FileError, LoadError};

/// The version of the files that this code writes.
const VERSION: u32 = 1;

/// A scenario with what is told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScenarioFile {
    /// What it is, in a sentence.
    pub about: Option<String>,
    /// The law that it breaks, or once broke.
    pub law: Option<u8>,
    /// How it was found.
    pub found: Option<String>,
    /// A fault that is planted, for a test of the tests.
    pub sabotage: Option<Sabotage>,
    /// The choices.
    pub scenario: Scenario,
}

impl ScenarioFile {
    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        read::read(text)
    }

    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| LoadError::Io { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|error| LoadError::File { path: path.to_owned(), error })
    }
}

impl From<Scenario> for ScenarioFile {
    fn from(scenario: Scenario) -> Self {
        Self { scenario, ..Self::default() }
    }
}

/// As a file, the sites in the order of their table: the plan first.
impl fmt::Display for ScenarioFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "version = {VERSION}")?;
        if let Some(about) = &self.about {
            writeln!(f, "about = {}", quoted(about))?;
        }
        if let Some(law) = self.law {
            writeln!(f, "law = {law}")?;
        }
        if let Some(found) = &self.found {
            writeln!(f, "found = {}", quoted(found))?;
        }
        if let Some(seed) = self.scenario.seed {
            writeln!(f, "seed = {seed}")?;
        }
        if let Some(sabotage) = self.sabotage {
            writeln!(f, "sabotage = {}", quoted(sabotage.name()))?;
        }
        let mut site = None;
        for (place, value) in &self.scenario.named {
            if site.replace(place.site) != Some(place.site) {
                writeln!(f, "\n[{}]", quoted(place.site.name()))?;
            }
            writeln!(f, "{} = {}", key(*place), written(*place, *value))?;
        }
        Ok(())
    }
}

/// Whom a choice is about, as a key. A key needs quotes if there is more in it than letters and digits.
fn key(place: Place) -> String {
    let key = place.key();
    if key.chars().all(|c| c.is_ascii_alphanumeric()) { key } else { quoted(&key) }
}

fn written(place: Place, value: u32) -> String {
    let word = place.site.word(value);
    match place.site.values() {
        Values::Named(_) => quoted(&word),
        Values::Below(_) => word,
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ScenarioFile;
    use crate::choice::{Of, Place, Scenario, Site, Who};
    use crate::sabotage::Sabotage;

    fn who(of: Of) -> BoxedStrategy<Who> {
        match of {
            Of::Run => Just(Who::Run).boxed(),
            Of::Task => any::<u16>().prop_map(Who::Task).boxed(),
            Of::Attempt => {
                any::<(u16, u16)>().prop_map(|(task, attempt)| Who::Attempt(task, attempt)).boxed()
            }
            Of::Number => any::<u32>().prop_map(Who::Number).boxed(),
        }
    }

    fn choice() -> impl Strategy<Value = (Place, u32)> {
        proptest::sample::select(Site::ALL).prop_flat_map(|site| {
            let time = prop_oneof![Just(0), 0..u16::MAX];
            (who(site.of()), time, 0..site.values().count())
                .prop_map(move |(who, time, value)| (Place { site, who, time }, value))
        })
    }

    prop_compose! {
        fn file()(
            about in any::<Option<String>>(),
            law in proptest::option::of(1..=18_u8),
            found in any::<Option<String>>(),
            seed in any::<Option<u64>>(),
            sabotage in proptest::option::of(proptest::sample::select(Sabotage::ALL)),
            named in proptest::collection::btree_map(choice().prop_map(|choice| choice.0), Just(0), 0..20),
            values in any::<u32>(),
        ) -> ScenarioFile {
            let named = named.into_keys().map(|place| (place, values % place.site.values().count())).collect();
            ScenarioFile { about, law, found, sabotage, scenario: Scenario { named, seed } }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_file_is_read_as_it_was_written(file in file()) {
            let text = file.to_string();
            prop_assert_eq!(ScenarioFile::parse(&text), Ok(file), "{}", text);
        }

        #[test]
        fn a_file_that_was_damaged_is_read_or_refused(file in file(), at in any::<prop::sample::Index>(), with in "\\PC{0,3}") {
            let mut text: Vec<char> = file.to_string().chars().collect();
            let at = at.index(text.len());
            text.splice(at..=at, with.chars());
            let _ = ScenarioFile::parse(&text.into_iter().collect::<String>());
        }
    }

    #[test]
    fn the_plan_comes_first() {
        let scenario = Scenario::default()
            .with(Site::Crash, Who::Number(12), 3)
            .with(Site::AgentFate, Who::Attempt(0, 1), 5)
            .with(Site::PlanTasks, Who::Run, 1);
        let file = ScenarioFile { about: Some("It \"broke\".".to_owned()), law: Some(6), ..scenario.into() };
        let text = "\
            version = 1\nabout = 'It \"broke\".'\nlaw = 6\n\n[\"plan.tasks\"]\nrun = 1\n\n[\"agent.fate\"]\n\"t0/1\" = \"hangs\"\n\n\
            [\"crash.at\"]\n12 = \"after sync\"\n";
        assert_eq!(file.to_string(), text);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_a_way_out() {
        let cases = [
            (
                "version = 1\n[\"agent.fat\"]\n",
                "2:2: there is no site `agent.fat`; did you mean `agent.fate`?",
            ),
            (
                "version = 1\n[weather]\n",
                "2:2: there is no site `weather`; `swarm-proptests list sites` shows all",
            ),
            (
                "version = 1\n[agent.fate]\n\"t0/1\" = \"hangs\"\n",
                "2:2: a site's name needs quotes, such as [\"agent.fate\"]",
            ),
            (
                "version = 1\n[\"agent.fate\"]\nt0 = \"hangs\"\n",
                "3:1: agent.fate is asked about an attempt, such as `t0/1`, and `t0` is a task",
            ),
            (
                "version = 1\n[\"agent.fate\"]\nx = \"hangs\"\n",
                "3:1: agent.fate is asked about an attempt, such as `t0/1`, and `x` names nobody",
            ),
            (
                "version = 1\n[\"plan.order\"]\nrun = \"fast\"\n",
                "3:7: plan.order is never `fast`; it is one of \"ready\", \"plan\"",
            ),
            (
                "version = 1\n[\"plan.tasks\"]\nrun = 64\n",
                "3:7: plan.tasks is never `64`; it is a number below 64",
            ),
            (
                "version = 1\n[\"plan.order\"]\nrun = 1\n",
                "3:7: plan.order is never `1`; it is one of \"ready\", \"plan\"",
            ),
            ("version = 1\n[\"plan.order\"]\nrun = \"plan\"\nrun = \"plan\"\n", "4:1: `run` is there twice"),
            (
                "version = 1\n[\"crash.at\"]\n7 = \"never\"\n\"7#1\" = \"never\"\n",
                "4:1: `7#1` is the same as `7`, and that is there, too",
            ),
            ("version = 2\n", "1:11: this is a file of version 2; use the swarm that wrote it"),
            ("version = \"1\"\n", "1:11: `version` is 1"),
            ("seed = 1\n", "1:1: nothing says what file this is; its first line is `version = 1`"),
            ("version = 1\nlaws = 3\n", "2:1: there is no key `laws`; did you mean `law`?"),
            ("version = 1\nlaw = 19\n", "2:7: `law` is a number from 1 to 18"),
            ("version = 1\nabout = 3\n", "2:9: `about` is a text in quotes"),
            ("version = 1\nseed = -1\n", "2:8: `seed` is a number that is not negative"),
            (
                "version = 1\nsabotage = \"skip\"\n",
                "2:12: `sabotage` is one of the planted faults; `swarm-proptests list faults` shows all",
            ),
            (
                "version = 1\n\"plan.order\" = 1\n",
                "2:1: plan.order is a table of whom and what: [\"plan.order\"]",
            ),
        ];
        for (text, told) in cases {
            assert_eq!(ScenarioFile::parse(text).unwrap_err().to_string(), told, "{text}");
        }
        let told = ScenarioFile::parse("version = 1\nwhat?\n").unwrap_err().to_string();
        assert!(told.starts_with("2:") && told.contains("this is not TOML"), "{told}");
    }
}
