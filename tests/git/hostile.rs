//! Commands that hide in a repository's configuration, hooks and attributes are not run by swarm's git.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use swarm::git::{Merged, Repo, Strategy};

use crate::scratch::{Scratch, commit_all, git, order, write};

/// A repository whose configuration runs commands whenever git so much as looks at it.
fn trap(s: &Scratch) -> (PathBuf, PathBuf) {
    let sprung = s.top.with_file_name("sprung");
    let path = s.top.with_file_name("trap");
    fs::create_dir(&path).unwrap();
    git(&path, &["init", "-q"]);
    let command = format!("touch {}", sprung.display());
    for key in ["core.fsmonitor", "filter.x.clean", "filter.x.smudge", "diff.external", "core.sshCommand"] {
        git(&path, &["config", key, &command]);
    }
    (path, sprung)
}

#[test]
fn a_git_file_that_leads_elsewhere_is_not_followed() {
    let s = Scratch::new();
    let (trap, sprung) = trap(&s);
    let a = s.attempt("t");
    a.write(".gitattributes", "* filter=x\n");
    a.write("work.txt", "work\n");
    write(&a.wt.path.join(".git"), format!("gitdir: {}\n", trap.join(".git").display()));
    let left = a.preserve();
    assert_eq!(left.paths, [".gitattributes", "work.txt"]);
    s.repo.exact(&a.wt.path, &a.base, false).unwrap();
    assert!(!sprung.exists());
    assert_eq!(a.git(&["rev-parse", "HEAD"]), a.base, "the pointer is restored");
}

#[test]
fn a_git_folder_in_its_place_is_not_entered() {
    let s = Scratch::new();
    let (trap, sprung) = trap(&s);
    let a = s.attempt("t");
    fs::remove_file(a.wt.path.join(".git")).unwrap();
    fs::rename(trap.join(".git"), a.wt.path.join(".git")).unwrap();
    a.write("work.txt", "work\n");
    assert_eq!(a.preserve().paths, ["work.txt"]);
    s.repo.exact(&a.wt.path, &a.base, true).unwrap();
    assert!(!sprung.exists());
    assert!(a.wt.path.join(".git").is_file());
}

#[test]
fn nested_repositories_run_nothing() {
    let s = Scratch::new();
    let (trap, sprung) = trap(&s);
    let a = s.attempt("t");
    fs::rename(&trap, a.wt.path.join("nested")).unwrap();
    a.write("nested/.gitattributes", "* filter=x\n");
    a.write("nested/code.rs", "//\n");
    assert_eq!(a.preserve().paths, ["nested/.gitattributes", "nested/code.rs"]);
    assert!(!sprung.exists());
}

#[test]
fn a_worktree_replaced_by_a_link_is_missing_and_what_it_points_to_survives() {
    let s = Scratch::new();
    let a = s.attempt("t");
    let elsewhere = s.top.with_file_name("elsewhere");
    fs::rename(&a.wt.path, &elsewhere).unwrap();
    symlink(&elsewhere, &a.wt.path).unwrap();
    assert!(a.preserve().missing);
    s.repo.remove_worktree(&a.wt).unwrap();
    assert!(elsewhere.join("a.txt").exists());
    assert!(fs::symlink_metadata(&a.wt.path).is_err());
}

