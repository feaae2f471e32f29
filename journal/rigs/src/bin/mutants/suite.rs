//! Runs the journal's tests in a copy of the tree, and says which one failed first. Does not know what was changed.

use std::{
    fmt,
    path::Path,
    process::{Command, Stdio},
};

/// How the tests ended.
pub(crate) enum Outcome {
    Green,
    /// By this test.
    Caught(String),
    NotBuilt(String),
}

/// A mutant may hang. The tests alone take less than a tenth of this.
const SECONDS_MAX: &str = "600";
/// What `timeout` ends with if it had to kill.
const KILLED: Option<i32> = Some(137);

pub(crate) fn run(root: &Path) -> Result<Outcome, String> {
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new("timeout");
        command.args(["--signal=KILL", SECONDS_MAX, "cargo", "test", "--locked", "-p", "swarm-journal"]);
        command.args(["--lib", "--tests"]).args(arguments);
        command.current_dir(root).stdin(Stdio::null()).output().map_err(|e| format!("timeout: {e}"))
    };
    let built = cargo(&["--quiet", "--no-run"])?;
    if !built.status.success() {
        return Ok(Outcome::NotBuilt(String::from_utf8_lossy(&built.stderr).into_owned()));
    }
    let tested = cargo(&[])?;
    if tested.status.success() {
        return Ok(Outcome::Green);
    }
    let said = String::from_utf8_lossy(&tested.stdout);
    let failed = said.lines().find_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    Ok(Outcome::Caught(match failed {
        Some(name) => name.to_owned(),
        None if tested.status.code() == KILLED => "a hang".to_owned(),
        None => "a crash of the tests".to_owned(),
    }))
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Green => f.write_str("SURVIVED"),
            Self::Caught(test) => write!(f, "caught by {test}"),
            Self::NotBuilt(_) => f.write_str("does not build"),
        }
    }
}
