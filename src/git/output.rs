//! What a git process said: its lines, its records, its complaints. Knows no operation.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::error::GitError;

/// What a git process said.
#[derive(Debug)]
pub(super) struct Output {
    /// The exit code; `None` after a signal.
    pub(super) code: Option<i32>,
    pub(super) stdout: Vec<u8>,
    pub(super) args: String,
    pub(super) status: ExitStatus,
    pub(super) stderr: String,
}

impl Output {
    /// The first line of stdout.
    pub(super) fn line(&self) -> String {
        String::from_utf8_lossy(&self.stdout).lines().next().unwrap_or_default().to_owned()
    }

    /// All of stdout as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// What git complained about.
    pub(super) fn stderr(&self) -> &str {
        &self.stderr
    }

    /// NUL-terminated records.
    pub(super) fn records(&self) -> impl Iterator<Item = &[u8]> {
        records(&self.stdout)
    }

    /// Any exit code but 0 is an error.
    pub(super) fn into_success(self) -> Result<Output, GitError> {
        if self.code == Some(0) { Ok(self) } else { Err(self.into_error()) }
    }

    /// The error that an unexpected exit code stands for.
    pub(super) fn into_error(self) -> GitError {
        let status = match (self.code, self.status.signal()) {
            (Some(code), _) => format!("exit {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "no status".to_owned(),
        };
        GitError::from_stderr(self.args, status, self.stderr)
    }
}

/// Splits at NUL; a final terminator makes no empty record.
pub(super) fn records(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let body = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    let n = if bytes.is_empty() { 0 } else { usize::MAX };
    body.split(|&b| b == 0).take(n)
}

/// A path as text. One that is not UTF-8 is written as git quotes it, so that no two paths look the same.
pub(crate) fn path_text(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for &b in bytes {
        match b {
            b'"' | b'\\' => write!(quoted, "\\{}", char::from(b)),
            b' '..=b'~' => write!(quoted, "{}", char::from(b)),
            _ => write!(quoted, "\\{b:03o}"),
        }
        .expect("writing to a string does not fail");
    }
    quoted.push('"');
    quoted
}
