//! Copies a working tree: what git knows of it and what is new, but nothing that is ignored.

use std::{fs, path::Path, process::Command};

pub(crate) fn working_tree(from: &Path, to: &Path) -> Result<(), String> {
    let mut git = Command::new("git");
    git.arg("-C").arg(from).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = git.output().map_err(|e| format!("git: {e}"))?;
    if !listed.status.success() {
        return Err(format!("git: {}", String::from_utf8_lossy(&listed.stderr)));
    }
    let names = String::from_utf8(listed.stdout).map_err(|e| e.to_string())?;
    for name in names.split_terminator('\0') {
        // What was removed and not committed yet is still listed.
        if from.join(name).is_file() {
            file(&from.join(name), &to.join(name)).map_err(|e| format!("{name}: {e}"))?;
        }
    }
    Ok(())
}

fn file(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to.parent().expect("it lies in the copy"))?;
    fs::copy(from, to).map(drop)
}
