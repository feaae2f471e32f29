//! Bubblewrap: namespaces in which everything is read-only but what is granted, and no other process is seen. Knows only its command line.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::IntoRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{MemfdFlags, memfd_create};

use super::enclosure::{Enclosure, Kind};
use super::powers::{KEPT, we_are_root};

/// Settings of the whole system that root could write without any power.
const SYSTEM_SETTINGS: [&str; 3] = ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq"];

/// Where the program is.
pub(super) fn program() -> Option<PathBuf> {
    find(OsStr::new("bwrap"))
}

/// Whether it works here: it may be forbidden to make namespaces, as in most containers.
pub(super) fn works(bwrap: &Path) -> Result<(), String> {
    let nothing =
        Enclosure { wall: Kind::Bwrap, write: Vec::new(), hide: Vec::new(), show: Vec::new(), network: true };
    try_out(bwrap, &nothing)
}

/// Whether it can take the network away.
pub(super) fn cuts_network(bwrap: &Path) -> Result<(), String> {
    let nothing = Enclosure {
        wall: Kind::Bwrap,
        write: Vec::new(),
        hide: Vec::new(),
        show: Vec::new(),
        network: false,
    };
    try_out(bwrap, &nothing)
}

fn try_out(bwrap: &Path, enclosure: &Enclosure) -> Result<(), String> {
    let options = options(enclosure, Path::new("/"), we_are_root());
    let ran = Command::new(bwrap).args(options).args(["--", "true"]).stdin(Stdio::null()).output();
    match ran {
        Ok(ran) if ran.status.success() => Ok(()),
        Ok(ran) => Err(String::from_utf8_lossy(&ran.stderr).trim().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The command line that becomes `argv` in the enclosure. The options lie in memory, in a file that bubblewrap inherits: there
/// may be more than fit a command line, and whoever lists processes should not see each folder in them.
pub(super) fn command(
    bwrap: &Path,
    enclosure: &Enclosure,
    cwd: &Path,
    argv: &[OsString],
) -> io::Result<Vec<OsString>> {
    let mut options_file = File::from(memfd_create("bwrap", MemfdFlags::empty())?);
    for option in options(enclosure, cwd, we_are_root()) {
        options_file.write_all(option.as_bytes())?;
        options_file.write_all(&[0])?;
    }
    options_file.rewind()?;
    let number = options_file.into_raw_fd().to_string();
    let mut line = Line(vec![bwrap.into()]);
    line.words(&["--args", &number, "--"]);
    line.words(argv);
    Ok(line.0)
}

fn options(enclosure: &Enclosure, cwd: &Path, root: bool) -> Vec<OsString> {
    let mut line = Line(Vec::new());
    line.mount("--ro-bind", Path::new("/"));
    // Outside of its own namespace of processes stays the one that watches over it, and the whole file system with that.
    line.words(&["--unshare-pid", "--proc", "/proc", "--dev", "/dev"]);
    if root {
        line.powers();
    }
    let shared_memory = Path::new("/dev/shm");
    if shared_memory.is_dir() {
        line.mount("--ro-bind", shared_memory);
    }
    enclosure.hide.iter().for_each(|path| line.words(&[OsStr::new("--tmpfs"), path.as_os_str()]));
    enclosure.show.iter().for_each(|path| line.mount("--ro-bind", path));
    for path in &enclosure.write {
        line.granted(path);
    }
    // What is written there would be gone, and nobody told.
    enclosure.hide.iter().for_each(|path| line.words(&[OsStr::new("--remount-ro"), path.as_os_str()]));
    if !enclosure.network {
        line.words(&["--unshare-net"]);
    }
    line.words(&[OsStr::new("--chdir"), cwd.as_os_str()]);
    line.0
}

struct Line(Vec<OsString>);

impl Line {
    fn words<S: AsRef<OsStr>>(&mut self, words: &[S]) {
        self.0.extend(words.iter().map(|word| word.as_ref().to_os_string()));
    }

    /// A path at the place where it is outside.
    fn mount(&mut self, how: &str, path: &Path) {
        self.words(&[OsStr::new(how), path.as_os_str(), path.as_os_str()]);
    }

    /// The usual devices are there anyway, those of this namespace.
    fn granted(&mut self, path: &Path) {
        let is_device = path.starts_with("/dev") && !path.starts_with("/dev/shm");
        match is_device {
            true if super::usual::DEVICES.iter().any(|usual| Path::new(usual) == path) => {}
            true => self.mount("--dev-bind-try", path),
            false => self.mount("--bind-try", path),
        }
    }

    fn powers(&mut self) {
        for path in SYSTEM_SETTINGS {
            self.mount("--ro-bind-try", Path::new(path));
        }
        self.words(&["--cap-drop", "ALL"]);
        for (name, _) in KEPT {
            self.words(&["--cap-add", name]);
        }
    }
}

/// The error that starting this program would give, if it is not there.
pub(super) fn look_for(program: &OsStr, cwd: &Path) -> io::Result<()> {
    let named = Path::new(program).components().count() > 1 || Path::new(program).is_absolute();
    let there = if named { cwd.join(program).exists() } else { find(program).is_some() };
    // As the system says it (ENOENT).
    if there { Ok(()) } else { Err(io::Error::from_raw_os_error(2)) }
}

fn find(name: &OsStr) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}
