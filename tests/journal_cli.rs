//! `swarm journal`: what it says of a sound run, of a damaged journal, and of commits that are not what they were.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod common;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use common::{Ran, Scene};

/// A run of two tasks that is through: planned in the first epoch, killed in the second, carried on in the third.
fn finished() -> Scene {
    let scene = Scene::new();
    scene.plan(
        "budget: 1usd",
        "  a: { run: echo a > a.txt }\n  b: { agent: script, prompt: Work., needs: [a] }\n",
    );
    scene.script("b", "flag runs; await go; echo b >b.txt");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    running.kill_9();
    scene.flag("go");
    scene.swarm(&["resume"]).assert_code(0);
    scene
}

fn journal(scene: &Scene, verb: &str) -> Ran {
    scene.swarm(&["journal", verb])
}

fn json(scene: &Scene, verb: &str, code: i32) -> Value {
    let ran = scene.swarm(&["journal", verb, "latest", "--format", "json"]).assert_code(code);
    serde_json::from_str(&ran.out).expect("standard output is one document")
}

fn segment(scene: &Scene, number: u32) -> PathBuf {
    scene.run_dir().join(format!("journal/{number:010}.swj"))
}

/// Changes one bit of a segment.
fn flip(scene: &Scene, number: u32, byte: usize) {
    let file = segment(scene, number);
    let mut bytes = fs::read(&file).unwrap();
    bytes[byte] ^= 0x10;
    fs::write(&file, bytes).unwrap();
}

fn everything(scene: &Scene) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> =
        fs::read_dir(scene.run_dir().join("journal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// The values of a trailer in a commit.
fn trailer(scene: &Scene, commit: &str, name: &str) -> String {
    scene.git(&["log", "-1", &format!("--format=%(trailers:key={name},valueonly)"), commit])
}

#[test]
fn a_sound_run_is_counted_and_agrees_with_its_commits() {
    let scene = finished();
    let before = everything(&scene);
    let events = scene.events().0.len();
    let ran = journal(&scene, "verify").assert_code(0);
    assert!(ran.out.starts_with(&format!("{events} records in 3 segments of 3 epochs, ")), "{}", ran.out);
    assert!(ran.out.contains("2 commits are in the target as recorded"), "{}", ran.out);
    let document = json(&scene, "verify", 0);
    assert_eq!(document["schema"], "swarm.journal/1");
    assert_eq!(document["run"], scene.run_id());
    assert_eq!((&document["commits"], &document["damage"]), (&Value::from(2), &Value::Null));
    assert_eq!(document["head_seq"], events);
    assert!(everything(&scene) == before, "looking changes nothing");
}

#[test]
fn the_head_is_the_hash_that_commits_carry() {
    let scene = finished();
    let head = journal(&scene, "head").assert_code(0).out;
    let (seq, hash) = head.trim_end().split_once(':').unwrap();
    assert_eq!(seq, scene.events().0.len().to_string());
    assert!(hash.len() == 64 && hash.chars().all(|c| c.is_ascii_hexdigit()), "{hash}");
    let document = json(&scene, "head", 0);
    assert_eq!(document["seq"].as_u64().unwrap().to_string(), seq);
    assert_eq!(document["hash"], hash);
    assert_eq!(json(&scene, "verify", 0)["anchor"]["hash"], hash);
}

#[test]
fn every_record_is_listed_with_its_place() {
    let scene = finished();
    let events = scene.events();
    let listed = journal(&scene, "cat").assert_code(0).out;
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), events.0.len());
    for (line, event) in lines.iter().zip(&events.0) {
        assert!(line.contains(&format!(" {} ", event.kind)), "{} is not in {line}", event.kind);
    }
    assert!(lines[0].contains("epoch 1  segment 1  byte 4096"), "{}", lines[0]);
    assert!(lines.last().unwrap().contains("epoch 3  segment 3  byte "));
    let records = json(&scene, "cat", 0)["records"].as_array().unwrap().len();
    assert_eq!(records, events.0.len());
}

#[test]
fn an_export_has_the_bytes_and_the_public_event_of_each_record() {
    let scene = finished();
    let events = scene.swarm(&["replay", "latest", "--events"]).assert_code(0).out;
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ran = journal(&scene, "export").assert_code(0);
    let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), events.len());
    for (at, (line, event)) in lines.iter().zip(&events).enumerate() {
        assert_eq!(line["schema"], "swarm.record/1");
        assert_eq!(line["seq"], at + 1);
        assert_eq!(&line["event"], event);
        assert_eq!((&line["name"], &line["time"]), (&event["type"], &event["time"]));
        let payload = line["payload"].as_str().unwrap();
        assert!(payload.len().is_multiple_of(2) && payload.chars().all(|c| c.is_ascii_hexdigit()));
    }
    let again = scene.swarm(&["journal", "export", "--format", "json"]).assert_code(0);
    assert_eq!(again.out, ran.out);
}

