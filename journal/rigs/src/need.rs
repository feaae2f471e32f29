//! What a rig needs of the machine, and the reason to skip it where that is missing. Installs nothing.

use std::{env, fs, path::Path};

/// Something a machine may lack.
#[derive(Clone, Copy)]
pub(crate) enum Need {
    Root,
    Loop,
    Fuse,
    Program(&'static str),
    FileSystem(&'static str),
}

/// Why a rig cannot run here; none if it can.
pub(crate) fn missing(needs: &[Need]) -> Option<String> {
    needs.iter().find_map(|need| need.missing())
}

impl Need {
    fn missing(self) -> Option<String> {
        match self {
            Self::Root => (!rustix::process::geteuid().is_root()).then(|| "not root".to_owned()),
            Self::Loop => absent("/dev/loop-control"),
            Self::Fuse => absent("/dev/fuse"),
            Self::Program(name) => (!found(name)).then(|| format!("no program {name}")),
            Self::FileSystem(name) => (!supported(name)).then(|| format!("this kernel has no {name}")),
        }
    }
}

fn absent(device: &str) -> Option<String> {
    (!Path::new(device).exists()).then(|| format!("no {device}"))
}

fn found(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|dir| dir.join(program).exists())
}

/// A kernel with modules may have it without listing it yet; then mounting will tell.
fn supported(file_system: &str) -> bool {
    let listed = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    listed.split_whitespace().any(|word| word == file_system) || Path::new("/proc/modules").exists()
}
