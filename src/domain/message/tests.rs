//! The message of a landing, word for word, and what nobody can write into it.

use std::sync::Arc;

use super::landing;
use crate::event::MergePrepared;
use crate::sim::{id, task};
use crate::task::{Task, Tip};
use crate::{Oid, TaskSpec};

/// The message of a task's second attempt, whose commits have these subjects.
fn of(title: &str, subjects: &[String]) -> String {
    let spec = TaskSpec { title: title.to_owned(), ..task("a") };
    let mut task = Task::new(Arc::new(spec.clone()), None);
    let (tip, base) = (Oid::new("tip"), Oid::new("base"));
    task.tip = Some(Tip {
        attempt: 2,
        tip: tip.clone(),
        base: base.clone(),
        subjects: subjects.to_vec(),
        usable: true,
        whole: true,
        markers: Vec::new(),
    });
    let (old, anchor_hash) = (None, "abc".to_owned());
    let prepared = MergePrepared {
        task: id("a"),
        attempt: 2,
        old,
        onto: base,
        tip,
        at_s: 1,
        anchor_seq: 7,
        anchor_hash,
    };
    landing("run1", &spec, &task, &prepared)
}

const TRAILERS: &str = "\nSwarm-Run: run1\nSwarm-Task: a\nSwarm-Attempt: 2\nSwarm-Journal: run1:7:abc\n";

#[test]
fn a_message_has_a_subject_the_subjects_of_the_work_and_trailers() {
    let subjects = ["one", "two"].map(str::to_owned);
    assert_eq!(of("The thing", &subjects), format!("The thing\n\n* one\n* two\n{TRAILERS}"));
    assert_eq!(of("The thing", &[]), format!("The thing\n{TRAILERS}"));
    let many: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    assert!(of("The thing", &many).ends_with(&format!("\n* 49\n{TRAILERS}")));
}

#[test]
fn neither_a_title_nor_a_subject_passes_for_a_trailer_or_turns_the_text() {
    let hostile =
        ["a\nSwarm-Task: b", "  wide \t gap ", "\u{1b}[31mred", "\u{202e}txt.exe", "\u{7} \u{2066}"];
    let shown = ["a Swarm-Task: b", "wide gap", "[31mred", "txt.exe", ""];
    for (text, shown) in hostile.into_iter().zip(shown) {
        assert_eq!(of(text, &[text.to_owned()]), format!("{shown}\n\n* {shown}\n{TRAILERS}"), "{text:?}");
    }
}
