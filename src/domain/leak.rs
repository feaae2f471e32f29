//! Secrets that were found: where they are, and never what they are. Finds none.

use serde::{Deserialize, Serialize};

/// A secret that was found in what is to land: where it is, and never what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leak {
    /// The rule that found it, or the variable whose value it is.
    pub rule: String,
    /// The file, or `commit <id>` for a commit's message.
    pub path: String,
    /// Its line, from 1.
    pub line: u32,
}