#[test]
fn the_users_hooks_do_not_run() {
    let s = Scratch::new();
    let sprung = s.top.with_file_name("sprung");
    let hooks = s.top.join(".git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    for hook in [
        "post-checkout",
        "reference-transaction",
        "post-index-change",
        "pre-commit",
        "commit-msg",
        "post-merge",
    ] {
        let path = hooks.join(hook);
        write(&path, format!("#!/bin/sh\necho {hook} >> {}\n", sprung.display()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let a = s.attempt("t");
    a.write("work.txt", "work\n");
    let tip = a.preserve().tip;
    let Merged::Commit { commit, .. } = s.merge(&a.base, &tip) else { panic!() };
    s.repo.update_ref("refs/heads/target", &commit, None).unwrap();
    s.repo.exact(&s.worktree_path("gate"), &commit, false).unwrap();
    s.repo.remove_worktree(&a.wt).unwrap();
    assert!(!sprung.exists(), "{}", fs::read_to_string(&sprung).unwrap_or_default());
}

#[test]
fn the_users_own_filters_do_run() {
    let s = Scratch::new();
    git(&s.top, &["config", "filter.upper.clean", "tr a-z A-Z"]);
    git(&s.top, &["config", "filter.upper.smudge", "tr A-Z a-z"]);
    write(&s.top.join(".gitattributes"), "*.up filter=upper\n");
    write(&s.top.join("x.up"), "abc\n");
    commit_all(&s.top, "filtered");
    let a = s.attempt("t");
    assert_eq!(fs::read_to_string(a.wt.path.join("x.up")).unwrap(), "abc\n");
    a.write("x.up", "def\n");
    assert_eq!(s.show(&a.preserve().tip, "x.up"), "DEF");
}

/// A run knows the filters that were there when it began. One that came later, in whatever file, is not run.
#[test]
fn only_filters_that_were_there_before_are_run() {
    let s = Scratch::new();
    let sprung = s.top.with_file_name("sprung");
    let evil = s.top.with_file_name("evil.config");
    git(&s.top, &["config", "filter.upper.clean", "tr a-z A-Z"]);
    write(&s.top.join(".gitattributes"), "*.up filter=upper\n*.evil filter=evil\n");
    write(&s.top.join("x.up"), "abc\n");
    write(&s.top.join("x.evil"), "abc\n");
    commit_all(&s.top, "filtered");
    let repo = Repo::at(s.repo.common_dir());
    let filters = repo.filters().unwrap();
    let repo = repo.with_filters(filters);
    let command = format!("touch {}; cat", sprung.display());
    for part in ["clean", "smudge"] {
        git(&s.top, &["config", "--file", evil.to_str().unwrap(), &format!("filter.evil.{part}"), &command]);
    }
    git(&s.top, &["config", "--file", evil.to_str().unwrap(), "filter.evil.required", "true"]);
    for place in ["worktrees/**", "swarm/trees/**", "**"] {
        let key = format!("includeIf.gitdir:{}/{place}.path", s.repo.common_dir().display());
        git(&s.top, &["config", &key, evil.to_str().unwrap()]);
    }
    git(&s.top, &["config", "filter.upper.clean", &command]);
    for clone in [false, true] {
        let path = s.worktree_path(if clone { "c" } else { "w" });
        let made = if clone { repo.add_clone(&path, &s.head()) } else { repo.add_worktree(&path, &s.head()) };
        let wt = made.unwrap();
        let order = s.order(&wt, &format!("refs/swarm/run/{clone}/1"));
        write(&wt.path.join("x.up"), "def\n");
        write(&wt.path.join("x.evil"), "def\n");
        let tip = repo.preserve(&order).unwrap().tip;
        assert_eq!((s.show(&tip, "x.up"), s.show(&tip, "x.evil")), ("DEF".to_owned(), "def".to_owned()));
        repo.exact(&wt.path, &s.head(), true).unwrap();
        repo.remove_worktree(&wt).unwrap();
    }
    assert!(!sprung.exists());
}

/// A driver is a command, and what it would answer is unknown: both sides changed is a conflict, with markers.
#[test]
fn merge_drivers_are_not_run() {
    let s = Scratch::new();
    let sprung = s.top.with_file_name("sprung");
    write(&s.top.join(".gitattributes"), "b.txt merge=mine\n");
    commit_all(&s.top, "attributes");
    git(&s.top, &["config", "merge.mine.driver", &format!("touch {}", sprung.display())]);
    let (old, tip) = two_sides(&s, "b.txt");
    let Merged::Conflict { paths, .. } = s.merge(&old, &tip) else { panic!("it must not merge") };
    assert_eq!(paths, ["b.txt"]);
    assert!(!sprung.exists());
    assert!(
        fs::read_dir(s.top.join(".git"))
            .unwrap()
            .flatten()
            .all(|e| !e.file_name().to_string_lossy().contains("merge_file"))
    );
    let a = s.attempt("r");
    let rebuilt = s
        .repo
        .rebuild(&a.wt, &old, &tip, &git(&s.top, &["rev-parse", "HEAD~1"]), "m", &crate::scratch::ada(), 1)
        .unwrap();
    assert_eq!(rebuilt, swarm::git::Rebuilt::Conflict { paths });
    assert!(fs::read_to_string(a.wt.path.join("b.txt")).unwrap().contains("<<<<<<< ours"));
    assert!(s.repo.merge(&order(&old, &tip, Strategy::Merge)).is_ok());
}

/// The same path changed on the target (committed in the checkout) and in an attempt.
fn two_sides(s: &Scratch, path: &str) -> (String, String) {
    let tip = s.tip("theirs", |top: &Path| write(&top.join(path), "theirs\n"));
    write(&s.top.join(path), "ours\n");
    (commit_all(&s.top, "ours"), tip)
}

/// The environment of a hook points git at somebody else's repository and index. One test of everything is run again
/// with such an environment, and with a user's configuration that wants to run commands.
#[test]
fn an_inherited_environment_redirects_nothing() {
    let s = Scratch::new();
    let (trap, sprung) = trap(&s);
    let config = s.top.with_file_name("config");
    let command = format!("touch {}", sprung.display());
    write(
        &config,
        format!(
            "[core]\n fsmonitor = {command}\n pager = {command}\n editor = {command}\n[diff]\n external = {command}\n[commit]\n gpgSign = true\n"
        ),
    );
    let out = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "untouched::a_whole_run_leaves_the_users_side_byte_for_byte"])
        .env("GIT_DIR", trap.join(".git"))
        .env("GIT_WORK_TREE", &trap)
        .env("GIT_INDEX_FILE", trap.join("index"))
        .env("GIT_OBJECT_DIRECTORY", trap.join("objects"))
        .env("GIT_EXTERNAL_DIFF", &command)
        .env("GIT_CONFIG_GLOBAL", &config)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success() && text.contains("1 passed"), "{text}");
    assert!(!sprung.exists());
    assert!(!trap.join("index").exists() && !trap.join("objects").exists());
}
