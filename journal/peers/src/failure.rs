//! One error for all stores: what they say. Nobody here tells one cause from another.

use std::fmt;

/// What went wrong, in the words of whoever noticed.
#[derive(Clone, Debug)]
pub(crate) struct Failure(String);

/// The result of anything here that can fail.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure that is noticed here and not by a store.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
