//! What a commit brings that must not land, with what the plan allows taken out: the one place that judges content, for attempts and for merges alike.

use std::collections::BTreeSet;

use swarm_domain::claims::{self, ClaimSet};
use swarm_domain::plan::Allowed;
use swarm_domain::{Hazard, HazardKind};

use crate::git::{CommitInfo, GitError, Object, RawChange, Repo, path_text};
use crate::hazards::{self, Change, Entry, GITLINK, LINK, hazard};

/// Findings that are recorded: more than anybody reads, and never more than a record can hold.
const FINDINGS_MAX: usize = 100;
/// A larger file is not text that anybody merged, in bytes.
const TEXT_BYTES_MAX: u64 = 32 << 20;
/// No link is longer, in bytes.
const LINK_BYTES_MAX: u64 = 64 << 10;

/// What the plan says about content.
pub(super) struct Rules<'a> {
    /// What may land all the same.
    pub(super) allow: &'a Allowed,
    /// What alone may change; empty: anything.
    pub(super) claims: &'a [String],
    /// Globs outside all claims.
    pub(super) shared: &'a [String],
}

/// The same for commits that land as they are: what each of them brings counts, also where the next takes it back.
pub(super) fn in_history(
    repo: &Repo,
    from: &str,
    to: &str,
    rules: &Rules<'_>,
) -> Result<Vec<Hazard>, GitError> {
    let mut found = all(repo, from, [from, to], rules)?;
    let own = Rules { claims: &[], ..*rules };
    for commit in repo.log_trailers(&format!("{from}..{to}"))? {
        found.extend(in_commit(repo, from, &commit, &own)?);
    }
    let mut seen = BTreeSet::new();
    found.retain(|hazard| seen.insert((hazard.kind, hazard.path.clone())));
    found.truncate(FINDINGS_MAX);
    Ok(found)
}

/// What a commit brings by itself. Of a merge that is what it has beside each of its parents: the rest came with one of
/// them, which is in the list itself if it is new.
fn in_commit(
    repo: &Repo,
    base: &str,
    commit: &CommitInfo,
    rules: &Rules<'_>,
) -> Result<Vec<Hazard>, GitError> {
    let Some((first, others)) = commit.parents.split_first() else {
        return all(repo, base, [&repo.empty_tree()?, &commit.oid], rules);
    };
    let mut found = all(repo, base, [first, &commit.oid], rules)?;
    for parent in others {
        if found.is_empty() {
            break;
        }
        let beside: BTreeSet<_> = all(repo, base, [parent, &commit.oid], rules)?.iter().map(same).collect();
        found.retain(|hazard| beside.contains(&same(hazard)));
    }
    Ok(found)
}

/// What two findings have in common that are one. Of two names that clash, each parent of a merge may bring another.
fn same(hazard: &Hazard) -> (HazardKind, Vec<u8>) {
    let path = hazard.path.as_bytes();
    (hazard.kind, if hazard.kind == HazardKind::Clash { hazards::folded(path) } else { path.to_vec() })
}

/// Everything that may not land of what `to` brings to `from`.
pub(super) fn find(repo: &Repo, from: &str, to: &str, rules: &Rules<'_>) -> Result<Vec<Hazard>, GitError> {
    let mut found = all(repo, from, [from, to], rules)?;
    found.truncate(FINDINGS_MAX);
    Ok(found)
}

/// The same, however many they are, without what `base` had elsewhere.
fn all(repo: &Repo, base: &str, [from, to]: [&str; 2], rules: &Rules<'_>) -> Result<Vec<Hazard>, GitError> {
    if from == to {
        return Ok(Vec::new());
    }
    let changes = repo.changes(from, to)?;
    let mut found = hazards::of_paths(&of_paths(repo, to, &changes)?);
    found.extend(markers(repo, &changes)?);
    found.extend(strays(&changes, rules));
    found.retain(|hazard| !is_allowed(hazard, rules.allow));
    if found.iter().any(|hazard| matches!(hazard.kind, HazardKind::Link | HazardKind::Marker)) {
        let moved = moved(repo, base, &changes)?;
        found.retain(|hazard| !moved.contains(&(hazard.kind, hazard.path.clone())));
    }
    Ok(found)
}

/// Paths whose markers or link `base` had as they are, there or elsewhere. A link counts if it means the same from
/// everywhere: another may lead out only from where it is now.
fn moved(repo: &Repo, base: &str, changes: &[RawChange]) -> Result<BTreeSet<(HazardKind, String)>, GitError> {
    let kind = |object: &Object| match object.mode {
        LINK => Some(HazardKind::Link),
        GITLINK => None,
        _ => Some(HazardKind::Marker),
    };
    let had: BTreeSet<_> =
        repo.tree(base)?.into_iter().filter_map(|(_, object)| Some((kind(&object)?, object.oid))).collect();
    // Two paths of which one is quoted may have one name: neither is let off for the other.
    let plain = changes.iter().filter(|change| !change.name().starts_with('"'));
    let now = plain.filter_map(|change| Some((change, change.after.as_ref()?)));
    let same: Vec<(HazardKind, &RawChange, &str)> = now
        .filter_map(|(change, object)| Some((kind(object)?, change, object.oid.as_str())))
        .filter(|(kind, _, oid)| had.contains(&(*kind, (*oid).to_owned())))
        .collect();
    let mut moved = BTreeSet::new();
    let (links, files): (Vec<_>, Vec<_>) = same.into_iter().partition(|(kind, ..)| *kind == HazardKind::Link);
    moved.extend(files.into_iter().map(|(kind, change, _)| (kind, change.name())));
    let oids: Vec<&str> = links.iter().map(|(.., oid)| *oid).collect();
    repo.contents(&oids, LINK_BYTES_MAX, |at, target| {
        if target.starts_with(b"/") {
            moved.insert((HazardKind::Link, links[at].1.name()));
        }
    })?;
    Ok(moved)
}

