//! Runs of 24 tasks, killed at random moments and resumed, until they are through.

use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use crate::common::{Checkout, Events, Scene, TwentyFour, micros};

/// Each of three tests kills at least this often.
const KILLS: u32 = 11;
const TARGET: &str = "swarm/t";

/// A small generator of numbers: which moments were hit can be had again by its seed.
struct Dice(u64);

impl Dice {
    /// From `SWARM_TEST_SEED`, or from the clock.
    fn new(salt: u64) -> Self {
        let given = std::env::var("SWARM_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let clock =
            || u64::from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos());
        let seed = given.unwrap_or_else(clock);
        println!("SWARM_TEST_SEED={seed}");
        Self((seed ^ salt.wrapping_mul(0x9E37_79B9_7F4A_7C15)) | 1)
    }

    /// From 0 to `below`, which it does not reach.
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

#[test]
fn a_run_of_24_tasks_killed_at_random_moments_ends_as_one_that_was_not() {
    killed_and_resumed(1, 700);
}

#[test]
fn a_run_killed_soon_after_each_start_gets_through() {
    killed_and_resumed(2, 300);
}

#[test]
fn a_run_killed_late_after_each_start_gets_through() {
    killed_and_resumed(3, 1100);
}

/// The tree of an uninterrupted run, made once.
fn uninterrupted() -> &'static str {
    static TREE: OnceLock<String> = OnceLock::new();
    TREE.get_or_init(|| {
        let scene = Scene::new();
        TwentyFour::write(&scene, "concurrency: 4");
        scene.run(&[]).assert_code(0);
        scene.assert_clean();
        tree(&scene)
    })
}

fn tree(scene: &Scene) -> String {
    scene.git(&["rev-parse", &format!("{TARGET}^{{tree}}")])
}

/// Runs the plan again and again, each time on a fresh repository, until there were enough kills.
fn killed_and_resumed(salt: u64, within_ms: u64) {
    let mut dice = Dice::new(salt);
    let mut kills = 0;
    while kills < KILLS {
        let scene = Scene::new();
        TwentyFour::write(&scene, "concurrency: 4");
        scene.file("repo/dirty.txt", "mine, and not committed\n");
        let before = Checkout::of(&scene, TARGET);
        kills += kill_until_through(&scene, &mut dice, within_ms, KILLS - kills);
        before.assert_same(&scene, TARGET);
        all_landed_once(&scene);
        assert_eq!(tree(&scene), uninterrupted());
        spent_is_what_was_reported(&scene);
        scene.assert_clean();
    }
    println!("{kills} kills");
}

/// Starts it, kills it at a random moment, and again, at most `most` times; then lets it end. Says how often it was killed.
fn kill_until_through(scene: &Scene, dice: &mut Dice, within_ms: u64, most: u32) -> u32 {
    let mut kills = 0;
    let mut running = scene.start_run(&[]);
    while kills < most {
        // Before the plan is recorded there is nothing to resume.
        if scene.runs().is_empty() || !is_planned(scene) {
            assert!(running.lives(), "it ended before it began: {}", running.err_so_far());
            continue;
        }
        sleep(Duration::from_millis(dice.roll(within_ms)));
        if !running.lives() {
            break;
        }
        running.kill_9();
        kills += 1;
        running = scene.start(&["resume"]);
    }
    running.end().assert_code(0);
    kills
}

fn is_planned(scene: &Scene) -> bool {
    let ran = scene.swarm(&["replay", "latest", "--events"]);
    ran.code == 0 && ran.out.contains("run.planned")
}

/// 24 of 24, by the journal and by the trailers on the target, and each file as its task wrote it.
fn all_landed_once(scene: &Scene) {
    let status = scene.status();
    let trailers = scene.git(&[
        "log",
        "--format=%(trailers:key=Swarm-Task,valueonly,separator=%x2C)",
        &format!("main..{TARGET}"),
    ]);
    let mut landed: Vec<_> = trailers.lines().map(str::to_owned).collect();
    landed.sort();
    assert_eq!(landed, TwentyFour::ids());
    for id in TwentyFour::ids() {
        assert_eq!(status["tasks"][&id]["state"], "merged", "{id}");
    }
    for (path, text) in TwentyFour::files() {
        assert_eq!(scene.git(&["show", &format!("{TARGET}:{path}")]), text.trim_end());
    }
    let events = scene.events();
    for id in TwentyFour::ids() {
        assert_eq!(events.count("task.merged", &id), 1, "{id}");
        each_attempt_ran_once(scene, &events, &id);
    }
}

/// No kill costs an attempt or starts one twice.
fn each_attempt_ran_once(scene: &Scene, events: &Events, id: &str) {
    let starts = std::fs::read_to_string(scene.root.join(format!("flags/starts-{id}"))).unwrap();
    let mut numbers: Vec<_> = starts.lines().collect();
    numbers.dedup();
    assert_eq!(starts.lines().count(), numbers.len(), "an attempt of {id} was started twice: {starts}");
    assert_eq!(events.count("attempt.started", id), 1, "{id}");
    assert_eq!(numbers, ["1"], "{id}");
}

fn spent_is_what_was_reported(scene: &Scene) {
    let status = scene.status();
    let spent = micros(status["budget"]["spent_usd"].as_str().unwrap());
    assert_eq!(spent, TwentyFour::cost());
    assert_eq!(micros(status["budget"]["reserved_usd"].as_str().unwrap()), 0);
}
