//! Every way in which a run can end names what to type next.

use std::collections::BTreeSet;

use swarm_domain::Event;
use swarm_domain::event::{RunFinished, RunStopped};
use swarm_domain::fact::Outcome;

use super::super::scenes::{all, landed, partial, preflight};
use super::super::{Liveness, ending, exit_code, run_outcome, run_state, sample};

const OUTCOMES: [Outcome; 11] = [
    Outcome::Landed,
    Outcome::Partial,
    Outcome::Failed,
    Outcome::Budget,
    Outcome::Deadline,
    Outcome::Cancelled,
    Outcome::Merge,
    Outcome::Environment,
    Outcome::Paused,
    Outcome::Interrupted { signal: 2 },
    Outcome::Interrupted { signal: 15 },
];

#[test]
fn each_ending_has_its_exit_code_and_its_commands() {
    let table: [(&str, &str, u8, &[&str]); 21] = [
        ("landed", "landed", 0, &["swarm land r1", "git push -u origin swarm/auth"]),
        ("partial", "partial", 4, &["swarm land r1", "swarm why web -r r1", "swarm retry r1"]),
        ("failed", "failed", 4, &["swarm why tokens -r r1", "swarm retry r1"]),
        ("red gate", "failed", 4, &["swarm why tokens -r r1", "swarm retry r1"]),
        (
            "preflight",
            "environment",
            8,
            &["swarm logs --gate unit -r r1", "swarm resume r1", "swarm run swarm.yaml"],
        ),
        ("budget", "budget", 5, &["swarm budget add r1 1usd", "swarm resume r1", "swarm land r1"]),
        ("tokens", "budget", 5, &["swarm budget add r1 1150tokens", "swarm resume r1", "swarm land r1"]),
        ("deadline", "deadline", 5, &["swarm resume r1", "swarm land r1"]),
        ("cancelled", "cancelled", 4, &["swarm retry r1"]),
        ("held", "merge", 7, &["git -C '/home/ann/my tree' switch --detach", "swarm resume r1"]),
        (
            "lost",
            "merge",
            7,
            &["git log --oneline --graph swarm/auth", "git branch -f swarm/auth", "swarm resume r1"],
        ),
        ("broken", "merge", 7, &["git fsck", "swarm resume r1"]),
        ("disk", "environment", 8, &["swarm clean --dry-run", "swarm resume r1"]),
        ("surroundings", "environment", 8, &["swarm why tokens -r r1", "swarm retry r1"]),
        ("paused", "paused", 6, &["swarm why tokens -r r1", "swarm resume r1"]),
        ("conflict", "paused", 6, &["swarm why tokens -r r1", "swarm resume r1"]),
        ("SIGINT", "interrupted", 130, &["swarm resume r1"]),
        ("SIGTERM", "interrupted", 143, &["swarm resume r1"]),
        ("cut off", "interrupted", 130, &["swarm resume r1"]),
        ("carried", "landed", 0, &["swarm land r1"]),
        ("stormy", "failed", 4, &["swarm why a -r r1", "swarm retry r1"]),
    ];
    let scenes = all();
    for (name, word, code, commands) in table {
        let (_, sample) = scenes.iter().find(|(scene, _)| *scene == name).unwrap();
        let text = ending(&sample.state, false);
        assert_eq!(exit_code(&sample.state), code, "{name}");
        assert!(text.lines().next().unwrap().contains(word), "{name}: {text}");
        let (_, next) = text.split_once("\nnext\n").unwrap();
        for command in commands {
            assert!(next.contains(&format!("  {command}")), "{name} lacks `{command}`: {next}");
        }
    }
    let told: BTreeSet<&str> = scenes.iter().filter_map(|(_, one)| run_outcome(one.state.run())).collect();
    assert_eq!(told, OUTCOMES.map(Outcome::word).into_iter().collect(), "each outcome is reached by a scene");
}

#[test]
fn what_is_to_be_added_to_a_cap_is_explained() {
    let (_, tokens) = all().into_iter().find(|(scene, _)| *scene == "tokens").unwrap();
    let text = ending(&tokens.state, false);
    assert!(text.contains("what it is over its cap, and half of that cap on top"), "{text}");
}

#[test]
fn whatever_the_outcome_and_the_state_a_command_is_named() {
    for (name, sample) in all() {
        for outcome in OUTCOMES {
            let stopped = Event::from(RunStopped { outcome, detail: "why".to_owned() });
            for event in [stopped, RunFinished { outcome }.into()] {
                let mut state = sample.state.clone();
                if state.apply(&event).is_err() {
                    continue;
                }
                let text = ending(&state, false);
                let (_, next) = text.split_once("\nnext\n").unwrap();
                assert!(next.contains("  swarm ") || next.contains("  git "), "{name}, {outcome:?}: {text}");
                assert_eq!(exit_code(&state), outcome.exit_code());
            }
        }
    }
}

#[test]
fn the_ending_of_a_partial_run() {
    let expected = "\
✗ partial auth, run r1: some required tasks did not land
  tasks   1/3 done, 1 failed, 1 skipped or cancelled
  branch  swarm/auth at aaaaaaaaaa, 1 commit on base bbbbbbbbbb
  cost    $2.43 spent of $12.00 (20%)
  ✗ web  failed after 2 attempts: exited with status 1  $1.62
      its work is kept as refs/swarm/r1/web/2

next
  swarm land r1                   brings it into the branch that you have checked out
  git push -u origin swarm/auth   publishes it for a review
  swarm why web -r r1             says what went wrong, attempt by attempt
  swarm retry r1                  a new run of what did not land; what landed is carried over
";
    assert_eq!(ending(&partial().state, false), expected);
}

#[test]
fn a_failure_before_the_start_costs_nothing_and_says_so() {
    let text = ending(&preflight().state, false);
    assert!(text.contains("`unit` fails on the base, before any agent ran"), "{text}");
    assert!(text.contains("$0.00 spent of $12.00"), "{text}");
}

#[test]
fn the_state_of_a_run_needs_to_know_who_drives_it() {
    let live = Liveness { owner: Some(7), ..Liveness::default() };
    let dead = Liveness::default();
    let cut_off = super::super::scenes::cut_off();
    assert_eq!(run_state(cut_off.state.run(), &live), "running");
    assert_eq!(run_state(cut_off.state.run(), &dead), "interrupted");
    assert_eq!(run_state(landed().state.run(), &live), "finished");
    assert_eq!(run_state(preflight().state.run(), &live), "interrupted");
    let mut paused: sample::Sample = cut_off;
    paused.ask(swarm_domain::fact::Request::Pause);
    assert_eq!(run_state(paused.state.run(), &live), "paused");
}
