//! Work that sits in a submodule's own repository inside a worktree. Only finds it: what to do about it is for the
//! caller. No git is started with a submodule's configuration: an agent may have written it.

use std::fs;
use std::path::{Path, PathBuf};

use super::command::Git;
use super::error::GitError;
use super::listing::Listing;
use super::output::path_text;
use super::repo::Repo;
use super::shadow::{Shadow, small_file};
use super::worktree::{Worktree, remove_tree};

/// A submodule as the private index has it.
struct Submodule {
    path: PathBuf,
    commit: String,
}

impl Repo {
    /// The checked-out submodules whose files are not those of the recorded commit. No process when there is no
    /// submodule, and one when none is checked out.
    pub(super) fn changed_submodules(&self, wt: &Worktree) -> Result<Vec<String>, GitError> {
        if !wt.path.join(".gitmodules").exists() {
            return Ok(Vec::new());
        }
        let out = wt.git(self, &wt.private_index(self)).args(["ls-files", "-z", "--stage"]).run()?;
        let mut changed = Vec::new();
        for submodule in out.records().filter_map(submodule) {
            if self.is_changed(wt, &submodule)? {
                changed.push(path_text(submodule.path.as_os_str().as_encoded_bytes()));
            }
        }
        Ok(changed)
    }

    /// Compares the files with the commit under the outer repository's configuration: of the submodule's own
    /// repository nothing but objects is read.
    fn is_changed(&self, wt: &Worktree, submodule: &Submodule) -> Result<bool, GitError> {
        let top = wt.path.join(&submodule.path);
        let Some(objects) = objects_of(&top) else { return Ok(false) };
        let shadow = Shadow::of(self, &wt.path);
        let index = shadow.dir().join("submodule-index");
        let git = || {
            let git = Git::files(shadow.dir(), self.common_dir(), &top, &index);
            self.guarded(git).env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &objects)
        };
        remove_tree(&index)?;
        let read = git().args(["read-tree", &submodule.commit]).run();
        let listing = read
            .and_then(|_| git().args(super::preserve::STATUS).run())
            .map(|out| Listing::parse(&out.stdout));
        remove_tree(&index)?;
        // What cannot be compared may hold work.
        Ok(listing.map_or(true, |l| l.is_changed() || !l.nested.is_empty()))
    }
}

/// `<mode> <oid> <stage> TAB <path>`
fn submodule(record: &[u8]) -> Option<Submodule> {
    use std::os::unix::ffi::OsStrExt;
    let tab = record.iter().position(|&b| b == b'\t')?;
    let path = PathBuf::from(std::ffi::OsStr::from_bytes(&record[tab + 1..]));
    let meta = std::str::from_utf8(&record[..tab]).ok()?;
    let commit = meta.strip_prefix("160000 ")?.split(' ').next()?.to_owned();
    Some(Submodule { path, commit })
}

/// The object folder of a submodule that is checked out.
fn objects_of(top: &Path) -> Option<PathBuf> {
    let pointer = top.join(".git");
    if fs::symlink_metadata(&pointer).is_ok_and(|meta| meta.is_dir()) {
        return Some(pointer.join("objects"));
    }
    let text = String::from_utf8(small_file(&pointer)?).ok()?;
    Some(top.join(text.trim_end().strip_prefix("gitdir: ")?).join("objects"))
}
