//! What two trees differ in, what a tree holds, and what is in its files. Attributes, filters and diff drivers have no say: objects are compared, and read as they are.

use super::error::GitError;
use super::output::{Output, path_text};
use super::repo::Repo;

/// A path that differs between two trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The path.
    pub path: Vec<u8>,
    /// What was there; nothing if it is new.
    pub before: Option<Object>,
    /// What is there; nothing if it is gone.
    pub after: Option<Object>,
}

/// What a path of a tree is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The mode, such as 0o100644.
    pub mode: u32,
    /// The object.
    pub oid: String,
}

impl Change {
    /// The path as text. One that is not UTF-8 is quoted as git does it.
    pub fn name(&self) -> String {
        path_text(&self.path)
    }
}

impl Object {
    /// Whether it is a commit of another repository, of which there is nothing to read here.
    pub fn is_submodule(&self) -> bool {
        self.mode == 0o160_000
    }
}

/// Contents that are read at once, in bytes. One that is larger alone is read alone.
const AT_ONCE_BYTES: u64 = 64 << 20;

impl Repo {
    /// The paths that differ between two commits, renames being a path that goes and one that comes.
    pub fn changes(&self, from: &str, to: &str) -> Result<Vec<Change>, GitError> {
        let git = self.plumbing().args(["diff-tree", "-r", "-z", "--no-renames", "-O/dev/null"]);
        Ok(changed(&git.args([from, to, "--"]).run()?))
    }

    /// The paths that each commit of a range changes against each of its parents.
    pub fn changes_of_each(&self, from: &str, to: &str) -> Result<Vec<Change>, GitError> {
        let range = format!("{from}..{to}");
        let git = self.plumbing().config("log.showSignature", "false");
        let git = git.args(["log", "--format=", "--raw", "--no-abbrev", "-r", "-z", "--no-renames"]);
        let git = git.args(["--diff-merges=separate", "-O/dev/null"]);
        Ok(changed(&git.arg(&range).arg("--").run()?))
    }

    /// The tree in which nothing is.
    pub fn empty_tree(&self) -> Result<String, GitError> {
        Ok(self.plumbing().args(["hash-object", "-t", "tree", "--stdin"]).run()?.line())
    }

    /// Everything in the tree of a commit, in the order of the tree.
    pub fn tree(&self, commit: &str) -> Result<Vec<(Vec<u8>, Object)>, GitError> {
        let out = self.plumbing().args(["ls-tree", "-r", "-z", "--full-tree", commit]).run()?;
        Ok(out.records().filter_map(listed).collect())
    }

    /// Reads objects, and hands each to `visit` with its place in the list. Those of more than `bytes_max` are left out.
    pub fn contents(
        &self,
        oids: &[&str],
        bytes_max: u64,
        mut visit: impl FnMut(usize, &[u8]),
    ) -> Result<(), GitError> {
        let sizes = self.sizes(oids)?;
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        for at in (0..oids.len()).filter(|&at| sizes[at] <= bytes_max) {
            if !chunk.is_empty() && bytes + sizes[at] > AT_ONCE_BYTES {
                self.visit(oids, &std::mem::take(&mut chunk), &mut visit)?;
                bytes = 0;
            }
            bytes += sizes[at];
            chunk.push(at);
        }
        self.visit(oids, &chunk, &mut visit)
    }

    fn sizes(&self, oids: &[&str]) -> Result<Vec<u64>, GitError> {
        if oids.is_empty() {
            return Ok(Vec::new());
        }
        let out = self.batch("--batch-check=%(objectsize)", oids.iter().copied())?;
        let text = out.text();
        let mut lines = text.lines();
        let size =
            |oid: &&str| lines.next().and_then(|line| line.parse().ok()).ok_or_else(|| unreadable(oid));
        oids.iter().map(size).collect()
    }

    fn visit(
        &self,
        oids: &[&str],
        chunk: &[usize],
        visit: &mut impl FnMut(usize, &[u8]),
    ) -> Result<(), GitError> {
        if chunk.is_empty() {
            return Ok(());
        }
        let out = self.batch("--batch", chunk.iter().map(|&at| oids[at]))?;
        let mut rest = out.stdout.as_slice();
        for &at in chunk {
            let (content, behind) = content(rest).ok_or_else(|| unreadable(oids[at]))?;
            visit(at, content);
            rest = behind;
        }
        Ok(())
    }

    fn batch<'a>(&self, how: &str, oids: impl Iterator<Item = &'a str>) -> Result<Output, GitError> {
        let list = oids.fold(String::new(), |list, oid| list + oid + "\n");
        self.plumbing().args(["cat-file", "--buffer", how]).stdin(list).run()
    }
}

fn unreadable(oid: &str) -> GitError {
    GitError::Unreadable { oid: oid.to_owned() }
}

/// `<oid> <kind> <size> LF <bytes> LF`, and what follows.
fn content(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let header = bytes.iter().position(|byte| *byte == b'\n')?;
    let size: usize = std::str::from_utf8(&bytes[..header]).ok()?.rsplit(' ').next()?.parse().ok()?;
    let body = bytes.get(header + 1..)?;
    Some((body.get(..size)?, body.get(size + 1..)?))
}

/// `:<mode> <mode> <oid> <oid> <kind> NUL <path> NUL`, of one commit or of many, with empty records between them.
fn changed(out: &Output) -> Vec<Change> {
    let mut fields = out.records();
    let mut changes = Vec::new();
    while let Some(meta) = fields.next() {
        let meta = String::from_utf8_lossy(meta);
        let Some((_, meta)) = meta.split_once(':') else { continue };
        let Some(path) = fields.next() else { break };
        let words: Vec<&str> = meta.split(' ').collect();
        let [was, is, before, after, ..] = words[..] else { continue };
        changes.push(Change { path: path.to_owned(), before: object(was, before), after: object(is, after) });
    }
    changes
}

fn object(mode: &str, oid: &str) -> Option<Object> {
    let mode = u32::from_str_radix(mode, 8).ok().filter(|mode| *mode != 0)?;
    Some(Object { mode, oid: oid.to_owned() })
}

/// `<mode> <kind> <oid> TAB <path>`
fn listed(record: &[u8]) -> Option<(Vec<u8>, Object)> {
    let tab = record.iter().position(|&b| b == b'\t')?;
    let meta = std::str::from_utf8(&record[..tab]).ok()?;
    let mut words = meta.split(' ');
    let object = object(words.next()?, words.nth(1)?)?;
    Some((record[tab + 1..].to_owned(), object))
}
