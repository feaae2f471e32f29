//! How fast the harness is, on one core: one table, with what is wanted beside what was measured.
#![expect(clippy::print_stdout, reason = "a benchmark talks to people")]
#![expect(clippy::cast_precision_loss, reason = "rates are rounded anyway")]

use std::time::Instant;

use swarm_proptests::{Sabotage, Scenario, Scope, Setup, Site, Who, exhaust, run, run_actors, shrink};

fn main() {
    println!("| what | measured | wanted |");
    println!("|---|---|---|");
    random();
    crash_points();
    small_scope();
    shell();
    sabotage();
}

fn row(what: &str, measured: &str, wanted: &str) {
    println!("| {what} | {measured} | {wanted} |");
}

/// How often a second something happens.
fn rate(count: u64, since: Instant) -> f64 {
    count as f64 / since.elapsed().as_secs_f64()
}

fn random() {
    const SEEDS: u64 = 20_000;
    let begun = Instant::now();
    let mut events = 0;
    for seed in 0..SEEDS {
        let explored = run(&Setup::of(Scenario::of_seed(seed)));
        assert_eq!(explored.broken, None, "seed {seed}");
        events += explored.history.len() as u64;
    }
    row("random runs, seeds/s", &format!("{:.0}", rate(SEEDS, begun)), ">= 10,000");
    row("random runs, events/s", &format!("{:.0}", rate(events, begun)), ">= 500,000");
}

/// One scenario of two tasks, with a crash at each point of each turn and each outcome for what was not synced.
fn crash_points() {
    let scenario = Scenario::default().with(Site::PlanTasks, Who::Run, 1);
    let begun = Instant::now();
    let mut points = 0;
    for _ in 0..20 {
        for turn in 1..=40 {
            for point in 1..Site::Crash.values().count() {
                for tail in 0..Site::CrashTail.values().count() {
                    let at = Who::Number(turn);
                    let crash = scenario.clone().with(Site::Crash, at, point).with(
                        Site::CrashTail,
                        Who::Number(1),
                        tail,
                    );
                    let explored = run(&Setup { thorough: false, twice: false, ..Setup::of(crash) });
                    assert_eq!(explored.broken, None);
                    points += 1;
                }
            }
        }
    }
    row("crash points/s", &format!("{:.0}", rate(points, begun)), ">= 10,000");
}

fn small_scope() {
    let (mut all, begun) = (0, Instant::now());
    for scope in Scope::all() {
        let since = Instant::now();
        let histories = exhaust(&scope, |explored| {
            assert_eq!(explored.broken, None);
            true
        });
        all += histories;
        let took = since.elapsed().as_secs_f64();
        row(
            &format!("small scope: {}", scope.name),
            &format!("{histories} histories in {took:.0} s"),
            "all of them",
        );
    }
    let took = begun.elapsed().as_secs_f64();
    row("small scope", &format!("{all} histories in {took:.0} s"), ">= 1,000,000 in <= 60 s");
}

/// What happens by the number of a writer's turn has no place in a shell that takes its own turns.
const BY_TURN: &[Site] = &[
    Site::Crash,
    Site::DiskFault,
    Site::Room,
    Site::ClockStep,
    Site::Person,
    Site::CrashOpening,
    Site::DiskFlip,
];

fn shell() {
    const SEEDS: u64 = 5_000;
    let setups: Vec<Setup> = (0..SEEDS)
        .map(|seed| Setup {
            silent: BY_TURN,
            thorough: false,
            twice: false,
            ..Setup::of(Scenario::of_seed(seed))
        })
        .collect();
    let begun = Instant::now();
    let acted: Vec<_> = setups.iter().map(|setup| run_actors(setup, false)).collect();
    let rate = rate(SEEDS, begun);
    let equal =
        setups.iter().zip(&acted).filter(|(setup, acted)| run(setup).history == acted.history).count();
    row("shell runs/s", &format!("{rate:.0}"), ">= 1,000");
    row("shell runs that write the same records", &format!("{equal} of {SEEDS}"), "all");
}

fn sabotage() {
    let (mut worst, mut most_left, mut longest_ms) = (0, 0, 0);
    for sabotage in Sabotage::ALL {
        let setup = |seed| Setup { sabotage: Some(*sabotage), ..Setup::of(Scenario::of_seed(seed)) };
        let (seed, broken) =
            (0..10_000).find_map(|seed| Some((seed, run(&setup(seed)).broken?))).expect("each is found");
        let begun = Instant::now();
        let shrunk = shrink(&setup(seed), broken.law);
        longest_ms = longest_ms.max(begun.elapsed().as_millis());
        worst = worst.max(seed + 1);
        most_left = most_left.max(shrunk.scenario.named.len());
    }
    let planted = Sabotage::ALL.len();
    row(
        "planted faults found",
        &format!("{planted} of {planted}, the last after {worst} seeds"),
        "all, within 10,000",
    );
    row("shrunk to", &format!("at most {most_left} choices in at most {longest_ms} ms"), "<= 10 in <= 1 s");
}
