//! What an attempt can leave behind, and that all of it is kept.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::scratch::{Attempt, Scratch, ada, commit_all, git, read, write};

#[test]
fn nothing_changed_is_the_start() {
    let s = Scratch::new();
    let a = s.attempt("t");
    let left = a.preserve();
    assert_eq!(left.tip, a.start);
    assert!(!left.tree_changed && left.descends && !left.missing);
    assert!(left.paths.is_empty() && left.subjects.is_empty());
    assert_eq!(s.repo.ref_value(&a.ref_name()).unwrap(), Some(left.tip));
}

#[test]
fn commits_and_uncommitted_work_are_both_kept() {
    let s = Scratch::new();
    let a = s.attempt("t");
    a.write("one.txt", "1\n");
    commit_all(&a.wt.path, "add one");
    a.write("two.txt", "2\n");
    let theirs = commit_all(&a.wt.path, "add two");
    a.write("three.txt", "3\n");
    fs::remove_file(a.wt.path.join("b.txt")).unwrap();
    let left = a.preserve();
    assert_eq!(git(&s.top, &["rev-parse", &format!("{}^", left.tip)]), theirs);
    assert_eq!(left.subjects, ["add one", "add two"]);
    assert_eq!(left.paths, ["b.txt", "one.txt", "three.txt", "two.txt"]);
    assert!(left.descends && left.tree_changed);
}

#[test]
fn a_clean_commit_is_the_tip_itself() {
    let s = Scratch::new();
    let a = s.attempt("t");
    a.write("a.txt", "changed\n");
    let theirs = commit_all(&a.wt.path, "change");
    assert_eq!(a.preserve().tip, theirs);
}

#[test]
fn preserving_twice_gives_the_same_answer() {
    let s = Scratch::new();
    let a = s.attempt("t");
    a.write("one.txt", "1\n");
    commit_all(&a.wt.path, "add one");
    a.write("two.txt", "2\n");
    let first = a.preserve();
    assert_eq!(a.preserve(), first);
    s.repo.remove_worktree(&a.wt).unwrap();
    assert_eq!(a.preserve(), first, "also when the worktree was removed since");
}

#[test]
fn ignored_files_are_left_behind() {
    let s = Scratch::new();
    let a = s.attempt("t");
    a.write("debug.log", "noise\n");
    a.write("kept.txt", "work\n");
    assert_eq!(a.preserve().paths, ["kept.txt"]);
}

#[test]
fn an_agent_on_another_branch_is_followed() {
    let s = Scratch::new();
    let a = s.attempt("t");
    a.git(&["switch", "-q", "-c", "feature"]);
    a.write("f.txt", "f\n");
    let theirs = commit_all(&a.wt.path, "feature");
    a.write("g.txt", "g\n");
    let left = a.preserve();
    assert_eq!(git(&s.top, &["rev-parse", &format!("{}^", left.tip)]), theirs);
    assert_eq!(git(&s.top, &["rev-parse", "feature"]), theirs, "the agent's branch is not moved");
}

#[test]
fn a_head_moved_away_from_the_base_does_not_descend() {
    let s = Scratch::new();
    let first = s.head();
    write(&s.top.join("later.txt"), "later\n");
    commit_all(&s.top, "later");
    let a = s.attempt("t");
    a.git(&["checkout", "-q", "--detach", &first]);
    a.write("x.txt", "x\n");
    commit_all(&a.wt.path, "elsewhere");
    let left = a.preserve();
    assert!(!left.descends);
    assert!(left.paths.contains(&"later.txt".to_owned()), "it is gone there");
}

#[test]
fn an_orphan_branch_is_kept_on_top_of_the_start() {
    let s = Scratch::new();
    let a = s.attempt("t");
    a.git(&["switch", "-q", "--orphan", "empty"]);
    a.write("new.txt", "n\n");
    let left = a.preserve();
    assert_eq!(git(&s.top, &["rev-parse", &format!("{}^", left.tip)]), a.start);
    assert_eq!(s.tree(&left.tip), ["100644 new.txt"]);
}

