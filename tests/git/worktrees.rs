//! Worktrees from every state that a crash or an agent can leave.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use swarm::git::Worktree;

use crate::scratch::{Scratch, commit_all, git, read, write};

/// What happened, and how to make it happen.
type Damage = (&'static str, fn(&Scratch));

#[test]
fn a_fresh_worktree_is_detached_and_complete() {
    let s = Scratch::new();
    let a = s.attempt("t");
    assert_eq!(a.wt.git_dir, s.repo.common_dir().join("worktrees/t"));
    assert_eq!(a.git(&["rev-parse", "--abbrev-ref", "HEAD"]), "HEAD");
    assert_eq!(a.git(&["status", "--porcelain", "--ignored"]), "");
    assert_eq!(read(&a.wt.path.join("src/lib.rs")), "//! lib\n");
}

#[test]
fn adding_again_reuses_what_is_as_it_should_be() {
    let s = Scratch::new();
    let a = s.attempt("t");
    let inode = fs::metadata(a.wt.path.join("a.txt")).unwrap().ino();
    let again = s.repo.add_worktree(&a.wt.path, &a.base).unwrap();
    assert_eq!(again, a.wt);
    assert_eq!(fs::metadata(a.wt.path.join("a.txt")).unwrap().ino(), inode);
}

#[test]
fn anything_else_at_the_path_is_made_again() {
    let s = Scratch::new();
    let damages: &[Damage] = &[
        ("changed file", |s| write(&s.worktree_path("t/a.txt"), "changed\n")),
        ("untracked file", |s| write(&s.worktree_path("t/extra"), "x\n")),
        ("hidden change", |s| {
            git(&s.worktree_path("t"), &["update-index", "--assume-unchanged", "a.txt"]);
            write(&s.worktree_path("t/a.txt"), "changed\n");
        }),
        ("moved HEAD", |s| {
            write(&s.worktree_path("t/more"), "x\n");
            commit_all(&s.worktree_path("t"), "more");
        }),
        ("no folder", |s| fs::remove_dir_all(s.worktree_path("t")).unwrap()),
        ("no admin folder", |s| fs::remove_dir_all(s.top.join(".git/worktrees/t")).unwrap()),
        ("empty folder alone", |s| {
            fs::remove_dir_all(s.top.join(".git/worktrees/t")).unwrap();
            fs::remove_dir_all(s.worktree_path("t")).unwrap();
            fs::create_dir(s.worktree_path("t")).unwrap();
        }),
        ("killed while initializing", |s| {
            write(&s.top.join(".git/worktrees/t/locked"), "initializing\n");
            write(&s.top.join(".git/worktrees/t/index.lock"), "");
            fs::remove_file(s.worktree_path("t/b.txt")).unwrap();
        }),
        ("killed before the pointer was written", |s| {
            fs::remove_dir_all(s.worktree_path("t")).unwrap();
            fs::remove_dir_all(s.top.join(".git/worktrees/t")).unwrap();
            write(&s.top.join(".git/worktrees/t/locked"), "initializing");
        }),
        ("stale index.lock", |s| write(&s.top.join(".git/worktrees/t/index.lock"), "")),
        ("a file at the path", |s| {
            fs::remove_dir_all(s.worktree_path("t")).unwrap();
            write(&s.worktree_path("t"), "in the way");
        }),
    ];
    for (what, damage) in damages {
        let a = s.attempt("t");
        damage(&s);
        let wt = s.repo.add_worktree(&a.wt.path, &a.base).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(wt, a.wt, "{what}");
        assert_eq!(git(&wt.path, &["status", "--porcelain", "--ignored"]), "", "{what}");
        assert_eq!(git(&wt.path, &["rev-parse", "HEAD"]), a.base, "{what}");
        assert_eq!(fs::read_dir(s.top.join(".git/worktrees")).unwrap().count(), 1, "{what}");
    }
}

#[test]
fn a_worktree_of_the_users_with_the_same_name_is_left_alone() {
    let s = Scratch::new();
    let theirs = s.top.with_file_name("users").join("t");
    git(&s.top, &["worktree", "add", "-q", "-b", "mine", theirs.to_str().unwrap()]);
    let a = s.attempt("t");
    assert_ne!(a.wt.git_dir, s.repo.common_dir().join("worktrees/t"));
    s.repo.remove_worktree(&a.wt).unwrap();
    assert_eq!(git(&theirs, &["branch", "--show-current"]), "mine");
}

#[test]
fn removing_takes_both_halves_in_any_state() {
    let s = Scratch::new();
    let states: &[Damage] = &[
        ("whole", |_| {}),
        ("no folder", |s| fs::remove_dir_all(s.worktree_path("t")).unwrap()),
        ("no admin folder", |s| fs::remove_dir_all(s.top.join(".git/worktrees/t")).unwrap()),
        ("locked", |s| write(&s.top.join(".git/worktrees/t/locked"), "by somebody")),
        ("read-only folders", |s| {
            write(&s.worktree_path("t/cache/deep/file"), "x");
            for folder in ["t/cache/deep", "t/cache"] {
                fs::set_permissions(s.worktree_path(folder), fs::Permissions::from_mode(0o555)).unwrap();
            }
        }),
    ];
    for (what, damage) in states {
        let a = s.attempt("t");
        damage(&s);
        for _ in 0..2 {
            s.repo.remove_worktree(&a.wt).unwrap_or_else(|e| panic!("{what}: {e}"));
        }
        assert!(!a.wt.path.exists() && !a.wt.git_dir.exists(), "{what}");
        assert_eq!(git(&s.top, &["worktree", "list"]).lines().count(), 1, "{what}");
    }
}

#[test]
fn the_users_checkout_is_never_what_is_removed() {
    let s = Scratch::new();
    let (path, git_dir) = (s.top.clone(), s.repo.common_dir().to_owned());
    assert!(s.repo.remove_worktree(&Worktree { path: path.clone(), git_dir }).is_err());
    assert!(s.repo.add_worktree(&path, &s.head()).is_err());
    assert!(s.repo.exact(path.parent().unwrap(), &s.head(), true).is_err());
    assert_eq!(git(&path, &["status", "--porcelain"]), "");
}

#[test]
fn exact_is_the_commit_whatever_happened_before() {
    let s = Scratch::new();
    let first = s.head();
    fs::remove_file(s.top.join("b.txt")).unwrap();
    write(&s.top.join("src/new.rs"), "//\n");
    fs::remove_file(s.top.join("a.txt")).unwrap();
    write(&s.top.join("a.txt/is/a/folder/now"), "x");
    let second = commit_all(&s.top, "second");
    let path = s.worktree_path("gate");
    let states: &[Damage] = &[
        ("absent", |_| {}),
        ("as left", |_| {}),
        ("changed, hidden and staged", |s| {
            let gate = s.worktree_path("gate");
            git(&gate, &["update-index", "--assume-unchanged", "src/lib.rs"]);
            write(&gate.join("src/lib.rs"), "hidden\n");
            write(&gate.join("staged"), "x");
            git(&gate, &["add", "staged"]);
        }),
        ("on a branch", |s| drop(git(&s.worktree_path("gate"), &["switch", "-q", "-c", "gates-own"]))),
        ("a nested repository", |s| {
            git(&s.top, &["init", "-q", s.worktree_path("gate/inner").to_str().unwrap()]);
        }),
        ("stale locks", |s| write(&s.top.join(".git/worktrees/gate/index.lock"), "")),
        ("a broken index", |s| write(&s.top.join(".git/worktrees/gate/index"), "garbage")),
        ("both indexes broken", |s| {
            write(&s.top.join(".git/worktrees/gate/index"), "garbage");
            write(&s.shadow("gate").join("index"), "garbage");
        }),
        ("no admin folder", |s| fs::remove_dir_all(s.top.join(".git/worktrees/gate")).unwrap()),
    ];
    for (what, damage) in states {
        damage(&s);
        for commit in [&first, &second] {
            let wt = s.repo.exact(&path, commit, false).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!(git(&wt.path, &["status", "--porcelain"]), "", "{what}");
            assert_eq!(git(&wt.path, &["rev-parse", "HEAD"]), **commit, "{what}");
            assert_eq!(wt.path.join("src/new.rs").exists(), *commit == second, "{what}");
        }
    }
    assert_eq!(git(&s.top, &["rev-parse", "gates-own"]), second, "its branch was not moved");
}

#[test]
fn exact_keeps_what_is_ignored_unless_told_not_to() {
    let s = Scratch::new();
    let path = s.worktree_path("gate");
    let wt = s.repo.exact(&path, &s.head(), false).unwrap();
    write(&wt.path.join("build.log"), "cache\n");
    write(&wt.path.join("stray"), "x");
    s.repo.exact(&path, &s.head(), false).unwrap();
    assert!(wt.path.join("build.log").exists() && !wt.path.join("stray").exists());
    s.repo.exact(&path, &s.head(), true).unwrap();
    assert!(!wt.path.join("build.log").exists());
}

#[test]
fn agents_may_commit_while_worktrees_come_and_go() {
    let s = Scratch::new();
    let a = s.attempt("busy");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..15 {
                a.write(&format!("f{n}"), "x");
                commit_all(&a.wt.path, "more");
            }
        });
        for n in 0..15 {
            let b = s.attempt(&format!("t{n}"));
            s.repo.remove_worktree(&b.wt).unwrap();
        }
    });
    assert_eq!(a.preserve().subjects.len(), 15);
}
