//! The name of one choice: which site, about whom, and for which time. Knows no values.

use std::fmt;
use std::str::FromStr;

use super::Site;

/// Whom a site is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The run.
    Run,
    /// A task.
    Task,
    /// An attempt of a task.
    Attempt,
    /// Something that is counted from 1.
    Number,
}

/// One of those.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// The run.
    Run,
    /// A task, by its place in the plan.
    Task(u16),
    /// An attempt, by its task's place and its number.
    Attempt(u16, u16),
    /// The n-th of something.
    Number(u32),
}

impl Who {
    /// What it is one of.
    pub fn of(self) -> Of {
        match self {
            Self::Run => Of::Run,
            Self::Task(_) => Of::Task,
            Self::Attempt(..) => Of::Attempt,
            Self::Number(_) => Of::Number,
        }
    }

    /// As a number that no other has.
    pub(super) fn packed(self) -> u64 {
        match self {
            Self::Run => 0,
            Self::Task(task) => 1 << 40 | u64::from(task),
            Self::Attempt(task, attempt) => 2 << 40 | u64::from(task) << 16 | u64::from(attempt),
            Self::Number(number) => 3 << 40 | u64::from(number),
        }
    }
}

/// The name of a choice: `agent.fate t0/1`, or `agent.fate t0/1#2` where the same site was asked about the same before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Which site.
    pub site: Site,
    /// About whom.
    pub who: Who,
    /// How often it was asked before.
    pub time: u16,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run => f.write_str("run"),
            Self::Task(task) => write!(f, "t{task}"),
            Self::Attempt(task, attempt) => write!(f, "t{task}/{attempt}"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

/// Not the name of anybody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names nobody: `run`, `t0` for a task, `t0/1` for an attempt, or a number are meant")]
pub struct NoName(String);

impl FromStr for Who {
    type Err = NoName;

    fn from_str(text: &str) -> Result<Self, NoName> {
        let unknown = || NoName(text.to_owned());
        if text == "run" {
            return Ok(Self::Run);
        }
        let Some(rest) = text.strip_prefix('t') else {
            return text.parse().map(Self::Number).map_err(|_| unknown());
        };
        match rest.split_once('/') {
            None => rest.parse().map(Self::Task).map_err(|_| unknown()),
            Some((task, attempt)) => {
                let (task, attempt) = (task.parse().ok(), attempt.parse().ok());
                task.zip(attempt).map(|(task, attempt)| Self::Attempt(task, attempt)).ok_or_else(unknown)
            }
        }
    }
}

impl Place {
    /// The name below its site, as scenario files have it.
    pub fn key(&self) -> String {
        if self.time == 0 { self.who.to_string() } else { format!("{}#{}", self.who, self.time + 1) }
    }

    /// Reads [`Place::key`].
    pub fn from_key(site: Site, key: &str) -> Result<Self, NoName> {
        let (who, time) = match key.split_once('#') {
            None => (key, 0),
            Some((who, time)) => {
                let time: u16 = time.parse().map_err(|_| NoName(key.to_owned()))?;
                (who, time.checked_sub(1).ok_or_else(|| NoName(key.to_owned()))?)
            }
        };
        Ok(Self { site, who: who.parse()?, time })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.site.name(), self.key())
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Who};
    use crate::choice::Site;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for who in [Who::Run, Who::Task(3), Who::Attempt(63, 2), Who::Number(17)] {
            for time in [0, 1, 7] {
                let place = Place { site: Site::AgentFate, who, time };
                assert_eq!(Place::from_key(Site::AgentFate, &place.key()), Ok(place));
            }
        }
        for wrong in ["", "t", "t0/", "x1", "1#0", "1#", "t-1", "t0/1/2"] {
            assert!(Place::from_key(Site::AgentFate, wrong).is_err(), "{wrong}");
        }
    }
}
