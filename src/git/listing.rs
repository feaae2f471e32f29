//! What `git status` says about a work tree, and the files of repositories inside it that git itself does not enter.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::error::GitError;
use super::output::records;

/// One `git status`, as bytes of paths relative to the top.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// The index differs from HEAD.
    pub(super) staged: bool,
    /// Tracked paths whose file differs from the index.
    pub(super) changed: Vec<Vec<u8>>,
    /// Tracked paths whose file is gone.
    pub(super) deleted: Vec<Vec<u8>>,
    /// Untracked files.
    pub(super) untracked: Vec<Vec<u8>>,
    /// Untracked folders that are repositories of their own.
    pub(super) nested: Vec<PathBuf>,
}

impl Listing {
    /// Reads `status --porcelain=v2 -z --no-renames --untracked-files=all`.
    pub(super) fn parse(stdout: &[u8]) -> Listing {
        let mut listing = Listing::default();
        for record in records(stdout) {
            listing.add(record);
        }
        listing
    }

    fn add(&mut self, record: &[u8]) {
        if let Some(path) = record.strip_prefix(b"? ") {
            match path.strip_suffix(b"/") {
                Some(folder) => self.nested.push(PathBuf::from(OsStr::from_bytes(folder))),
                None => self.untracked.push(path.to_owned()),
            }
        } else if let Some(fields) = record.strip_prefix(b"1 ") {
            // XY sub mH mI mW hH hI path
            let Some(path) = fields.splitn(8, |&b| b == b' ').nth(7) else { return };
            self.staged |= fields[0] != b'.';
            match fields[1] {
                b'.' => {}
                b'D' => self.deleted.push(path.to_owned()),
                _ => self.changed.push(path.to_owned()),
            }
        } else if let Some(path) =
            record.strip_prefix(b"u ").and_then(|f| f.splitn(10, |&b| b == b' ').nth(9))
        {
            self.changed.push(path.to_owned());
        }
    }

    /// Nothing differs from HEAD, and nothing is untracked.
    pub(super) fn is_clean(&self) -> bool {
        !self.staged && !self.is_changed() && self.nested.is_empty()
    }

    /// Files differ from an index that is HEAD's tree.
    pub(super) fn is_only_changed_files(&self) -> bool {
        !self.staged && self.is_changed()
    }

    /// Files differ from the index.
    pub(super) fn is_changed(&self) -> bool {
        !(self.changed.is_empty() && self.deleted.is_empty() && self.untracked.is_empty())
    }

    /// The paths for `update-index --add --remove --replace`. A deleted path below one that is a file or a link now
    /// is left out: adding that one replaces the whole folder, and git refuses paths behind a symbolic link.
    pub(super) fn to_update(&self) -> Vec<&[u8]> {
        let present: HashSet<&[u8]> = self.changed.iter().chain(&self.untracked).map(Vec::as_slice).collect();
        let replaced = |path: &[u8]| {
            let ends = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(i, _)| i);
            ends.into_iter().any(|end| present.contains(&path[..end]))
        };
        let gone = self.deleted.iter().map(Vec::as_slice).filter(|p| !replaced(p));
        gone.chain(self.changed.iter().chain(&self.untracked).map(Vec::as_slice)).collect()
    }
}

/// The files and links below `folder` (relative to `top`), without any `.git`: git cannot track one.
pub(super) fn files_below(top: &Path, folder: &Path, found: &mut Vec<Vec<u8>>) -> Result<(), GitError> {
    let here = top.join(folder);
    let failed = |e| GitError::io("reading", &here)(e);
    for entry in fs::read_dir(&here).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        let path = folder.join(entry.file_name());
        if entry.file_name().eq_ignore_ascii_case(".git") {
            continue;
        }
        if kind.is_dir() {
            files_below(top, &path, found)?;
        } else if kind.is_file() || kind.is_symlink() {
            found.push(path.into_os_string().as_bytes().to_owned());
        }
    }
    Ok(())
}

/// Paths as git reads them from stdin with `-z`.
pub(super) fn nul_terminated<'a>(paths: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    paths.into_iter().flat_map(|p| p.iter().copied().chain([0])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_read_with_any_bytes_in_names() {
        let z = "0".repeat(40);
        let text = format!(
            "1 .M N... 100644 100644 100644 {z} {z} a b\nc\x001 M. N... 100644 100644 100644 {z} {z} m\x001 .D N... 100644 100644 000000 {z} {z} d/f\0? d\0? repo/\0"
        );
        let listing = Listing::parse(text.as_bytes());
        assert!(listing.staged);
        assert_eq!(listing.changed, [b"a b\nc".to_vec()]);
        assert_eq!(listing.nested, [PathBuf::from("repo")]);
        // `d` became a file or a link: its old content goes with it.
        assert_eq!(listing.to_update(), [b"a b\nc".as_slice(), b"d"]);
    }
}
