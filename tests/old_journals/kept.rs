//! A journal that is kept, and what was printed about it then. Knows its files by name, and nothing of their bytes.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::Scene;

/// How long each file is. A writer that was killed leaves a segment that ends in zeros; these are not kept.
const LENGTHS: &str = "lengths";
const STATUS: &str = "status.json";
const EVENTS: &str = "events.ndjson";

/// The folder of one of them.
pub(crate) struct Kept(PathBuf);

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/old_journals")
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    entries(dir).into_iter().filter(|path| path.is_dir()).collect()
}

impl Kept {
    /// All of them, by version and name.
    pub(crate) fn all() -> Vec<Self> {
        folders(&here()).iter().flat_map(|version| folders(version)).map(Self).collect()
    }

    /// What `swarm status` printed.
    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.read(STATUS)).unwrap()
    }

    /// What `swarm replay --events` printed.
    pub(crate) fn events(&self) -> Value {
        list(&self.read(EVENTS))
    }

    /// Whether something of this type happened.
    pub(crate) fn has(&self, kind: &str) -> bool {
        self.events().as_array().unwrap().iter().any(|event| event["type"] == kind)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// Makes it a run's folder in a scene, with each file as long as it was.
    pub(crate) fn unpack(&self, scene: &Scene) -> String {
        let run = scene.root.join("copy");
        let journal = run.join("journal");
        fs::create_dir_all(&journal).unwrap();
        for line in self.read(LENGTHS).lines() {
            let (name, length) = line.split_once(' ').unwrap();
            fs::write(journal.join(name), fs::read(self.0.join(name)).unwrap()).unwrap();
            let file = File::options().write(true).open(journal.join(name)).unwrap();
            file.set_len(length.parse().unwrap()).unwrap();
        }
        run.to_str().unwrap().to_owned()
    }

    /// Keeps the journal of a run as it is now. What this version has kept by this name stays as it is.
    pub(crate) fn keep(scene: &Scene, run: &Path, name: &str) {
        let dir = here().join(env!("CARGO_PKG_VERSION")).join(name);
        if dir.exists() {
            return eprintln!("{} stays as it is", dir.display());
        }
        fs::create_dir_all(&dir).unwrap();
        let lengths = entries(&run.join("journal")).iter().map(|file| pack(file, &dir)).collect::<String>();
        fs::write(dir.join(LENGTHS), lengths).unwrap();
        let run = run.to_str().unwrap();
        let status = serde_json::to_string_pretty(&status(scene, run)).unwrap();
        fs::write(dir.join(STATUS), format!("{status}\n")).unwrap();
        fs::write(dir.join(EVENTS), stream(scene, run)).unwrap();
    }
}

/// Copies a file without the zeros that it ends in, and says how long it is.
fn pack(file: &Path, dir: &Path) -> String {
    let name = file.file_name().unwrap().to_str().unwrap();
    let bytes = fs::read(file).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    fs::write(dir.join(name), &bytes[..end]).unwrap();
    format!("{name} {}\n", bytes.len())
}

/// What `swarm status` prints now.
pub(crate) fn status(scene: &Scene, run: &str) -> Value {
    let ran = scene.swarm(&["status", run, "--format", "json"]).assert_code(0);
    serde_json::from_str(&ran.out).unwrap()
}

/// What `swarm replay --events` prints now.
pub(crate) fn events(scene: &Scene, run: &str) -> Value {
    list(&stream(scene, run))
}

fn stream(scene: &Scene, run: &str) -> String {
    scene.swarm(&["replay", run, "--events"]).assert_code(0).out
}

fn list(lines: &str) -> Value {
    lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect()
}