#[test]
fn a_deleted_worktree_keeps_what_was_committed() {
    let s = Scratch::new();
    let a = s.attempt("t");
    a.write("one.txt", "1\n");
    let theirs = commit_all(&a.wt.path, "one");
    fs::remove_dir_all(&a.wt.path).unwrap();
    let left = a.preserve();
    assert!(left.missing);
    assert_eq!(left.tip, theirs);
}

#[test]
fn a_worktree_removed_by_the_agents_git_is_the_start() {
    let s = Scratch::new();
    let a = s.attempt("t");
    git(&s.top, &["worktree", "remove", "--force", a.wt.path.to_str().unwrap()]);
    let left = a.preserve();
    assert!(left.missing);
    assert_eq!(left.tip, a.start);
}

#[test]
fn files_survive_git_forgetting_the_worktree() {
    let s = Scratch::new();
    let a = s.attempt("t");
    a.write("one.txt", "1\n");
    fs::remove_dir_all(&a.wt.git_dir).unwrap();
    let left = a.preserve();
    assert_eq!(left.paths, ["one.txt"]);
    s.repo.remove_worktree(&a.wt).unwrap();
    assert!(!a.wt.git_dir.exists());
}

#[test]
fn changes_hidden_from_the_agents_index_are_found() {
    let s = Scratch::new();
    let a = s.attempt("t");
    a.git(&["update-index", "--assume-unchanged", "a.txt"]);
    a.git(&["update-index", "--skip-worktree", "b.txt"]);
    a.write("a.txt", "hidden\n");
    a.write("b.txt", "hidden too\n");
    fs::write(a.wt.git_dir.join("index.lock"), "").unwrap();
    assert_eq!(a.preserve().paths, ["a.txt", "b.txt"]);
}

#[test]
fn a_broken_index_does_not_matter() {
    let s = Scratch::new();
    let a = s.attempt("t");
    a.write("a.txt", "changed\n");
    fs::write(a.wt.git_dir.join("index"), "garbage").unwrap();
    fs::write(s.shadow("t").join("index"), "garbage").unwrap();
    assert_eq!(a.preserve().paths, ["a.txt"]);
}

#[test]
fn nested_repositories_are_kept_as_their_files() {
    let s = Scratch::new();
    let a = s.attempt("t");
    for (repo, committed) in [("with commit", true), ("without", false), ("deep/er/inside", true)] {
        let path = a.wt.path.join(repo);
        write(&path.join("code.rs"), "fn main() {}\n");
        write(&path.join("sub/more.rs"), "//\n");
        write(&path.join("noise.log"), "ignored by the outer rules\n");
        write(&path.join(".gitignore"), "secret\n");
        write(&path.join("secret"), "ignored by its own rules\n");
        git(&path, &["init", "-q"]);
        if committed {
            commit_all(&path, "inner");
        }
    }
    fs::create_dir(a.wt.path.join("hollow")).unwrap();
    git(&a.wt.path.join("hollow"), &["init", "-q"]);
    let left = a.preserve();
    let expected: Vec<String> = ["deep/er/inside", "with commit", "without"]
        .iter()
        .flat_map(|r| [".gitignore", "code.rs", "sub/more.rs"].map(|f| format!("{r}/{f}")))
        .collect();
    assert_eq!(left.paths, expected);
    assert!(s.tree(&left.tip).iter().all(|l| l.starts_with("100644")), "no gitlinks");
}

#[test]
fn an_empty_nested_repository_changes_nothing() {
    let s = Scratch::new();
    let a = s.attempt("t");
    fs::create_dir(a.wt.path.join("hollow")).unwrap();
    git(&a.wt.path.join("hollow"), &["init", "-q"]);
    assert_eq!(a.preserve().tip, a.start);
}

