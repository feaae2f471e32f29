//! What commits bring: contents and messages, whatever the repository says about how they are shown.

use std::fs;

use swarm::git::{Object, RawChange};

use crate::scratch::{Scratch, commit_all, git, write};

fn blob(s: &Scratch, at: &str) -> String {
    git(&s.top, &["rev-parse", at]).trim().to_owned()
}

fn change(s: &Scratch, path: &str, before: Option<&str>, after: Option<&str>) -> RawChange {
    let object = |at: Option<&str>| at.map(|at| Object { mode: 0o100_644, oid: blob(s, at) });
    RawChange { path: path.as_bytes().to_owned(), before: object(before), after: object(after) }
}

/// Settings that change what git shows, or make it refuse to.
fn contrary(s: &Scratch) {
    let settings = [
        ("diff.renames", "copies"),
        ("diff.orderFile", "/nowhere"),
        ("diff.noprefix", "true"),
        ("diff.ignoreSubmodules", "all"),
        ("diff.external", "false"),
        ("log.follow", "true"),
        ("log.diffMerges", "first-parent"),
        ("log.showSignature", "true"),
        ("log.mailmap", "true"),
        ("color.ui", "always"),
        ("core.quotePath", "false"),
        ("i18n.logOutputEncoding", "UTF-16"),
    ];
    for (key, value) in settings {
        git(&s.top, &["config", key, value]);
    }
}

#[test]
fn a_change_a_new_file_and_one_that_is_gone_have_their_contents() {
    let s = Scratch::new();
    let base = s.head();
    write(&s.top.join("a.txt"), "changed\n");
    write(&s.top.join("n\u{e9}w \u{1f600}.txt"), "new\n");
    write(&s.top.join(".gitattributes"), "* -diff binary\n");
    fs::remove_file(s.top.join("b.txt")).unwrap();
    commit_all(&s.top, "second");
    contrary(&s);
    let expected = [
        change(&s, ".gitattributes", None, Some("HEAD:.gitattributes")),
        change(&s, "a.txt", Some("HEAD~:a.txt"), Some("HEAD:a.txt")),
        change(&s, "b.txt", Some("HEAD~:b.txt"), None),
        change(&s, "n\u{e9}w \u{1f600}.txt", None, Some("HEAD:n\u{e9}w \u{1f600}.txt")),
    ];
    assert_eq!(s.repo.changes(&base, &s.head()).unwrap(), expected);
    assert_eq!(s.repo.changes(&base, &base).unwrap(), []);
}

#[test]
fn what_a_later_commit_takes_back_was_brought_all_the_same() {
    let s = Scratch::new();
    let base = s.head();
    write(&s.top.join("x.txt"), "x\n");
    commit_all(&s.top, "first of two\n\nWith a body.\n");
    let first = s.head();
    fs::remove_file(s.top.join("x.txt")).unwrap();
    git(&s.top, &["checkout", "-q", "-b", "side", &base]);
    write(&s.top.join("y.txt"), "y\n");
    commit_all(&s.top, "beside");
    git(&s.top, &["merge", "-q", "--no-edit", &first]);
    fs::remove_file(s.top.join("x.txt")).unwrap();
    commit_all(&s.top, "gone");
    let head = s.head();
    assert_eq!(s.repo.changes(&base, &head).unwrap().len(), 1);
    contrary(&s);
    let each = s.repo.changes_of_each(&base, &head).unwrap();
    let brought = |path: &str| each.iter().any(|change| change.name() == path && change.after.is_some());
    assert!(brought("x.txt") && brought("y.txt"), "{each:?}");
    let messages = s.repo.messages(&base, &head).unwrap();
    assert_eq!(messages.len(), 4);
    let body = messages.iter().find(|(commit, _)| *commit == first).unwrap();
    let lines: Vec<&str> = body.1.lines().collect();
    assert_eq!(lines[..3], ["first of two", "", "With a body."]);
    assert_eq!(lines[lines.len() - 1], lines[lines.len() - 2], "who wrote it committed it: {lines:?}");
}

#[test]
fn contents_are_read_in_their_order_however_many_there_are() {
    let s = Scratch::new();
    for count in [0, 1, 16, 17, 200] {
        let texts: Vec<String> = (0..count).map(|n| format!("{n}\n").repeat(n)).collect();
        let written = texts.iter().enumerate().map(|(n, text)| {
            write(&s.top.join(format!("f{n}")), text);
            git(&s.top, &["hash-object", "-w", &format!("f{n}")]).trim().to_owned()
        });
        let oids: Vec<String> = written.collect();
        let oids: Vec<&str> = oids.iter().map(String::as_str).collect();
        let mut read = Vec::new();
        s.repo
            .contents(&oids, u64::MAX, |at, text| read.push((at, String::from_utf8_lossy(text).into_owned())))
            .unwrap();
        let expected: Vec<(usize, String)> = texts.into_iter().enumerate().collect();
        assert_eq!(read, expected);
    }
    let long = blob(&s, "HEAD:a.txt");
    s.repo.contents(&[&long], 1, |_, _| panic!("it has more than one byte")).unwrap();
    let missing = "1".repeat(40);
    assert!(s.repo.contents(&[&missing], u64::MAX, |_, _| ()).is_err());
}
