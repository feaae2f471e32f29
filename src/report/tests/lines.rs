//! The lines of a run as it goes, and the line that says where everything stands.

use swarm_domain::Usd;
use swarm_domain::effect::Effect;
use swarm_domain::event::UsageReported;
use swarm_domain::fact::Usage;

use super::super::sample::{ATTEMPT_MS, BEGIN_MS, Sample, ended, gate, id, red, settings, task};
use super::super::scenes::{all, budget, cut_off, held, partial, red_gate};
use super::super::text::columns;
use super::super::{Heard, Teller, event_line};
use super::told;

#[test]
fn the_lines_of_a_partial_run() {
    let expected = [
        "00:00:00 · run       3 tasks for auth on swarm/auth, from bbbbbbbbbb, budget $12.00",
        "00:00:00 · run       driven by process 101",
        "00:00:00 ● web       attempt 1 starts on bbbbbbbbbb, $0.40 reserved, by builder",
        "00:00:00 ● tokens    attempt 1 starts on bbbbbbbbbb, $0.40 reserved, by builder",
        "00:03:12 ◌ tokens    queued to land  attempt 1  3m12s  $0.81",
        "00:06:24 ✗ web       attempt 1 failed: exited with status 1  6m24s  $0.81",
        "           | first line",
        "           | the last line",
        "00:06:24 ↻ web       attempt 2 follows in 10s",
        "00:06:24 ✓ tokens    landed aaaaaaaaaa  attempt 1  $0.81",
        "00:06:34 ● web       attempt 2 starts from attempt 1, on aaaaaaaaaa, $0.40 reserved, by builder",
        "00:09:46 ✗ web       attempt 2 failed: exited with status 1  3m12s  $0.81",
        "           | first line",
        "           | the last line",
        "00:09:46 ✗ web       failed for good after 2 attempts  $1.62  kept as refs/swarm/r1/web/2",
        "00:09:46 - docs      skipped: it needs web, which did not land",
        "00:09:46 ✗ run       finished: partial",
    ];
    assert_eq!(told(&partial(), false), expected);
}

#[test]
fn the_output_of_a_red_gate_is_shown_once_for_each_attempt() {
    let lines = told(&red_gate(), false);
    let shown = lines.iter().filter(|line| line.ends_with("| assertion failed")).count();
    assert_eq!(shown, 2, "{lines:#?}");
    let gate = "00:03:12 ✗ tokens    gate `unit` is red: exit status 101 after 12s on attempt 1 merged with the target";
    assert!(lines.iter().any(|line| line.starts_with(gate)), "{lines:#?}");
    assert!(lines.iter().any(|line| line.ends_with("hint: run it at home first")));
}

#[test]
fn what_the_program_printed_is_not_shown_for_a_gate_that_is_silent() {
    let mut tasks = vec![task("tokens", &[])];
    tasks[0].gates = vec![gate("unit")];
    let mut sample = Sample::opened(settings(), tasks);
    sample.run(&mut |effect| match effect {
        Effect::RunGate(run) => Some(vec![ended(run.n, red(), "")]),
        _ => None,
    });
    assert!(told(&sample, false).iter().all(|line| !line.contains('|')));
    let why = super::super::why(&sample.state, &sample.history, &id("tokens")).unwrap();
    assert!(!why.text.contains('|'), "{}", why.text);
}

#[test]
fn the_last_twenty_lines_of_an_output_are_shown() {
    let mut tasks = vec![task("tokens", &[])];
    tasks[0].gates = vec![gate("unit")];
    let mut sample = Sample::opened(settings(), tasks);
    let tail = (1..=30).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
    sample.run(&mut |effect| match effect {
        Effect::RunGate(run) => Some(vec![ended(run.n, red(), &tail)]),
        _ => None,
    });
    let lines = told(&sample, false);
    let first = lines.iter().position(|line| line.ends_with("| line 11")).unwrap();
    assert!(lines[first - 1].contains("gate `unit` is red"));
    assert_eq!(lines[first + 19], "           | line 30");
}

