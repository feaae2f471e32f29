//! Claims: which paths a task may write, as gitignore globs, and whether two tasks claim one path. Works on text alone; no path is looked up on a disk.
//!
//! The last pattern that matches a path decides, as in gitignore. Paths are relative to the repository, with `/` between the parts.
//! One deviation, for overlaps only: a pattern that looks like the name of a file is not taken for a folder unless the other side spells it as one.

mod glob;
mod meet;

use std::collections::BTreeSet;

use glob::Glob;

/// The longest pattern, in bytes; what is longer was hardly written by a person, and each byte costs a state.
pub const PATTERN_BYTES_MAX: usize = 1024;

/// The claims of one task, ready to be asked.
#[derive(Clone, Debug)]
pub struct ClaimSet {
    globs: Vec<Glob>,
    /// How many of the globs are the task's own; the rest are the shared ones, turned into excludes.
    own: usize,
}

/// Two tasks that claim one path. Positions are those of the list that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The earlier task.
    pub first: usize,
    /// The later one.
    pub second: usize,
    /// A path that both claim.
    pub path: String,
}

/// Says in one fragment what is wrong with a pattern, if anything is.
pub fn check(pattern: &str) -> Result<(), &'static str> {
    Glob::new(pattern).map(drop)
}

/// Whether a write to `path` is covered: the task claims it, or it is `shared`. A task without claims may write anywhere.
pub fn matches(claims: &[String], shared: &[String], path: &str) -> bool {
    claims.is_empty() || ClaimSet::new(claims, &[]).claims(path) || ClaimSet::new(shared, &[]).claims(path)
}

/// A path that both lists claim. None only if there is none.
pub fn overlap(a: &[String], b: &[String]) -> Option<String> {
    meet::common_path(&ClaimSet::new(a, &[]), &ClaimSet::new(b, &[]))
}

impl ClaimSet {
    /// Reads patterns. Those that [`check`] refuses claim nothing. What is `shared` counts as excluded.
    pub fn new(claims: &[String], shared: &[String]) -> Self {
        let mut globs: Vec<Glob> = claims.iter().filter_map(|claim| Glob::new(claim).ok()).collect();
        let own = globs.len();
        globs.extend(shared.iter().filter_map(|glob| Glob::new(glob).ok()).map(Glob::excluding));
        Self { globs, own }
    }

    /// Whether the task claims `path`.
    pub fn claims(&self, path: &str) -> bool {
        self.claimed_by(path).is_some()
    }

    /// The position of the pattern that claims `path`.
    pub fn claimed_by(&self, path: &str) -> Option<usize> {
        let last = self.globs.iter().rposition(|glob| glob.matches(path))?;
        (!self.globs[last].exclude && last < self.own).then_some(last)
    }

    fn positive(&self) -> impl Iterator<Item = &Glob> {
        self.globs.iter().filter(|glob| !glob.exclude)
    }

    fn has_excludes(&self) -> bool {
        self.globs.iter().any(|glob| glob.exclude)
    }
}

/// Pairs of tasks that claim one path and for which `together` holds, at most `limit` of them.
///
/// Two globs can meet only if one's literal beginning starts with the other's. Sorted, all beginnings that start with one another are
/// neighbours: a trie walked in order. So tasks in folders of their own cost a sort, and only candidates are looked at more closely.
pub fn overlaps(
    sets: &[ClaimSet],
    mut together: impl FnMut(usize, usize) -> bool,
    limit: usize,
) -> Vec<Overlap> {
    let mut globs: Vec<(&Glob, usize)> = Vec::new();
    for (at, set) in sets.iter().enumerate() {
        globs.extend(set.positive().map(|glob| (glob, at)));
    }
    globs.sort_by_key(|(glob, at)| (glob.start.as_str(), *at));
    let mut found = Vec::new();
    let mut looked_at = BTreeSet::new();
    let mut open: Vec<(&Glob, usize)> = Vec::new();
    for &(glob, at) in &globs {
        while open.last().is_some_and(|(shorter, _)| !glob.start.starts_with(&shorter.start)) {
            open.pop();
        }
        for &(before, other) in &open {
            let pair = (at.min(other), at.max(other));
            if at == other || !together(pair.0, pair.1) || glob.apart(before) || !looked_at.insert(pair) {
                continue;
            }
            if let Some(path) = meet::common_path(&sets[pair.0], &sets[pair.1]) {
                found.push(Overlap { first: pair.0, second: pair.1, path });
                if found.len() >= limit {
                    return found;
                }
            }
        }
        open.push((glob, at));
    }
    found.sort_unstable_by_key(|overlap| (overlap.first, overlap.second));
    found
}

#[cfg(test)]
mod tests;
