//! Journals that cannot be used: somebody else writes them, a later version wrote them, or they are damaged.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::Scene;

/// A run of one task that is through.
fn finished() -> Scene {
    let scene = Scene::new();
    scene.plan("budget: 1usd", "  a: { run: echo a > a.txt }\n");
    scene.run(&[]).assert_code(0);
    scene
}

/// The segments of the latest run's journal, oldest first.
fn segments(scene: &Scene) -> Vec<PathBuf> {
    let entries = fs::read_dir(scene.run_dir().join("journal")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "swj"));
    files.sort();
    files
}

/// All files, that with the lock too: nobody writes down who he is before the journal is known to be sound.
fn everything_in(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Every command that opens the run ends with 9, says which file it is, and leaves the journal as it was.
fn refused_everywhere(scene: &Scene, file: &Path, words: &str) {
    let journal = scene.run_dir().join("journal");
    let before = everything_in(&journal);
    let name = file.file_name().unwrap().to_str().unwrap();
    for command in [
        &["status"][..],
        &["resume"],
        &["replay", "latest", "--verify"],
        &["budget", "add", "1usd"],
        &["why", "a"],
    ] {
        scene.swarm(command).assert_code(9).assert_says(words).assert_says(name);
    }
    assert!(everything_in(&journal) == before, "a damaged journal was written to");
}

#[test]
fn a_flipped_byte_is_found_and_its_place_is_named() {
    let scene = finished();
    let file = segments(&scene).remove(0);
    let mut bytes = fs::read(&file).unwrap();
    bytes[4096 + 60] ^= 0x10;
    fs::write(&file, bytes).unwrap();
    // The place: an offset in the file, in bytes.
    refused_everywhere(&scene, &file, "byte");
}

#[test]
fn a_flipped_byte_in_a_header_is_damage_too() {
    let scene = finished();
    let file = segments(&scene).remove(0);
    let mut bytes = fs::read(&file).unwrap();
    bytes[20] ^= 1;
    fs::write(&file, bytes).unwrap();
    refused_everywhere(&scene, &file, "header");
}

#[test]
fn a_journal_of_a_later_version_is_not_guessed_at() {
    let scene = finished();
    let file = segments(&scene).remove(0);
    let mut bytes = fs::read(&file).unwrap();
    bytes[8] = 2;
    let crc = crc32(&bytes[..4092]).to_le_bytes();
    bytes[4092..4096].copy_from_slice(&crc);
    fs::write(&file, bytes).unwrap();
    refused_everywhere(&scene, &file, "version 2");
}

/// CRC-32 as in zip and PNG, a bit at a time.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 },
        )
    })
}

#[test]
fn one_damaged_run_does_not_hide_the_others() {
    let scene = finished();
    let file = segments(&scene).remove(0);
    scene.run(&["--target", "other"]).assert_code(0);
    let mut bytes = fs::read(&file).unwrap();
    bytes[4096 + 60] ^= 0x10;
    fs::write(&file, bytes).unwrap();
    scene.swarm(&["ls"]).assert_code(0);
    scene.swarm(&["status"]).assert_code(0);
}

#[test]
fn a_second_resume_of_a_live_run_is_told_who_drives_it() {
    let scene = Scene::new();
    scene.plan("budget: 1usd", "  a: { agent: script, prompt: Write. }\n");
    scene.script("a", "flag runs; await go; echo a >a.txt");
    let running = scene.start_run(&[]);
    scene.await_flag("runs");
    let pid = running.pid().to_string();
    scene.swarm(&["resume"]).assert_code(10).assert_says(&pid).assert_says("swarm attach");
    scene.flag("go");
    running.end().assert_code(0);
    scene.assert_clean();
}

#[test]
fn reading_a_run_in_a_folder_that_cannot_be_written_changes_nothing() {
    let scene = finished();
    let copy = scene.root.join("copy");
    let from = scene.run_dir();
    scene.start_program("cp", &["-r", from.to_str().unwrap(), copy.to_str().unwrap()]).end().assert_code(0);
    let before = everything_in(&copy.join("journal"));
    let path = copy.to_str().unwrap();
    for command in
        [&["status", path][..], &["replay", path], &["replay", path, "--verify"], &["-r", path, "why", "a"]]
    {
        scene.swarm(command).assert_code(0);
    }
    assert!(everything_in(&copy.join("journal")) == before);
}