#[test]
fn a_flipped_byte_is_placed_and_what_comes_before_it_is_shown() {
    let scene = finished();
    let whole = journal(&scene, "cat").out;
    flip(&scene, 2, 4096 + 60);
    let before = everything(&scene);
    let good = whole.lines().filter(|line| line.contains("segment 1 ")).count();
    for verb in ["verify", "head", "cat", "export"] {
        let ran = journal(&scene, verb).assert_code(9).assert_hints();
        ran.assert_says("0000000002.swj at byte 4096").assert_says(&format!("records up to {good} are good"));
    }
    let cat = journal(&scene, "cat").out;
    assert_eq!(cat.lines().count(), good);
    assert!(whole.starts_with(&cat));
    assert_eq!(journal(&scene, "export").out.lines().count(), good);
    assert_eq!(journal(&scene, "head").out, "");
    let document = json(&scene, "verify", 9);
    assert_eq!(document["records"], good);
    let damage = &document["damage"];
    assert!(damage["file"].as_str().unwrap().ends_with("0000000002.swj"), "{damage}");
    assert_eq!((&damage["offset"], &damage["last_good_seq"]), (&Value::from(4096), &Value::from(good)));
    assert_eq!(document["anchor"], Value::Null);
    assert_eq!(json(&scene, "cat", 9)["records"].as_array().unwrap().len(), good);
    assert!(everything(&scene) == before, "looking changes nothing");
}

#[test]
fn a_broken_header_hides_none_of_the_segments_before_it() {
    let scene = finished();
    let whole = journal(&scene, "cat").out;
    flip(&scene, 2, 20);
    let ran = journal(&scene, "cat").assert_code(9).assert_says("0000000002.swj").assert_says("header");
    assert!(!ran.out.is_empty() && whole.starts_with(&ran.out), "{}", ran.out);
}

#[test]
fn a_torn_tail_is_told_and_is_no_damage() {
    let scene = Scene::new();
    scene.plan("budget: 1usd", "  a: { agent: script, prompt: Work. }\n");
    scene.script("a", "flag runs; await go");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    running.kill_9();
    scene.kill_all();
    let document = json(&scene, "verify", 0);
    let end = document["segments"][1]["bytes"].as_u64().unwrap();
    let mut bytes = fs::read(segment(&scene, 2)).unwrap();
    bytes[usize::try_from(end).unwrap()..][..20].fill(0xAA);
    fs::write(segment(&scene, 2), bytes).unwrap();
    let ran = journal(&scene, "verify").assert_code(0);
    assert!(ran.out.contains("torn tail") && ran.out.contains("20 bytes"), "{}", ran.out);
    let torn = json(&scene, "verify", 0);
    assert_eq!((&torn["torn"]["offset"], &torn["torn"]["bytes"]), (&Value::from(end), &Value::from(20)));
    assert_eq!(torn["anchor"], document["anchor"]);
    journal(&scene, "cat").assert_code(0).assert_says("unfinished write");
}

#[test]
fn a_rewritten_commit_is_found() {
    let scene = finished();
    let run = scene.run_id();
    let commit = scene.git(&["rev-parse", "--short=12", "swarm/t"]);
    let anchor = trailer(&scene, "swarm/t", "Swarm-Journal");
    // The same work, with the hash of another history.
    let message = scene.git(&["log", "-1", "--format=%B", "swarm/t"]);
    let (front, hash) = anchor.rsplit_once(':').unwrap();
    let forged = format!("{front}:{}", hash.chars().rev().collect::<String>());
    let tree = scene.git(&["rev-parse", "swarm/t^{tree}"]);
    let rewritten = scene.git(&[
        "commit-tree",
        &tree,
        "-p",
        &scene.git(&["rev-parse", "swarm/t~1"]),
        "-m",
        &message.replace(&anchor, &forged),
    ]);
    scene.git(&["update-ref", "refs/heads/swarm/t", &rewritten]);
    for command in [&["journal", "verify"][..], &["replay", &run, "--verify"]] {
        let ran = scene.swarm(command).assert_code(9).assert_hints();
        ran.assert_says(&commit[..7])
            .assert_says("is not in refs/heads/swarm/t")
            .assert_says(&rewritten[..12]);
    }
    let document = json(&scene, "verify", 9);
    assert_eq!(document["faults"].as_array().unwrap().len(), 2, "{document}");
    assert_eq!(document["commits"], 1);
    // Commits of people and of other runs are none of its business.
    scene.git(&["update-ref", "refs/heads/swarm/t", &commit]);
    let other = message.replace(&run, "20200101-000000-aaaa");
    let extra = scene.git(&["commit-tree", &tree, "-p", &commit, "-m", &other]);
    scene.git(&["update-ref", "refs/heads/swarm/t", &extra]);
    journal(&scene, "verify").assert_code(0);
    scene.assert_clean();
}

#[test]
fn a_copied_run_is_checked_without_its_repository() {
    let scene = finished();
    let copy = scene.root.join("copy");
    let from = scene.run_dir();
    scene.start_program("cp", &["-r", from.to_str().unwrap(), copy.to_str().unwrap()]).end().assert_code(0);
    let path = copy.to_str().unwrap();
    let ran = scene.swarm(&["journal", "verify", path]).assert_code(0);
    assert!(!ran.out.contains("target"), "{}", ran.out);
    assert_eq!(scene.swarm(&["journal", "head", path]).assert_code(0).out, journal(&scene, "head").out);
}

#[test]
fn a_live_run_is_checked_while_it_is_written() {
    let scene = Scene::new();
    scene.plan(
        "budget: 1usd",
        "  a: { run: echo a > a.txt }\n  b: { agent: script, prompt: Work., needs: [a] }\n",
    );
    scene.script("b", "flag runs; await go; echo b >b.txt");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    let ran = journal(&scene, "verify").assert_code(0).assert_says("live");
    assert!(ran.out.contains("1 commit is in the target as recorded"), "{}", ran.out);
    journal(&scene, "export").assert_code(0);
    scene.flag("go");
    running.end().assert_code(0);
    scene.assert_clean();
}
