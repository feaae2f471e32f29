//! Which wall a run gets, where that is said, and what happens where it cannot be had.

use std::process::Command;

use serde_json::Value;

use crate::common::Scene;
use crate::set::is_offered;

fn scene(head: &str) -> Scene {
    let scene = Scene::new();
    scene.script("a", "echo a >a");
    scene.plan(&format!("budget: 1usd\n{head}"), "  a: { agent: script, prompt: x }\n");
    scene
}

/// Git and what a script needs, but no bubblewrap.
fn without_bwrap(scene: &Scene) -> impl Fn(&mut Command) + use<> {
    let bin = scene.root.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    for folder in std::env::split_paths(&std::env::var_os("PATH").unwrap()) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let _ = std::os::unix::fs::symlink(entry.path(), bin.join(entry.file_name()));
        }
    }
    let _ = std::fs::remove_file(bin.join("bwrap"));
    move |command| _ = command.env("PATH", &bin)
}

fn run(scene: &Scene, change: impl FnOnce(&mut Command)) -> crate::common::Ran {
    let plan = scene.root.join("plan.yaml");
    scene.start_with(&["run", plan.to_str().unwrap()], change).end()
}

#[test]
fn the_wall_is_said_at_the_start_in_the_status_and_in_the_journal() {
    let strongest = ["bwrap", "landlock"].into_iter().find(|wall| is_offered(wall)).unwrap_or("none");
    for (head, wall) in [("", strongest), ("isolation: none", "none"), ("isolation: { wall: none }", "none")]
    {
        let scene = scene(head);
        run(&scene, |_| ()).assert_code(0).assert_says(&format!("wall: {wall}"));
        assert_eq!(scene.status()["wall"]["name"], wall);
        let status = scene.swarm(&["status", "latest"]).assert_code(0).out;
        assert!(status.lines().any(|line| line.starts_with("wall") && line.contains(wall)), "{status}");
        assert_eq!(scene.events().of("run.opened").next().unwrap().data["wall"]["name"], wall);
    }
}

#[test]
fn a_machine_without_bubblewrap_takes_the_next_wall_unless_it_was_asked_for_by_name() {
    let next = if is_offered("landlock") { "landlock" } else { "none" };
    let plain = scene("");
    run(&plain, without_bwrap(&plain)).assert_code(0).assert_says(&format!("wall: {next}"));
    let asked = scene("isolation: bwrap");
    let ran = run(&asked, without_bwrap(&asked)).assert_code(8);
    ran.assert_says("bwrap is not on the PATH").assert_says("isolation: auto").assert_hints();
    assert!(asked.runs().is_empty(), "nothing was started");
}

#[test]
fn the_doctor_names_every_wall() {
    let scene = Scene::new();
    let out = scene.swarm(&["doctor", "--format", "json"]).out;
    let walls = serde_json::from_str::<Value>(&out).unwrap()["walls"].clone();
    for wall in ["bwrap", "landlock"] {
        assert_eq!(walls[wall]["error"].is_null(), is_offered(wall), "{walls}");
    }
    let text = scene.swarm(&["doctor"]).out;
    assert!(text.contains("wall bwrap") && text.contains("wall landlock"), "{text}");
}
