//! The merge queue's side: merges in memory, proofs of durability, and what history says about them.

use std::fs;

use swarm::git::{Merged, Strategy};

use crate::scratch::{Scratch, commit_all, git, order, write};

#[test]
fn the_same_order_gives_the_same_commit() {
    let s = Scratch::new();
    let old = s.head();
    let tip = s.tip("t", |top| write(&top.join("new.txt"), "n\n"));
    let first = s.merge(&old, &tip);
    git(&s.top, &["config", "user.name", "Somebody else"]);
    git(&s.top, &["config", "commit.gpgSign", "true"]);
    git(&s.top, &["config", "i18n.commitEncoding", "ISO-8859-1"]);
    git(&s.top, &["config", "merge.renames", "false"]);
    assert_eq!(s.merge(&old, &tip), first);
    let Merged::Commit { commit, tree } = first else { panic!("{first:?}") };
    assert_eq!(
        git(&s.top, &["log", "-1", "--format=%T %P %an %ae %at %cn %ct %s", &commit]),
        format!("{tree} {old} Ada ada@example.org 1700000000 Ada 1700000000 Task")
    );
}

#[test]
fn the_strategy_decides_the_parents() {
    let s = Scratch::new();
    let old = s.head();
    let tip = s.tip("t", |top| write(&top.join("new.txt"), "n\n"));
    let Merged::Commit { commit, .. } = s.repo.merge(&order(&old, &tip, Strategy::Merge)).unwrap() else {
        panic!()
    };
    assert_eq!(git(&s.top, &["log", "-1", "--format=%P", &commit]), format!("{old} {tip}"));
}

#[test]
fn what_brings_nothing_is_empty() {
    let s = Scratch::new();
    let tip = s.tip("t", |top| write(&top.join("new.txt"), "n\n"));
    write(&s.top.join("new.txt"), "n\n");
    let old = commit_all(&s.top, "the same");
    assert_eq!(s.merge(&old, &tip), Merged::Empty);
    assert_eq!(s.merge(&old, &old), Merged::Empty);
}

#[test]
fn a_conflict_names_its_paths_and_writes_no_commit() {
    let s = Scratch::new();
    let tip = s.tip("t", |top| {
        write(&top.join("a.txt"), "theirs\n");
        fs::remove_file(top.join("b.txt")).unwrap();
    });
    write(&s.top.join("a.txt"), "ours\n");
    write(&s.top.join("b.txt"), "ours\n");
    let old = commit_all(&s.top, "ours");
    let Merged::Conflict { paths, messages } = s.merge(&old, &tip) else { panic!("it must conflict") };
    assert_eq!(paths, ["a.txt", "b.txt"]);
    assert_eq!(messages.len(), 2);
    assert!(messages.iter().all(|m| m.starts_with("CONFLICT")), "{messages:?}");
}

