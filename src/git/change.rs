//! What two trees differ in, what a tree holds, and what is in its files. Attributes, filters and diff drivers have no say: objects are compared, and read as they are.

use super::error::GitError;
use super::output::Output;
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

/// Contents that are read at once, in bytes. One that is larger alone is read alone.
const AT_ONCE_BYTES: u64 = 64 << 20;

impl Repo {
    /// The paths that differ between two commits, without looking for renames.
    pub fn changes(&self, from: &str, to: &str) -> Result<Vec<Change>, GitError> {
        let out = self.plumbing().args(["diff-tree", "-r", "-z", "--no-renames", from, to, "--"]).run()?;
        let mut fields = out.records();
        let mut changes = Vec::new();
        // `:<mode> <mode> <oid> <oid> <kind> NUL <path> NUL`
        while let (Some(meta), Some(path)) = (fields.next(), fields.next()) {
            let meta = String::from_utf8_lossy(meta);
            let mut words = meta.trim_start_matches(':').split(' ');
            let (before, after) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let (was, is) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            changes.push(Change {
                path: path.to_owned(),
                before: object(before, was),
                after: object(after, is),
            });
        }
        Ok(changes)
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
        if oids.is_empty() {
            return Ok(());
        }
        let sizes = self.batch("--batch-check=%(objectsize)", oids.iter().copied())?;
        let sizes: Vec<u64> = sizes.text().lines().map(|line| line.parse().unwrap_or(u64::MAX)).collect();
        let wanted = (0..oids.len()).filter(|&at| sizes.get(at).is_some_and(|&size| size <= bytes_max));
        let mut chunk: Vec<usize> = Vec::new();
        let mut bytes = 0;
        for at in wanted {
            if !chunk.is_empty() && bytes + sizes[at] > AT_ONCE_BYTES {
                self.visit(oids, &std::mem::take(&mut chunk), &sizes, &mut visit)?;
                bytes = 0;
            }
            bytes += sizes[at];
            chunk.push(at);
        }
        self.visit(oids, &chunk, &sizes, &mut visit)
    }

    fn visit(
        &self,
        oids: &[&str],
        chunk: &[usize],
        sizes: &[u64],
        visit: &mut impl FnMut(usize, &[u8]),
    ) -> Result<(), GitError> {
        if chunk.is_empty() {
            return Ok(());
        }
        let out = self.batch("--batch", chunk.iter().map(|&at| oids[at]))?;
        let mut rest = out.stdout.as_slice();
        for &at in chunk {
            // `<oid> <kind> <size> LF <bytes> LF`
            let Some(header) = rest.iter().position(|&b| b == b'\n') else { break };
            let size = usize::try_from(sizes[at]).unwrap_or(usize::MAX);
            let Some(content) = rest.get(header + 1..).and_then(|body| body.get(..size)) else { break };
            visit(at, content);
            rest = rest.get(header + 1 + size + 1..).unwrap_or_default();
        }
        Ok(())
    }

    fn batch<'a>(&self, how: &str, oids: impl Iterator<Item = &'a str>) -> Result<Output, GitError> {
        let list = oids.fold(String::new(), |list, oid| list + oid + "\n");
        self.plumbing().args(["cat-file", "--buffer", how]).stdin(list).run()
    }
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
