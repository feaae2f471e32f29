//! Names that some file system takes for git's own folder, or for another name of the tree. Knows the rules of NTFS and HFS+ as git itself checks them.

use std::collections::{BTreeMap, BTreeSet};

use unicase::UniCase;
use unicode_normalization::UnicodeNormalization;

/// A path that is git's own affair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own {
    /// It is `.gitmodules`, and not git's folder.
    pub is_modules: bool,
    /// What is wrong with it.
    pub detail: &'static str,
}

/// Characters that HFS+ leaves out when it compares names, as in git's `utf8.c`.
const IGNORED: &[char] = &[
    '\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}',
    '\u{202e}', '\u{206a}', '\u{206b}', '\u{206c}', '\u{206d}', '\u{206e}', '\u{206f}', '\u{feff}',
];

/// Whether a part of the path is `.git`, in any spelling that a file system takes for it, or no name at all; or whether
/// it is `.gitmodules`.
pub fn git_own(path: &[u8]) -> Option<Own> {
    let own = |is_modules, detail| Some(Own { is_modules, detail });
    let parts: Vec<&[u8]> = path.split(|&b| b == b'/').collect();
    if parts.iter().any(|part| part.is_empty() || *part == b"." || *part == b"..") {
        return own(false, "is not a path that git would check out");
    }
    // On Windows a backslash parts names, too.
    let names = || parts.iter().flat_map(|part| part.split(|&b| b == b'\\'));
    if names().any(|name| is(name, ".git", &["git~1"])) {
        return own(false, "is git's own folder on some file system");
    }
    let short = &["gitmod~1", "gitmod~2", "gitmod~3", "gitmod~4"];
    if names().any(|name| is(name, ".gitmodules", short)) {
        return own(true, "says where submodules come from");
    }
    None
}

/// Whether a name is the wanted one on HFS+, or it or one of its short forms on NTFS.
fn is(name: &[u8], wanted: &str, short: &[&str]) -> bool {
    let text = String::from_utf8_lossy(name);
    let hfs: String = text.chars().filter(|c| !IGNORED.contains(c)).collect();
    // NTFS leaves out spaces and dots at the end, and what follows a colon is a stream of the same file.
    let ntfs = text.split(':').next().unwrap_or_default().trim_end_matches([' ', '.']);
    hfs.eq_ignore_ascii_case(wanted)
        || ntfs.eq_ignore_ascii_case(wanted)
        || short.iter().any(|short| ntfs.eq_ignore_ascii_case(short))
}

/// Added paths that another path of the tree clashes with: each with the other one. Folders count where they are new, so
/// a first `Src/a` clashes with `src/b`. What clashed before is not found, nor is a path named twice. `gone` is what was
/// there before and is no longer.
pub fn clashes<'a>(
    added: &[&'a [u8]],
    gone: &[&'a [u8]],
    tree: impl Iterator<Item = &'a [u8]> + Clone,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let folders = new_folders(added, tree.clone().chain(gone.iter().copied()));
    let mut new: BTreeMap<Vec<u8>, BTreeSet<&[u8]>> = BTreeMap::new();
    for prefix in added.iter().copied().chain(folders) {
        new.entry(folded(prefix)).or_default().insert(prefix);
    }
    if new.is_empty() {
        return Vec::new();
    }
    let mut found: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let mut last: &[u8] = b"";
    for path in tree {
        // Paths come sorted: the folders that they share with the one before were compared then.
        for prefix in prefixes(path).filter(|prefix| !is_within(last, prefix)) {
            let Some(same) = new.get(&folded(prefix)) else { continue };
            for other in same.iter().filter(|other| **other != prefix) {
                found.entry(other.to_vec()).or_insert_with(|| prefix.to_vec());
            }
        }
        last = path;
    }
    once_each(&found)
}

/// The folders of added paths in which nothing else is or was.
fn new_folders<'a>(added: &[&'a [u8]], paths: impl Iterator<Item = &'a [u8]>) -> BTreeSet<&'a [u8]> {
    let mut folders: BTreeSet<&[u8]> = added.iter().flat_map(|path| folders(path)).collect();
    let added: BTreeSet<&[u8]> = added.iter().copied().collect();
    for path in paths.filter(|path| !added.contains(path)) {
        for folder in self::folders(path) {
            folders.remove(folder);
        }
    }
    folders
}

/// Two new names that clash find each other: one finding says it.
fn once_each(found: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mutual = |path: &Vec<u8>, other: &Vec<u8>| other < path && found.get(other) == Some(path);
    found
        .iter()
        .filter(|(path, other)| !mutual(path, other))
        .map(|(path, other)| (path.clone(), other.clone()))
        .collect()
}

/// Whether `path` is `prefix` or something in it.
fn is_within(path: &[u8], prefix: &[u8]) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// The folders above a path, and the path itself.
fn prefixes(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    folders(path).chain([path])
}

/// The folders above a path.
fn folders(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| &path[..at])
}

/// What two names have in common that a file system without case, or with one form for each character, takes for the
/// same: canonical caseless matching as Unicode defines it.
pub fn folded(path: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(path) {
        Ok(text) if !text.is_ascii() => {
            let decomposed: String = text.nfd().collect();
            UniCase::unicode(decomposed).to_folded_case().nfd().collect::<String>().into_bytes()
        }
        _ => path.to_ascii_lowercase(),
    }
}
