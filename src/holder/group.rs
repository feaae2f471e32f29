//! A control group of the attempt's own, where the system lets us make one: whatever became of its environment, its parent
//! or its folder, a process of the attempt is in it. Version 2 of control groups only; knows no attempt.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How many processes and threads an attempt may have at once, so that a fork bomb ends.
const PROCESSES_MAX: u32 = 8_192;
const REMOVE_TRIES: u32 = 50;
const REMOVE_PAUSE: Duration = Duration::from_millis(2);

/// A folder of the control group file system that holds the processes of one attempt, and nothing else.
#[derive(Debug)]
pub(super) struct Group {
    dir: PathBuf,
}

impl Group {
    /// Makes the group below our own; none where that is not allowed, as in most sessions without delegation.
    pub(super) fn make(name: &str) -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let dir = place(&mounts, &own)?.join(file_name(name));
        // It may be there from a start that came to nothing.
        let made = fs::create_dir(&dir).is_ok() || dir.is_dir();
        let group = Self { dir };
        if made && !group.can_kill() {
            group.remove();
        }
        // Holds root too, as the limit of a user's processes does not. Where it is not ours to set there is that limit.
        let _ = fs::write(group.dir.join("pids.max"), PROCESSES_MAX.to_string());
        (made && group.can_kill()).then_some(group)
    }

    /// The group of this name that was made before, if it is still there. Whoever wrote down where that is may have been
    /// the attempt itself: the group of somebody's whole session is none of ours.
    pub(super) fn at(dir: &Path, name: &str) -> Option<Self> {
        let ours = dir.file_name().is_some_and(|last| *last == *file_name(name));
        (ours && dir.join("cgroup.procs").is_file()).then(|| Self { dir: dir.to_path_buf() })
    }

    /// Where it is.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Puts a process into it, and with it all that the process will start. It may have ended.
    pub(super) fn take(&self, pid: i32) -> bool {
        fs::write(self.dir.join("cgroup.procs"), pid.to_string()).is_ok()
    }

    /// The processes in it.
    pub(super) fn members(&self) -> BTreeSet<i32> {
        let text = fs::read_to_string(self.dir.join("cgroup.procs")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Kills all of them at one stroke; none escapes by forking.
    pub(super) fn kill(&self) {
        let _ = fs::write(self.dir.join("cgroup.kill"), "1");
    }

    /// Since Linux 5.14.
    fn can_kill(&self) -> bool {
        self.dir.join("cgroup.kill").is_file()
    }

    /// Removes it. A process that has just ended may keep it for a moment; one that lives, for good.
    pub(super) fn remove(&self) {
        for _ in 0..REMOVE_TRIES {
            if fs::remove_dir(&self.dir).is_ok() || !self.dir.exists() {
                return;
            }
            thread::sleep(REMOVE_PAUSE);
        }
    }
}

fn file_name(name: &str) -> String {
    format!("swarm-{name}")
}

/// Where our own group is in the file system. `mounts` is `/proc/self/mountinfo`, `own` is `/proc/self/cgroup`.
fn place(mounts: &str, own: &str) -> Option<PathBuf> {
    let own = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "))?;
    let mut fields = mount.split(' ').skip(3);
    let (root, point) = (fields.next()?, fields.next()?);
    let below = Path::new(own).strip_prefix(root).ok()?;
    Some(Path::new(point).join(below))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Group, place};

    #[test]
    fn a_group_of_another_name_is_none_of_ours() {
        let dir = tempfile::tempdir().expect("a scratch folder can be written");
        for name in ["session-2.scope", "swarm-ab", "swarm-cd"] {
            let group = dir.path().join(name);
            std::fs::create_dir(&group).expect("a scratch folder can be written");
            std::fs::write(group.join("cgroup.procs"), "").expect("a scratch folder can be written");
            assert_eq!(Group::at(&group, "ab").is_some(), name == "swarm-ab", "{name}");
        }
    }

    #[test]
    fn our_own_group_is_found_below_its_mount() {
        let unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
        let hybrid = "29 23 0:25 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let container = "30 23 0:26 /docker/7 /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
        for (mounts, own, expected) in [
            (unified, "0::/user.slice/a.scope\n", Some("/sys/fs/cgroup/user.slice/a.scope")),
            (hybrid, "5:cpu:/\n0::/\n", Some("/sys/fs/cgroup/unified/")),
            (container, "0::/docker/7/b\n", Some("/sys/fs/cgroup/b")),
            (container, "0::/elsewhere\n", None),
            ("29 23 0:25 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n", "5:cpu:/\n", None),
        ] {
            assert_eq!(place(mounts, own).as_deref(), expected.map(Path::new), "{own}");
        }
    }
}
