//! What commits bring, in repositories of real git. Knows no run.
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

use std::path::Path;
use std::process::Command;

use swarm_domain::HazardKind;
use swarm_domain::plan::Allowed;

use super::{Rules, find, in_history};
use crate::git::Repo;

const MARKED: &str = "<<<<<<< ours\nx\n=======\ny\n>>>>>>> theirs\n";

/// A repository in which `base` was committed, and then what `script` does, in a shell.
fn after(base: &str, script: &str) -> (tempfile::TempDir, Repo) {
    let dir = tempfile::tempdir().unwrap();
    let setup = "git init -q -b main . && git commit -q --allow-empty -m top";
    let save = "git add -A && git commit -q --allow-empty -m base && git tag base";
    for step in [setup, base, save, script] {
        shell(dir.path(), step);
    }
    let repo = Repo::discover(dir.path()).unwrap();
    (dir, repo)
}

fn shell(dir: &Path, script: &str) {
    let who = [("GIT_AUTHOR", "a"), ("GIT_COMMITTER", "c")];
    let who =
        who.iter().flat_map(|(key, name)| [(format!("{key}_NAME"), *name), (format!("{key}_EMAIL"), *name)]);
    let mut command = Command::new("bash");
    command.args(["-e", "-c", script]).current_dir(dir).env("MARKED", MARKED).envs(who);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let out = command.output().unwrap();
    assert!(out.status.success(), "{script}: {}", String::from_utf8_lossy(&out.stderr));
}

/// What the commits since `base` bring, as they would land one by one, and as one.
fn found(repo: &Repo) -> [Vec<(HazardKind, String)>; 2] {
    let rules = Rules { allow: &Allowed::default(), claims: &[], shared: &[] };
    let ways = [in_history(repo, "base", "main", &rules), find(repo, "base", "main", &rules)];
    ways.map(|found| found.unwrap().into_iter().map(|hazard| (hazard.kind, hazard.path)).collect())
}

/// Two branches, of which `main` merges `other` and adds `more` in the merge itself; the next commit removes it.
fn merged(main: &str, other: &str, more: &str, removed: &str) -> [Vec<(HazardKind, String)>; 2] {
    let script = format!(
        "git checkout -q -b other; echo o >o; {other}; git add -A; git commit -q -m other\n\
         git checkout -q main; echo m >m; {main}; git add -A; git commit -q -m main\n\
         git merge -q --no-ff --no-commit other; {more}; git add -A; git commit -q -m merge\n\
         {removed}; git add -A; git commit -q --allow-empty -m next"
    );
    found(&after("echo 1 >a", &script).1)
}

#[test]
fn what_a_merge_itself_brings_counts_also_where_the_next_takes_it_back() {
    let more = "echo x >.gitmodules; ln -s /etc out; printf '%s' \"$MARKED\" >marked";
    let [history, whole] = merged(":", ":", more, "rm .gitmodules out marked");
    let expected =
        [(HazardKind::Submodule, ".gitmodules"), (HazardKind::Link, "out"), (HazardKind::Marker, "marked")];
    assert_eq!(history, expected.map(|(kind, path)| (kind, path.to_owned())));
    assert_eq!(whole, []);
}

#[test]
fn two_parents_of_which_each_is_fine_clash_in_their_merge() {
    let [history, _] = merged("echo 1 >Notes", "echo 1 >notes", ":", "git rm -q notes");
    assert_eq!(history.len(), 1, "{history:?}");
    assert_eq!(history[0].0, HazardKind::Clash);
}

/// As when an attempt merges what has landed.
#[test]
fn what_the_base_brought_is_not_the_merges_doing() {
    let script = "git checkout -q -b work base~; echo w >w; git add w; git commit -q -m work\n\
                  git merge -q --no-edit base; git checkout -q -B main";
    let base = "echo x >.gitmodules; ln -s /etc out; printf '%s' \"$MARKED\" >marked; echo >A; echo >a";
    assert_eq!(found(&after(base, script).1), [vec![], vec![]]);
}

#[test]
fn what_moved_as_it_was_is_not_brought() {
    let base = "mkdir t; printf '%s' \"$MARKED\" >t/conf; ln -s /etc abs; echo 1 >a";
    for script in [
        "mkdir f; git mv t/conf f/conf; git mv abs abs2; git commit -q -m moved",
        "mkdir f; cp t/conf f/conf; cp -P abs abs2; git add .; git commit -q -m one; git rm -q t/conf abs; git commit -q -m two",
    ] {
        assert_eq!(found(&after(base, script).1), [vec![], vec![]], "{script}");
    }
}

#[test]
fn what_moved_and_means_something_else_there_is_brought() {
    // A link that was fine leads out from higher up; a file's text leads out as a link; another link leads out by way of
    // one that moved; what moved was changed as well.
    let base = "mkdir -p a/b; ln -s ../.. a/b/up; printf /etc >text; ln -s /etc abs; ln -s abs2/passwd way\n\
                printf '%s' \"$MARKED\" >marked";
    let link = |path: &str| (HazardKind::Link, path.to_owned());
    for (script, expected) in [
        ("git mv a/b/up up", link("up")),
        ("ln -s /etc new; git rm -q --cached abs; rm abs; git mv text text2", link("new")),
        ("git mv abs abs2", link("way")),
        ("git mv marked m2; sed -i 's/ours/mine/' m2", (HazardKind::Marker, "m2".to_owned())),
    ] {
        let base = if script.starts_with("ln") { "printf /etc >text; ln -s /usr abs" } else { base };
        let script = format!("{script}; git add -A; git commit -q -m moved");
        assert_eq!(found(&after(base, &script).1), [vec![expected.clone()], vec![expected]], "{script}");
    }
}
