//! The edges between packages, and where a dependency may be declared.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::{expect_none, read, root};

/// The packages of the workspace: where each is, what it may know, and what its tests may know on top of that.
const PACKAGES: [(&str, &str, &[&str], &[&str]); 5] = [
    ("swarm", "", &["swarm-actors", "swarm-domain", "swarm-journal"], &["swarm-proptests"]),
    ("swarm-domain", "src/domain/", &[], &[]),
    ("swarm-actors", "actors/", &["swarm-domain", "swarm-journal"], &[]),
    ("swarm-journal", "journal/", &[], &[]),
    ("swarm-proptests", "proptests/", &["swarm-actors", "swarm-domain", "swarm-journal"], &[]),
];

/// All that the core may use of the world.
const DOMAIN_USES: [&str; 2] = ["serde", "thiserror"];

const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

fn manifest(folder: &str) -> Table {
    read(&format!("{folder}Cargo.toml")).parse().unwrap()
}

/// The dependency tables of a manifest, those of single platforms included, each with its kind.
fn tables(manifest: &Table) -> Vec<(&'static str, &Table)> {
    let platforms = manifest.get("target").and_then(Value::as_table);
    let places = platforms.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    let places: Vec<&Table> = std::iter::once(manifest).chain(places).collect();
    let of_kind = |kind: &'static str| {
        let found = places.iter().filter_map(move |place| Some((kind, place.get(kind)?.as_table()?)));
        found.collect::<Vec<_>>()
    };
    TABLES.into_iter().flat_map(of_kind).collect()
}

fn names(manifest: &Table, kinds: &[&str]) -> BTreeSet<String> {
    let wanted = tables(manifest).into_iter().filter(|(kind, _)| kinds.contains(kind));
    wanted.flat_map(|(_, table)| table.keys().cloned()).collect()
}

#[test]
fn packages_know_only_whom_they_may() {
    let ours: BTreeSet<&str> = PACKAGES.iter().map(|(name, ..)| *name).collect();
    let mut complaints = Vec::new();
    for (name, folder, may, dev_may) in PACKAGES {
        let manifest = manifest(folder);
        for (kind, allowed) in [
            ("dependencies", may.to_vec()),
            ("dev-dependencies", [may, dev_may].concat()),
            ("build-dependencies", Vec::new()),
        ] {
            let known = names(&manifest, &[kind]);
            let wrong =
                known.iter().filter(|dep| ours.contains(dep.as_str()) && !allowed.contains(&dep.as_str()));
            complaints.extend(wrong.map(|dep| format!("{name} may not have {dep} in [{kind}]")));
        }
    }
    expect_none(&complaints);
}

#[test]
fn the_workspace_has_no_other_packages() {
    let members = manifest("")["workspace"]["members"].clone();
    let members: BTreeSet<String> =
        members.as_array().unwrap().iter().map(|member| format!("{}/", member.as_str().unwrap())).collect();
    let known: BTreeSet<String> = PACKAGES
        .iter()
        .map(|(_, folder, ..)| (*folder).to_owned())
        .filter(|folder| !folder.is_empty())
        .collect();
    assert_eq!(members, known, "a new package needs its line in this test");
    for (name, folder, ..) in PACKAGES {
        assert_eq!(manifest(folder)["package"]["name"].as_str(), Some(name));
    }
}

#[test]
fn the_core_depends_on_next_to_nothing() {
    let uses = names(&manifest("src/domain/"), &["dependencies", "build-dependencies"]);
    assert_eq!(uses, DOMAIN_USES.map(str::to_owned).into());
}

#[test]
fn each_dependency_is_declared_once() {
    let root = manifest("");
    let declared: BTreeSet<&String> = root["workspace"]["dependencies"].as_table().unwrap().keys().collect();
    let mut complaints = Vec::new();
    let mut used = BTreeSet::new();
    for (name, folder, ..) in PACKAGES {
        let manifest = manifest(folder);
        for (kind, table) in tables(&manifest) {
            for (dep, how) in table {
                used.insert(dep.clone());
                if how.get("workspace").and_then(Value::as_bool) != Some(true) {
                    complaints
                        .push(format!("{name}: [{kind}] {dep} is declared here and not in the workspace"));
                }
            }
        }
    }
    let unused = declared.into_iter().filter(|dep| !used.contains(*dep));
    complaints.extend(unused.map(|dep| format!("nobody uses {dep} of [workspace.dependencies]")));
    expect_none(&complaints);
}

/// The file that each library, binary or test of a package begins with: what a lint at the top of it covers.
pub(crate) fn crate_roots() -> BTreeMap<String, &'static str> {
    let mut roots = BTreeMap::new();
    for (name, folder, ..) in PACKAGES {
        let lib = manifest(folder).get("lib").and_then(|lib| Some(lib.get("path")?.as_str()?.to_owned()));
        let lib = lib.unwrap_or_else(|| "src/lib.rs".to_owned());
        for file in [lib, "src/main.rs".to_owned()] {
            let path = format!("{folder}{file}");
            if root().join(&path).is_file() {
                roots.insert(path, name);
            }
        }
    }
    roots
}
