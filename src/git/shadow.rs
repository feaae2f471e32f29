//! Swarm's own half of a tree that agents write: the index, HEAD and settings as swarm knows them. It lies in the repository's folder, where no agent has business, and git is told to use it in place of what an agent may have written.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::error::GitError;
use super::repo::Repo;
use super::worktree::{Worktree, remove_tree};

/// No pointer, HEAD or setting that git writes is longer, in bytes.
const SMALL_BYTES: u64 = 64 << 10;

/// What decides how files are checked out, and is copied when a tree is made.
const SETTINGS: &[&str] = &["config.worktree", "info/sparse-checkout"];

/// The folder of what swarm knows of one tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shadow {
    dir: PathBuf,
}

impl Shadow {
    /// The one of a tree. Its name is made of the tree's own and the folder's above, which is the run's.
    pub(super) fn of(repo: &Repo, path: &Path) -> Self {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_owned();
        let run = path.parent().map(name).unwrap_or_default();
        Self { dir: repo.common_dir().join("swarm/trees").join(run).join(name(path)) }
    }

    /// The folder, which git takes for the tree's own.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The index as it was when swarm last wrote the files.
    pub(super) fn index(&self) -> PathBuf {
        self.dir.join("index")
    }

    /// Keeps what the tree is like now that swarm has written it.
    pub(super) fn keep(&self, wt: &Worktree, head: &str) -> Result<(), GitError> {
        fs::create_dir_all(self.dir.join("info")).map_err(GitError::io("making", &self.dir))?;
        for name in SETTINGS {
            let to = self.dir.join(name);
            match small_file(&wt.git_dir.join(name)) {
                Some(bytes) => fs::write(&to, bytes).map_err(GitError::io("writing", &to))?,
                None => remove_tree(&to)?,
            }
        }
        self.set_head(head)?;
        copy_over(&wt.index(), &self.index())
    }

    /// Git compares the index with the commit that this names.
    pub(super) fn set_head(&self, head: &str) -> Result<(), GitError> {
        let file = self.dir.join("HEAD");
        fs::create_dir_all(&self.dir).map_err(GitError::io("making", &self.dir))?;
        fs::write(&file, format!("{head}\n")).map_err(GitError::io("writing", &file))
    }

    /// The settings that an agent changed in the tree's own folder; they are as they were then.
    pub(super) fn restore_settings(&self, wt: &Worktree) -> Result<Vec<String>, GitError> {
        let mut changed = Vec::new();
        no_link(&wt.git_dir.join("info"))?;
        for name in SETTINGS {
            let (ours, theirs) = (self.dir.join(name), wt.git_dir.join(name));
            let was = small_file(&ours);
            if !exists(&theirs) && was.is_none() || was.is_some() && small_file(&theirs) == was {
                continue;
            }
            changed.push((*name).to_owned());
            remove_tree(&theirs)?;
            if let Some(bytes) = was {
                let parent = theirs.parent().expect("it lies in git's folder");
                fs::create_dir_all(parent).map_err(GitError::io("making", parent))?;
                fs::write(&theirs, bytes).map_err(GitError::io("writing", &theirs))?;
            }
        }
        Ok(changed)
    }

    pub(super) fn remove(&self) -> Result<(), GitError> {
        remove_tree(&self.dir)?;
        // Fails while other trees of the run have theirs.
        let _ = self.dir.parent().map(fs::remove_dir);
        Ok(())
    }

    /// Follows a tree that is moved.
    pub(super) fn move_to(&self, to: &Self) -> Result<(), GitError> {
        to.remove()?;
        let parent = to.dir.parent().expect("it lies in a folder of swarm's");
        fs::create_dir_all(parent).map_err(GitError::io("making", parent))?;
        fs::rename(&self.dir, &to.dir).map_err(GitError::io("moving", &self.dir))
    }
}

impl Repo {
    /// Removes what swarm knows of trees in a folder that are gone.
    pub(super) fn forget_shadows(&self, below: &Path) -> Result<(), GitError> {
        let all = self.common_dir().join("swarm/trees").join(below.file_name().unwrap_or_default());
        for entry in fs::read_dir(&all).into_iter().flatten().flatten() {
            if !exists(&below.join(entry.file_name())) {
                remove_tree(&entry.path())?;
            }
        }
        // Fails while a tree is left.
        let _ = fs::remove_dir(&all);
        Ok(())
    }
}

/// Something is there, if only a link to nothing.
pub(super) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// A folder, and no link to one.
pub(super) fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

/// Takes away what stands in place of a folder: what is written or removed below a link is somebody else's.
pub(super) fn no_link(folder: &Path) -> Result<(), GitError> {
    if exists(folder) && !is_folder(folder) { remove_tree(folder) } else { Ok(()) }
}

/// The bytes of a small plain file. An agent can put anything in its place: a link, a pipe that never ends, a gigabyte.
pub(super) fn small_file(path: &Path) -> Option<Vec<u8>> {
    let plain = fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() <= SMALL_BYTES);
    if !plain {
        return None;
    }
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).ok()?;
    let file = File::options().read(true).custom_flags(flags).open(path).ok()?;
    if !file.metadata().is_ok_and(|meta| meta.is_file()) {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(SMALL_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Copies an index with its time, which git's check for changes made in the same tick relies on. Never by a link: what
/// an agent writes into its own index would be in ours.
pub(super) fn copy_over(from: &Path, to: &Path) -> Result<(), GitError> {
    let new = to.with_extension("new");
    remove_tree(&new)?;
    let copied = || -> io::Result<()> {
        if !fs::symlink_metadata(from)?.is_file() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        fs::copy(from, &new)?;
        let written = fs::metadata(from)?.modified()?;
        File::options().write(true).open(&new)?.set_modified(written)?;
        fs::rename(&new, to)
    };
    copied().map_err(GitError::io("keeping the index", from))
}
