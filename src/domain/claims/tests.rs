//! Claims against a table of gitignore's own behaviour, and overlaps against paths tried one by one.

use proptest::prelude::*;

use super::{ClaimSet, check, matches, overlap, overlaps};

fn list(patterns: &[&str]) -> Vec<String> {
    patterns.iter().map(|pattern| (*pattern).to_owned()).collect()
}

#[test]
fn paths_match_as_in_gitignore() {
    for (pattern, path, expected) in [
        ("Cargo.lock", "Cargo.lock", true),
        ("Cargo.lock", "crates/a/Cargo.lock", true),
        ("/Cargo.lock", "crates/a/Cargo.lock", false),
        ("src/lib.rs", "src/lib.rs", true),
        ("src/lib.rs", "x/src/lib.rs", false),
        ("src", "src/a/b.rs", true),
        ("src/", "src/a/b.rs", true),
        ("src/", "src", false),
        ("docs/", "a/docs/x", true),
        ("src/**", "src/a/b", true),
        ("src/**", "src", false),
        ("**/mod.rs", "mod.rs", true),
        ("**/mod.rs", "a/b/mod.rs", true),
        ("a/**/b", "a/b", true),
        ("a/**/b", "a/x/y/b", true),
        ("a/**/b", "a/xb", false),
        ("*.rs", "a/b/c.rs", true),
        ("src/*.rs", "src/a/b.rs", false),
        ("src/?.rs", "src/a.rs", true),
        ("src/[a-c].rs", "src/b.rs", true),
        ("src/[!a-c].rs", "src/b.rs", false),
        ("src/[[:digit:]]*", "src/7up", true),
        ("[a-]x", "-x", true),
        ("[a-]x", "ax", true),
        ("[a-]x", "bx", false),
        ("[]a]x", "]x", true),
        ("[a\\]b]x", "]x", true),
        ("[\\a-\\c]x", "bx", true),
        ("[^a]x", "bx", true),
        ("a[!b]c", "a/c", false),
        ("a\\*b", "a*b", true),
        ("a\\*b", "axb", false),
        ("ä/**", "ä/ö", true),
    ] {
        assert_eq!(ClaimSet::new(&list(&[pattern]), &[]).claims(path), expected, "{pattern} on {path}");
    }
}

