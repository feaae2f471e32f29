//! Symbolic links of a tree, followed on paper. Where one leads on a disk is not looked at: that is another tree by then.

use std::collections::{BTreeMap, BTreeSet};

use super::{Entry, LINK};

/// More links in a row than this end nowhere, as in the kernel.
const FOLLOWED_MAX: usize = 40;

/// All links of a tree.
pub(super) struct Links<'a> {
    targets: BTreeMap<&'a [u8], &'a [u8]>,
}

/// Where a link ends.
enum End {
    /// In the tree, or nowhere.
    Inside,
    /// Elsewhere, and why.
    Out(&'static str),
}

impl<'a> Links<'a> {
    pub(super) fn new(tree: &'a [Entry]) -> Self {
        let links = tree.iter().filter(|entry| entry.mode == LINK);
        Self { targets: links.map(|entry| (entry.path.as_slice(), entry.target.as_slice())).collect() }
    }

    /// Links that lead out of the tree by way of one that was touched: which one, and how.
    pub(super) fn leading_out(
        &'a self,
        touched: impl Iterator<Item = &'a Entry>,
    ) -> impl Iterator<Item = (&'a [u8], String)> {
        let touched: BTreeMap<&[u8], &[u8]> =
            touched.map(|entry| (entry.path.as_slice(), entry.target.as_slice())).collect();
        let links = if touched.is_empty() { BTreeMap::new() } else { self.targets.clone() };
        links.into_iter().filter_map(move |(path, target)| {
            let mut passed = BTreeSet::from([path]);
            let End::Out(why) = self.follow(path, target, &mut passed) else { return None };
            // One that led out before, by links that are as they were, is not this change's doing.
            passed.iter().any(|link| touched.contains_key(link)).then(|| {
                (path, format!("is a symbolic link that {why}: to `{}`", String::from_utf8_lossy(target)))
            })
        })
    }

    /// Walks from the folder of a link along its target. Links on the way are followed as a kernel would.
    fn follow(&self, link: &[u8], target: &[u8], passed: &mut BTreeSet<&'a [u8]>) -> End {
        let mut here: Vec<Vec<u8>> = parts(link).map(<[u8]>::to_vec).collect();
        here.pop();
        let mut todo: Vec<Vec<u8>> = parts(target).rev().map(<[u8]>::to_vec).collect();
        if target.starts_with(b"/") {
            return End::Out("is absolute");
        }
        let mut followed = 0;
        while let Some(part) = todo.pop() {
            match part.as_slice() {
                b".." if here.pop().is_none() => return End::Out("leads out of the repository"),
                b"." | b".." => continue,
                _ => here.push(part),
            }
            if super::git_own(here.last().expect("it was just pushed")).is_some_and(|own| !own.is_modules) {
                return End::Out("leads into git's own folder");
            }
            let at = here.join(&b'/');
            let Some((known, next)) = self.targets.get_key_value(at.as_slice()) else { continue };
            followed += 1;
            if followed > FOLLOWED_MAX {
                return End::Inside;
            }
            passed.insert(known);
            if next.starts_with(b"/") {
                return End::Out("leads to one that is absolute");
            }
            here.pop();
            todo.extend(parts(next).rev().map(<[u8]>::to_vec));
        }
        End::Inside
    }
}

/// Whether a link at `path` that says `target` leads out of a tree without other links.
pub fn escapes(path: &[u8], target: &[u8]) -> bool {
    let links = Links { targets: BTreeMap::new() };
    matches!(links.follow(path, target, &mut BTreeSet::new()), End::Out(_))
}

fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|&b| b == b'/').filter(|part| !part.is_empty())
}
