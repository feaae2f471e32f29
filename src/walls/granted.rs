//! Places that may be written and places that may not, one inside the other, as a plain list of what is granted. Starts nothing.
//!
//! Walls only ever add: what lies in a granted folder is granted. So a folder with a kept place in it is not granted itself;
//! what else is in it is, one by one. Nothing new can be made in such a folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where a process may write, and where not. The deepest place that holds a path decides; in doubt it is kept.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// May be written.
    pub write: Vec<PathBuf>,
    /// May not.
    pub keep: Vec<PathBuf>,
}

/// How many things beside a kept place are granted one by one. Each is a mount, and many of them take their time at each start.
const BESIDE_MAX: usize = 128;

/// The files and folders to grant. Where too much lies beside a kept place, none of it is granted. Places that are not there
/// cannot be granted, and are kept all the same: nobody is to make them. Links are followed once, here.
pub fn granted(places: &Places) -> Vec<PathBuf> {
    let keep: BTreeSet<PathBuf> = places.keep.iter().filter_map(|path| where_it_would_be(path)).collect();
    let write: BTreeSet<PathBuf> = outermost(places).filter_map(|path| path.canonicalize().ok()).collect();
    let mut found = BTreeSet::new();
    for place in write.iter().filter(|place| !keep.contains(*place)) {
        let mut beside = BTreeSet::new();
        grant(place, &keep, &mut beside);
        if beside.len() <= BESIDE_MAX {
            found.append(&mut beside);
        }
    }
    // What lies in a folder that is granted needs no rule of its own.
    let needed = found.iter().filter(|path| !path.ancestors().skip(1).any(|above| found.contains(above)));
    needed.cloned().collect()
}

/// A place with the links on the way to it followed, as far as there is anything.
fn where_it_would_be(path: &Path) -> Option<PathBuf> {
    path.ancestors().find_map(|above| Some(above.canonicalize().ok()?.join(path.strip_prefix(above).ok()?)))
}

/// A place below another one may have been replaced by a link since it was named, by whoever may write the other.
fn outermost(places: &Places) -> impl Iterator<Item = &PathBuf> {
    let covers = |above: &Path, path: &Path| {
        path != above && path.starts_with(above) && !places.keep.iter().any(|keep| keep.starts_with(above))
    };
    places.write.iter().filter(move |path| !places.write.iter().any(|above| covers(above, path)))
}

fn grant(place: &Path, keep: &BTreeSet<PathBuf>, found: &mut BTreeSet<PathBuf>) {
    if !keep.iter().any(|kept| kept.starts_with(place)) {
        found.insert(place.to_path_buf());
        return;
    }
    for entry in std::fs::read_dir(place).into_iter().flatten().flatten() {
        let path = entry.path();
        // Somebody may have put a link there to have what it points to.
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if !is_link && !keep.contains(&path) {
            grant(&path, keep, found);
        }
    }
}

/// Whether one of these places lies in another one.
pub fn lies_in(outer: &Path, inner: &[PathBuf]) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(outer)
        .is_some_and(|outer| inner.iter().filter_map(|path| real(path)).any(|path| path.starts_with(&outer)))
}

/// Whether a path may be written under these grants.
pub fn holds(granted: &[PathBuf], path: &Path) -> bool {
    path.canonicalize().is_ok_and(|path| granted.iter().any(|place| path.starts_with(place)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use super::{Places, granted, holds, lies_in};

    #[test]
    fn what_lies_beside_a_kept_place_is_granted_and_the_way_to_it_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for folder in ["a/repo/src", "a/tmp", "b", "c"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        symlink(root.join("a/repo"), root.join("link")).unwrap();
        let at = |names: &[&str]| names.iter().map(|name| root.join(name)).collect::<Vec<PathBuf>>();
        let places = Places { write: at(&[""]), keep: at(&["a/repo", "not-there"]) };
        assert_eq!(granted(&places), at(&["a/tmp", "b", "c"]));
        let deeper = Places { write: at(&["", "a/repo/src"]), keep: at(&["a/repo"]) };
        assert_eq!(granted(&deeper), at(&["a/repo/src", "a/tmp", "b", "c"]));
        let same = Places { write: at(&["b", "c"]), keep: at(&["b"]) };
        assert_eq!(granted(&same), at(&["c"]), "in doubt it is kept");
        assert!(lies_in(&root, &places.keep) && !lies_in(&root.join("b"), &places.keep));
        assert!(holds(&granted(&places), &root.join("b")));
        assert!(!holds(&granted(&places), &root.join("a")));
    }

    #[test]
    fn what_is_kept_is_kept_before_it_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("config/tool")).unwrap();
        symlink(root.join("config"), root.join("link")).unwrap();
        for kept in ["config/git", "config/git/deep", "link/git"] {
            let places = Places { write: vec![root.join("config")], keep: vec![root.join(kept)] };
            assert_eq!(granted(&places), [root.join("config/tool")], "{kept}");
        }
        let beside = Places { write: vec![root.join("config")], keep: vec![root.join("git")] };
        assert_eq!(granted(&beside), [root.join("config")]);
    }

    #[test]
    fn where_too_much_lies_beside_a_kept_place_it_stays_closed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for number in 0..=super::BESIDE_MAX {
            fs::write(root.join(number.to_string()), "").unwrap();
        }
        let (write, all) = (vec![root.clone()], granted(&Places { write: vec![root.clone()], keep: vec![] }));
        assert_eq!(all, write);
        let keep = vec![root.join("0")];
        assert_eq!(granted(&Places { write: write.clone(), keep: keep.clone() }).len(), super::BESIDE_MAX);
        fs::write(root.join("more"), "").unwrap();
        assert_eq!(granted(&Places { write, keep }), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_link_that_was_planted_opens_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for folder in ["cache", "secret"] {
            fs::create_dir(root.join(folder)).unwrap();
        }
        symlink(root.join("secret"), root.join("cache/tool")).unwrap();
        let places =
            Places { write: vec![root.join("cache"), root.join("cache/tool")], keep: vec![root.clone()] };
        assert_eq!(granted(&places), [root.join("cache")]);
    }
}
