//! What is told of whole runs, whatever happened in them. Each run is made by the real core; see `scenes`.

mod documents;
mod endings;
mod lines;
mod stream;
mod whys;

use serde_json::Value;

use super::scenes::{EVIL, all};
use super::*;

const DEAD: Liveness =
    Liveness { owner: None, heard: std::collections::BTreeMap::new(), at_ms: 0, burn: None };
const LIVE: Liveness =
    Liveness { owner: Some(101), heard: std::collections::BTreeMap::new(), at_ms: 0, burn: None };

/// The plain lines of a whole run.
fn told(sample: &sample::Sample, colour: bool) -> Vec<String> {
    let mut teller = Teller::new().colour(colour);
    sample.history.iter().flat_map(|recorded| teller.take(recorded)).collect()
}

/// Everything that can be printed about a run.
fn everything(sample: &sample::Sample, colour: bool) -> String {
    let (state, history) = (&sample.state, &sample.history);
    let mut teller = Teller::new();
    for recorded in history {
        teller.take(recorded);
    }
    let mut all = told(sample, colour);
    all.push(status_text(state, &DEAD, sample.now_ms, colour, 90));
    all.push(status_text(state, &LIVE, sample.now_ms, colour, 200));
    all.push(ending(state, colour));
    all.push(teller.status_line(sample.now_ms, 200, &Heard::new()));
    all.push(teller.heartbeat(sample.now_ms, &Heard::new()));
    all.extend(history.iter().map(event_line));
    all.extend(
        state.run().tasks.iter().filter_map(|task| why(state, history, &task.spec.id)).map(|why| why.text),
    );
    all.join("\n")
}

/// All documents about a run.
fn documents(sample: &sample::Sample) -> Vec<Value> {
    let (state, history) = (&sample.state, &sample.history);
    let mut stream = EventStream::new("r1");
    let mut all: Vec<Value> = history.iter().flat_map(|recorded| stream.push(recorded)).collect();
    all.push(with_notes(status_json(state, &DEAD, "digest"), history));
    all.push(summary(state, "digest"));
    all.extend(
        state.run().tasks.iter().filter_map(|task| why(state, history, &task.spec.id)).map(|why| why.json),
    );
    all
}

#[test]
fn foreign_text_cannot_steer_the_terminal_from_anywhere() {
    for (name, sample) in all() {
        let text = everything(&sample, false);
        let bad =
            text.chars().find(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}'));
        assert_eq!(bad, None, "{name}");
        for document in documents(&sample) {
            for foreign in ["\\u001b", "\\u0007", "\u{9b}", "\u{202e}"] {
                assert!(!document.to_string().contains(foreign), "{name}: {document}");
            }
        }
    }
    let stormy = everything(&scenes::stormy(), false);
    assert!(stormy.contains("red") && EVIL.contains("red"), "the text itself is still told");
}

#[test]
fn colour_adds_nothing_but_colour() {
    for (name, sample) in all() {
        let coloured: Vec<String> = everything(&sample, true).lines().map(text::clean).collect();
        let plain: Vec<String> = everything(&sample, false).lines().map(text::clean).collect();
        assert_eq!(coloured, plain, "{name}");
    }
    assert!(everything(&scenes::partial(), true).contains("\x1b[31m"));
}

#[test]
fn an_unknown_cost_is_never_a_price_of_nothing() {
    let unknown = everything(&scenes::unknown_cost(swarm_domain::OnUnknownCost::Allow), false);
    let about_cost = |line: &&str| line.contains("$0.00");
    assert_eq!(unknown.lines().find(about_cost), None);
    assert!(unknown.contains("unknown cost of $12.00"), "{unknown}");
    assert!(unknown.contains("landed") && unknown.contains("cost unknown"));
    let estimated = everything(&scenes::unknown_cost(swarm_domain::OnUnknownCost::Estimate), false);
    assert!(estimated.contains("~$0.40"), "{estimated}");
    assert!(estimated.contains("~$0.80 spent (estimated) of $12.00"), "{estimated}");
}

#[test]
fn a_run_in_which_nothing_was_planned_is_told_too() {
    let state = swarm_domain::state::State::new();
    assert!(ending(&state, false).contains("swarm run"));
    assert!(status_text(&state, &DEAD, 0, false, 80).contains("nothing is planned"));
    assert_eq!(status_json(&state, &DEAD, "d")["state"], "interrupted");
    assert_eq!(exit_code(&state), 130);
    assert!(why(&state, &[], &sample::id("a")).is_none());
    assert_eq!(Teller::new().status_line(0, 10, &Heard::new()), "nothing i…");
}
