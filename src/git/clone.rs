//! Trees that are repositories of their own and borrow the user's objects: made, and their commits taken over. What is in one is an agent's; of it nothing is read but HEAD, refs and objects.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::command::Git;
use super::error::GitError;
use super::repo::Repo;
use super::shadow::{Shadow, is_folder, no_link, small_file};
use super::worktree::{Worktree, own_git_dir, remove_tree, settled};

/// Settings of the user's repository that decide what its files hold; the others stay where they are.
const COPIED: &str = r"^(user\.(name|email)|core\.(autocrlf|eol|safecrlf|filemode|symlinks|ignorecase|precomposeunicode)|filter\..*)$";

/// What else decides what git tracks, and how far back it looks.
const COPIED_FILES: &[&str] = &["info/exclude", "info/attributes", "shallow"];

impl Repo {
    /// Makes a repository with a commit checked out, detached, without remotes and hooks. It borrows the user's objects,
    /// so a ref has to hold the commit for as long as it lives. One that is there, and nothing changed, is returned as it is.
    pub fn add_clone(&self, path: &Path, commit: &str) -> Result<Worktree, GitError> {
        let path = settled(path)?;
        if let Some(wt) = self.existing(&path)
            && !wt.is_linked(self)
            && self.is_fresh(&wt, commit)
        {
            return Ok(wt);
        }
        self.remove_leftovers(&path)?;
        let wt = Worktree { git_dir: own_git_dir(&path), path };
        let made = fs::create_dir_all(&wt.path)
            .map_err(GitError::io("making", &wt.path))
            .and_then(|()| self.init_clone(&wt, commit))
            .and_then(|()| self.switch(&wt, commit))
            .and_then(|()| wt.keep(self, commit));
        match made {
            Ok(()) => Ok(wt),
            Err(error) => {
                // Half of it helps nobody, and on a full disk it takes the room that resuming needs.
                let _ = self.remove_leftovers(&wt.path);
                Err(error)
            }
        }
    }

    /// Makes git's half anew, with HEAD at a commit and no index.
    pub(super) fn init_clone(&self, wt: &Worktree, commit: &str) -> Result<(), GitError> {
        remove_tree(&wt.git_dir)?;
        remove_tree(&wt.path.join(".git"))?;
        let format = if commit.len() == 64 { "sha256" } else { "sha1" };
        Git::nowhere()
            .env("GIT_DEFAULT_REF_FORMAT", "files")
            .args(["init", "--quiet", "--template=", "--initial-branch=main"])
            .arg(format!("--object-format={format}"))
            .arg("--separate-git-dir")
            .arg(&wt.git_dir)
            .arg(&wt.path)
            .run()?;
        let write = |name: &str, bytes: &[u8]| {
            let file = wt.git_dir.join(name);
            let parent = file.parent().expect("it lies in the repository");
            fs::create_dir_all(parent)
                .and_then(|()| fs::write(&file, bytes))
                .map_err(GitError::io("writing", &file))
        };
        write("objects/info/alternates", &self.alternates())?;
        for name in COPIED_FILES {
            if let Some(bytes) = small_file(&self.common_dir().join(name)) {
                write(name, &bytes)?;
            }
        }
        self.copy_settings(wt)?;
        write("HEAD", format!("{commit}\n").as_bytes())?;
        wt.write_backlink(self)
    }

    fn alternates(&self) -> Vec<u8> {
        [self.common_dir().join("objects").as_os_str().as_bytes(), b"\n"].concat()
    }

    fn copy_settings(&self, wt: &Worktree) -> Result<(), GitError> {
        let out = self.plumbing().args(["config", "--local", "-z", "--get-regexp", COPIED]).run_any()?;
        if !matches!(out.code, Some(0 | 1)) {
            return Err(out.into_error());
        }
        let mut text = String::new();
        for record in out.records() {
            let record = String::from_utf8_lossy(record);
            let (key, value) = record.split_once('\n').unwrap_or((&record, "true"));
            text.push_str(&setting(key, value));
        }
        let file = wt.git_dir.join("config");
        let written = fs::read_to_string(&file).and_then(|old| fs::write(&file, old + &text));
        written.map_err(GitError::io("writing", &file))
    }

    /// Takes over what an agent committed in a repository of its own: a pack of everything from `start` to `head`, which
    /// git checks object by object, link by link, before it becomes part of the user's repository, synced.
    pub(super) fn import(&self, wt: &Worktree, head: &str, start: &str) -> Result<(), GitError> {
        let objects = wt.git_dir.join("objects");
        if !is_folder(&objects) {
            return Err(GitError::io("reading", &objects)(std::io::ErrorKind::NotFound.into()));
        }
        no_link(&objects.join("info"))?;
        let alternates = objects.join("info/alternates");
        if small_file(&alternates).is_none_or(|bytes| bytes != self.alternates()) {
            // Git would look for objects wherever it says.
            remove_tree(&alternates)?;
        }
        // By way of a file: what an agent committed may be larger than what memory there is.
        let file = Shadow::of(self, &wt.path).dir().join("taken-over.pack");
        let taken = self.pack_from(&objects, head, start, &file).and_then(|()| self.index_from(&file));
        remove_tree(&file)?;
        taken
    }

    /// Packs what is in a foreign folder of objects. Of what lies beside them to make looking up quicker nothing is believed.
    fn pack_from(&self, objects: &Path, head: &str, start: &str, into: &Path) -> Result<(), GitError> {
        let quote = |byte: &u8| if matches!(byte, b'"' | b'\\') { vec![b'\\', *byte] } else { vec![*byte] };
        let quoted: Vec<u8> = objects.as_os_str().as_bytes().iter().flat_map(quote).collect();
        let borrowed = [b"\"", quoted.as_slice(), b"\""].concat();
        let file = fs::File::create(into).map_err(GitError::io("writing", into))?;
        self.plumbing()
            .config("pack.useBitmaps", "false")
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", OsStr::from_bytes(&borrowed))
            .args(["pack-objects", "--quiet", "--revs", "--stdout", "--delta-base-offset", "--window=0"])
            .stdin(format!("{head}\n^{start}\n"))
            .stdout_file(file)
            .run()
            .map(drop)
    }

    fn index_from(&self, pack: &Path) -> Result<(), GitError> {
        let file = fs::File::open(pack).map_err(GitError::io("reading", pack))?;
        self.plumbing()
            .config("fsck.missingEmail", "ignore")
            .config("fsck.missingNameBeforeEmail", "ignore")
            .args(["index-pack", "--stdin", "--strict", "--fsck-objects"])
            .stdin_file(file)
            .run()
            .map(drop)
    }
}

/// A setting as it is written in a file.
fn setting(key: &str, value: &str) -> String {
    let (section, name) = key.rsplit_once('.').unwrap_or(("core", key));
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let header = match section.split_once('.') {
        Some((section, of)) => format!("[{section} \"{}\"]", quoted(of)),
        None => format!("[{section}]"),
    };
    format!("{header}\n\t{name} = \"{}\"\n", quoted(value))
}

#[cfg(test)]
mod tests {
    use super::setting;

    #[test]
    fn settings_are_written_as_git_reads_them() {
        assert_eq!(setting("core.eol", "lf"), "[core]\n\teol = \"lf\"\n");
        let odd = setting("filter.a \"b\\.clean", "x \"y\" \\z");
        assert_eq!(odd, "[filter \"a \\\"b\\\\\"]\n\tclean = \"x \\\"y\\\" \\\\z\"\n");
    }
}
