//! What has to go on behind a wall: commits, temporary files, caches, reports, gates, retries; and a gate that is denied the network.

use std::net::TcpListener;

use crate::common::Scene;
use crate::set::{WALLS, is_offered};

const WORK: &str = r#"
echo work >work
git add work && git commit --quiet --message "Do the work"
echo temporary >$(mktemp)
echo cached >$HOME/.cache/cached
echo wanted >$HOME/wanted/file
usage 0.01
grep -q work work
"#;

fn offered() -> impl Iterator<Item = &'static str> {
    WALLS.into_iter().filter(|wall| is_offered(wall))
}

#[test]
fn work_is_done_and_lands_behind_each_wall() {
    for wall in offered() {
        let scene = Scene::new();
        for folder in [".cache", "wanted"] {
            std::fs::create_dir(scene.root.join("home").join(folder)).unwrap();
        }
        scene.script("a", WORK);
        let head = format!(
            "budget: 1usd\nisolation: {{ wall: {wall}, write: [~/wanted] }}\n\
             workspace: {{ setup: [\"echo set >set.log\"] }}\n\
             defaults: {{ gates: [{{ name: built, run: \"echo object >object.log && test -f README.md\" }}] }}"
        );
        scene.plan(&head, "  a: { agent: script, prompt: x }\n");
        scene.run(&[]).assert_code(0);
        assert_eq!(scene.git(&["show", "swarm/t:work"]), "work", "{wall}");
        for file in [".cache/cached", "wanted/file"] {
            assert!(scene.root.join("home").join(file).exists(), "{wall} {file}");
        }
        assert_eq!(scene.status()["budget"]["spent_usd"], "0.01", "{wall}");
        scene.assert_clean();
    }
}

/// Bash can connect by itself.
const CALL: &str = "exec 3<>/dev/tcp/127.0.0.1/";

#[test]
fn a_gate_that_is_denied_the_network_reaches_nobody_but_itself() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for wall in offered() {
        for network in [true, false] {
            let scene = Scene::new();
            scene.script("a", "echo a >a");
            let gate = format!("{{ run: \"{CALL}{port}\", network: {network}, baseline: skip }}");
            let head = format!("budget: 1usd\nisolation: {wall}\ngates: {{ calls: {gate} }}");
            scene.plan(&head, "  a: { agent: script, prompt: x, retries: 0, gates: [calls] }\n");
            let ran = scene.run(&[]);
            if ran.code == 8 && ran.err.contains("is to have no network") {
                eprintln!("not tried: this machine does not let the network be taken away");
                continue;
            }
            ran.assert_code(if network { 0 } else { 4 });
        }
    }
}

#[test]
fn an_agent_reaches_a_server_on_the_loopback() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for wall in offered() {
        let scene = Scene::new();
        scene.script("a", &format!("echo a >a; {CALL}{port}"));
        scene.plan(
            &format!("budget: 1usd\nisolation: {wall}"),
            "  a: { agent: script, prompt: x, retries: 0 }\n",
        );
        scene.run(&[]).assert_code(0);
    }
}
