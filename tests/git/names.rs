//! Where the repository is, what its names stand for, and refs under contention.

use std::fs;

use swarm::git::{GitError, Repo};

use crate::scratch::{Scratch, ada, commit_all, git, git_output, write};

#[test]
fn the_repository_is_found_from_below_and_from_a_linked_worktree() {
    let s = Scratch::new();
    assert_eq!(Repo::discover(&s.top.join("src")).unwrap(), s.repo);
    let a = s.attempt("t");
    let linked = Repo::discover(&a.wt.path.join("src")).unwrap();
    assert_eq!(linked.common_dir(), s.repo.common_dir());
    assert_eq!(linked.top(), Some(a.wt.path.as_path()));
    assert_eq!(linked.head_branch(), None);
    assert_eq!(s.repo.head_branch().as_deref(), Some("main"));
    assert_eq!(Repo::at(s.repo.common_dir()).common_dir(), s.repo.common_dir());
}

#[test]
fn where_there_is_none_the_error_says_so() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Repo::discover(dir.path()), Err(GitError::NotARepository { .. })));
    git(dir.path(), &["init", "-q", "--bare", "bare.git"]);
    assert!(matches!(Repo::discover(&dir.path().join("bare.git")), Err(GitError::Bare { .. })));
    git(dir.path(), &["init", "-q", "empty"]);
    let empty = Repo::discover(&dir.path().join("empty")).unwrap();
    assert!(matches!(empty.resolve("HEAD"), Err(GitError::NoCommit)));
    assert!(matches!(empty.resolve("main"), Err(GitError::NoCommit)));
}

#[test]
fn names_resolve_to_commits() {
    let s = Scratch::new();
    git(&s.top, &["tag", "-a", "-m", "v1", "v1"]);
    for name in ["HEAD", "main", "v1", "refs/heads/main", &s.head()[..8]] {
        assert_eq!(s.repo.resolve(name).unwrap(), s.head(), "{name}");
    }
    for name in ["nope", "HEAD:a.txt", "--all", ""] {
        assert!(matches!(s.repo.resolve(name), Err(GitError::UnknownRevision { .. })), "{name}");
    }
}

#[test]
fn the_user_is_who_the_configuration_says() {
    let s = Scratch::new();
    assert_eq!(s.repo.identity(), Some(ada()));
    git(&s.top, &["config", "user.email", ""]);
    assert_eq!(s.repo.identity(), None);
    assert!(Repo::version().unwrap() >= (2, 43, 0));
}

#[test]
fn a_compare_and_swap_loses_to_whoever_was_first() {
    let s = Scratch::new();
    let (one, two) = (s.head(), s.tip("t", |top| write(&top.join("x"), "x")));
    let name = "refs/heads/swarm/x";
    s.repo.update_ref(name, &one, None).unwrap();
    let lost = s.repo.update_ref(name, &two, None);
    assert!(
        matches!(&lost, Err(GitError::RefMoved { expected: None, found: Some(f), .. }) if *f == one),
        "{lost:?}"
    );
    s.repo.update_ref(name, &two, Some(&one)).unwrap();
    let lost = s.repo.update_ref(name, &two, Some(&one));
    assert!(matches!(&lost, Err(GitError::RefMoved { found: Some(f), .. }) if *f == two), "{lost:?}");
    let lost = s.repo.update_ref("refs/heads/gone", &two, Some(&one));
    assert!(matches!(lost, Err(GitError::RefMoved { found: None, .. })), "{lost:?}");
}

#[test]
fn of_many_writers_exactly_one_wins() {
    let s = Scratch::new();
    let old = s.head();
    let tips: Vec<String> =
        (0..8).map(|n| s.tip(&format!("t{n}"), |top| write(&top.join("x"), n.to_string()))).collect();
    s.repo.update_ref("refs/heads/target", &old, None).unwrap();
    let won = std::thread::scope(|scope| {
        let writers: Vec<_> = tips
            .iter()
            .map(|tip| scope.spawn(|| s.repo.update_ref("refs/heads/target", tip, Some(&old))))
            .collect();
        writers.into_iter().filter_map(|w| w.join().unwrap().ok()).count()
    });
    assert_eq!(won, 1);
}

#[test]
fn a_lock_that_was_left_behind_is_named() {
    let s = Scratch::new();
    let lock = s.top.join(".git/refs/heads/target.lock");
    write(&lock, "");
    let failed = s.repo.update_ref("refs/heads/target", &s.head(), None);
    assert!(matches!(&failed, Err(GitError::Locked { file }) if *file == lock), "{failed:?}");
}

