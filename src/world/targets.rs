//! Which branches runs of a repository land on, by their lock files: where one is, and which were taken since a moment. Takes and breaks no lock.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::git::Repo;

/// The folder of the locks of targets.
fn folder(repo: &Repo) -> PathBuf {
    repo.common_dir().join("swarm").join("targets")
}

/// The lock file of a branch. Whoever takes it writes its process into it.
pub fn lock_file(repo: &Repo, branch: &str) -> PathBuf {
    folder(repo).join(branch.replace('%', "%25").replace('/', "%2F"))
}

/// The branches whose locks were taken since a moment, or by processes that live.
pub(super) fn taken_since(repo: &Repo, since: SystemTime) -> BTreeSet<String> {
    let files = fs::read_dir(folder(repo)).into_iter().flatten().flatten();
    let taken = files.filter(|file| is_taken(&file.path(), since));
    let names = taken.filter_map(|file| file.file_name().into_string().ok());
    names.map(|name| name.replace("%2F", "/").replace("%25", "%")).collect()
}

fn is_taken(file: &Path, since: SystemTime) -> bool {
    let written = fs::metadata(file).and_then(|meta| meta.modified());
    let owner = || fs::read_to_string(file).ok()?.parse::<u32>().ok();
    let lives = || owner().is_some_and(|pid| Path::new("/proc").join(pid.to_string()).exists());
    written.is_ok_and(|at| at >= since) || lives()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that stops there says where")]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{lock_file, taken_since};
    use crate::git::Repo;

    #[test]
    fn a_target_is_in_use_while_its_process_lives_or_if_it_was_taken_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let made = std::process::Command::new("git").args(["init", "-q"]).arg(dir.path()).status();
        assert!(made.unwrap().success());
        let repo = Repo::discover(dir.path()).unwrap();
        let now = SystemTime::now();
        let taken = |after_s| taken_since(&repo, now + Duration::from_secs(after_s)).into_iter();
        assert_eq!(taken(0).count(), 0);
        let ended = u32::MAX.to_string();
        for (branch, owner) in [("swarm/50%2F", std::process::id().to_string()), ("over", ended)] {
            let file = lock_file(&repo, branch);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, owner).unwrap();
            std::fs::File::open(&file).unwrap().set_modified(now + Duration::from_secs(1)).unwrap();
        }
        assert_eq!(taken(0).collect::<Vec<_>>(), ["over", "swarm/50%2F"]);
        assert_eq!(taken(2).collect::<Vec<_>>(), ["swarm/50%2F"]);
    }
}
