//! Secrets in what commits bring: those that rules find, and values that are known. What the base had is nobody's fault.

use std::collections::BTreeSet;
use std::ops::Range;

use swarm_domain::fact::Leak;

use super::Site;
use super::guard::Guard;
use crate::git::{Added, GitError};
use crate::secrets::{Scanner, line_of};

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
    let changes = if each { repo.added_by_each(from, to)? } else { repo.added(from, to)? };
    let mut found = in_files(site, &changes)?;
    if !found.is_empty() {
        let known = in_base(site, if each { repo.added(from, to)? } else { changes })?;
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

fn in_files(site: &Site, changes: &[Added]) -> Result<Vec<Found>, GitError> {
    let mut seen = BTreeSet::new();
    let new = changes.iter().filter_map(|change| Some((change.path.as_str(), change.after.as_deref()?)));
    // One content at one path is looked at once, however many commits have it.
    let new: Vec<(&str, &str)> = new.filter(|pair| seen.insert(*pair)).collect();
    let oids: Vec<&str> = new.iter().map(|(_, oid)| *oid).collect();
    let mut found = Vec::new();
    site.repo.read_all(&oids, |at, text| found.extend(in_text(&site.guard, new[at].0, text)))?;
    Ok(found)
}

/// What the files that change held before, by rule and bytes: also what only moved is nothing new.
fn in_base(site: &Site, changes: Vec<Added>) -> Result<BTreeSet<(String, Vec<u8>)>, GitError> {
    let old: Vec<(String, String)> =
        changes.into_iter().filter_map(|change| Some((change.path, change.before?))).collect();
    let oids: Vec<&str> = old.iter().map(|(_, oid)| oid.as_str()).collect();
    let mut known = BTreeSet::new();
    site.repo.read_all(&oids, |at, text| {
        let found = in_text(&site.guard, &old[at].0, text).into_iter();
        known.extend(found.map(|found| (found.leak.rule, found.secret)));
    })?;
    Ok(known)
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
