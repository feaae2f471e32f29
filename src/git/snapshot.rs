//! What of the repository an agent has no business to change, before and after. Reverts nothing: it names the change
//! and the command that undoes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::command::Git;
use super::error::GitError;
use super::output::records;
use super::repo::Repo;
use super::shadow::small_file;

/// Refs, the user's HEAD and the configuration, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    refs: BTreeMap<String, String>,
    head: Option<String>,
    config: Vec<u8>,
    files: BTreeMap<String, Vec<u8>>,
}

/// One thing that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The ref, `HEAD`, or `config <key>`.
    pub what: String,
    /// What it was; `None` for absent. Values that look like a secret are not shown.
    pub before: Option<String>,
    /// What it is; `None` for absent.
    pub after: Option<String>,
    /// The command that undoes it.
    pub undo: String,
}

impl Repo {
    /// Notes all refs but `refs/swarm/…` and the branch `target` (without `refs/heads/`), the user's HEAD and the
    /// repository's configuration.
    pub fn snapshot(&self, target: &str) -> Result<Snapshot, GitError> {
        let target = format!("refs/heads/{target}");
        let mut refs = match self.refs_in_files() {
            Some(refs) => refs,
            None => self.for_each_ref(&[])?.into_iter().collect(),
        };
        refs.retain(|name, _| !name.starts_with("refs/swarm/") && *name != target);
        let path = self.common_dir().join("config");
        let config = fs::read(&path).map_err(GitError::io("reading", &path))?;
        let files = files(self.common_dir());
        Ok(Snapshot { refs, head: Repo::head_in_file(self.git_dir()), config, files })
    }
}

impl Repo {
    /// All refs, read off the files without a process. None if git keeps them otherwise.
    fn refs_in_files(&self) -> Option<BTreeMap<String, String>> {
        if self.common_dir().join("reftable").exists() {
            return None;
        }
        let packed = fs::read_to_string(self.common_dir().join("packed-refs")).unwrap_or_default();
        let lines = packed.lines().filter(|line| !line.starts_with(['#', '^']));
        let split = lines.filter_map(|line| line.split_once(' '));
        let mut refs: BTreeMap<_, _> = split.map(|(oid, name)| (name.to_owned(), oid.to_owned())).collect();
        // Loose refs win over packed ones of the same name.
        add_loose(&self.common_dir().join("refs"), "refs", &mut refs)?;
        Some(refs)
    }
}

/// Adds the refs below a folder. A ref that vanishes meanwhile was deleted, or is packed now and was read before.
fn add_loose(folder: &Path, name: &str, refs: &mut BTreeMap<String, String>) -> Option<()> {
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let name = format!("{name}/{}", entry.file_name().to_str()?);
        if name == "refs/swarm" {
            continue;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            // A folder may go with its last ref.
            let _ = add_loose(&entry.path(), &name, refs);
        } else if !name.ends_with(LOCK)
            && let Ok(value) = fs::read_to_string(entry.path())
        {
            refs.insert(name, value.trim_end().to_owned());
        }
    }
    Some(())
}

/// The ending of a file by which git locks a ref; no ref ends so.
const LOCK: &str = ".lock";

impl Snapshot {
    /// What differs in a later snapshot, sorted by name.
    pub fn diff(&self, later: &Snapshot) -> Vec<Change> {
        let mut changes = differences(&self.refs, &later.refs, ref_change);
        if self.head != later.head {
            changes.push(head_change(self.head.clone(), later.head.clone()));
        }
        if self.config != later.config {
            changes.extend(differences(&settings(&self.config), &settings(&later.config), config_change));
        }
        let shown = |bytes: &Vec<u8>| format!("{} bytes", bytes.len());
        let names: BTreeSet<&String> = self.files.keys().chain(later.files.keys()).collect();
        let pairs = names.into_iter().map(|name| (name, self.files.get(name), later.files.get(name)));
        changes.extend(pairs.filter(|(_, before, after)| before != after).map(|(name, before, after)| {
            Change {
                what: name.clone(),
                before: before.map(shown),
                after: after.map(shown),
                undo: restoring(name, before),
            }
        }));
        changes
    }
}

/// What else in the repository's folder decides what git does: where it finds objects, what it hides, which programs it runs.
const DECIDING: &[&str] = &[
    "config.worktree",
    "info/attributes",
    "info/exclude",
    "info/grafts",
    "objects/info/alternates",
    "shallow",
];

fn files(common_dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let hooks = fs::read_dir(common_dir.join("hooks")).into_iter().flatten().flatten();
    let hooks = hooks.filter_map(|entry| Some(format!("hooks/{}", entry.file_name().to_str()?)));
    let names =
        DECIDING.iter().map(ToString::to_string).chain(hooks.filter(|name| !name.ends_with(".sample")));
    names.filter_map(|name| Some((name.clone(), small_file(&common_dir.join(&name))?))).collect()
}

