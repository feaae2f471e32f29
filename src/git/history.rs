//! What commits say and what changed between them. Writes nothing, except `prove_durable`, which writes to disk what
//! git already has.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::error::GitError;
use super::output::{Output, path_text, records};
use super::repo::Repo;

/// More of an attempt's own commits than this are not read.
const MAX_COMMITS: &str = "--max-count=1000";
/// Up to this many loose objects are synced one by one; more go into a pack, which is synced once.
const SYNC_ONE_BY_ONE: usize = 32;

/// One commit of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitInfo {
    /// The commit.
    pub oid: String,
    /// Its tree.
    pub tree: String,
    /// Its parents, first one first.
    pub parents: Vec<String>,
    /// The first line of its message.
    pub subject: String,
    /// The trailers of its message, in order.
    pub trailers: Vec<(String, String)>,
}

impl Repo {
    /// The whole messages of the commits of a range, newest first, each with its commit; below them who wrote it and who
    /// committed it.
    pub fn messages(&self, from: &str, to: &str) -> Result<Vec<(String, String)>, GitError> {
        let range = format!("{from}..{to}");
        let git = self.plumbing().config("log.showSignature", "false");
        let out = git
            .args(["log", "-z", "--no-color", "--format=%H%x1f%B%n%an <%ae>%n%cn <%ce>"])
            .arg(&range)
            .arg("--")
            .run()?;
        let message = |record: &[u8]| {
            let text = String::from_utf8_lossy(record).into_owned();
            text.split_once('\x1f').map(|(commit, message)| (commit.to_owned(), message.to_owned()))
        };
        Ok(out.records().filter_map(message).collect())
    }

    /// The commits of a range (`old..new`), newest first.
    pub fn log_trailers(&self, range: &str) -> Result<Vec<CommitInfo>, GitError> {
        self.log(&[range])
    }

    /// An attempt's own commits, newest first; no process if it made none.
    pub(super) fn commits_since(&self, start: &str, head: &str) -> Result<Vec<CommitInfo>, GitError> {
        if start == head { Ok(Vec::new()) } else { self.log(&[MAX_COMMITS, &format!("{start}..{head}")]) }
    }

    fn log(&self, args: &[&str]) -> Result<Vec<CommitInfo>, GitError> {
        let format = "--format=%H%x1f%T%x1f%P%x1f%s%x1f%(trailers:only,unfold)";
        let git = self.plumbing().config("log.showSignature", "false");
        let out = git.args(["log", "-z", "--topo-order", "--no-color", format]).args(args).arg("--").run()?;
        Ok(records(&out.stdout).filter_map(commit_info).collect())
    }

    /// The paths that differ between two commits. One that is not UTF-8 is quoted as git does it.
    pub fn changed_paths(&self, from: &str, to: &str) -> Result<Vec<String>, GitError> {
        Ok(self.changes(from, to)?.iter().map(|c| path_text(&c.path)).collect())
    }

    /// The patch between two commits.
    pub fn diff(&self, from: &str, to: &str, color: bool) -> Result<String, GitError> {
        self.patch("--patch", from, to, color)
    }

    /// The files that differ between two commits, with bars.
    pub fn diff_stat(&self, from: &str, to: &str, color: bool) -> Result<String, GitError> {
        self.patch("--stat", from, to, color)
    }

    fn patch(&self, form: &str, from: &str, to: &str, color: bool) -> Result<String, GitError> {
        let color = if color { "--color=always" } else { "--color=never" };
        let git =
            self.plumbing().args(["diff", "--no-ext-diff", "--no-textconv", form, color, from, to, "--"]);
        Ok(git.run()?.text())
    }

    /// Makes every object that `tip` adds to `old` as durable as a synced ref. What git wrote for us is synced
    /// already; what an agent's git wrote may not be. Objects in packs are: git syncs packs by default.
    pub fn prove_durable(&self, old: &str, tip: &str) -> Result<(), GitError> {
        if old == tip {
            return Ok(());
        }
        let exclude = format!("^{old}");
        let out = self
            .plumbing()
            .args(["rev-list", "--objects", "--no-object-names", tip, &exclude, "--"])
            .run()?;
        let loose = self.loose(&out);
        // What lies in somebody else's folder is as durable as they like.
        if loose.len() > SYNC_ONE_BY_ONE || self.borrows() {
            return self.pack(&out);
        }
        loose.iter().try_for_each(|path| sync(path))?;
        let mut folders: Vec<&Path> = loose.iter().filter_map(|p| p.parent()).collect();
        folders.sort_unstable();
        folders.dedup();
        folders.iter().try_for_each(|path| sync(path))?;
        if loose.is_empty() { Ok(()) } else { sync(&self.objects()) }
    }

    /// Whether git also looks for objects elsewhere. An agent may have told it to.
    pub(super) fn borrows(&self) -> bool {
        super::shadow::exists(&self.objects().join("info/alternates"))
    }

    fn objects(&self) -> PathBuf {
        self.common_dir().join("objects")
    }

    fn loose(&self, oids: &Output) -> Vec<PathBuf> {
        let file = |oid: &str| oid.split_at_checked(2).map(|(dir, name)| self.objects().join(dir).join(name));
        oids.text().lines().filter_map(file).filter(|p| p.exists()).collect()
    }

    fn pack(&self, oids: &Output) -> Result<(), GitError> {
        let folder = self.objects().join("pack");
        fs::create_dir_all(&folder).map_err(GitError::io("making", &folder))?;
        let git = self.plumbing().args(["pack-objects", "--quiet", "--non-empty", "--window=0"]);
        git.arg(folder.join("pack")).stdin(oids.stdout.clone()).run()?;
        sync(&folder)
    }
}

fn sync(path: &Path) -> Result<(), GitError> {
    match File::open(path).and_then(|f| f.sync_all()) {
        // Somebody's repack has moved it into a pack in this moment, and packs are synced.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        outcome => outcome.map_err(GitError::io("syncing", path)),
    }
}

fn commit_info(record: &[u8]) -> Option<CommitInfo> {
    let text = String::from_utf8_lossy(record);
    let mut fields = text.splitn(5, '\x1f').map(str::to_owned);
    let (oid, tree, parents, subject) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let trailer = |line: &str| line.split_once(": ").map(|(k, v)| (k.to_owned(), v.trim().to_owned()));
    let trailers = fields.next().unwrap_or_default().lines().filter_map(trailer).collect();
    Some(CommitInfo {
        oid,
        tree,
        parents: parents.split_whitespace().map(str::to_owned).collect(),
        subject,
        trailers,
    })
}
