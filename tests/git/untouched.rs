//! Law 17: the user's checkout, index, HEAD and configuration are what they were. And what an agent changed there is
//! named.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use swarm::git::{Merged, Strategy};

use crate::scratch::{Scratch, ada, commit_all, git, order, write};

type Files = BTreeMap<PathBuf, (SystemTime, Vec<u8>)>;

/// Every file below a folder with its time and content; in `.git` only what belongs to the user.
fn files(top: &Path) -> Files {
    let mut found = BTreeMap::new();
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let below = path.strip_prefix(top).unwrap();
            let ours = [
                ".git/objects",
                ".git/worktrees",
                ".git/swarm",
                ".git/refs/swarm",
                ".git/refs/heads/swarm",
                ".git/logs/refs/heads/swarm",
            ];
            if ours.iter().any(|o| below == Path::new(o)) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(
                    path.clone(),
                    (fs::metadata(&path).unwrap().modified().unwrap(), fs::read(&path).unwrap()),
                );
            }
        }
    }
    found
}

#[test]
fn a_whole_run_leaves_the_users_side_byte_for_byte() {
    let s = Scratch::new();
    git(&s.top, &["config", "branch.autoSetupMerge", "always"]);
    git(&s.top, &["config", "core.logAllRefUpdates", "always"]);
    write(&s.top.join("staged"), "staged\n");
    git(&s.top, &["add", "staged"]);
    write(&s.top.join("a.txt"), "not committed\n");
    write(&s.top.join("untracked"), "mine\n");
    write(&s.top.join("x.log"), "ignored\n");
    // Same size and another time: an index that may be refreshed now would be.
    write(&s.top.join("b.txt"), "b\n");
    let before = files(&s.top);
    a_whole_run(&s);
    let after = files(&s.top);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (path, was) in &before {
        assert!(after[path] == *was, "{} changed", path.display());
    }
}

fn a_whole_run(s: &Scratch) {
    let base = s.head();
    assert_eq!(s.repo.dirty_count().unwrap(), 3);
    s.repo.check_target_name("swarm/x").unwrap();
    s.repo.checked_out("swarm/x").unwrap();
    let snapshot = s.repo.snapshot("swarm/x").unwrap();
    let gate = s.repo.exact(&s.worktree_path("gate"), &base, false).unwrap();
    let a = s.attempt("t");
    a.write("work.txt", "work\n");
    a.git(&["add", "-A"]);
    a.git(&["commit", "-q", "-m", "work"]);
    a.write("more.txt", "more\n");
    let left = a.preserve();
    let merged = s.repo.merge(&order(&base, &left.tip, Strategy::Merge)).unwrap();
    let Merged::Commit { commit, .. } = merged else { panic!("{merged:?}") };
    s.repo.exact(&gate.path, &commit, true).unwrap();
    s.repo.prove_durable(&base, &commit).unwrap();
    s.repo.update_ref("refs/heads/swarm/x", &commit, None).unwrap();
    s.repo.remove_worktree(&a.wt).unwrap();
    let b = s.repo.add_worktree(&s.worktree_path("t2"), &commit).unwrap();
    s.repo.rebuild(&b, &commit, &left.tip, &base, "again", &ada(), 1).unwrap();
    s.repo.remove_worktree(&b).unwrap();
    s.repo.remove_worktree(&gate).unwrap();
    s.repo.ignored_files(&["*.log".to_owned()]).unwrap();
    assert!(snapshot.diff(&s.repo.snapshot("swarm/x").unwrap()).is_empty());
    // The last worktree takes the folder with it when git removes it; ours stays empty, and git does not mind.
    assert_eq!(git(&s.top, &["worktree", "list"]).lines().count(), 1);
}

#[test]
fn every_change_of_an_agent_is_named_and_can_be_undone() {
    let s = Scratch::new();
    let first = s.head();
    git(&s.top, &["branch", "kept"]);
    git(&s.top, &["branch", "doomed"]);
    git(&s.top, &["config", "remote.o.url", "https://x"]);
    git(&s.top, &["config", "--add", "remote.o.fetch", "one"]);
    git(&s.top, &["config", "--add", "remote.o.fetch", "two"]);
    let before = s.repo.snapshot("swarm/x").unwrap();

    let a = s.attempt("t");
    a.write("x", "x");
    let theirs = commit_all(&a.wt.path, "x");
    for args in [
        vec!["branch", "-f", "kept", &theirs],
        vec!["branch", "-D", "doomed"],
        vec!["tag", "mine", &theirs],
        vec!["update-ref", "refs/heads/swarm/x", &theirs],
        vec!["update-ref", "refs/swarm/run/t/1", &theirs],
        vec!["config", "core.editor", "evil"],
        vec!["config", "--unset-all", "remote.o.fetch"],
        vec!["config", "remote.o.url", "https://me:token@x"],
    ] {
        a.git(&args);
    }
    write(&s.top.join("b.txt"), "stashed\n");
    git(&s.top, &["stash", "-q"]);
    git(&s.top, &["switch", "-q", "kept"]);

    let changes = before.diff(&s.repo.snapshot("swarm/x").unwrap());
    let what: Vec<&str> = changes.iter().map(|c| c.what.as_str()).collect();
    let expected = [
        "refs/heads/doomed",
        "refs/heads/kept",
        "refs/stash",
        "refs/tags/mine",
        "HEAD",
        "config core.editor",
        "config remote.o.fetch",
        "config remote.o.url",
    ];
    assert_eq!(what, expected);
    assert_eq!(changes[1].before.as_ref(), Some(&first));
    assert_eq!(changes[1].after.as_ref(), Some(&theirs));
    assert!(!format!("{changes:?}").contains("token"), "a secret is not repeated");

    for change in &changes {
        let done = std::process::Command::new("sh")
            .args(["-ec", &change.undo])
            .current_dir(&s.top)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}: {}", change.undo, String::from_utf8_lossy(&done.stderr));
    }
    assert_eq!(before.diff(&s.repo.snapshot("swarm/x").unwrap()), []);
}

#[test]
fn files_to_copy_are_found_by_pattern() {
    let s = Scratch::new();
    write(&s.top.join(".gitignore"), "*.log\n.env*\nnode_modules/\n");
    write(&s.top.join(".worktreeinclude"), "# for agents\n\n.env*\n!.env.example\n");
    commit_all(&s.top, "ignore");
    for path in [".env", "sub/.env.local", ".env.example", "x.log", "node_modules/m/.env", "not ignored"] {
        write(&s.top.join(path), "x");
    }
    let found = |patterns: &[&str]| {
        let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
        let found = s.repo.ignored_files(&patterns).unwrap();
        found.iter().map(|p| p.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found(&["/.env"]), [".env"]);
    assert_eq!(found(&["not ignored", "*.log"]), ["not ignored", "x.log"]);
    assert_eq!(found(&["a.txt", "missing"]), Vec::<String>::new(), "what is tracked is there anyway");
    assert_eq!(found(&[]), Vec::<String>::new());
    let include = s.repo.worktree_include().unwrap();
    assert_eq!(include, [".env*", "!.env.example"]);
    let found: Vec<PathBuf> = s.repo.ignored_files(&include).unwrap();
    assert_eq!(found, [".env", "node_modules/m/.env", "sub/.env.local"].map(PathBuf::from));
}
