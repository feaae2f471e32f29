//! Worktrees of swarm's own: made, reset to a commit, removed. Does not know whose attempt or gate lives in one.
//!
//! Callers make and remove one at a time. What lives in a worktree may be hostile: nothing is read through its
//! `.git` file, its index or its folder in the repository. The index as git wrote it at the checkout is kept aside as the
//! *private* one, in the tree's [`Shadow`].

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
use super::shadow::{Shadow, copy_over, exists, small_file};

/// A tree of files that agents or gates work in: a linked worktree, or a repository of its own beside its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worktree {
    /// The folder with the files.
    pub path: PathBuf,
    /// Git's folder for it: `<common>/worktrees/<id>`, or that of a repository of its own.
    pub git_dir: PathBuf,
}

impl Worktree {
    /// A command on the worktree's files with a given index. Nothing of the worktree's own git folder is read.
    pub(super) fn git(&self, repo: &Repo, index: &Path) -> Git {
        let shadow = Shadow::of(repo, &self.path);
        repo.guarded(Git::files(shadow.dir(), repo.common_dir(), &self.path, index))
    }

    /// A command that writes the worktree's own HEAD and index. Nobody else may be at work in it, and what was there is
    /// restored first.
    fn own_git(&self, repo: &Repo) -> Git {
        let common = if self.is_linked(repo) { repo.common_dir() } else { &self.git_dir };
        repo.guarded(Git::files(&self.git_dir, common, &self.path, &self.index()))
    }

    /// It shares refs and settings with the repository.
    pub(super) fn is_linked(&self, repo: &Repo) -> bool {
        self.git_dir.parent() == Some(&repo.common_dir().join("worktrees"))
    }

    pub(super) fn index(&self) -> PathBuf {
        self.git_dir.join("index")
    }

    pub(super) fn private_index(&self, repo: &Repo) -> PathBuf {
        Shadow::of(repo, &self.path).index()
    }

    /// Keeps what the tree is like now, with this HEAD.
    pub(super) fn keep(&self, repo: &Repo, head: &str) -> Result<(), GitError> {
        Shadow::of(repo, &self.path).keep(self, head)
    }

    /// Puts back what ties the two halves together, and the settings: all that an agent can have changed to lead git
    /// elsewhere. What was not as swarm left it.
    pub(super) fn restore(&self, repo: &Repo, head: &str) -> Result<Vec<String>, GitError> {
        let mut changed = Vec::new();
        if fs::symlink_metadata(&self.git_dir).is_ok_and(|meta| !meta.is_dir()) {
            changed.push(self.git_dir.display().to_string());
            remove_tree(&self.git_dir)?;
        }
        let linked = self.is_linked(repo);
        if linked || !exists(&self.git_dir) {
            fs::create_dir_all(&self.git_dir).map_err(GitError::io("restoring", &self.git_dir))?;
        }
        let mut pointers = vec![(self.path.join(".git"), self.pointer())];
        if linked {
            pointers.push((self.git_dir.join("gitdir"), self.backlink()));
            pointers.push((self.git_dir.join("commondir"), b"../..\n".to_vec()));
        }
        for (file, right) in pointers {
            if put(&file, &right)? {
                changed.push(file.display().to_string());
            }
        }
        for name in ["HEAD", "index"] {
            let file = self.git_dir.join(name);
            if exists(&file) && !fs::symlink_metadata(&file).is_ok_and(|meta| meta.is_file()) {
                changed.push(file.display().to_string());
                remove_tree(&file)?;
            }
        }
        if linked && !exists(&self.git_dir.join("HEAD")) {
            put(&self.git_dir.join("HEAD"), format!("{head}\n").as_bytes())?;
        }
        if linked {
            let settings = Shadow::of(repo, &self.path).restore_settings(self)?;
            changed.extend(settings.iter().map(|name| self.git_dir.join(name).display().to_string()));
        }
        Ok(changed)
    }

    /// What the `.git` file says.
    fn pointer(&self) -> Vec<u8> {
        [b"gitdir: ", self.git_dir.as_os_str().as_bytes(), b"\n"].concat()
    }