#[test]
fn attributes_are_the_targets() {
    let s = Scratch::new();
    write(&s.top.join(".gitattributes"), "CHANGES merge=union\n*.lock -merge\n");
    write(&s.top.join("CHANGES"), "start\n");
    write(&s.top.join("x.lock"), "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    commit_all(&s.top, "attributes");
    let union = s.tip("union", |top| write(&top.join("CHANGES"), "start\ntheirs\n"));
    let lock = s.tip("lock", |top| write(&top.join("x.lock"), "one\n2\n3\n4\n5\n6\n7\n8\n9\n"));
    write(&s.top.join("CHANGES"), "start\nours\n");
    write(&s.top.join("x.lock"), "1\n2\n3\n4\n5\n6\n7\n8\nnine\n");
    let old = commit_all(&s.top, "ours");
    // What lies in the checkout at this moment must not matter.
    fs::remove_file(s.top.join(".gitattributes")).unwrap();
    let Merged::Commit { commit, .. } = s.merge(&old, &union) else { panic!("a union cannot conflict") };
    assert_eq!(s.show(&commit, "CHANGES"), "start\nours\ntheirs");
    assert!(matches!(s.merge(&old, &lock), Merged::Conflict { .. }), "`-merge` forbids merging the text");
}

#[test]
fn a_missing_commit_is_an_error_and_no_verdict() {
    let s = Scratch::new();
    let missing = "1".repeat(40);
    assert!(s.repo.merge(&order(&s.head(), &missing, Strategy::Squash)).is_err());
    assert!(!s.repo.commit_exists(&missing));
    assert!(s.repo.commit_exists(&s.head()));
}

#[test]
fn durability_can_be_proved_for_few_and_for_many_objects() {
    let s = Scratch::new();
    let old = s.head();
    let few = s.tip("few", |top| write(&top.join("new.txt"), "n\n"));
    s.repo.prove_durable(&old, &few).unwrap();
    s.repo.prove_durable(&old, &few).unwrap();
    s.repo.prove_durable(&old, &old).unwrap();
    let many =
        s.tip("many", |top| (0..80).for_each(|n| write(&top.join(format!("many/{n}")), n.to_string())));
    s.repo.prove_durable(&old, &many).unwrap();
    assert_eq!(
        fs::read_dir(s.top.join(".git/objects/pack"))
            .unwrap()
            .flatten()
            .filter(|e| e.path().extension().is_some_and(|x| x == "pack"))
            .count(),
        1
    );
    assert!(s.repo.prove_durable(&old, &"1".repeat(40)).is_err());
}

#[test]
fn a_repository_with_sha256_works_as_well() {
    let s = Scratch::with(&["--object-format=sha256"]);
    whole_cycle(&s);
}

#[test]
fn a_repository_with_reftable_works_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let probe = crate::scratch::git_output(dir.path(), &["init", "-q", "--ref-format=reftable", "probe"]);
    // The oldest git that swarm supports does not know it.
    if probe.status.success() {
        whole_cycle(&Scratch::with(&["--ref-format=reftable"]));
    }
}

fn whole_cycle(s: &Scratch) {
    let old = s.head();
    let a = s.attempt("t");
    a.write("new.txt", "n\n");
    let left = a.preserve();
    assert_eq!(a.preserve(), left);
    let merged = s.merge(&old, &left.tip);
    let Merged::Commit { commit, .. } = &merged else { panic!("{merged:?}") };
    s.repo.prove_durable(&old, commit).unwrap();
    s.repo.update_ref("refs/heads/swarm/x", commit, None).unwrap();
    assert_eq!(s.repo.ref_value("refs/heads/swarm/x").unwrap().as_ref(), Some(commit));
    let wt = s.repo.exact(&s.worktree_path("gate"), commit, false).unwrap();
    assert_eq!(s.repo.checked_out("main").unwrap(), Some(s.top.clone()));
    git(&wt.path, &["switch", "-q", "swarm/x"]);
    assert_eq!(s.repo.checked_out("swarm/x").unwrap(), Some(wt.path.clone()));
    s.repo.exact(&wt.path, &old, false).unwrap();
    assert_eq!(s.repo.checked_out("swarm/x").unwrap(), None);
    s.repo.land("swarm/x", "main").unwrap();
    s.repo.remove_worktree(&a.wt).unwrap();
    assert!(!a.wt.path.exists());
}

#[test]
fn history_shows_trailers_paths_and_patches() {
    let s = Scratch::new();
    let old = s.head();
    let tip = s.tip("t", |top| write(&top.join("b.txt"), "changed\n"));
    let Merged::Commit { commit, tree } = s.merge(&old, &tip) else { panic!() };
    let log = s.repo.log_trailers(&format!("{old}..{commit}")).unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!((&log[0].oid, &log[0].tree, log[0].subject.as_str()), (&commit, &tree, "Task"));
    assert_eq!(log[0].parents, std::slice::from_ref(&old));
    assert_eq!(log[0].trailers, [("Swarm-Task".to_owned(), "t".to_owned())]);
    assert_eq!(s.repo.changed_paths(&old, &commit).unwrap(), ["b.txt"]);
    assert!(s.repo.diff(&old, &commit, false).unwrap().contains("\n+changed\n"));
    assert!(s.repo.diff(&old, &commit, true).unwrap().contains("\x1b["));
    assert!(s.repo.diff_stat(&old, &commit, false).unwrap().contains("b.txt | 2 +-"));
    assert!(s.repo.is_ancestor(&old, &commit).unwrap() && !s.repo.is_ancestor(&commit, &old).unwrap());
}
