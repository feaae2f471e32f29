//! Judged when the attempt has ended: the next attempt is told what to mend.

use crate::common::{Ran, Scene};

const ONE: &str = "  a: { agent: script, prompt: Work., retries: { max: 1, backoff: { delay: 1ms } } }\n";

/// A task that does `first` in its first attempt and `second` in its second.
fn twice(head: &str, first: &str, second: &str) -> (Scene, Ran) {
    let scene = Scene::new();
    scene.plan(&format!("budget: 5usd\n{head}"), ONE);
    scene.script("a", &format!("if [ $SWARM_ATTEMPT = 1 ]; then\n{first}\nelse\n{second}\nfi"));
    let ran = scene.run(&["--no-preflight"]);
    (scene, ran)
}

/// Fails unless the first attempt is refused for this, the second is told so, and what it left lands.
#[track_caller]
fn is_refused_and_mended(kind: &str, first: &str, second: &str, words: &[&str]) -> Scene {
    let (scene, ran) = twice("", first, &format!("cp $SWARM_PROMPT $ROOT/flags/prompt\n{second}"));
    ran.assert_code(0);
    let events = scene.events();
    let failed = events.first("attempt.failed", "a");
    assert_eq!(failed.text("kind"), "hazard");
    let prompt = std::fs::read_to_string(scene.root.join("flags/prompt")).unwrap();
    for word in words {
        assert!(failed.text("reason").contains(word), "{word} is not in {}", failed.text("reason"));
        assert!(prompt.contains(word), "{word} is not in {prompt}");
    }
    assert!(prompt.contains(failed.text("hint")) && !failed.text("hint").is_empty());
    let hazards = &events.first("attempt.preserved", "a").data["hazards"];
    assert!(hazards.as_array().unwrap().iter().all(|hazard| hazard["kind"] == kind), "{hazards}");
    assert_eq!(scene.state_of("a"), "merged");
    scene.assert_clean();
    scene
}

#[test]
fn a_link_out_of_the_tree() {
    let first = "ln -s /etc/passwd out; ln -s ../../../x src/up; ln -s lib.rs src/fine; echo 1 >work";
    let words = ["`out`", "`src/up`", "/etc/passwd", "symbolic link"];
    let scene = is_refused_and_mended("link", first, "rm out src/up", &words);
    assert_eq!(scene.git(&["show", "swarm/t:src/fine"]), "lib.rs", "a link inside is fine");
}

#[test]
fn names_that_clash_by_case_or_by_form() {
    let first =
        "echo x >readme.md; mkdir Src; echo x >Src/new; printf x >$'cafe\\u0301'; printf y >$'caf\\u00e9'";
    let second = "rm -r readme.md Src; rm $'cafe\\u0301'";
    is_refused_and_mended("clash", first, second, &["`readme.md`", "`README.md`", "`Src`", "Unicode form"]);
}

/// A repository that an attempt makes is kept as its files. One in the place of a submodule is the submodule.
#[test]
fn a_submodule_that_moved() {
    let scene = Scene::new();
    let head = scene.git(&["rev-parse", "HEAD"]);
    scene.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},vendor")]);
    scene.git(&["commit", "--quiet", "--message", "a submodule"]);
    scene.plan("budget: 5usd", ONE);
    let first = "git init -q vendor; git -C vendor commit -q --allow-empty -m x; echo x >.gitmodules";
    scene.script(
        "a",
        &format!("echo 1 >work; if [ $SWARM_ATTEMPT = 1 ]; then {first}; else rm -f .gitmodules; fi"),
    );
    scene.run(&["--no-preflight"]).assert_code(4);
    let events = scene.events();
    let reason = events.first("attempt.failed", "a").text("reason").to_owned();
    assert!(reason.contains("`vendor` is a commit of another repository"), "{reason}");
    assert!(reason.contains("`.gitmodules` says where submodules come from"), "{reason}");
    scene.plan("budget: 5usd\nmerge: { allow: { submodules: [vendor] } }", ONE);
    scene.script("a", "echo 1 >work; git init -q vendor; git -C vendor commit -q --allow-empty -m x");
    scene.run(&["--no-preflight"]).assert_code(0);
    assert_ne!(scene.git(&["rev-parse", "swarm/t:vendor"]), head);
}

#[test]
fn a_name_that_some_system_takes_for_gits_own_folder() {
    let first =
        "mkdir 'GIT~1' .g$'\\u200c'it; echo x >'GIT~1/config'; echo x >.g$'\\u200c'it/config; echo 1 >work";
    is_refused_and_mended("git", first, "echo 1 >work", &["`GIT~1/config`", "git's own folder"]);
}

#[test]
fn conflict_markers() {
    let conflict = "<<<<<<< ours\\nx\\n=======\\ny\\n>>>>>>> theirs\\n";
    let first =
        format!("printf '//! lib\\n{conflict}' >src/lib.rs; printf '*.rs -diff binary\\n' >.gitattributes");
    let words = ["`src/lib.rs`", "conflict marker in line 2"];
    is_refused_and_mended("marker", &first, "echo '//! resolved' >src/lib.rs", &words);
}

#[test]
fn without_a_mend_nothing_lands_and_a_person_is_told_how_to_allow_it() {
    let (scene, ran) = twice("", "ln -s /etc/passwd out", "echo 1 >work");
    ran.assert_code(4).assert_hints().assert_says("`out`");
    assert_eq!(scene.git(&["for-each-ref", "refs/heads/swarm"]), "");
    let why = scene.swarm(&["why", "a"]).assert_code(0);
    assert!(why.out.contains("symbolic link"), "{}", why.out);
    scene.assert_clean();
}

#[test]
fn what_the_plan_allows_lands() {
    let marked = "printf '<<<<<<< a\\n=======\\n>>>>>>> b\\n'";
    let first = format!("ln -s /usr/share out; {marked} >demo.txt; echo x >readme.md");
    let allow = "merge: { allow: { links: [out], markers: ['demo.*'], clashes: ['*.md'] } }";
    let (scene, ran) = twice(allow, &first, "false");
    ran.assert_code(0);
    assert_eq!(scene.git(&["show", "swarm/t:out"]), "/usr/share");
}

#[test]
fn what_the_base_had_is_nobodys_fault() {
    let scene = Scene::new();
    std::os::unix::fs::symlink("/etc/hosts", scene.repo.join("old")).unwrap();
    std::fs::write(scene.repo.join("merge.txt"), "<<<<<<< a\n=======\n>>>>>>> b\n").unwrap();
    std::fs::write(scene.repo.join("x"), "1").unwrap();
    std::fs::write(scene.repo.join("X"), "2").unwrap();
    scene.commit("odd");
    scene.plan(
        "budget: 5usd",
        "  a: { run: 'echo more >>merge.txt; ln -s old fine; echo 3 >X; echo new >y' }\n",
    );
    let ran = scene.run(&["--no-preflight"]);
    // A link to one that leads out leads out.
    ran.assert_code(4).assert_says("`fine`");
    scene.plan("budget: 5usd", "  a: { run: 'echo more >>merge.txt; echo 3 >X; echo new >y' }\n");
    scene.run(&["--no-preflight"]).assert_code(0);
}
