//! What an attempt works in, and what git's part of it costs: made, and its work kept, in a worktree and in a repository of its own.
//!
//! `cargo bench --bench trees`. The numbers to keep are in `docs/benchmarks.md`.
#![expect(clippy::unwrap_used, reason = "a benchmark that stops there says where")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use swarm::git::{Identity, Preserve, Repo, Worktree};

/// Rounds of each row; the median counts.
const ROUNDS: usize = 9;

fn main() {
    println!(
        "{:<10} {:>14} {:>14} {:>14} {:>14}",
        "files", "worktree made", "clone made", "wt. kept", "clone kept"
    );
    for files in [1, 200, 2_000, 20_000] {
        let dir = tempfile::tempdir().unwrap();
        repository(&dir.path().join("repo"), files);
        let repo = Repo::discover(&dir.path().join("repo")).unwrap();
        let base = repo.resolve("HEAD").unwrap();
        let mut times: [Vec<Duration>; 4] = Default::default();
        for round in 0..ROUNDS {
            // In turns, so that both have the same minutes of the disk.
            for (kind, name) in [(0, "w"), (1, "c")] {
                let path = dir.path().join(format!("trees/{name}{round}"));
                let begun = Instant::now();
                let tree =
                    if kind == 0 { repo.add_worktree(&path, &base) } else { repo.add_clone(&path, &base) };
                times[kind].push(begun.elapsed());
                let tree = tree.unwrap();
                work(&tree, &format!("{name}{round}"));
                let begun = Instant::now();
                keep(&repo, &tree, &base, &format!("{name}{round}"));
                times[kind + 2].push(begun.elapsed());
                repo.remove_worktree(&tree).unwrap();
            }
        }
        let [a, b, c, d] = times.map(median);
        println!("{files:<10} {a:>11.1} ms {b:>11.1} ms {c:>11.1} ms {d:>11.1} ms");
    }
}

/// In milliseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

/// A commit and something that is not committed.
fn work(tree: &Worktree, name: &str) {
    std::fs::write(tree.path.join("committed.txt"), name).unwrap();
    git(&tree.path, &["add", "committed.txt"]);
    git(&tree.path, &["-c", "user.name=b", "-c", "user.email=b@localhost", "commit", "--quiet", "-m", name]);
    std::fs::write(tree.path.join("left.txt"), name).unwrap();
}

fn keep(repo: &Repo, tree: &Worktree, base: &str, name: &str) {
    let kept = repo.preserve(&Preserve {
        worktree: tree.clone(),
        base: base.to_owned(),
        start: base.to_owned(),
        ref_name: format!("refs/swarm/bench/{name}/1"),
        message: "what was left".to_owned(),
        who: Identity { name: "b".to_owned(), email: "b@localhost".to_owned() },
        at_s: 1_700_000_000,
        conflict_paths: Vec::new(),
    });
    assert_eq!(kept.unwrap().paths, ["committed.txt", "left.txt"]);
}

fn repository(repo: &Path, files: usize) {
    for file in 0..files {
        let folder = repo.join(format!("d{}", file / 100));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("f{file}.txt")), format!("file {file}\n")).unwrap();
    }
    git(repo, &["init", "--quiet", "--initial-branch=main"]);
    git(repo, &["add", "."]);
    git(repo, &["-c", "user.name=b", "-c", "user.email=b@localhost", "commit", "--quiet", "-m", "base"]);
}

fn git(dir: &Path, args: &[&str]) {
    assert!(Command::new("git").arg("-C").arg(dir).args(args).status().unwrap().success());
}
