//! What lands: commits with a subject, an author and trailers, one a task or with the task's own.

use crate::common::Scene;

fn two_commits(merge: &str) -> Scene {
    let scene = Scene::new();
    scene.plan(
        &format!("budget: 5usd\n{merge}"),
        "  a: { title: Do the thing, agent: script, prompt: Work. }\n",
    );
    scene.script("a", "for n in one two; do echo $n >$n.txt; git add .; git commit -qm \"Step $n\"; done; echo three >three.txt");
    scene.run(&[]).assert_code(0);
    scene.assert_clean();
    scene
}

fn trailer(scene: &Scene, name: &str) -> String {
    scene.git(&["log", "-1", &format!("--format=%(trailers:key={name},valueonly)"), "swarm/t"])
}

#[test]
fn squash_makes_one_commit_a_task_with_its_subjects_in_the_body() {
    let scene = two_commits("merge: { strategy: squash }");
    assert_eq!(scene.git(&["rev-list", "--count", "main..swarm/t"]), "1");
    let message = scene.git(&["log", "-1", "--format=%B", "swarm/t"]);
    assert!(message.starts_with("Do the thing\n\n"), "{message}");
    assert!(message.contains("Step one") && message.contains("Step two"), "{message}");
    assert_eq!(scene.git(&["show", "swarm/t:three.txt"]), "three");
}

#[test]
fn merge_keeps_the_tasks_own_commits_under_a_merge() {
    let scene = two_commits("merge: { strategy: merge }");
    let subjects = scene.git(&["log", "--format=%s", "main..swarm/t"]);
    assert!(subjects.contains("Step one") && subjects.contains("Step two"), "{subjects}");
    assert_eq!(scene.git(&["log", "-1", "--format=%p", "swarm/t"]).split(' ').count(), 2);
    assert_eq!(scene.git(&["log", "-1", "--format=%s", "swarm/t"]), "Do the thing");
    assert_eq!(trailer(&scene, "Swarm-Task"), "a");
}

#[test]
fn every_commit_names_its_run_task_attempt_and_place_in_the_journal() {
    let scene = two_commits("");
    let run = scene.run_id();
    assert_eq!(trailer(&scene, "Swarm-Run"), run);
    assert_eq!(trailer(&scene, "Swarm-Task"), "a");
    assert_eq!(trailer(&scene, "Swarm-Attempt"), "1");
    let anchor = scene.events().first("merge.prepared", "a").data["anchor"].clone();
    let hash = anchor["hash"].as_str().unwrap();
    assert_eq!(trailer(&scene, "Swarm-Journal"), format!("{run}:{}:{hash}", anchor["seq"]));
}

#[test]
fn the_author_is_the_user() {
    let scene = two_commits("");
    assert_eq!(
        scene.git(&["log", "-1", "--format=%an <%ae> %cn <%ce>", "swarm/t"]),
        "Ada <ada@example.org> Ada <ada@example.org>"
    );
}

#[test]
fn without_an_identity_swarm_lends_its_own_and_says_so() {
    let scene = Scene::new();
    scene.git(&["config", "--unset", "user.name"]);
    scene.git(&["config", "--unset", "user.email"]);
    scene.plan("budget: 5usd", "  a: { run: echo a > a.txt }\n");
    scene.run(&[]).assert_code(0).assert_says("swarm@localhost");
    assert_eq!(scene.git(&["log", "-1", "--format=%an <%ae>", "swarm/t"]), "swarm <swarm@localhost>");
}

#[test]
fn ignored_files_and_copies_of_the_users_own_never_land() {
    let scene = Scene::new();
    std::fs::write(scene.repo.join(".env"), "SECRET=1\n").unwrap();
    scene.plan(
        "budget: 5usd\nworkspace: { copy: [.env] }",
        "  a: { run: 'cp .env a.txt; echo x > build.log' }\n",
    );
    scene.run(&[]).assert_code(0);
    assert_eq!(scene.git(&["show", "swarm/t:a.txt"]), "SECRET=1");
    let names = scene.git(&["ls-tree", "--name-only", "swarm/t"]);
    assert!(!names.contains(".env") && !names.contains("build.log"), "{names}");
    scene.assert_clean();
}
