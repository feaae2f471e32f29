//! Worktrees of swarm's own: made, reset to a commit, removed. Does not know whose attempt or gate lives in one.
//!
//! Callers make and remove one at a time. What lives in a worktree may be hostile: nothing is read through its
//! `.git` file or its index. The index as git wrote it at the checkout is kept aside as the *private* one, by a hard
//! link: git replaces an index by rename, so the link keeps the state that we know, with its timestamps.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::checkouts::folder_of;
use super::command::Git;
use super::error::GitError;
use super::listing::Listing;
use super::preserve::STATUS;
use super::refs::is_oid;
use super::repo::Repo;

/// A linked worktree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worktree {
    /// The folder with the files.
    pub path: PathBuf,
    /// Its admin folder, `<common>/worktrees/<id>`.
    pub git_dir: PathBuf,
}

impl Worktree {
    /// A command on the worktree's files with a given index.
    pub(super) fn git(&self, repo: &Repo, index: &Path) -> Git {
        Git::files(&self.git_dir, repo.common_dir(), &self.path, index)
    }

    pub(super) fn index(&self) -> PathBuf {
        self.git_dir.join("index")
    }

    pub(super) fn private_index(&self) -> PathBuf {
        self.git_dir.join("swarm-index")
    }

    /// Keeps the index as it is now as the private one.
    pub(super) fn keep_index(&self) -> Result<(), GitError> {
        link_over(&self.index(), &self.private_index())
    }

    /// Puts back the `.git` file if anything else is there.
    fn restore_pointer(&self) -> Result<(), GitError> {
        let file = self.path.join(".git");
        let right = [b"gitdir: ", self.git_dir.as_os_str().as_bytes(), b"\n"].concat();
        let is_file = fs::symlink_metadata(&file).is_ok_and(|m| m.is_file());
        if is_file && fs::read(&file).is_ok_and(|b| b == right) {
            return Ok(());
        }
        remove_tree(&file)?;
        fs::write(&file, right).map_err(GitError::io("writing", &file))
    }

    /// Tells git where the folder is.
    pub(super) fn write_backlink(&self) -> Result<(), GitError> {
        let file = self.git_dir.join("gitdir");
        let line = [self.path.as_os_str().as_bytes(), b"/.git\n"].concat();
        fs::write(&file, line).map_err(GitError::io("writing", &file))?;
        self.restore_pointer()
    }

    fn drop_locks(&self) -> Result<(), GitError> {
        ["index.lock", "HEAD.lock", "swarm-index.lock"]
            .iter()
            .try_for_each(|f| remove_tree(&self.git_dir.join(f)))
    }
}

impl Repo {
    /// Makes a worktree with a commit checked out, detached, without hooks. One that is there with that commit and
    /// nothing changed is returned as it is; anything else at that path is removed first.
    pub fn add_worktree(&self, path: &Path, commit: &str) -> Result<Worktree, GitError> {
        let path = settled(path)?;
        if let Some(wt) = self.existing(&path)
            && self.is_fresh(&wt, commit)
        {
            return Ok(wt);
        }
        self.remove_leftovers(&path)?;
        let made = Git::user(self.common_dir())
            // Files are what a checkout costs; git asks for parallel checkout to be switched on.
            .config("checkout.workers", "0")
            .args(["worktree", "add", "--quiet", "--detach"])
            .arg(&path)
            .arg(commit)
            .run();
        if let Err(error) = made {
            // Half a worktree helps nobody, and on a full disk it takes the room that resuming needs.
            let _ = self.remove_leftovers(&path);
            return Err(error);
        }
        let wt = self.existing(&path).ok_or_else(|| GitError::Io {
            doing: "finding the new worktree",
            path,
            source: io::ErrorKind::NotFound.into(),
        })?;
        wt.keep_index()?;
        Ok(wt)
    }

    /// Removes a worktree, its files and its admin folder, in any state; one that is gone is fine.
    pub fn remove_worktree(&self, wt: &Worktree) -> Result<(), GitError> {
        self.remove_folder(&wt.path)?;
        // Never an admin folder that belongs to another worktree by now.
        let another = folder_of(&wt.git_dir).is_some_and(|folder| folder != wt.path);
        if another || wt.git_dir.parent() != Some(&self.common_dir().join("worktrees")) {
            return Ok(());
        }
        remove_tree(&wt.git_dir)
    }

    /// Removes whatever is at a worktree's path, and every admin folder that points there.
    pub fn remove_worktree_at(&self, path: &Path) -> Result<(), GitError> {
        self.remove_leftovers(&settled(path)?)
    }

    /// Law 17: whatever a caller gets wrong, the repository and the user's checkout are not what is removed.
    fn remove_folder(&self, path: &Path) -> Result<(), GitError> {
        let holds_the_users =
            self.common_dir().starts_with(path) || self.top().is_some_and(|t| t.starts_with(path));
        if holds_the_users || !path.is_absolute() {
            return Err(GitError::io("refusing to remove", path)(io::ErrorKind::InvalidInput.into()));
        }
        remove_tree(path)
    }

    /// Brings the worktree at `path` to exactly a commit's tracked files and removes what is untracked. Ignored files
    /// stay, unless `clean_all`. It is made when absent, and made again when damaged.
    pub fn exact(&self, path: &Path, commit: &str, clean_all: bool) -> Result<Worktree, GitError> {
        let path = settled(path)?;
        if let Some(wt) = self.existing(&path) {
            match self.reset(&wt, commit, clean_all) {
                Ok(()) => return Ok(wt),
                // Making it again would need more room, not less.
                Err(error @ (GitError::NoSpace { .. } | GitError::NoGit)) => return Err(error),
                Err(_) => {}
            }
        }
        self.add_worktree(&path, commit)
    }

