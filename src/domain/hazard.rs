//! What a change may hold that must not land, whoever wrote it, and what is said about it. How it is found is not known here.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::fact::Cause;

/// The sorts of things that do not land.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum HazardKind {
    /// A symbolic link that leads out of the tree.
    Link,
    /// A path that some file systems take for another one of the tree.
    Clash,
    /// A submodule: another repository's commit, or `.gitmodules`.
    Submodule,
    /// A path that git itself would not check out, or would take for its own folder. Nothing allows one.
    Git,
    /// Conflict markers.
    Marker,
    /// A path outside the claims of a task whose violations fail.
    Stray,
}

/// Something that must not land.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hazard {
    /// What it is.
    pub kind: HazardKind,
    /// Where it is. A path that is not UTF-8 is quoted as git does it.
    pub path: String,
    /// What is wrong with it, to be read after the path.
    pub detail: String,
}

/// How many are written out in a sentence.
const SHOWN: usize = 3;

impl HazardKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 6] =
        [Self::Link, Self::Clash, Self::Submodule, Self::Git, Self::Marker, Self::Stray];

    /// The word for machines.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Clash => "clash",
            Self::Submodule => "submodule",
            Self::Git => "git",
            Self::Marker => "marker",
            Self::Stray => "stray",
        }
    }

    /// The key of `merge: {allow: …}` that lets it land; none: nothing does.
    pub const fn key(self) -> Option<&'static str> {
        match self {
            Self::Link => Some("links"),
            Self::Clash => Some("clashes"),
            Self::Submodule => Some("submodules"),
            Self::Marker => Some("markers"),
            Self::Git | Self::Stray => None,
        }
    }

    /// What mends it.
    const fn advice(self) -> &'static str {
        match self {
            Self::Link => {
                "make the link relative and let it end inside the repository, or commit the file itself"
            }
            Self::Clash => "give the path a name that differs in more than case or Unicode form",
            Self::Submodule => {
                "commit the files themselves instead of a repository, and leave `.gitmodules` as it is"
            }
            Self::Git => {
                "take the path out of every commit; nothing named like git's own folder is part of a tree"
            }
            Self::Marker => "resolve the conflict and take its markers out",
            Self::Stray => "undo what you changed outside the files that you may change",
        }
    }
}

/// Why an attempt with these fails, for machines.
pub fn cause(hazards: &[Hazard]) -> Cause {
    if hazards.iter().all(|hazard| hazard.kind == HazardKind::Stray) { Cause::Claims } else { Cause::Hazard }
}

/// Why an attempt with these fails, for people.
pub fn reason(hazards: &[Hazard]) -> String {
    let shown: Vec<String> =
        hazards.iter().take(SHOWN).map(|hazard| format!("`{}` {}", hazard.path, hazard.detail)).collect();
    let more = match hazards.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!("refused: {}{more}", shown.join("; "))
}

/// What the next attempt is advised to do.
pub fn hint(hazards: &[Hazard]) -> String {
    let kinds: BTreeSet<HazardKind> = hazards.iter().map(|hazard| hazard.kind).collect();
    let advice: Vec<&str> = kinds.iter().map(|kind| kind.advice()).collect();
    advice.join("; ")
}

/// Whether an attempt can start from such work: git puts no path into a worktree that it takes for its own folder.
pub fn can_be_checked_out(hazards: &[Hazard]) -> bool {
    hazards.iter().all(|hazard| hazard.kind != HazardKind::Git)
}

/// Files with conflict markers: those where a conflict was not resolved, and those that got markers some other way.
pub fn with_markers(unresolved: &[String], hazards: &[Hazard]) -> Vec<String> {
    let written = hazards.iter().filter(|hazard| hazard.kind == HazardKind::Marker);
    let all: BTreeSet<&String> = unresolved.iter().chain(written.map(|hazard| &hazard.path)).collect();
    all.into_iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::{Hazard, HazardKind, cause, hint, reason};
    use crate::fact::Cause;

    fn hazard(kind: HazardKind, path: &str) -> Hazard {
        Hazard { kind, path: path.to_owned(), detail: "is wrong".to_owned() }
    }

    #[test]
    fn a_few_are_named_and_the_rest_is_counted() {
        let some: Vec<Hazard> = ["a", "b", "c", "d", "e"].map(|path| hazard(HazardKind::Link, path)).into();
        assert_eq!(reason(&some[..1]), "refused: `a` is wrong");
        assert_eq!(reason(&some), "refused: `a` is wrong; `b` is wrong; `c` is wrong; and 2 more");
    }

    #[test]
    fn paths_outside_the_claims_alone_are_a_matter_of_claims() {
        let (stray, link) = (hazard(HazardKind::Stray, "s"), hazard(HazardKind::Link, "l"));
        assert_eq!(cause(std::slice::from_ref(&stray)), Cause::Claims);
        assert_eq!(cause(&[stray.clone(), link.clone()]), Cause::Hazard);
        assert_eq!(hint(&[stray, link.clone(), link]).matches(';').count(), 1, "each advice once");
    }
}
