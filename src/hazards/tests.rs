//! Findings against tables, and against random trees where a simpler rule says the same.

use std::slice;

use proptest::prelude::*;
use swarm_domain::HazardKind;

use super::{Change, Entry, GITLINK, LINK, clashes, escapes, first_added, git_own, of_paths};

const FILE: u32 = 0o100_644;

fn file(path: &str) -> Entry {
    Entry { path: path.into(), mode: FILE, target: Vec::new() }
}

fn link(path: &str, target: &str) -> Entry {
    Entry { path: path.into(), mode: LINK, target: target.into() }
}

/// A change that adds these to a tree that has those.
fn adding(added: &[Entry], there: &[Entry]) -> Change {
    let mut tree: Vec<Entry> = added.iter().chain(there).cloned().collect();
    tree.sort_by(|a, b| a.path.cmp(&b.path));
    Change { added: added.to_vec(), tree, ..Change::default() }
}

fn found(change: &Change) -> Vec<(HazardKind, String)> {
    of_paths(change).into_iter().map(|hazard| (hazard.kind, hazard.path)).collect()
}

#[test]
fn a_link_may_end_anywhere_in_the_tree_and_nowhere_else() {
    for (path, target, out) in [
        ("l", "a.txt", false),
        ("l", "./x/../a.txt", false),
        ("a/b/l", "../../c", false),
        ("a/b/l", "../..", false),
        ("a/l", "nowhere", false),
        ("l", "", false),
        ("l", "..", true),
        ("l", "a/../..", true),
        ("a/b/l", "../../../c", true),
        ("l", "/etc/passwd", true),
        ("l", "//etc", true),
        ("l", ".git/config", true),
        ("a/l", "../.GIT/hooks", true),
        ("a/l", "../.git", true),
        ("l", ".gitignore", false),
        ("l", ".gitmodules", false),
    ] {
        assert_eq!(escapes(path.as_bytes(), target.as_bytes()), out, "{path} -> {target}");
    }
}

#[test]
fn links_are_followed_through_other_links() {
    // Lexically `a/b/up/..` is `a/b`; really it is above the top.
    let up = link("a/b/up", "../..");
    let over = link("l", "a/b/up/..");
    assert_eq!(found(&adding(&[up.clone(), over.clone()], &[])), [(HazardKind::Link, "l".to_owned())]);
    // It also comes to light when the first of the two was there, or only the second.
    assert_eq!(
        found(&adding(slice::from_ref(&over), slice::from_ref(&up))),
        [(HazardKind::Link, "l".to_owned())]
    );
    assert_eq!(found(&adding(&[up], &[over])), [(HazardKind::Link, "l".to_owned())]);
    let circle = [link("x", "y"), link("y", "x")];
    assert_eq!(found(&adding(&circle, &[])), []);
    let by_way = [link("abs", "/etc"), link("l", "abs/passwd")];
    assert_eq!(found(&adding(&by_way, &[])).len(), 2);
}

#[test]
fn what_led_out_before_is_not_this_changes_doing() {
    assert_eq!(found(&adding(&[file("new"), link("fine", "new")], &[link("old", "/etc")])), []);
}

#[test]
fn nothing_is_called_like_gits_own_folder() {
    for path in [
        ".git",
        ".git/config",
        "a/.git/hooks/pre-commit",
        ".GIT/x",
        ".Git",
        "git~1",
        "a/GIT~1/config",
        ".git ",
        ".git...",
        ".git . .",
        ".git::$INDEX_ALLOCATION/config",
        ".g\u{200c}it/x",
        "\u{feff}.git",
        "a\\.git\\config",
        "a//b",
        "../x",
        "./x",
        "a/../b",
        "",
    ] {
        let own = git_own(path.as_bytes()).unwrap_or_else(|| panic!("{path:?} is not found"));
        assert!(!own.is_modules, "{path:?}");
    }
    for path in [".gitmodules", "a/.GitModules", ".gitmodules ", "GITMOD~1", ".gitm\u{200d}odules"] {
        assert!(git_own(path.as_bytes()).is_some_and(|own| own.is_modules), "{path:?}");
    }
    for path in
        [".gitignore", ".github/x", "git", "x.git/config", "git~10", ".gitattributes", "a.git", "...git"]
    {
        assert_eq!(git_own(path.as_bytes()), None, "{path:?}");
    }
}

#[test]
fn names_that_some_file_system_takes_for_the_same_clash() {
    for (added, there, clash) in [
        ("README", "Readme", true),
        ("src/Lib.rs", "src/lib.rs", true),
        ("Src/new.rs", "src/lib.rs", true),
        ("SRC", "src/lib.rs", true),
        ("caf\u{e9}", "cafe\u{301}", true),
        ("STRASSE", "stra\u{df}e", true),
        ("\u{3a3}", "\u{3c2}", true),
        ("\u{212a}", "k", true),
        ("readme", "readmf", false),
        ("a/x", "b/X", false),
        ("src2/a", "src/a", false),
        ("\u{e9}", "e", false),
    ] {
        let tree = [added.as_bytes(), there.as_bytes()];
        let found = clashes(&[added.as_bytes()], &[], tree.into_iter());
        assert_eq!(!found.is_empty(), clash, "{added} beside {there}");
    }
    let bytes: [&[u8]; 2] = [b"\xff\xfeA", b"\xff\xfea"];
    assert_eq!(
        clashes(&bytes[..1], &[], bytes.into_iter()).len(),
        1,
        "names that are no text are compared, too"
    );
}

