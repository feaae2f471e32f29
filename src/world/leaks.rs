//! Secrets in what commits bring: those that rules find, and values that are known. What the base had is nobody's fault.

use std::collections::BTreeSet;
use std::ops::Range;

use swarm_domain::fact::Leak;

use super::Site;
use super::guard::Guard;
use crate::git::{GitError, Object, RawChange};
use crate::secrets::{Scanner, line_of};

/// A larger file is no text in which anybody would keep a secret, in bytes; and it has to fit into memory.
const TEXT_BYTES_MAX: u64 = 64 << 20;
/// Findings that are recorded: more than anybody reads, and never more than a record can hold.
const LEAKS_MAX: usize = 100;

/// Something that was found, with its bytes. Those are compared, and shown to nobody.
struct Found {
    leak: Leak,
    secret: Vec<u8>,
}

/// The secrets in what `to` brings to `from`; where each commit is to land, in what each brings, and in their messages.
pub(super) fn find(site: &Site, from: &str, to: &str, each: bool) -> Result<Vec<Leak>, GitError> {
    if from == to {
        return Ok(Vec::new());
    }
    let repo = &site.repo;
    let changes = if each { repo.changes_of_each(from, to)? } else { repo.changes(from, to)? };
    let mut found = in_files(site, &changes)?;
    found.extend(in_names(&site.guard, &changes));
    if !found.is_empty() {
        let known = in_base(site, &if each { repo.changes(from, to)? } else { changes })?;
        found.retain(|found| !known.contains(&(found.leak.rule.clone(), found.secret.clone())));
    }
    if each {
        found.extend(in_messages(site, from, to)?);
    }
    let mut leaks: Vec<Leak> = Vec::new();
    for Found { leak, .. } in found {
        if leaks.len() < LEAKS_MAX && !leaks.contains(&leak) {
            leaks.push(leak);
        }
    }
    Ok(leaks)
}

fn in_files(site: &Site, changes: &[RawChange]) -> Result<Vec<Found>, GitError> {
    let after = changes.iter().map(|change| (change.name(), change.after.as_ref()));
    // One content at one path is looked at once, however many commits have it.
    let new: BTreeSet<(String, &str)> = after.filter_map(readable).collect();
    let mut found = Vec::new();
    read(site, &Vec::from_iter(new), |path, text| found.extend(in_text(&site.guard, path, text)))?;
    Ok(found)
}

/// Names of what is new. The place of such a finding does not say the name again.
fn in_names(guard: &Guard, changes: &[RawChange]) -> Vec<Found> {
    let new = changes.iter().filter(|change| change.before.is_none());
    new.flat_map(|change| in_text(guard, "the name of a file", change.name().as_bytes())).collect()
}

/// What the files that change held before, by rule and bytes: also what only moved is nothing new.
fn in_base(site: &Site, changes: &[RawChange]) -> Result<BTreeSet<(String, Vec<u8>)>, GitError> {
    let before = changes.iter().map(|change| (change.name(), change.before.as_ref()));
    let old: Vec<(String, &str)> = before.filter_map(readable).collect();
    let mut known = BTreeSet::new();
    read(site, &old, |path, text| {
        let found = in_text(&site.guard, path, text).into_iter();
        known.extend(found.map(|found| (found.leak.rule, found.secret)));
    })?;
    Ok(known)
}

fn readable((path, object): (String, Option<&Object>)) -> Option<(String, &str)> {
    Some((path, object.filter(|object| !object.is_submodule())?.oid.as_str()))
}

/// Hands each file to `visit`, by its path.
fn read(site: &Site, files: &[(String, &str)], mut visit: impl FnMut(&str, &[u8])) -> Result<(), GitError> {
    let oids: Vec<&str> = files.iter().map(|(_, oid)| *oid).collect();
    site.repo.contents(&oids, TEXT_BYTES_MAX, |at, text| visit(&files[at].0, text))
}

fn in_messages(site: &Site, from: &str, to: &str) -> Result<Vec<Found>, GitError> {
    let messages = site.repo.messages(from, to)?.into_iter();
    let of = |(commit, message): (String, String)| {
        let short = commit.get(..10).unwrap_or(&commit);
        in_text(&site.guard, &format!("commit {short}"), message.as_bytes())
    };
    Ok(messages.flat_map(of).collect())
}

fn in_text(guard: &Guard, path: &str, text: &[u8]) -> Vec<Found> {
    let allowed = |rule: &str| guard.allow.iter().any(|allow| allow.covers(rule, Some(path)));
    let found = |rule: &str, line: u32, range: Range<usize>| Found {
        leak: Leak { rule: rule.to_owned(), path: path.to_owned(), line },
        secret: text[range].to_vec(),
    };
    let by_rules = if guard.scan { Scanner::standard().scan(Some(path), text) } else { Vec::new() };
    let by_rules = by_rules.into_iter().map(|hit| found(hit.rule, hit.line, hit.range));
    let known = guard.redactor.known(text);
    let known = known.map(|(range, name)| found(name, line_of(text, range.start), range));
    by_rules.chain(known).filter(|found| !allowed(&found.leak.rule)).collect()
}
