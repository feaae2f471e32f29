//! Run folders: where they are, what they are called, and how a name finds one. What happened in a run only its journal knows.

mod costs;
mod day;
mod inbox;
mod lock;
mod open;

pub use costs::past_attempts;
pub use day::{DayBook, Today, keep_of_day};
pub use inbox::{Inbox, Letter, answer_of, post};
pub use lock::TargetLock;
pub use open::{History, OpenError, open_writer, read, read_state};

use std::io;
use std::path::{Path, PathBuf};

use crate::git::Repo;
use crate::world::{Places, now_ms};

/// A run's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    /// The run's id.
    pub id: String,
    /// The folder.
    pub dir: PathBuf,
}

/// Why a name finds no run.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// There is none at all.
    #[error("there is no run in this repository yet; `swarm run` starts one")]
    None,
    /// No run's id begins so.
    #[error("no run is named `{0}`; `swarm ls` lists them")]
    Unknown(String),
    /// More than one does.
    #[error("`{name}` could be any of {}; write more of the id", among.join(", "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// The runs it could mean.
        among: Vec<String>,
    },
    /// The folder of runs cannot be read.
    #[error("{}: {source}", dir.display())]
    Io {
        /// The folder.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl RunFolder {
    /// The folder of a run's journal.
    pub fn journal(&self) -> PathBuf {
        self.dir.join("journal")
    }

    /// The folder of an attempt: its holder's files, and what its program wrote out.
    pub fn attempt(&self, task: &str, attempt: u32) -> PathBuf {
        self.dir.join("attempts").join(task).join(attempt.to_string())
    }

    /// The folder of a gate's run.
    pub fn gate(&self, n: u32) -> PathBuf {
        self.dir.join("gates").join(n.to_string())
    }

    /// The process that drives the run, if one does. 0 if its number is not known.
    pub fn owner(&self) -> Option<u32> {
        let doubt = lock::Doubt::new();
        loop {
            let pid = swarm_journal::owner(&self.journal())?;
            if pid == 0 || lock::is_another(pid) || !doubt.lasts(Some(pid)) {
                return Some(pid);
            }
        }
    }

    /// Where the things of the run are, for a repository.
    pub fn places(&self, repo: &Repo) -> io::Result<Places> {
        Ok(Places {
            run_dir: self.dir.clone(),
            worktrees: self.worktrees(repo),
            exe: std::env::current_exe()?,
        })
    }

    /// The folder of its worktrees: where they were made at the first start, also if the user's folder for state is
    /// another one by now. A run folder that was copied to another repository has none of its worktrees there.
    pub fn worktrees(&self, repo: &Repo) -> PathBuf {
        let here = worktrees_of(repo);
        let recorded =
            std::fs::read_to_string(self.dir.join(WORKTREES)).map(PathBuf::from).unwrap_or_default();
        let is_ours = recorded.parent().is_some_and(|all| all.file_name() == here.file_name());
        if is_ours && recorded.ends_with(&self.id) { recorded } else { here.join(&self.id) }
    }

    /// Removes the folder of its worktrees, and that of the repository's, unless something is kept in them.
    pub fn leave_worktrees(&self, repo: &Repo) {
        let folder = self.worktrees(repo);
        // Fails while something is in it, which is as it should be.
        if std::fs::remove_dir(&folder).is_ok()
            && let Some(all) = folder.parent()
        {
            let _ = std::fs::remove_dir(all);
        }
    }

    /// The size of everything in it, in bytes. What cannot be read counts nothing.
    pub fn bytes(&self) -> u64 {
        size(&self.dir)
    }
}