#[test]
fn a_named_class_has_what_its_name_says() {
    type Class = (&'static str, fn(&char) -> bool);
    let classes: [Class; 8] = [
        ("alnum", char::is_ascii_alphanumeric),
        ("alpha", char::is_ascii_alphabetic),
        ("digit", char::is_ascii_digit),
        ("lower", char::is_ascii_lowercase),
        ("upper", char::is_ascii_uppercase),
        ("xdigit", char::is_ascii_hexdigit),
        ("space", |c| matches!(c, '\t'..='\r' | ' ')),
        ("punct", char::is_ascii_punctuation),
    ];
    for (name, has) in classes {
        let claims = ClaimSet::new(&list(&[&format!("[[:{name}:]]")]), &[]);
        for c in ('\u{1}'..='\u{80}').filter(|c| *c != '/') {
            assert_eq!(claims.claims(&c.to_string()), has(&c), "{name} and {c:?}");
        }
    }
}

#[test]
fn the_last_match_decides() {
    let claims = list(&["src/**", "!src/legacy/**", "src/legacy/keep.rs"]);
    assert!(matches(&claims, &[], "src/a.rs"));
    assert!(!matches(&claims, &[], "src/legacy/a.rs"));
    assert!(matches(&claims, &[], "src/legacy/keep.rs"));
    assert!(matches(&claims, &list(&["Cargo.lock"]), "Cargo.lock"), "what is shared is covered");
    assert!(matches(&[], &[], "anything"), "no claims, no check");
}

#[test]
fn patterns_that_are_refused() {
    for bad in
        ["", "!", "/", "a//b", "../a", "./a", "a/..", "[a", "a\\", "a\nb", "[[:word:]]", &"x".repeat(2000)]
    {
        assert!(check(bad).is_err(), "{bad:?} was accepted");
    }
}

#[test]
fn overlaps_are_found_and_excludes_count() {
    for (a, b, expected) in [
        (&["src/a.rs"][..], &["src/a.rs"][..], Some("src/a.rs")),
        (&["src/a.rs"], &["src/ab.rs"], None),
        (&["src"], &["src/a.rs"], Some("src/a.rs")),
        (&["src/**"], &["**/*.rs"], Some("src/x.rs")),
        (&["src/*/b.rs"], &["src/a/**"], Some("src/a/b.rs")),
        (&["*.rs"], &["*.toml"], None),
        (&["src/lib.rs"], &["**/*.toml"], None),
        (&["conf.d"], &["conf.d/x.conf"], Some("conf.d/x.conf")),
        (&["/Makefile"], &["docs/**", "*.md"], None),
        (&["src"], &["*.md"], Some("src/x.md")),
        (&["a/[a-f]*"], &["a/[g-z]*"], None),
        (&["a/[!a-f]"], &["a/[a-g]"], Some("a/g")),
        (&["libs/**", "!libs/x/**"], &["libs/x/**"], None),
        (&["libs/**", "!libs/x/**"], &["libs/y/**"], Some("libs/y/x")),
        (&["a/**", "!a/**/b"], &["**/b", "!b"], None),
        (&["a/**", "!a/b/**", "a/b/c"], &["a/b/**"], Some("a/b/c")),
        (&["k/**", "!k/a"], &["k/[ab]"], Some("k/b")),
        (&["k/**", "!k/[a-y]"], &["k/[a-z]"], Some("k/z")),
        (&["k/**", "!k/[a-z]"], &["k/[a-z]"], None),
    ] {
        let found = overlap(&list(a), &list(b));
        assert_eq!(found.is_some(), expected.is_some(), "{a:?} {b:?}: {found:?}");
        if let Some(path) = found {
            let (a, b) = (ClaimSet::new(&list(a), &[]), ClaimSet::new(&list(b), &[]));
            assert!(a.claims(&path) && b.claims(&path), "{path} is not claimed by both");
        }
    }
}

#[test]
fn what_is_shared_is_no_overlap() {
    let shared = list(&["**/mod.rs"]);
    let set = |claims: &[&str]| ClaimSet::new(&list(claims), &shared);
    let none = overlaps(&[set(&["src/**/mod.rs"]), set(&["src/**"])], |_, _| true, 10);
    assert_eq!(none, []);
    assert_eq!(set(&["src/**"]).claimed_by("src/mod.rs"), None);
}

#[test]
fn ten_thousand_tasks_in_folders_of_their_own() {
    let sets: Vec<ClaimSet> = (0..10_000)
        .map(|n| ClaimSet::new(&list(&[&format!("services/s{n}/**"), &format!("gen/file{n:05}*.rs")]), &[]))
        .collect();
    let mut asked = 0;
    let found = overlaps(
        &sets,
        |_, _| {
            asked += 1;
            true
        },
        10,
    );
    assert_eq!((found.len(), asked), (0, 0), "no pair has to be looked at");
}

#[test]
fn tasks_told_apart_by_file_names() {
    let sets: Vec<ClaimSet> =
        (0..2_000).map(|n| ClaimSet::new(&list(&[&format!("**/file{n}.rs")]), &[])).collect();
    assert_eq!(overlaps(&sets, |_, _| true, 10), [], "and soon, though every pair begins alike");
    let loose = [ClaimSet::new(&list(&["**/a.rs"]), &[]), ClaimSet::new(&list(&["x/*.rs"]), &[])];
    assert_eq!(overlaps(&loose, |_, _| true, 10)[0].path, "x/a.rs");
}

#[test]
fn a_file_of_one_task_may_be_a_folder_of_another() {
    for name in ["conf.d", "Makefile", ".env"] {
        let sets = [name.to_owned(), format!("{name}/x.conf")].map(|claim| ClaimSet::new(&[claim], &[]));
        let found = overlaps(&sets, |_, _| true, 10);
        assert_eq!(
            found.iter().map(|overlap| &overlap.path).collect::<Vec<_>>(),
            [&format!("{name}/x.conf")]
        );
    }
}

fn pattern() -> impl Strategy<Value = String> {
    let part =
        prop::sample::select(vec!["a", "b", "*", "**", "a*", "*b", "?", "[ab]", "[!a]", "a.b", "*.b", "a.*"]);
    (any::<bool>(), prop::collection::vec(part, 1..4), any::<bool>()).prop_map(|(exclude, parts, folder)| {
        format!("{}{}{}", if exclude { "!" } else { "" }, parts.join("/"), if folder { "/" } else { "" })
    })
}

fn short_paths() -> Vec<String> {
    let parts = ["a", "b", "c", "ab", "bb", "a.b", "b.b"];
    let mut paths: Vec<String> = parts.map(str::to_owned).to_vec();
    for _ in 0..2 {
        let longer: Vec<String> =
            paths.iter().flat_map(|path| parts.map(|part| format!("{path}/{part}"))).collect();
        paths.extend(longer);
    }
    paths.sort();
    paths.dedup();
    paths
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The walk agrees with trying paths: what it names is claimed by both, and where it finds nothing no path is.
    #[test]
    fn overlap_is_exact(a in prop::collection::vec(pattern(), 1..4), b in prop::collection::vec(pattern(), 1..4)) {
        let (of_a, of_b) = (ClaimSet::new(&a, &[]), ClaimSet::new(&b, &[]));
        match overlap(&a, &b) {
            Some(path) => prop_assert!(of_a.claims(&path) && of_b.claims(&path), "{path}"),
            // A file's name is not taken for a folder, so paths through one prove nothing.
            None => for path in short_paths().iter().filter(|path| !path.contains(".b/")) {
                prop_assert!(!(of_a.claims(path) && of_b.claims(path)), "missed {path}");
            },
        }
    }

    /// The candidates found by literal beginnings are all there are.
    #[test]
    fn no_pair_is_overlooked(sets in prop::collection::vec(prop::collection::vec(pattern(), 1..3), 2..6)) {
        let compiled: Vec<ClaimSet> = sets.iter().map(|set| ClaimSet::new(set, &[])).collect();
        let found: Vec<(usize, usize)> = overlaps(&compiled, |_, _| true, 100).iter().map(|o| (o.first, o.second)).collect();
        for first in 0..sets.len() {
            for second in first + 1..sets.len() {
                prop_assert_eq!(found.contains(&(first, second)), overlap(&sets[first], &sets[second]).is_some());
            }
        }
    }
}