#[test]
fn a_nested_repository_the_agent_committed_is_kept_as_files_too() {
    let s = Scratch::new();
    let a = s.attempt("t");
    let inner = a.wt.path.join("inner");
    write(&inner.join("code.rs"), "//\n");
    git(&inner, &["init", "-q"]);
    commit_all(&inner, "inner");
    a.git(&["-c", "advice.addEmbeddedRepo=false", "add", "inner"]);
    a.git(&["commit", "-q", "-m", "a gitlink"]);
    let left = a.preserve();
    assert_eq!(left.paths, ["inner/code.rs"]);
    assert_eq!(s.show(&left.tip, "inner/code.rs"), "//");
}

#[test]
fn a_tracked_submodule_is_left_as_it_is() {
    let s = Scratch::new();
    let other = Scratch::new();
    let url = other.top.to_str().unwrap();
    git(&s.top, &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, "lib"]);
    commit_all(&s.top, "add lib");
    let a = s.attempt("t");
    a.write("a.txt", "work\n");
    let left = a.preserve();
    assert_eq!(left.paths, ["a.txt"]);
    assert!(left.submodules.is_empty());
    assert!(s.tree(&left.tip).contains(&"160000 lib".to_owned()));
}

/// What was done in a worktree with a submodule, how, and what is named for it.
type Case<'a> = (&'a str, &'a dyn Fn(&Attempt<'_>), &'a [&'a str]);

#[test]
fn a_submodule_with_work_in_it_is_named() {
    let s = Scratch::new();
    let other = Scratch::new();
    write(&other.top.join("b.txt"), "nothing that the outer repository has\n");
    commit_all(&other.top, "other");
    let url = other.top.to_str().unwrap();
    git(&s.top, &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, "lib"]);
    commit_all(&s.top, "add lib");
    let change = |a: &Attempt<'_>| a.write("lib/b.txt", "inner work\n");
    let cases: &[Case<'_>] = &[
        ("nothing", &|_| {}, &[]),
        ("ignored", &|a| a.write("lib/x.log", "noise"), &[]),
        ("changed", &change, &["lib"]),
        ("untracked", &|a| a.write("lib/new", "x"), &["lib"]),
        ("broken", &|a| fs::remove_dir_all(a.wt.git_dir.join("modules/lib/objects")).unwrap(), &["lib"]),
        (
            "committed",
            &|a| {
                change(a);
                commit_all(&a.wt.path.join("lib"), "inner work");
            },
            &["lib"],
        ),
    ];
    for (what, work, named) in cases {
        let a = s.attempt(what);
        a.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init"]);
        work(&a);
        assert_eq!(a.preserve().submodules, *named, "{what}");
    }
}