fn size(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => size(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

/// The folder of all runs of a repository.
pub fn runs_dir(repo: &Repo) -> PathBuf {
    repo.common_dir().join("swarm").join("runs")
}

/// The folder of all worktrees that swarm makes for a repository: outside it, so that tools which search upward do not
/// find the user's checkout.
fn worktrees_of(repo: &Repo) -> PathBuf {
    let path = repo.common_dir().to_string_lossy();
    let name = repo.top().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_else(|| "repository".to_owned());
    state_dir().join("worktrees").join(format!("{name}-{:012x}", fnv1a(path.as_bytes()) & 0xFFFF_FFFF_FFFF))
}

/// The user's folder for state: `SWARM_STATE_DIR`, or as the XDG base directory specification says.
fn state_dir() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    set("SWARM_STATE_DIR")
        .or_else(|| set("XDG_STATE_HOME").map(|dir| dir.join("swarm")))
        .or_else(|| set("HOME").map(|home| home.join(".local/state/swarm")))
        .unwrap_or_else(|| std::env::temp_dir().join("swarm"))
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): the same folder name for the same repository with every build.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// The file that says where the run's worktrees are.
const WORKTREES: &str = "worktrees";

/// Makes a new run's folder. Its id says when it began, so that ids sort by time.
pub fn create(repo: &Repo) -> io::Result<RunFolder> {
    let runs = runs_dir(repo);
    std::fs::create_dir_all(&runs)?;
    loop {
        let id = new_id();
        let dir = runs.join(&id);
        match std::fs::create_dir(&dir) {
            Ok(()) => {
                for folder in ["attempts", "gates", "inbox"] {
                    std::fs::create_dir(dir.join(folder))?;
                }
                let worktrees = worktrees_of(repo).join(&id);
                std::fs::write(dir.join(WORKTREES), worktrees.as_os_str().as_encoded_bytes())?;
                return Ok(RunFolder { id, dir });
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// `20261121-071812-k3f9`: the time in UTC, two characters for its thousandth of a second and two that tell runs of one
/// thousandth apart. Ids sort by time.
fn new_id() -> String {
    const LETTERS: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";
    let now = jiff::Timestamp::now();
    let mixed = fnv1a(format!("{}-{}-{now}", std::process::id(), now_ms()).as_bytes());
    let thousandth = u64::try_from(now.subsec_millisecond()).unwrap_or(0);
    let tail = [thousandth >> 5, thousandth, mixed >> 5, mixed]
        .map(|bits| char::from(LETTERS[(bits & 31) as usize]));
    format!("{}-{}", now.strftime("%Y%m%d-%H%M%S"), String::from_iter(tail))
}

/// The sixteen bytes by which a journal knows its run: the id without its century and dashes.
pub fn journal_id(id: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    let letters = id.bytes().filter(|byte| *byte != b'-').skip(2);
    for (place, letter) in bytes.iter_mut().zip(letters) {
        *place = letter;
    }
    bytes
}

/// All runs of a repository, oldest first.
pub fn list(repo: &Repo) -> Result<Vec<RunFolder>, FindError> {
    let dir = runs_dir(repo);
    let entries = match std::fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(FindError::Io { dir, source }),
    };
    let mut runs: Vec<_> = entries
        .flatten()
        .filter(|entry| is_run(&entry.path()))
        .filter_map(|entry| Some(RunFolder { id: entry.file_name().into_string().ok()?, dir: entry.path() }))
        .collect();
    runs.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(runs)
}

/// The run of a name: a path of a run folder, `latest`, or a unique prefix of an id.
pub fn find(repo: Option<&Repo>, name: &str) -> Result<RunFolder, FindError> {
    let path = Path::new(name);
    if name.contains('/') || is_run(path) {
        return at(path).ok_or_else(|| FindError::Unknown(name.to_owned()));
    }
    let mut runs = repo.map(list).transpose()?.unwrap_or_default();
    if name == "latest" {
        return runs.pop().ok_or(FindError::None);
    }
    if let Some(exact) = runs.iter().position(|run| run.id == name) {
        return Ok(runs.swap_remove(exact));
    }
    runs.retain(|run| run.id.starts_with(name));
    match runs.len() {
        0 => Err(FindError::Unknown(name.to_owned())),
        1 => Ok(runs.remove(0)),
        _ => Err(FindError::Ambiguous {
            name: name.to_owned(),
            among: runs.into_iter().map(|run| run.id).collect(),
        }),
    }
}

/// A run folder by its path, also one that was copied from elsewhere. A path of its journal will do.
fn at(path: &Path) -> Option<RunFolder> {
    let path = std::path::absolute(path).ok()?;
    let dir = if is_run(&path) { path } else { path.parent()?.to_owned() };
    let id = dir.file_name()?.to_str()?.to_owned();
    is_run(&dir).then_some(RunFolder { id, dir })
}

/// Whether a folder is a run's: it holds a journal, or the one that a repair was about to put in its place.
pub fn is_run(dir: &Path) -> bool {
    ["journal", "journal.repairing"].iter().any(|name| dir.join(name).is_dir())
}