/// A command that puts such a file back. What is too long for a line is for a person to look at.
fn restoring(name: &str, before: Option<&Vec<u8>>) -> String {
    let path = format!("\"$(git rev-parse --git-common-dir)\"/{name}");
    let text = before.map(|bytes| String::from_utf8_lossy(bytes));
    match text {
        None => format!("rm {path}"),
        Some(text) if text.len() <= 200 && !text.contains(['\'', '\n', '\u{fffd}']) => {
            format!("printf %s '{text}' >{path}")
        }
        Some(_) => format!("\"${{EDITOR:-vi}}\" {path}"),
    }
}

fn differences<V: PartialEq>(
    before: &BTreeMap<String, V>,
    after: &BTreeMap<String, V>,
    change: fn(&str, Option<&V>, Option<&V>) -> Change,
) -> Vec<Change> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let pairs = names.into_iter().map(|n| (n, before.get(n), after.get(n)));
    pairs.filter(|(_, b, a)| b != a).map(|(n, b, a)| change(n, b, a)).collect()
}

fn ref_change(name: &str, before: Option<&String>, after: Option<&String>) -> Change {
    let undo = match (before, after) {
        // The stash is a log, of which the ref is only the newest entry.
        (Some(old), None) if name == "refs/stash" => format!("git stash store {old}"),
        (_, Some(_)) if name == "refs/stash" => "git stash drop".to_owned(),
        // The value to be replaced is named, so that undoing never overwrites a later change.
        (Some(old), Some(new)) => format!("git update-ref {name} {old} {new}"),
        (Some(old), None) => format!("git update-ref {name} {old} ''"),
        (None, Some(new)) => format!("git update-ref -d {name} {new}"),
        (None, None) => String::new(),
    };
    Change { what: name.to_owned(), before: before.cloned(), after: after.cloned(), undo }
}

fn head_change(before: Option<String>, after: Option<String>) -> Change {
    let undo = match before.as_deref().map(|b| (b, b.strip_prefix("ref: refs/heads/"))) {
        Some((_, Some(branch))) => format!("git switch {branch}"),
        Some((oid, None)) => format!("git switch --detach {oid}"),
        None => "git switch -".to_owned(),
    };
    Change { what: "HEAD".to_owned(), before, after, undo }
}

fn config_change(key: &str, before: Option<&Vec<String>>, after: Option<&Vec<String>>) -> Change {
    let shown = |values: &Vec<String>| values.iter().map(|v| masked(key, v)).collect::<Vec<_>>().join(", ");
    let quoted = |v: &str| format!("'{}'", v.replace('\'', r"'\''"));
    let unset = format!("git config --unset-all {}", quoted(key));
    let undo = match before.map(Vec::as_slice) {
        None => unset,
        Some([one]) => format!("git config --replace-all {} {}", quoted(key), quoted(&masked(key, one))),
        Some(many) => {
            let add = many
                .iter()
                .map(|v| format!(" && git config --add {} {}", quoted(key), quoted(&masked(key, v))));
            after.map_or_else(|| "true".to_owned(), |_| unset) + &add.collect::<String>()
        }
    };
    Change { what: format!("config {key}"), before: before.map(shown), after: after.map(shown), undo }
}

/// Law 18: a token in a header or in an address is not printed.
fn masked(key: &str, value: &str) -> String {
    let key = key.to_ascii_lowercase();
    let secret =
        ["extraheader", "token", "password", "secret", "cookie"].iter().any(|word| key.contains(word));
    if secret || key.starts_with("credential.") {
        return "<not shown>".to_owned();
    }
    match value.split_once("://") {
        Some((scheme, rest)) if rest.split('/').next().is_some_and(|host| host.contains('@')) => {
            let after_user = rest.split_once('@').map_or(rest, |(_, r)| r);
            format!("{scheme}://<not shown>@{after_user}")
        }
        _ => value.to_owned(),
    }
}

/// The configuration as git reads it; nothing if git cannot.
fn settings(config: &[u8]) -> BTreeMap<String, Vec<String>> {
    let mut settings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let Ok(out) = Git::nowhere().args(["config", "--file", "-", "-z", "--list"]).stdin(config).run() else {
        return settings;
    };
    for record in records(&out.stdout) {
        let text = String::from_utf8_lossy(record).into_owned();
        // A key without a value is a switch that is on.
        let (key, value) = text.split_once('\n').unwrap_or((&text, "true"));
        settings.entry(key.to_owned()).or_default().push(value.to_owned());
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_masked_and_addresses_without_them_are_not() {
        assert_eq!(masked("remote.origin.url", "https://me:tok@host/x"), "https://<not shown>@host/x");
        assert_eq!(masked("remote.origin.url", "https://host/a@b"), "https://host/a@b");
        assert_eq!(masked("http.https://host/.extraHeader", "AUTHORIZATION: basic x"), "<not shown>");
    }
}
