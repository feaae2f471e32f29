//! The user's checkout, byte for byte: every file with its mode, the index, HEAD, the config, the stash and all branches but one.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Scene;

/// What was there at a moment.
#[derive(PartialEq, Eq)]
pub(crate) struct Checkout {
    files: BTreeMap<PathBuf, (u32, Vec<u8>)>,
    refs: BTreeMap<String, String>,
}

impl Checkout {
    /// Looks at the checkout of a scene. `target` is the branch that may change.
    pub(crate) fn of(scene: &Scene, target: &str) -> Self {
        let mut files = BTreeMap::new();
        collect(&scene.repo, &mut files);
        for name in ["index", "HEAD", "config", "ORIG_HEAD", "MERGE_HEAD"] {
            add(&scene.repo.join(".git").join(name), &mut files);
        }
        let refs = scene.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
        let refs = refs.lines().filter_map(|line| line.split_once(' '));
        let refs = refs
            .filter(|(name, _)| !name.starts_with("refs/swarm/") && *name != format!("refs/heads/{target}"));
        Self { files, refs: refs.map(|(name, at)| (name.to_owned(), at.to_owned())).collect() }
    }

    /// Fails unless everything is as it was then.
    pub(crate) fn assert_same(&self, scene: &Scene, target: &str) {
        let now = Self::of(scene, target);
        let names = |of: &Self| of.files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(self), names(&now), "files came or went");
        for (path, then) in &self.files {
            assert!(now.files[path] == *then, "{} changed", path.display());
        }
        assert_eq!(self.refs, now.refs, "a ref changed that is not swarm's");
    }
}

fn collect(dir: &Path, files: &mut BTreeMap<PathBuf, (u32, Vec<u8>)>) {
    for path in fs::read_dir(dir).expect("the checkout exists").flatten().map(|entry| entry.path()) {
        if path.ends_with(".git") {
            continue;
        }
        let kind = path.symlink_metadata().expect("nobody removes it now").file_type();
        if kind.is_dir() {
            collect(&path, files);
        } else {
            add(&path, files);
        }
    }
}

fn add(path: &Path, files: &mut BTreeMap<PathBuf, (u32, Vec<u8>)>) {
    let Ok(meta) = path.symlink_metadata() else { return };
    let bytes = if meta.is_symlink() {
        fs::read_link(path).expect("it is a link").into_os_string().into_encoded_bytes()
    } else {
        fs::read(path).expect("it can be read")
    };
    files.insert(path.to_owned(), (meta.mode(), bytes));
}
