//! A shell for somebody who has just come to this machine: an empty home, the built binary on the path, and a folder to work in.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Far more than any command of a page needs, in seconds.
const LIMIT_S: &str = "180";

/// What a command did.
pub(crate) struct Seen {
    pub(crate) exit: i32,
    /// What it printed, standard output first.
    pub(crate) output: String,
}

/// A place to type commands in. All of it goes when it goes.
pub(crate) struct Shell {
    home: tempfile::TempDir,
    cwd: PathBuf,
}

impl Shell {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let cwd = home.path().canonicalize().unwrap();
        Self { home, cwd }
    }

    /// Writes a file; a script can be run.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.cwd.join(file);
        fs::write(&path, text).unwrap();
        if text.starts_with("#!") {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    /// Runs a command to its end. `cd` lasts.
    pub(crate) fn run(&mut self, command: &str) -> Seen {
        if let Some(folder) = command.strip_prefix("cd ") {
            self.cwd = self.cwd.join(folder);
            return Seen { exit: i32::from(!self.cwd.is_dir()), output: String::new() };
        }
        // Files, not pipes: what a command leaves in the background may not hold us up.
        let (out, err) = (self.home.path().join("out"), self.home.path().join("err"));
        let status = Command::new("timeout")
            .args([LIMIT_S, "bash", "-c", command])
            .current_dir(&self.cwd)
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::null())
            .stdout(fs::File::create(&out).unwrap())
            .stderr(fs::File::create(&err).unwrap())
            .status()
            .unwrap();
        let read = |file: &Path| String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
        Seen { exit: status.code().unwrap_or(-1), output: read(&out) + &read(&err) }
    }

    fn environment(&self) -> Vec<(OsString, OsString)> {
        let binary = Path::new(env!("CARGO_BIN_EXE_swarm"));
        let mut path = binary.parent().unwrap().as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap());
        let home = self.home.path();
        vec![
            ("PATH".into(), path),
            ("HOME".into(), home.into()),
            ("SWARM_STATE_DIR".into(), home.join("state").into()),
            ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
            ("TERM".into(), "dumb".into()),
            ("USER".into(), "ada".into()),
        ]
    }
}
