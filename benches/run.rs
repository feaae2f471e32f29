//! Whole runs against a floor that is measured in the same minutes on the same disk: a bare loop over worktrees, and for tasks that sleep the time that is allowed plus that of their git.
//!
//! `cargo bench --bench run`. Each row is a ratio to its floor; the numbers to keep are in `docs/benchmarks.md`.
#![expect(clippy::unwrap_used, reason = "a benchmark that stops there says where")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const NOOPS: usize = 200;
const FILES: usize = 200;
/// Tasks of the barrier: every fourth sleeps a second, the others a twentieth of one.
const BARRIER: usize = 12;
/// Rounds of each row; the median of their ratios counts.
const ROUNDS: usize = 3;

fn main() {
    println!("{:<44} {:>10} {:>10} {:>7} {:>8}", "row", "swarm", "floor", "ratio", "limit");
    // `-- barrier` for the quick row alone.
    let slots: &[usize] = if std::env::args().any(|arg| arg == "barrier") { &[] } else { &[4, 1] };
    for &slots in slots {
        let row = format!("{NOOPS} no-op tasks, {FILES} files, concurrency {slots}");
        print(&row, &rounds(|dir| (noop_run(dir, slots), bare_loop(dir, slots, NOOPS))), 1.3);
    }
    let allowed = |dir: &Path| Duration::from_millis(1500) + bare_loop(dir, 1, BARRIER);
    print("12 tasks, 4 slots, three sleep 1 s", &rounds(|dir| (barrier_run(dir), allowed(dir))), 1.0);
}

fn rounds(round: impl Fn(&Path) -> (Duration, Duration)) -> Vec<(Duration, Duration)> {
    (0..ROUNDS)
        .map(|_| {
            let dir = tempfile::tempdir().unwrap();
            repository(dir.path());
            round(dir.path())
        })
        .collect()
}

fn print(row: &str, rounds: &[(Duration, Duration)], limit: f64) {
    let mut rounds = rounds.to_vec();
    let ratio = |(swarm, floor): &(Duration, Duration)| swarm.as_secs_f64() / floor.as_secs_f64();
    rounds.sort_by(|a, b| ratio(a).total_cmp(&ratio(b)));
    let median = &rounds[rounds.len() / 2];
    let verdict = if ratio(median) <= limit { "" } else { "  MISSED" };
    println!("{row:<44} {:>9.2?} {:>9.2?} {:>7.2} {limit:>8.2}{verdict}", median.0, median.1, ratio(median));
}

fn repository(dir: &Path) {
    let repo = dir.join("repo");
    std::fs::create_dir_all(&repo).unwrap();
    for file in 0..FILES {
        let folder = repo.join(format!("d{}", file % 20));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("f{file}.txt")), format!("file {file}\n")).unwrap();
    }
    git(&repo, &["init", "--quiet", "--initial-branch=main"]);
    git(&repo, &["add", "."]);
    git(&repo, &["-c", "user.name=b", "-c", "user.email=b@localhost", "commit", "--quiet", "-m", "base"]);
}

fn git(dir: &Path, args: &[&str]) {
    assert!(Command::new("git").arg("-C").arg(dir).args(args).status().unwrap().success());
}

fn swarm(dir: &Path, plan: &str) -> Duration {
    std::fs::write(dir.join("plan.yaml"), plan).unwrap();
    let begun = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_swarm"))
        .args(["-C", "repo", "run", "../plan.yaml", "--ui", "none"])
        .current_dir(dir)
        .env("SWARM_STATE_DIR", dir.join("state"))
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "the run failed: {status}");
    begun.elapsed()
}

fn noop_run(dir: &Path, slots: usize) -> Duration {
    let tasks = (0..NOOPS).fold(String::new(), |tasks, task| {
        tasks + &format!("  t{task}: {{ run: [\"true\"], if_no_changes: ok }}\n")
    });
    swarm(dir, &format!("version: 1\nname: noop\nbudget: 1usd\nconcurrency: {slots}\ntasks:\n{tasks}"))
}

/// Three tasks of a second on three slots leave one for the nine short ones: a scheduler that waits for nobody needs
/// little more than that second.
fn barrier_run(dir: &Path) -> Duration {
    let nap = |task: usize| if task.is_multiple_of(4) { "1" } else { "0.05" };
    let tasks = (0..BARRIER)
        .fold(String::new(), |tasks, task| tasks + &format!("  t{task}: {{ run: sleep {} }}\n", nap(task)));
    swarm(dir, &format!("version: 1\nname: barrier\nbudget: 1usd\nconcurrency: 4\ntasks:\n{tasks}"))
}

/// What any runner must do at the least: a worktree, a process in it, and the worktree's end; git takes turns.
fn bare_loop(dir: &Path, slots: usize, tasks: usize) -> Duration {
    let (turn, next, repo) = (Mutex::new(()), AtomicUsize::new(0), dir.join("repo"));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..slots {
            scope.spawn(|| {
                loop {
                    let task = next.fetch_add(1, Ordering::Relaxed);
                    if task >= tasks {
                        break;
                    }
                    let tree = dir.join(format!("w{task}"));
                    let path = tree.to_str().unwrap();
                    alone(&turn, || git(&repo, &["worktree", "add", "--quiet", "--detach", path, "HEAD"]));
                    assert!(Command::new("true").current_dir(&tree).status().unwrap().success());
                    alone(&turn, || git(&repo, &["worktree", "remove", path]));
                }
            });
        }
    });
    begun.elapsed()
}

fn alone(turn: &Mutex<()>, act: impl FnOnce()) {
    let _turn = turn.lock().unwrap();
    act();
}
