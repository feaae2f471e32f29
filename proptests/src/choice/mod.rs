//! Choices: everything in a run that swarm does not decide, by name.

mod choices;
mod place;
mod site;

pub(crate) use choices::Script;
pub use choices::{Choices, Scenario, Tried};
pub use place::{NoName, Of, Place, Who};
pub use site::{Draw, Site, Values};
