//! What a change brings that must not land, read off paths, modes and contents alone. Starts no git and reads no file.

mod links;
mod markers;
mod names;

use swarm_domain::{Hazard, HazardKind};

pub use links::escapes;
pub use markers::first_added;
pub use names::{clashes, folded, git_own};

/// The mode of a symbolic link in a tree.
pub const LINK: u32 = 0o120_000;
/// The mode of a submodule in a tree.
pub const GITLINK: u32 = 0o160_000;

/// A path of a tree, with what a symbolic link there says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The path, as git has it.
    pub path: Vec<u8>,
    /// The mode, as git has it.
    pub mode: u32,
    /// What a symbolic link says; nothing for anything else.
    pub target: Vec<u8>,
}

/// A change, and the tree that it leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Paths that were not in the tree before.
    pub added: Vec<Entry>,
    /// Paths that were there, and are something else now.
    pub changed: Vec<Entry>,
    /// Paths that were there, and are no longer.
    pub gone: Vec<Vec<u8>>,
    /// All paths of the tree that it leads to. Only asked for where something was added or links changed.
    pub tree: Vec<Entry>,
}

/// Everything about paths, modes and links that must not land.
pub fn of_paths(change: &Change) -> Vec<Hazard> {
    let mut found = Vec::new();
    for entry in change.added.iter().chain(&change.changed) {
        found.extend(of_entry(entry));
    }
    let links = links::Links::new(&change.tree);
    let touched = || change.added.iter().chain(&change.changed).filter(|entry| entry.mode == LINK);
    found.extend(links.leading_out(touched()).map(|(path, detail)| hazard(HazardKind::Link, path, &detail)));
    let added: Vec<&[u8]> = change.added.iter().map(|entry| entry.path.as_slice()).collect();
    let gone: Vec<&[u8]> = change.gone.iter().map(Vec::as_slice).collect();
    let tree = change.tree.iter().map(|entry| entry.path.as_slice());
    found.extend(clashes(&added, &gone, tree).into_iter().map(|(path, other)| {
        let detail = format!("is the same as `{}` where case or Unicode form does not count", text(&other));
        hazard(HazardKind::Clash, &path, &detail)
    }));
    found
}

fn of_entry(entry: &Entry) -> Option<Hazard> {
    if let Some(own) = git_own(&entry.path) {
        let kind = if own.is_modules { HazardKind::Submodule } else { HazardKind::Git };
        return Some(hazard(kind, &entry.path, own.detail));
    }
    (entry.mode == GITLINK)
        .then(|| hazard(HazardKind::Submodule, &entry.path, "is a commit of another repository"))
}

/// A finding.
pub fn hazard(kind: HazardKind, path: &[u8], detail: &str) -> Hazard {
    Hazard { kind, path: text(path), detail: detail.to_owned() }
}

fn text(path: &[u8]) -> String {
    crate::git::path_text(path)
}

#[cfg(test)]
mod tests;