#[test]
fn refs_are_read_loose_and_packed() {
    let s = Scratch::new();
    let head = s.head();
    s.repo.update_ref("refs/swarm/run/a/1", &head, None).unwrap();
    s.repo.update_ref("refs/swarm/run/b/1", &head, None).unwrap();
    git(&s.top, &["pack-refs", "--all"]);
    s.repo.update_ref("refs/swarm/run/c/1", &head, None).unwrap();
    git(&s.top, &["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
    for name in ["refs/swarm/run/a/1", "refs/swarm/run/c/1", "refs/heads/main", "refs/heads/alias"] {
        assert_eq!(s.repo.ref_value(name).unwrap().as_ref(), Some(&head), "{name}");
    }
    for name in ["refs/swarm/run/a", "refs/swarm/run/a/11", "refs/heads/none", "refs/swarm/../heads/main"] {
        assert_eq!(s.repo.ref_value(name).unwrap(), None, "{name}");
    }
    let listed: Vec<String> =
        s.repo.list_refs("refs/swarm/run").unwrap().into_iter().map(|(n, _)| n).collect();
    assert_eq!(listed, ["refs/swarm/run/a/1", "refs/swarm/run/b/1", "refs/swarm/run/c/1"]);
    for _ in 0..2 {
        s.repo.delete_ref("refs/swarm/run/a/1").unwrap();
    }
    assert_eq!(s.repo.ref_value("refs/swarm/run/a/1").unwrap(), None);
    assert!(matches!(s.repo.delete_ref("refs/heads/main"), Err(GitError::NotOurs { .. })));
}

#[test]
fn target_names_are_checked_before_the_start() {
    let s = Scratch::new();
    git(&s.top, &["branch", "swarm"]);
    git(&s.top, &["branch", "team/a/b"]);
    for ok in ["release", "team/x", "swarm", "team/a/b"] {
        s.repo.check_target_name(ok).unwrap();
    }
    for (name, with) in [
        ("swarm/x", "refs/heads/swarm"),
        ("team/a", "refs/heads/team/a/b"),
        ("team/a/b/c", "refs/heads/team/a/b"),
    ] {
        let clash = s.repo.check_target_name(name);
        assert!(matches!(&clash, Err(GitError::RefClash { with: w, .. }) if w == with), "{name}: {clash:?}");
        let clash = s.repo.update_ref(&format!("refs/heads/{name}"), &s.head(), None);
        assert!(matches!(&clash, Err(GitError::RefClash { with: w, .. }) if w == with), "{name}: {clash:?}");
    }
    for bad in ["", "a..b", "-x", "a b", "x.lock", "HEAD", "/x", "@{-1}"] {
        assert!(matches!(s.repo.check_target_name(bad), Err(GitError::InvalidBranch { .. })), "{bad}");
    }
}

#[test]
fn a_branch_in_use_is_found_wherever_it_is() {
    let s = Scratch::new();
    git(&s.top, &["branch", "side"]);
    assert_eq!(s.repo.checked_out("main").unwrap(), Some(s.top.clone()));
    assert_eq!(s.repo.checked_out("side").unwrap(), None);
    let side = s.top.with_file_name("side");
    git(&s.top, &["worktree", "add", "-q", side.to_str().unwrap(), "side"]);
    assert_eq!(s.repo.checked_out("side").unwrap(), Some(side.clone()));
    fs::remove_dir_all(&side).unwrap();
    assert_eq!(s.repo.checked_out("side").unwrap(), None, "its folder is gone");
}

#[test]
fn a_branch_in_the_middle_of_a_rebase_or_bisect_is_in_use() {
    let s = Scratch::new();
    git(&s.top, &["branch", "side"]);
    write(&s.top.join("b.txt"), "main\n");
    commit_all(&s.top, "main");
    git(&s.top, &["switch", "-q", "side"]);
    write(&s.top.join("b.txt"), "side\n");
    commit_all(&s.top, "side");
    assert!(!git_output(&s.top, &["rebase", "main"]).status.success());
    assert_eq!(s.repo.checked_out("side").unwrap(), Some(s.top.clone()));
    git(&s.top, &["rebase", "--abort"]);
    git(&s.top, &["switch", "-q", "main"]);
    assert_eq!(s.repo.checked_out("side").unwrap(), None);
    git(&s.top, &["bisect", "start"]);
    git(&s.top, &["checkout", "-q", "--detach"]);
    assert_eq!(s.repo.checked_out("main").unwrap(), Some(s.top.clone()));
}

#[test]
fn the_head_of_a_bare_repository_is_no_checkout() {
    let s = Scratch::new();
    let bare = s.top.with_file_name("bare.git");
    git(&s.top, &["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    assert_eq!(Repo::at(&bare).checked_out("main").unwrap(), None);
}
