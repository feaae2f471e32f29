//! Choices: everything in a run that swarm does not decide, by name.

mod choices;
mod file;
mod place;
mod site;
mod smaller;

pub(crate) use choices::Script;
pub use choices::{Choices, Scenario, Sites};
pub use file::{Cause, FileError, LoadError, ScenarioFile};
pub use place::{NoName, Of, Place, Who};
pub use site::{Draw, Site, Values};
pub(crate) use smaller::{Named, Search};
