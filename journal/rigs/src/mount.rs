//! Making and mounting file systems in a file. Does not know what is done with them.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

/// A file system that the rigs crash.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) mkfs: &'static str,
    /// Nothing is left to be initialised in the background, so that all writes belong to the journal's work.
    options: &'static [&'static str],
}

pub(crate) const KINDS: [Kind; 2] = [
    Kind {
        name: "ext4",
        mkfs: "mkfs.ext4",
        options: &["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard"],
    },
    Kind { name: "xfs", mkfs: "mkfs.xfs", options: &["-q", "-f", "-K"] },
];

impl Kind {
    /// Makes an empty file system in this file.
    pub(crate) fn make(self, image: &Path) -> io::Result<()> {
        run(Command::new(self.mkfs).args(self.options).arg(image))
    }

    /// Mounts the file through a loop device, which goes when the mount does.
    pub(crate) fn mount(self, image: &Path, at: &Path) -> io::Result<Mount> {
        run(Command::new("mount").args(["-t", self.name, "-o", "loop"]).arg(image).arg(at))?;
        Ok(Mount { at: at.to_path_buf(), mounted: true })
    }
}

/// A mounted file system.
pub(crate) struct Mount {
    at: PathBuf,
    mounted: bool,
}

impl Mount {
    /// Unmounts, which fails as long as anything on it is open.
    pub(crate) fn unmount(mut self) -> io::Result<()> {
        self.mounted = false;
        let mut tried = Ok(());
        for _ in 0..100 {
            tried = run(Command::new("umount").arg(&self.at));
            if tried.is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        tried
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if self.mounted {
            // Only on the way out of a rig that failed; there is nobody to tell.
            let _ = run(Command::new("umount").arg("--lazy").arg(&self.at));
        }
    }
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.stdin(Stdio::null()).output();
    let program = command.get_program().display();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let complaint = String::from_utf8_lossy(&output.stderr);
            Err(io::Error::other(format!("{program}: {}", complaint.trim())))
        }
        Err(error) => Err(io::Error::other(format!("{program}: {error}"))),
    }
}