#[test]
fn a_clash_is_found_once_and_only_where_it_is_new() {
    let tree: [&[u8]; 4] = [b"A", b"a", b"new/x", b"new/y"];
    assert_eq!(clashes(&[b"new/x"], &[], tree.into_iter()), []);
    assert_eq!(clashes(&[b"A", b"a"], &[], tree.into_iter()).len(), 1);
    assert_eq!(found(&adding(&[file("README"), file("x/B"), file("x/b")], &[file("readme")])).len(), 2);
}

#[test]
fn a_folder_clashes_where_it_is_new() {
    for (added, gone, there, clash) in [
        ("src/new", "", &["Src/a", "src/b"][..], None),
        ("src/new", "src/b", &["Src/a"], None),
        ("src/deep/new", "", &["Src/deep/a", "src/b"], Some("src/deep")),
        ("src/new", "", &["Src/a"], Some("src")),
        ("src/A", "", &["Src/a", "src/a"], Some("src/A")),
        ("src", "src/b", &["Src/a"], Some("src")),
    ] {
        let mut tree: Vec<&[u8]> =
            there.iter().map(|path| path.as_bytes()).chain([added.as_bytes()]).collect();
        tree.sort_unstable();
        let found = clashes(&[added.as_bytes()], &[gone.as_bytes()], tree.into_iter());
        let found: Vec<&[u8]> = found.iter().map(|(path, _)| path.as_slice()).collect();
        assert_eq!(found, Vec::from_iter(clash.map(str::as_bytes)), "{added} beside {there:?}");
    }
}

#[test]
fn submodules_are_found_by_mode_and_by_name() {
    let module = Entry { path: b"lib".to_vec(), mode: GITLINK, target: Vec::new() };
    let change = Change { changed: vec![module, file(".gitmodules")], ..Change::default() };
    let both = [(HazardKind::Submodule, "lib".to_owned()), (HazardKind::Submodule, ".gitmodules".to_owned())];
    assert_eq!(found(&change), both);
}

#[test]
fn markers_count_where_they_were_added() {
    let whole = "a\n<<<<<<< ours\nx\n=======\ny\n>>>>>>> theirs\n";
    for (before, after, line) in [
        ("", whole, Some(2)),
        (whole, whole, None),
        (whole, "new line\na\n<<<<<<< ours\nx\n=======\ny\n>>>>>>> theirs\n", None),
        (whole, "a\n<<<<<<< mine\nx\n=======\ny\n>>>>>>> theirs\n", Some(2)),
        ("", "x\n>>>>>>> theirs\n", Some(2)),
        ("", "x\r\n<<<<<<< HEAD\r\n", Some(2)),
        ("", "Title\n=======\n", None),
        ("", "  <<<<<<< indented\n", None),
        ("", "<<<<<<<no space\n", None),
        ("", "<<<<<< six\n", None),
        ("", "<<<<<<<<<<<< banner >>>>>>>>>>>>\n", None),
        ("", "<<<<<<<<<< ours\n==========\n>>>>>>>>>> theirs\n", Some(1)),
        ("", "<<<<<<<<<< ours\n>>>>>>>>>> theirs\n", None),
    ] {
        assert_eq!(first_added(before.as_bytes(), after.as_bytes()), line, "{before:?} to {after:?}");
    }
}

proptest! {
    /// Without links on the way, a target leads out exactly where its parts go up more often than they have gone down.
    #[test]
    fn a_lone_link_leads_out_where_its_depth_says_so(
        folders in proptest::collection::vec("[a-c]", 0..4),
        parts in proptest::collection::vec("[a-c]|\\.|\\.\\.", 0..8),
    ) {
        let path = folders.iter().map(String::as_str).chain(["link"]).collect::<Vec<_>>().join("/");
        let mut depth = folders.len();
        let out = parts.iter().any(|part| match part.as_str() {
            "." => false,
            ".." if depth == 0 => true,
            ".." => { depth -= 1; false }
            _ => { depth += 1; false }
        });
        prop_assert_eq!(escapes(path.as_bytes(), parts.join("/").as_bytes()), out);
    }

    /// For plain letters, a clash is two paths that are equal in lower case and not as they are.
    #[test]
    fn plain_names_clash_by_case_alone(names in proptest::collection::btree_set("[aAbB]{1,2}", 1..6)) {
        let names: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
        let found = clashes(&names, &[], names.iter().copied());
        let pairs = names.iter().enumerate().flat_map(|(at, a)| names[at + 1..].iter().map(move |b| (a, b)));
        let clash = pairs.filter(|(a, b)| a.eq_ignore_ascii_case(b)).count();
        prop_assert_eq!(found.is_empty(), clash == 0);
    }

    /// Whatever the bytes are, nothing panics.
    #[test]
    fn no_bytes_are_too_odd(
        paths in proptest::collection::vec((any::<Vec<u8>>(), any::<bool>(), any::<Vec<u8>>()), 0..6),
    ) {
        let entries: Vec<Entry> = paths
            .into_iter()
            .map(|(path, is_link, target)| Entry { path, mode: if is_link { LINK } else { FILE }, target })
            .collect();
        of_paths(&adding(&entries, &[]));
        for entry in &entries {
            first_added(&entry.path, &entry.target);
        }
    }
}