#[test]
fn odd_names_modes_and_kinds_survive() {
    let s = Scratch::new();
    let a = s.attempt("t");
    let top = &a.wt.path;
    a.write("with space.txt", "x\n");
    a.write("new\nline", "x\n");
    a.write("-rf", "x\n");
    a.write(":(top)magic", "x\n");
    a.write("quote\"back\\slash", "x\n");
    write(&top.join(OsStr::from_bytes(b"caf\xe9")), "latin1\n");
    a.write("run.sh", "#!/bin/sh\n");
    fs::set_permissions(top.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(top.join("b.txt"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("/etc/passwd", top.join("outside")).unwrap();
    symlink("nowhere", top.join("dangling")).unwrap();
    let left = a.preserve();
    let mut paths = left.paths.clone();
    paths.sort();
    let mut expected = [
        "-rf",
        ":(top)magic",
        "b.txt",
        "\"caf\\351\"",
        "dangling",
        "new\nline",
        "outside",
        "quote\"back\\slash",
        "run.sh",
        "with space.txt",
    ];
    expected.sort_unstable();
    assert_eq!(paths, expected);
    let tree = s.tree(&left.tip);
    for line in ["100755 b.txt", "100755 run.sh", "120000 outside", "120000 dangling"] {
        assert!(tree.contains(&line.to_owned()), "{line} in {tree:?}");
    }
    assert_eq!(s.show(&left.tip, "outside"), "/etc/passwd");
}

#[test]
fn folders_and_files_may_change_places() {
    let s = Scratch::new();
    let a = s.attempt("t");
    let top = &a.wt.path;
    // A folder becomes a link to one that has the same files; a file becomes a folder.
    fs::rename(top.join("src"), top.join("moved")).unwrap();
    symlink("moved", top.join("src")).unwrap();
    fs::remove_file(top.join("b.txt")).unwrap();
    a.write("b.txt/inside", "x\n");
    let left = a.preserve();
    let tree = s.tree(&left.tip);
    assert_eq!(
        tree,
        ["100644 .gitignore", "100644 a.txt", "100644 b.txt/inside", "100644 moved/lib.rs", "120000 src"]
    );
}

#[test]
fn work_in_the_middle_of_a_merge_is_kept_with_its_markers() {
    let s = Scratch::new();
    let a = s.attempt("t");
    a.write("b.txt", "theirs\n");
    let theirs = commit_all(&a.wt.path, "theirs");
    a.git(&["checkout", "-q", "--detach", &a.start]);
    a.write("b.txt", "ours\n");
    commit_all(&a.wt.path, "ours");
    let _ = crate::scratch::git_output(&a.wt.path, &["merge", &theirs]);
    let left = a.preserve();
    assert!(s.show(&left.tip, "b.txt").contains("<<<<<<<"));
}

#[test]
fn rebuilding_on_a_moved_target_makes_one_commit() {
    let s = Scratch::new();
    let base = s.head();
    let tip = s.tip("t", |top| {
        write(&top.join("b.txt"), "work\n");
        commit_all(top, "one");
        write(&top.join("new.txt"), "more\n");
    });
    write(&s.top.join("later.txt"), "later\n");
    commit_all(&s.top, "later");
    let mut ids = Vec::new();
    for n in ["r1", "r2"] {
        let mut a = s.attempt(n);
        let rebuilt = s.repo.rebuild(&a.wt, &a.base, &tip, &base, "earlier work", &ada(), 7).unwrap();
        let swarm::git::Rebuilt::Clean { commit } = rebuilt else { panic!("{rebuilt:?}") };
        assert_eq!(git(&a.wt.path, &["rev-parse", "HEAD", "HEAD^"]), format!("{commit}\n{}", a.base));
        assert_eq!(git(&a.wt.path, &["status", "--porcelain"]), "");
        assert_eq!(read(&a.wt.path.join("new.txt")), "more\n");
        a.start.clone_from(&commit);
        let left = a.preserve();
        assert_eq!(left.tip, commit);
        assert!(left.descends && left.subjects.is_empty());
        assert_eq!(left.paths, ["b.txt", "new.txt"]);
        ids.push(commit);
    }
    assert_eq!(ids[0], ids[1], "the same work gives the same commit");
}

#[test]
fn rebuilding_with_a_conflict_leaves_it_in_the_files() {
    let s = Scratch::new();
    let base = s.head();
    let tip = s.tip("t", |top| {
        write(&top.join("b.txt"), "work\n");
        write(&top.join("new.txt"), "more\n");
    });
    write(&s.top.join("b.txt"), "moved on\n");
    commit_all(&s.top, "later");
    let mut a = s.attempt("r");
    let rebuilt = s.repo.rebuild(&a.wt, &a.base, &tip, &base, "m", &ada(), 7).unwrap();
    assert_eq!(rebuilt, swarm::git::Rebuilt::Conflict { paths: vec!["b.txt".to_owned()] });
    assert_eq!(a.git(&["rev-parse", "HEAD"]), a.base);
    assert_eq!(a.git(&["status", "--porcelain"]), "M b.txt\n?? new.txt");
    a.conflict_paths = vec!["b.txt".to_owned()];
    let untouched = a.preserve();
    assert_eq!(untouched.markers, ["b.txt"]);
    assert_eq!(untouched.paths, ["b.txt", "new.txt"]);
    a.name = "resolved".to_owned();
    a.write("b.txt", "both\n");
    let resolved = a.preserve();
    assert!(resolved.markers.is_empty());
    assert!(resolved.descends);
}
