//! What commits bring: contents of files as git has them, and messages. Attributes, filters and diff drivers have no say.

use super::error::GitError;
use super::output::{Output, path_text};
use super::repo::Repo;

/// Contents that are read at once, in bytes. One that is larger alone is read alone.
const AT_ONCE_BYTES: u64 = 64 << 20;
/// So few files are read without asking for their sizes first, which costs a process.
const FEW: usize = 16;
const GITLINK: &str = "160000";

/// A file that a commit changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// Its path. One that is not UTF-8 is quoted as git does it.
    pub path: String,
    /// What it was; none: it is new.
    pub before: Option<String>,
    /// What it is; none: it is gone.
    pub after: Option<String>,
}

impl Repo {
    /// The files that differ between two commits, renames being a file that goes and one that comes.
    pub fn added(&self, from: &str, to: &str) -> Result<Vec<Added>, GitError> {
        let out = self
            .plumbing()
            .args(["diff-tree", "-r", "-z", "--no-renames", "-O/dev/null", from, to, "--"])
            .run()?;
        Ok(parse(&out))
    }

    /// The files that each commit of a range changes against each of its parents.
    pub fn added_by_each(&self, from: &str, to: &str) -> Result<Vec<Added>, GitError> {
        let range = format!("{from}..{to}");
        let git = self.plumbing().config("log.showSignature", "false");
        let git = git.args(["log", "--format=", "--raw", "--no-abbrev", "-r", "-z", "--no-renames"]);
        let git = git.args(["--diff-merges=separate", "-O/dev/null"]);
        Ok(parse(&git.arg(&range).arg("--").run()?))
    }

    /// The whole messages of the commits of a range, newest first, each with its commit.
    pub fn messages(&self, from: &str, to: &str) -> Result<Vec<(String, String)>, GitError> {
        let range = format!("{from}..{to}");
        let git = self.plumbing().config("log.showSignature", "false");
        let out = git.args(["log", "-z", "--no-color", "--format=%H%x1f%B"]).arg(&range).arg("--").run()?;
        let message = |record: &[u8]| {
            let text = String::from_utf8_lossy(record).into_owned();
            text.split_once('\x1f').map(|(commit, message)| (commit.to_owned(), message.to_owned()))
        };
        Ok(out.records().filter_map(message).collect())
    }

    /// Reads contents, and hands each to `visit` with its place in the list.
    pub fn read_all(&self, oids: &[&str], mut visit: impl FnMut(usize, &[u8])) -> Result<(), GitError> {
        let sizes = if oids.len() <= FEW { vec![0; oids.len()] } else { self.sizes(oids)? };
        let (mut first, mut bytes) = (0, 0);
        for (at, size) in sizes.iter().enumerate() {
            if at > first && bytes + size > AT_ONCE_BYTES {
                self.read_some(&oids[first..at], first, &mut visit)?;
                (first, bytes) = (at, 0);
            }
            bytes += size;
        }
        if first == oids.len() { Ok(()) } else { self.read_some(&oids[first..], first, &mut visit) }
    }

    fn sizes(&self, oids: &[&str]) -> Result<Vec<u64>, GitError> {
        let out = self.cat("--batch-check=%(objectsize)", oids)?;
        Ok(out.text().lines().map(|line| line.parse().unwrap_or(0)).collect())
    }

    fn read_some(
        &self,
        oids: &[&str],
        first: usize,
        visit: &mut impl FnMut(usize, &[u8]),
    ) -> Result<(), GitError> {
        let out = self.cat("--batch", oids)?;
        let mut rest = out.stdout.as_slice();
        for (at, oid) in oids.iter().enumerate() {
            let (content, behind) =
                object(rest).ok_or_else(|| GitError::Unreadable { oid: (*oid).to_owned() })?;
            visit(first + at, content);
            rest = behind;
        }
        Ok(())
    }

    fn cat(&self, how: &str, oids: &[&str]) -> Result<Output, GitError> {
        self.plumbing().args(["cat-file", "--buffer", how]).stdin(oids.join("\n") + "\n").run()
    }
}

/// `<oid> <kind> <size> LF <bytes> LF`, and what follows.
fn object(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let header = bytes.iter().position(|byte| *byte == b'\n')?;
    let size: usize = std::str::from_utf8(&bytes[..header]).ok()?.rsplit(' ').next()?.parse().ok()?;
    let body = bytes.get(header + 1..)?;
    Some((body.get(..size)?, body.get(size + 1..)?))
}

/// `:<mode> <mode> <oid> <oid> <kind> NUL <path> NUL`, of one commit or of many.
fn parse(out: &Output) -> Vec<Added> {
    let mut fields = out.stdout.split(|byte| *byte == 0);
    let mut all = Vec::new();
    while let Some(meta) = fields.next() {
        let meta = String::from_utf8_lossy(meta);
        let Some((_, meta)) = meta.split_once(':') else { continue };
        let Some(path) = fields.next() else { break };
        let words: Vec<&str> = meta.split(' ').collect();
        let [was, is, before, after, ..] = words[..] else { continue };
        let blob = |mode: &str, oid: &str| {
            (mode != GITLINK && mode.bytes().any(|digit| digit != b'0')).then(|| oid.to_owned())
        };
        all.push(Added { path: path_text(path), before: blob(was, before), after: blob(is, after) });
    }
    all
}
