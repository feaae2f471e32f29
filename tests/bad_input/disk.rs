//! A full disk: the run stops with 8, keeps everything, and goes on once there is room.

use crate::common::{Scene, until_true};

/// Runs a script as root of a mount namespace of its own. None where this machine allows none.
fn in_a_namespace(scene: &Scene, script: &str) -> Option<crate::common::Running> {
    let words = ["--user", "--map-root-user", "--mount", "true"];
    let allowed = scene.start_program("unshare", &words).end().code == 0;
    allowed.then(|| {
        scene.start_program("unshare", &["--user", "--map-root-user", "--mount", "bash", "-ec", script])
    })
}

#[test]
fn a_journal_that_cannot_grow_stops_the_run_which_goes_on_when_there_is_room() {
    let scene = Scene::new();
    let tasks = "  a: { agent: script, prompt: Work. }\n  b: { run: echo b > b.txt, needs: [a] }\n";
    let plan = scene.plan("budget: 5usd", tasks);
    scene.script("a", "flag runs; await go; echo a >a.txt");
    let (plan, repo) = (plan.display(), scene.repo.display());
    let runs = format!("{repo}/.git/swarm/runs");
    // The runs' folder is a disk of its own: filled up while the agent works, emptied and resumed afterwards.
    let script = format!(
        "mkdir -p {runs}; mount -t tmpfs -o size=160m tmpfs {runs}
        $SWARM run {plan} & run=$!
        while ! [ -e ../flags/runs ]; do sleep 0.05; done
        dd if=/dev/zero of={runs}/fill bs=64k 2>/dev/null || true
        ls {runs} | grep -v fill >../flags/id
        : >../flags/go; code=0; wait $run || code=$?; echo $code >../flags/code
        rm {runs}/fill; code=0; $SWARM resume || code=$?; echo $code >../flags/resumed
        $SWARM replay latest --verify; code=$?; echo $code >../flags/verified"
    );
    let Some(running) = in_a_namespace(&scene, &script) else {
        eprintln!("skipped: this machine allows no mount namespace");
        return;
    };
    running.end().assert_code(0).assert_says("room");
    let code =
        |name: &str| std::fs::read_to_string(scene.root.join("flags").join(name)).unwrap().trim().to_owned();
    assert_eq!((code("code").as_str(), code("resumed").as_str(), code("verified").as_str()), ("8", "0", "0"));
    assert_eq!(scene.git(&["show", "swarm/t:a.txt"]), "a");
    assert_eq!(scene.git(&["show", "swarm/t:b.txt"]), "b");
    until_true("the end of all processes", || crate::common::members_of(&scene.root).is_empty());
}