fn is_allowed(hazard: &Hazard, allow: &Allowed) -> bool {
    allows(allow, hazard.kind, &hazard.path)
}

/// Whether conflict markers in a file are no hazard. Where a conflict was in such a file, nobody can tell its markers from
/// those that belong there.
pub(super) fn may_be_marked(path: &str, allow: &Allowed) -> bool {
    allows(allow, HazardKind::Marker, path)
}

fn allows(allow: &Allowed, kind: HazardKind, path: &str) -> bool {
    allow.get(&kind).is_some_and(|globs| ClaimSet::new(globs, &[]).claims(path))
}

fn of_paths(repo: &Repo, to: &str, changes: &[RawChange]) -> Result<Change, GitError> {
    let now: Vec<(&RawChange, &Object)> =
        changes.iter().filter_map(|change| Some((change, change.after.as_ref()?))).collect();
    let brings_a_link = now.iter().any(|(_, object)| object.mode == LINK);
    let brings_a_path = now.iter().any(|(change, _)| change.before.is_none());
    // Names of what was there before are compared with what is new, and with nothing else.
    let tree = if brings_a_link || brings_a_path { repo.tree(to)? } else { Vec::new() };
    let tree = with_targets(repo, tree)?;
    let (new, old): (Vec<_>, Vec<_>) = now.into_iter().partition(|(change, _)| change.before.is_none());
    let entry = |(change, object): (&RawChange, &Object)| (change.path.clone(), object.clone());
    let gone = changes.iter().filter(|change| change.after.is_none());
    Ok(Change {
        gone: gone.map(|change| change.path.clone()).collect(),
        added: with_targets(repo, new.into_iter().map(entry).collect())?,
        changed: with_targets(repo, old.into_iter().map(entry).collect())?,
        tree,
    })
}

/// Entries with what their links say.
fn with_targets(repo: &Repo, entries: Vec<(Vec<u8>, Object)>) -> Result<Vec<Entry>, GitError> {
    let links: Vec<usize> = (0..entries.len()).filter(|&at| entries[at].1.mode == LINK).collect();
    let oids: Vec<String> = links.iter().map(|&at| entries[at].1.oid.clone()).collect();
    let mut entries: Vec<Entry> = entries
        .into_iter()
        .map(|(path, object)| Entry { path, mode: object.mode, target: Vec::new() })
        .collect();
    let oids: Vec<&str> = oids.iter().map(String::as_str).collect();
    repo.contents(&oids, LINK_BYTES_MAX, |at, target| target.clone_into(&mut entries[links[at]].target))?;
    Ok(entries)
}

/// Conflict markers in lines that the change adds. Few files have any, so what was there before is read for those alone.
fn markers(repo: &Repo, changes: &[RawChange]) -> Result<Vec<Hazard>, GitError> {
    let is_file = |object: &&Object| object.mode != LINK && object.mode != GITLINK;
    let files: Vec<(&RawChange, &Object)> = changes
        .iter()
        .filter_map(|change| Some((change, change.after.as_ref().filter(is_file)?)))
        .filter(|(change, after)| change.before.as_ref().is_none_or(|before| before.oid != after.oid))
        .collect();
    let oids: Vec<&str> = files.iter().map(|(_, object)| object.oid.as_str()).collect();
    let mut marked: Vec<(&RawChange, Vec<u8>)> = Vec::new();
    repo.contents(&oids, TEXT_BYTES_MAX, |at, text| {
        if hazards::first_added(b"", text).is_some() {
            marked.push((files[at].0, text.to_owned()));
        }
    })?;
    let before = |change: &RawChange| change.before.as_ref().filter(is_file).map(|object| object.oid.clone());
    let mut found = Vec::new();
    for (change, text) in marked {
        let mut old = Vec::new();
        if let Some(oid) = before(change) {
            repo.contents(&[&oid], TEXT_BYTES_MAX, |_, text| text.clone_into(&mut old))?;
        }
        if let Some(line) = hazards::first_added(&old, &text) {
            let detail = format!("has a conflict marker in line {line}");
            found.push(hazard(HazardKind::Marker, &change.path, &detail));
        }
    }
    Ok(found)
}

fn strays(changes: &[RawChange], rules: &Rules<'_>) -> Vec<Hazard> {
    let outside = changes.iter().filter(|change| {
        !rules.claims.is_empty() && !claims::matches(rules.claims, rules.shared, &path_text(&change.path))
    });
    outside.map(|change| hazard(HazardKind::Stray, &change.path, "is outside the claims")).collect()
}

#[cfg(test)]
mod tests;