    /// The private index tells git which files to rewrite, whatever was done to the worktree's own index.
    fn reset(&self, wt: &Worktree, commit: &str, clean_all: bool) -> Result<(), GitError> {
        wt.drop_locks()?;
        wt.restore_pointer()?;
        link_over(&wt.private_index(), &wt.index())?;
        self.switch(wt, commit)?;
        let flags = if clean_all { "-ffdxq" } else { "-ffdq" };
        wt.git(self, &wt.index()).args(["clean", flags]).run()?;
        wt.keep_index()
    }

    /// Detaches HEAD at a commit and rewrites the files that differ. (`reset --hard` would move a branch that HEAD
    /// happens to be on.)
    pub(super) fn switch(&self, wt: &Worktree, commit: &str) -> Result<(), GitError> {
        let git =
            wt.git(self, &wt.index()).config("checkout.workers", "0").config("advice.detachedHead", "false");
        git.args(["checkout", "--quiet", "--force", "--detach", commit, "--"]).run().map(drop)
    }

    /// The worktree at a path, if both its halves are there and finished.
    fn existing(&self, path: &Path) -> Option<Worktree> {
        let is_folder = fs::symlink_metadata(path).is_ok_and(|m| m.is_dir());
        let git_dir = self.admin_folders(path).ok()?.into_iter().next()?;
        let unfinished = fs::read(git_dir.join("locked")).is_ok_and(|l| l.starts_with(b"initializing"));
        (is_folder && !unfinished).then(|| Worktree { path: path.to_owned(), git_dir })
    }

    fn is_fresh(&self, wt: &Worktree, commit: &str) -> bool {
        let unlocked = wt.private_index().exists() && !wt.git_dir.join("index.lock").exists();
        if !unlocked || wt.restore_pointer().is_err() || self.head_of(wt).is_none_or(|h| h != commit) {
            return false;
        }
        let status = wt.git(self, &wt.private_index()).args(STATUS).run();
        status.is_ok_and(|s| Listing::parse(&s.stdout).is_clean())
    }

    /// The commit in a worktree's HEAD. A detached one is read from the file, without a process.
    pub(super) fn head_of(&self, wt: &Worktree) -> Option<String> {
        Repo::head_in_file(&wt.git_dir).filter(|h| is_oid(h)).or_else(|| {
            let git = Git::plumbing(&wt.git_dir).env("GIT_COMMON_DIR", self.common_dir());
            Some(git.args(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).run().ok()?.line())
        })
    }

    fn remove_leftovers(&self, path: &Path) -> Result<(), GitError> {
        for git_dir in self.admin_folders(path)? {
            remove_tree(&git_dir)?;
        }
        self.remove_folder(path)
    }

    /// Admin folders of a path: those that point to it, and one of its name that a killed git left without a pointer.
    fn admin_folders(&self, path: &Path) -> Result<Vec<PathBuf>, GitError> {
        let name = path.file_name().unwrap_or_default().as_bytes().to_owned();
        let ours = |dir: &PathBuf| match folder_of(dir) {
            Some(folder) => folder == path,
            None => dir.file_name().is_some_and(|n| n.as_bytes() == name),
        };
        Ok(self
            .linked()?
            .into_iter()
            .filter(|d| d.file_name().is_some_and(|n| n.as_bytes().starts_with(&name)))
            .filter(ours)
            .collect())
    }
}

/// The path as git will write it down: its parent exists and has no symbolic link left in it.
pub(super) fn settled(path: &Path) -> Result<PathBuf, GitError> {
    let (parent, name) = path.parent().zip(path.file_name()).ok_or_else(|| GitError::Io {
        doing: "making a worktree at",
        path: path.to_owned(),
        source: io::ErrorKind::InvalidInput.into(),
    })?;
    fs::create_dir_all(parent).map_err(GitError::io("making", parent))?;
    Ok(parent.canonicalize().map_err(GitError::io("reading", parent))?.join(name))
}

/// Makes `to` another name of the file `from`, replacing what was there. Where there are no hard links it is a copy
/// with the same timestamp, which git's check for changes made in the same tick relies on.
fn link_over(from: &Path, to: &Path) -> Result<(), GitError> {
    let new = to.with_extension("new");
    remove_tree(&new)?;
    let linked = fs::hard_link(from, &new).or_else(|_| {
        fs::copy(from, &new)?;
        let written = fs::metadata(from)?.modified()?;
        fs::File::options().write(true).open(&new)?.set_modified(written)
    });
    linked.and_then(|()| fs::rename(&new, to)).map_err(GitError::io("keeping the index", from))?;
    // Renaming one name of a file onto another name of it does nothing, and leaves both.
    remove_tree(&new)
}

/// Removes a file, a link (not what it points to) or a folder with everything in it, however it was protected.
pub(super) fn remove_tree(path: &Path) -> Result<(), GitError> {
    let remove = || match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    let outcome = remove().or_else(|e| {
        if e.kind() == io::ErrorKind::PermissionDenied {
            // Module caches are written read-only.
            unprotect(path);
        }
        // A process that is just dying may have added a file while the folder was emptied.
        if e.kind() == io::ErrorKind::NotFound { Err(e) } else { remove() }
    });
    match outcome {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(GitError::io("removing", path)(e)),
        _ => Ok(()),
    }
}

fn unprotect(folder: &Path) {
    // What cannot be opened here fails again, with its reason, when it is removed.
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            unprotect(&entry.path());
        }
    }
}