    /// What tells git where the folder is.
    fn backlink(&self) -> Vec<u8> {
        [self.path.as_os_str().as_bytes(), b"/.git\n"].concat()
    }

    /// After a move: each half is told where the other one is.
    pub(super) fn write_backlink(&self, repo: &Repo) -> Result<(), GitError> {
        if self.is_linked(repo) {
            put(&self.git_dir.join("gitdir"), &self.backlink())?;
        }
        put(&self.path.join(".git"), &self.pointer()).map(drop)
    }

    fn drop_locks(&self) -> Result<(), GitError> {
        ["index.lock", "HEAD.lock"].iter().try_for_each(|f| remove_tree(&self.git_dir.join(f)))
    }
}

/// Makes a plain file say this, whatever was there. Whether it did not.
fn put(file: &Path, right: &[u8]) -> Result<bool, GitError> {
    if small_file(file).is_some_and(|bytes| bytes == right) {
        return Ok(false);
    }
    remove_tree(file)?;
    fs::write(file, right).map_err(GitError::io("writing", file))?;
    Ok(true)
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
        let made = self.make_worktree(&path, commit);
        if made.is_err() {
            // Half a worktree helps nobody, and on a full disk it takes the room that resuming needs.
            let _ = self.remove_leftovers(&path);
        }
        made
    }

    /// Git's own `worktree add` checks out in a process that it starts in the new admin folder, and what is included
    /// there is not what is included here: which filters it would find cannot be known before. So it only makes the folder.
    fn make_worktree(&self, path: &Path, commit: &str) -> Result<Worktree, GitError> {
        let add = ["worktree", "add", "--quiet", "--detach", "--no-checkout"];
        self.plumbing().args(add).arg(path).arg(commit).run()?;
        let wt = self.existing(path).ok_or_else(|| GitError::Io {
            doing: "finding the new worktree",
            path: path.to_owned(),
            source: io::ErrorKind::NotFound.into(),
        })?;
        self.switch(&wt, commit)?;
        wt.keep(self, commit)?;
        Ok(wt)
    }

    /// Removes a worktree, its files and its admin folder, in any state; one that is gone is fine.
    pub fn remove_worktree(&self, wt: &Worktree) -> Result<(), GitError> {
        self.remove_folder(&wt.path)?;
        Shadow::of(self, &wt.path).remove()?;
        if !wt.is_linked(self) {
            return if wt.git_dir == own_git_dir(&wt.path) { remove_tree(&wt.git_dir) } else { Ok(()) };
        }
        // Never an admin folder that belongs to another worktree by now.
        let another = folder_of(&wt.git_dir).is_some_and(|folder| folder != wt.path);
        if another { Ok(()) } else { remove_tree(&wt.git_dir) }
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
        let existing = self.existing(&path);
        if let Some(wt) = &existing {
            match self.reset(wt, commit, clean_all) {
                Ok(()) => return Ok(wt.clone()),
                // Making it again would need more room, not less.
                Err(error @ (GitError::NoSpace { .. } | GitError::NoGit)) => return Err(error),
                Err(_) => {}
            }
        }
        match existing {
            Some(wt) if !wt.is_linked(self) => self.add_clone(&path, commit),
            Some(_) | None => self.add_worktree(&path, commit),
        }
    }

    /// The private index tells git which files to rewrite, whatever was done to the worktree's own index.
    fn reset(&self, wt: &Worktree, commit: &str, clean_all: bool) -> Result<(), GitError> {
        let shadow = Shadow::of(self, &wt.path);
        if wt.is_linked(self) {
            wt.drop_locks()?;
            wt.restore(self, commit)?;
        } else {
            self.init_clone(wt, commit)?;
        }
        remove_tree(&wt.index())?;
        copy_over(&shadow.index(), &wt.index())?;
        self.switch(wt, commit)?;
        let flags = if clean_all { "-ffdxq" } else { "-ffdq" };
        wt.own_git(self).args(["clean", flags]).run()?;
        wt.keep(self, commit)
    }

    /// Detaches HEAD at a commit and rewrites the files that differ. (`reset --hard` would move a branch that HEAD
    /// happens to be on.)
    pub(super) fn switch(&self, wt: &Worktree, commit: &str) -> Result<(), GitError> {
        // Files are what a checkout costs; git asks for parallel checkout to be switched on.
        let git = wt.own_git(self).config("checkout.workers", "0").config("advice.detachedHead", "false");
        git.args(["checkout", "--quiet", "--force", "--detach", commit, "--"]).run().map(drop)
    }

    /// The worktree at a path, if both its halves are there and finished.
    pub(super) fn existing(&self, path: &Path) -> Option<Worktree> {
        let is_folder = fs::symlink_metadata(path).is_ok_and(|m| m.is_dir());
        let own = own_git_dir(path);
        if is_folder && own.is_dir() {
            return Some(Worktree { path: path.to_owned(), git_dir: own });
        }
        let git_dir = self.admin_folders(path).ok()?.into_iter().next()?;
        let unfinished = fs::read(git_dir.join("locked")).is_ok_and(|l| l.starts_with(b"initializing"));
        (is_folder && !unfinished).then(|| Worktree { path: path.to_owned(), git_dir })
    }

    pub(super) fn is_fresh(&self, wt: &Worktree, commit: &str) -> bool {
        let unlocked = wt.private_index(self).exists() && !wt.git_dir.join("index.lock").exists();
        if !unlocked || wt.restore(self, commit).is_err() || self.head_of(wt).is_none_or(|h| h != commit) {
            return false;
        }
        let status = wt.git(self, &wt.private_index(self)).args(STATUS).run();
        status.is_ok_and(|s| Listing::parse(&s.stdout).is_clean())
    }

    /// The commit in a worktree's HEAD, if the repository has it. Git is asked only where it keeps refs in no files.
    pub(super) fn head_of(&self, wt: &Worktree) -> Option<String> {
        let text = String::from_utf8(small_file(&wt.git_dir.join("HEAD"))?).ok()?;
        let text = text.trim_end();
        let head = match text.strip_prefix("ref: ") {
            None => Some(text.to_owned()),
            Some(_) if self.common_dir().join("reftable").exists() => {
                let git = Git::plumbing(&wt.git_dir).env("GIT_COMMON_DIR", self.common_dir());
                Some(git.args(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).run().ok()?.line())
            }
            Some(name) if wt.is_linked(self) => self.shared_or_own(wt, name),
            Some(name) => own_ref(&wt.git_dir, name),
        };
        head.filter(|head| is_oid(head))
    }

    /// A ref that HEAD of a linked worktree names. Some belong to the worktree alone.
    fn shared_or_own(&self, wt: &Worktree, name: &str) -> Option<String> {
        let own = ["refs/bisect/", "refs/worktree/", "refs/rewritten/"].iter().any(|of| name.starts_with(of));
        if own { own_ref(&wt.git_dir, name) } else { self.ref_value(name).ok().flatten() }
    }

    pub(super) fn remove_leftovers(&self, path: &Path) -> Result<(), GitError> {
        for git_dir in self.admin_folders(path)? {
            remove_tree(&git_dir)?;
        }
        remove_tree(&own_git_dir(path))?;
        Shadow::of(self, path).remove()?;
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

/// Where git's half of a tree is that is a repository of its own: beside the files, so that they can be deleted without it.
pub(super) fn own_git_dir(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".git");
    path.with_file_name(name)
}

/// The value of a loose or packed ref of a folder that an agent writes.
fn own_ref(git_dir: &Path, name: &str) -> Option<String> {
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    if !name.starts_with("refs/") || !name.split('/').all(plain) {
        return None;
    }
    let loose = small_file(&git_dir.join(name)).and_then(|bytes| String::from_utf8(bytes).ok());
    loose.map(|text| text.trim_end().to_owned()).or_else(|| {
        let packed = fs::read(git_dir.join("packed-refs")).ok()?;
        super::refs::packed(&packed, name)
    })
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
