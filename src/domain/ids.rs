//! Names of things: tasks and git objects. A value that exists is well formed; where it came from is not known here.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest task id, in bytes.
pub const TASK_ID_BYTES_MAX: usize = 80;

/// The id of a task: `[a-zA-Z0-9][a-zA-Z0-9._-]{0,79}`, and nothing that git refuses as part of a ref name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(Arc<str>);

impl TaskId {
    /// Checks `text` and wraps it. The error says in one fragment what is wrong with it.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("an id may not be empty");
        }
        if text.len() > TASK_ID_BYTES_MAX {
            return Err("an id has at most 80 characters");
        }
        if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err("an id starts with a letter or a digit");
        }
        if !text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')) {
            return Err("an id has only letters, digits, `.`, `_` and `-`");
        }
        if text.contains("..") || text.ends_with('.') || ends_like_a_lock(text) {
            return Err("git refuses `..`, a final `.` and a final `.lock` in a ref name");
        }
        Ok(Self(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[expect(clippy::case_sensitive_file_extension_comparisons, reason = "git refuses exactly `.lock`")]
fn ends_like_a_lock(text: &str) -> bool {
    text.ends_with(".lock")
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", &self.0)
    }
}

impl Serialize for TaskId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TaskId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// A git object id in hexadecimal, as git printed it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Oid(Arc<str>);

impl Oid {
    /// Wraps what git printed.
    pub fn new(text: &str) -> Self {
        Self(text.trim().into())
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first ten digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..10).unwrap_or(&self.0)
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::{Oid, TaskId};

    #[test]
    fn ids_are_written_as_they_are_and_fill_a_column() {
        let (task, oid) = (TaskId::new("a").unwrap(), Oid::new("0123456789abcdef\n"));
        assert_eq!(format!("{task}/{task:3}/{oid}/{oid:>18}"), "a/a  /0123456789abcdef/  0123456789abcdef");
        assert_eq!((oid.as_str(), oid.short()), ("0123456789abcdef", "0123456789"));
        assert_eq!(Oid::new("short").short(), "short");
    }

    #[test]
    fn ids_that_are_refused() {
        for bad in ["", "../x", "-a", ".a", "a..b", "a.", "a.lock", "a/b", "a b", "ä", &"x".repeat(81)] {
            assert!(TaskId::new(bad).is_err(), "{bad:?} was accepted");
        }
        for good in ["a", "A.b_c-9", &"x".repeat(80)] {
            assert!(TaskId::new(good).is_ok(), "{good:?} was refused");
        }
    }
}
