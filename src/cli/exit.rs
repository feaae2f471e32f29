//! Exit codes, as documented, and the failures that lead to them. Knows no command.

use super::out;
use std::fmt;

use crate::drive::DriveError;
use crate::git::GitError;
use crate::holder::HolderError;
use crate::plan::Refused;
use crate::runs::{FindError, OpenError};
use crate::walls::NoWall;
use swarm_actors::WriterError;
use swarm_domain::decide::Refusal;
use swarm_journal::JournalError;

/// Everything that is required landed, or the command did what it was asked.
pub(super) const OK: u8 = 0;
/// A bug of swarm.
pub(super) const BUG: u8 = 1;
/// The command line makes no sense.
pub(super) const USAGE: u8 = 2;
/// The plan cannot be run.
pub(super) const PLAN: u8 = 3;
/// The target or a merge needs a person.
pub(super) const TARGET: u8 = 7;
/// No git, no agent, no room.
pub(super) const ENVIRONMENT: u8 = 8;
/// The journal is damaged, or a replay does not agree with it.
pub(super) const JOURNAL: u8 = 9;
/// Another live process drives the run.
pub(super) const BUSY: u8 = 10;

/// A failure of a command: what happened, what to do next, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// What happened.
    pub text: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a hint: the text says what to do.
    pub fn new(code: u8, text: impl fmt::Display) -> Self {
        Self { code, text: text.to_string(), hint: None }
    }

    /// The same with what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// For people, or as one JSON document.
    pub fn print(&self, json: bool) {
        if json {
            let error = serde_json::json!({"code": self.code, "message": self.text, "help": self.hint});
            out::line(serde_json::json!({"schema": "swarm.error/1", "error": error}));
            return;
        }
        if !self.text.is_empty() {
            eprintln!("error: {}", self.text);
        }
        if let Some(hint) = &self.hint {
            eprintln!("  help: {hint}");
        }
    }
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        let code = match &error {
            GitError::CheckedOut { .. }
            | GitError::RefClash { .. }
            | GitError::RefMoved { .. }
            | GitError::InvalidBranch { .. }
            | GitError::LandDirty { .. }
            | GitError::LandConflict { .. } => TARGET,
            GitError::UnknownRevision { .. } => PLAN,
            _ => ENVIRONMENT,
        };
        Self::new(code, error)
    }
}

impl From<FindError> for Failure {
    fn from(error: FindError) -> Self {
        Self::new(USAGE, error)
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        let code = match &error {
            JournalError::Busy { .. } => BUSY,
            JournalError::NoSpace { .. } | JournalError::Io { .. } => ENVIRONMENT,
            _ => JOURNAL,
        };
        let failure = Self::new(code, &error);
        if let JournalError::Corrupt { file, .. } = &error {
            return failure.hint(format!(
                "`swarm journal repair {} --plan` says what can be saved of it",
                run_of(file)
            ));
        }
        if matches!(error, JournalError::Missing { .. }) {
            return failure.hint("if a repair of it was cut off, `swarm journal repair RUN --apply` finishes it; what landed is in git all the same");
        }
        if code == BUSY {
            return failure.hint(
                "`swarm attach` shows it; `swarm cancel`, `pause` and `budget` reach it where it runs",
            );
        }
        failure
    }
}

/// The run that a file of a journal belongs to: its folder's name.
fn run_of(file: &std::path::Path) -> std::borrow::Cow<'_, str> {
    let run = file.parent().and_then(std::path::Path::parent).and_then(std::path::Path::file_name);
    run.unwrap_or_default().to_string_lossy()
}

impl From<WriterError> for Failure {
    fn from(error: WriterError) -> Self {
        match error {
            WriterError::Journal(error) => error.into(),
            WriterError::Refused(refusal) => refusal.into(),
            WriterError::Event { .. } | WriterError::Illegal { .. } => Self::new(JOURNAL, error),
            WriterError::Encode(_) => Self::new(PLAN, error)
                .hint("a prompt or a command is too large for one record; put it into a file"),
            WriterError::Restless | WriterError::Panicked => Self::new(BUG, error),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            // Whatever came of the run, it is the command that cannot be done.
            Refusal::Finished => Self::new(USAGE, &refusal)
                .hint("`swarm retry` runs again what did not land; `swarm land` brings the rest in"),
            _ => Self::new(USAGE, &refusal),
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Journal(error) => error.into(),
            OpenError::Content(error) => error.into(),
        }
    }
}

impl From<DriveError> for Failure {
    fn from(error: DriveError) -> Self {
        match error {
            DriveError::Open(error) => error.into(),
            DriveError::TargetBusy(_) => {
                Self::new(BUSY, error).hint("`swarm ls` lists the runs, `swarm attach` shows a live one")
            }
            DriveError::Refused(refusal) => refusal.into(),
            DriveError::Run(swarm_actors::run::RunError::Journal(error)) => {
                Self::from(error).hint("nothing that was acknowledged is lost: `swarm resume` carries on")
            }
            DriveError::Run(error) => {
                Self::new(BUG, error).hint("`swarm resume` carries on; please report this")
            }
            DriveError::Io(error) => error.into(),
            DriveError::NoWall(error) => error.into(),
        }
    }
}

impl From<NoWall> for Failure {
    fn from(error: NoWall) -> Self {
        let way = if error.wall == "bwrap" { "install bubblewrap, or take" } else { "take" };
        let hint = format!(
            "{way} `isolation: auto`, the strongest wall of this machine; `swarm doctor` shows what it has"
        );
        Self::new(ENVIRONMENT, error).hint(hint)
    }
}

impl From<HolderError> for Failure {
    fn from(error: HolderError) -> Self {
        Self::new(ENVIRONMENT, error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::StorageFull {
            return Self::new(ENVIRONMENT, error)
                .hint("make room first; `swarm clean --dry-run` lists what ended runs keep");
        }
        Self::new(ENVIRONMENT, error)
    }
}

impl From<Refused> for Failure {
    /// The problems are printed where they are found, with their source lines.
    fn from(refused: Refused) -> Self {
        let text = crate::plan::render(&refused.problems, &refused.source, crate::drive::colour());
        eprintln!("{}", text.trim_end());
        let count = refused.problems.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        Self::new(PLAN, format!("the plan has {count} {noun}"))
            .hint("`swarm check` looks at it without starting anything")
    }
}
