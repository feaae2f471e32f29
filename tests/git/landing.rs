//! `land`: everything or nothing, in a checkout and behind one.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use swarm::git::{GitError, LandedHow};

use crate::scratch::{Scratch, commit_all, git, git_output, read, write};

/// A repository on `main` with a branch `swarm/x` that is one commit ahead.
fn with_target() -> (Scratch, String) {
    let s = Scratch::new();
    let tip = s.tip("t", |top| write(&top.join("b.txt"), "landed\n"));
    s.repo.update_ref("refs/heads/swarm/x", &tip, None).unwrap();
    (s, tip)
}

/// Files, index and HEAD of the checkout.
fn state(s: &Scratch) -> (String, Vec<u8>, String) {
    let status = git(&s.top, &["status", "--porcelain", "--untracked-files=all"]);
    (status, fs::read(s.top.join(".git/index")).unwrap(), s.head())
}

#[test]
fn a_clean_checkout_is_fast_forwarded_with_its_files() {
    let (s, tip) = with_target();
    let before = s.head();
    write(&s.top.join("untracked"), "mine\n");
    let landed = s.repo.land("swarm/x", "main").unwrap();
    assert_eq!((landed.how, &landed.before, &landed.after), (LandedHow::FastForward, &before, &tip));
    assert_eq!(landed.checkout, Some(s.top.clone()));
    assert_eq!(s.head(), tip);
    assert_eq!(read(&s.top.join("b.txt")), "landed\n");
    assert_eq!(git(&s.top, &["status", "--porcelain"]), "?? untracked");
    assert_eq!(s.repo.land("swarm/x", "main").unwrap().how, LandedHow::AlreadyThere);
}

#[test]
fn a_checkout_that_moved_on_is_merged() {
    let (s, tip) = with_target();
    write(&s.top.join("mine.txt"), "mine\n");
    let before = commit_all(&s.top, "mine");
    let landed = s.repo.land("swarm/x", "main").unwrap();
    assert_eq!(landed.how, LandedHow::Merge);
    assert_eq!(
        git(&s.top, &["log", "-1", "--format=%P %s"]),
        format!("{before} {tip} Merge branch 'swarm/x' into main")
    );
    assert_eq!(git(&s.top, &["status", "--porcelain"]), "");
}

#[test]
fn uncommitted_changes_are_refused() {
    for staged in [false, true] {
        let (s, _) = with_target();
        write(&s.top.join("a.txt"), "in the works\n");
        if staged {
            git(&s.top, &["add", "a.txt"]);
        }
        let before = state(&s);
        assert!(matches!(s.repo.land("swarm/x", "main"), Err(GitError::LandDirty { files: 1, .. })));
        assert_eq!(state(&s), before);
    }
}

#[test]
fn an_untracked_file_in_the_way_is_not_overwritten() {
    let s = Scratch::new();
    let tip = s.tip("t", |top| write(&top.join("new.txt"), "theirs\n"));
    s.repo.update_ref("refs/heads/swarm/x", &tip, None).unwrap();
    write(&s.top.join("new.txt"), "mine\n");
    let before = state(&s);
    assert!(matches!(s.repo.land("swarm/x", "main"), Err(GitError::Failed { .. })));
    assert_eq!(state(&s), before);
    assert_eq!(read(&s.top.join("new.txt")), "mine\n");
}

#[test]
fn a_conflict_is_refused_with_its_paths() {
    let (s, _) = with_target();
    write(&s.top.join("b.txt"), "mine\n");
    commit_all(&s.top, "mine");
    let before = state(&s);
    let refused = s.repo.land("swarm/x", "main");
    assert!(
        matches!(&refused, Err(GitError::LandConflict { paths, .. }) if paths == &["b.txt"]),
        "{refused:?}"
    );
    assert_eq!(state(&s), before);
    git(&s.top, &["switch", "-q", "--detach"]);
    assert!(
        matches!(s.repo.land("swarm/x", "main"), Err(GitError::LandConflict { .. })),
        "also when it is checked out nowhere"
    );
}

#[test]
fn a_hook_that_refuses_leaves_nothing_half_merged() {
    let (s, _) = with_target();
    write(&s.top.join("mine.txt"), "mine\n");
    commit_all(&s.top, "mine");
    let hook = s.top.join(".git/hooks/pre-merge-commit");
    write(&hook, "#!/bin/sh\nexit 1\n");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let head = s.head();
    assert!(s.repo.land("swarm/x", "main").is_err());
    assert_eq!((s.head(), git(&s.top, &["status", "--porcelain"])), (head, String::new()));
    assert!(!s.top.join(".git/MERGE_HEAD").exists());
}

#[test]
fn a_branch_that_is_checked_out_nowhere_is_moved_behind_the_scenes() {
    let (s, tip) = with_target();
    git(&s.top, &["branch", "release"]);
    let before = state(&s);
    let landed = s.repo.land("swarm/x", "release").unwrap();
    assert_eq!((landed.how, landed.checkout), (LandedHow::FastForward, None));
    assert_eq!(git(&s.top, &["rev-parse", "release"]), tip);
    git(&s.top, &["branch", "-f", "release", "main"]);
    git(&s.top, &["commit", "-q", "--allow-empty", "-m", "later"]);
    git(&s.top, &["branch", "-f", "release", "main"]);
    let landed = s.repo.land("swarm/x", "release").unwrap();
    assert_eq!(landed.how, LandedHow::Merge);
    assert_eq!(git(&s.top, &["rev-parse", "release^2"]), tip);
    assert_eq!(state(&s).0, before.0);
}

#[test]
fn another_checkout_of_the_branch_is_updated_where_it_is() {
    let (s, tip) = with_target();
    let side = s.top.with_file_name("side");
    git(&s.top, &["worktree", "add", "-q", "-b", "side", side.to_str().unwrap()]);
    let landed = s.repo.land("swarm/x", "side").unwrap();
    assert_eq!(landed.checkout, Some(side.clone()));
    assert_eq!(read(&side.join("b.txt")), "landed\n");
    assert_eq!(git(&side, &["rev-parse", "HEAD"]), tip);
    assert_eq!(git(&side, &["status", "--porcelain"]), "");
}

#[test]
fn a_branch_in_the_middle_of_a_rebase_is_refused() {
    let (s, _) = with_target();
    git(&s.top, &["branch", "side"]);
    write(&s.top.join("a.txt"), "main\n");
    commit_all(&s.top, "main");
    git(&s.top, &["switch", "-q", "side"]);
    write(&s.top.join("a.txt"), "side\n");
    commit_all(&s.top, "side");
    assert!(!git_output(&s.top, &["rebase", "main"]).status.success());
    assert!(matches!(s.repo.land("swarm/x", "side"), Err(GitError::CheckedOut { .. })));
}

#[test]
fn a_checkout_whose_git_file_was_replaced_is_refused() {
    let (s, _) = with_target();
    let other = Scratch::new();
    let side = s.top.with_file_name("side");
    git(&s.top, &["worktree", "add", "-q", "-b", "side", side.to_str().unwrap()]);
    write(&side.join(".git"), format!("gitdir: {}\n", other.top.join(".git").display()));
    assert!(matches!(s.repo.land("swarm/x", "side"), Err(GitError::CheckedOut { .. })));
}

#[test]
fn branches_that_do_not_exist_are_named() {
    let (s, _) = with_target();
    assert!(matches!(s.repo.land("nope", "main"), Err(GitError::UnknownRevision { name }) if name == "nope"));
    assert!(
        matches!(s.repo.land("swarm/x", "nope"), Err(GitError::UnknownRevision { name }) if name == "nope")
    );
}