#[test]
fn a_share_of_the_budget_is_warned_of_once() {
    let lines = told(&budget(), false);
    let warnings: Vec<_> = lines.iter().filter(|line| line.contains("80% of the run's budget")).collect();
    assert_eq!(warnings.len(), 1, "{lines:#?}");
}

#[test]
fn the_status_line_is_never_wider_than_asked() {
    for (name, sample) in all() {
        let mut teller = Teller::new();
        for recorded in &sample.history {
            teller.take(recorded);
            for width in [0, 1, 7, 40, 80] {
                let line = teller.status_line(sample.now_ms, width, &Heard::new());
                assert!(columns(&line) <= width, "{name}: {line}");
                assert!(!line.contains('\n'), "{name}: {line}");
            }
        }
    }
}

#[test]
fn the_status_line_and_the_heartbeat_say_where_everything_stands() {
    let sample = cut_off();
    let mut teller = Teller::new();
    for recorded in &sample.history {
        teller.take(recorded);
    }
    assert_eq!(teller.state(), &sample.state);
    let now_ms = BEGIN_MS + ATTEMPT_MS + 60_000;
    assert_eq!(
        teller.status_line(now_ms, 200, &Heard::new()),
        "auth · 00:04:12 · 0/2 done, 1 running, 1 waiting · $0.00 spent + $0.40 reserved of $12.00 (3%)"
    );
    assert_eq!(
        teller.heartbeat(now_ms, &Heard::new()),
        "00:04:12 · run       0/2 done, 1 running, 1 waiting; tokens for 4m12s; \
         $0.00 spent + $0.40 reserved of $12.00 (3%)"
    );
    let reading = crate::agents::Reading { doing: "Bash: cargo test".to_owned(), ..Default::default() };
    let heard = Heard::from([(id("tokens"), reading)]);
    assert!(teller.status_line(now_ms, 200, &heard).ends_with("(3%) · tokens: Bash: cargo test"));
    assert!(teller.heartbeat(now_ms, &heard).contains("tokens for 4m12s (Bash: cargo test);"));
    let held = held();
    let mut teller = Teller::new();
    held.history.iter().for_each(|recorded| drop(teller.take(recorded)));
    assert!(teller.status_line(now_ms, 200, &Heard::new()).ends_with("· landing tokens"));
}

#[test]
fn what_running_attempts_have_used_is_spent_and_only_the_rest_is_reserved() {
    for (micros, budget) in [
        (100_000, "$0.10 spent + $0.30 reserved of $12.00 (3%)"),
        // Each time it is granted twice as much.
        (400_000, "$0.40 spent + $0.40 reserved of $12.00 (6%)"),
        (600_000, "$0.60 spent + $0.60 reserved of $12.00 (10%)"),
    ] {
        let mut sample = cut_off();
        let usage = Usage { usd: Some(Usd::from_micros(micros)), ..Usage::default() };
        assert!(sample.fact(UsageReported { task: id("tokens"), attempt: 1, usage }));
        let parts = sample.state.parts().unwrap();
        assert_eq!(super::super::counts::budget(parts), budget);
        assert_eq!(parts.ledger.spent(), Usd::ZERO, "nothing is settled");
    }
}

#[test]
fn what_a_running_attempt_reports_is_not_news() {
    let mut sample = cut_off();
    let usage = Usage { usd: Some(Usd::from_micros(100_000)), ..Usage::default() };
    assert!(sample.fact(UsageReported { task: id("tokens"), attempt: 1, usage }));
    assert_eq!(told(&sample, false), told(&cut_off(), false));
}

#[test]
fn a_listing_has_one_line_an_event() {
    let sample = partial();
    let lines: Vec<String> = sample.history.iter().map(event_line).collect();
    assert_eq!(
        lines[0],
        "     1  2023-11-14T22:13:20.000Z  run.planned         -                3 tasks for auth on swarm/auth, from bbbbbbbbbb, budget $12.00"
    );
    assert_eq!(
        lines[6],
        "     7  2023-11-14T22:13:20.000Z  attempt.started     web/1            attempt 1 starts on bbbbbbbbbb, $0.40 reserved"
    );
    assert!(lines.iter().all(|line| !line.contains('\n')));
}
