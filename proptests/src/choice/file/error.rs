//! Why a scenario file cannot be read: for whoever wrote it, with its place and a way out.

use std::io;
use std::path::PathBuf;

use crate::choice::{Of, Site, Values};

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {cause}")]
pub struct FileError {
    /// The line, from 1.
    pub line: usize,
    /// The character in it, from 1.
    pub column: usize,
    /// What is wrong.
    pub cause: Cause,
}

/// What can be wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// It does not follow the rules of TOML.
    #[error("this is not TOML: {0}")]
    Syntax(String),
    /// A key is there twice.
    #[error("`{0}` is there twice")]
    Twice(String),
    /// Two keys mean the same.
    #[error("`{key}` is the same as `{same}`, and that is there, too")]
    Same {
        /// The second.
        key: String,
        /// The first, as it is usually written.
        same: String,
    },
    /// Nothing says which version of the format it is.
    #[error("nothing says what file this is; its first line is `version = 1`")]
    NoVersion,
    /// A later version of swarm wrote it.
    #[error("this is a file of version {0}; use the swarm that wrote it")]
    Newer(u64),
    /// There is no such key before the tables.
    #[error("there is no key `{key}`{}", hint(*near, "a choice is `[\"its site\"]`, and below it whom it is about"))]
    UnknownKey {
        /// As it is written.
        key: String,
        /// What may be meant.
        near: Option<&'static str>,
    },
    /// A key has a value of another kind.
    #[error("`{key}` is {wanted}")]
    Unfit {
        /// The key.
        key: &'static str,
        /// What its value is.
        wanted: &'static str,
    },
    /// There is no such site.
    #[error("there is no site `{name}`{}", hint(*near, "`swarm-proptests list sites` shows all"))]
    UnknownSite {
        /// As it is written.
        name: String,
        /// What may be meant.
        near: Option<&'static str>,
    },
    /// The dot in a name was taken for TOML's own.
    #[error("a site's name needs quotes, such as [\"{}\"]", .0.name())]
    Unquoted(Site),
    /// A site is no table.
    #[error("{} is a table of whom and what: [\"{}\"]", .0.name(), .0.name())]
    NoTable(Site),
    /// A site is not asked about that.
    #[error("{} is asked about {}, and `{key}` {}", site.name(), whom(site.of()), is(*of))]
    WrongWho {
        /// The site.
        site: Site,
        /// As it is written.
        key: String,
        /// What it names, if it names anybody.
        of: Option<Of>,
    },
    /// A site never has that value.
    #[error("{} is never `{value}`; it is {}", site.name(), values(*site))]
    WrongValue {
        /// The site.
        site: Site,
        /// As it is written.
        value: String,
    },
}

/// Why a scenario cannot be had from a path.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is in it is no scenario.
    #[error("{}:{error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: FileError,
    },
}

fn hint(near: Option<&'static str>, else_: &str) -> String {
    near.map_or_else(|| format!("; {else_}"), |near| format!("; did you mean `{near}`?"))
}

fn whom(of: Of) -> &'static str {
    match of {
        Of::Run => "the run, `run`",
        Of::Task => "a task, such as `t0`",
        Of::Attempt => "an attempt, such as `t0/1`",
        Of::Number => "what is counted, such as `1`",
    }
}

fn is(of: Option<Of>) -> &'static str {
    match of {
        None => "names nobody",
        Some(Of::Run) => "is the run",
        Some(Of::Task) => "is a task",
        Some(Of::Attempt) => "is an attempt",
        Some(Of::Number) => "is a number",
    }
}

fn values(site: Site) -> String {
    match site.values() {
        Values::Named(names) => format!("one of \"{}\"", names.join("\", \"")),
        Values::Below(end) => format!("a number below {end}"),
    }
}
