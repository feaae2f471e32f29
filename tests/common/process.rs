//! Processes of a scene: each carries the scene's folder in its environment or its command line, or works in it.

use std::fs;
use std::path::Path;

pub(crate) use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

/// Sends a signal. A process that has just ended needs none.
pub(crate) fn kill(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.cast_signed()).expect("no test signals process 0");
    let _ = kill_process(pid, signal);
}

/// Whether the process exists and has not ended; a zombie has.
pub(crate) fn lives(pid: u32) -> bool {
    stat(pid).is_some_and(|fields| fields[0] != "Z")
}

/// The process that waits for this one.
pub(crate) fn parent_of(pid: u32) -> Option<u32> {
    stat(pid)?.get(1)?.parse().ok()
}

/// What follows the name in `/proc/<pid>/stat`: the state first, then the parent.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

/// All living processes whose environment, command line or working folder names `root`.
pub(crate) fn members_of(root: &Path) -> Vec<u32> {
    let me = std::process::id();
    let wanted = root.as_os_str().as_encoded_bytes();
    let entries = fs::read_dir("/proc").expect("this is Linux").flatten();
    let pids =
        entries.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    pids.filter(|pid| *pid != me && is_member(*pid, root, wanted) && lives(*pid)).collect()
}

fn is_member(pid: u32, root: &Path, wanted: &[u8]) -> bool {
    let names_it = |file: &str| {
        let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        bytes.windows(wanted.len()).any(|window| window == wanted)
    };
    names_it("environ")
        || names_it("cmdline")
        || fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder.starts_with(root))
}

/// What a process is, for a message.
pub(super) fn describe(pid: u32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect::<Vec<_>>();
    format!("{pid}: {}", words.join(" "))
}
