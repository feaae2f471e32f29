//! Prompts, word for word where an agent acts on the words.

use super::{TAIL_BYTES_MAX, bounded, brief, compose};
use crate::fact::{Cause, Start};
use crate::plan::{Command, Gate, OnConflict, TaskSpec};
use crate::sim::{self, Sim, gate, id, settings, task};
use crate::task::{Failure, Task};
use crate::{GateScope, Oid};

fn agent() -> TaskSpec {
    TaskSpec { title: "The thing".to_owned(), ..sim::agent("a") }
}

const WHERE: &str = "\n## Where you are\n\nYou are in a git worktree of your own, on a detached HEAD. Work only \
    here. You may commit; what you leave uncommitted is committed for you. Do not switch branches, do not push, do not \
    merge.\n";

/// What the prompt of a second attempt says about the first.
fn after(change: impl FnOnce(&mut Task, &mut Failure), on_conflict: OnConflict) -> String {
    let mut settings = settings();
    settings.merge.on_conflict = on_conflict;
    let mut sim = Sim::new(settings, vec![agent()]);
    sim.settle(|effect| matches!(effect, crate::Effect::RunAttempt(_)));
    let parts = sim.state.run();
    let mut task = parts.tasks.get(&id("a")).unwrap().clone();
    let mut failure = Failure {
        attempt: 1,
        cause: Cause::Crash,
        reason: "exited with status 1".to_owned(),
        tail: String::new(),
        conflicts: Vec::new(),
        hint: String::new(),
    };
    task.attempts = 2;
    change(&mut task, &mut failure);
    task.failure = Some(failure);
    let text = compose(parts, &task);
    let first = brief("", &agent());
    text.strip_prefix(&first).expect("the first prompt is all there").to_owned()
}

fn from_tip(task: &mut Task, conflicts: usize) {
    let attempt = task.attempt.as_mut().unwrap();
    attempt.from = Start::Tip { attempt: 1, tip: Oid::new("tip"), base: Oid::new("base") };
    attempt.worktree.as_mut().unwrap().conflicts = (0..conflicts).map(|n| format!("file{n}")).collect();
}

#[test]
fn a_first_prompt_has_all_that_the_plan_says_and_no_empty_part() {
    let argv = Command::Argv(vec!["cargo".to_owned(), "test".to_owned()]);
    let gates =
        vec![gate(GateScope::Task), Gate { name: "all".to_owned(), run: argv, ..gate(GateScope::Both) }];
    let full = TaskSpec { files: vec!["src/**".to_owned(), "!src/x".to_owned()], gates, ..agent() };
    let expected = "For all.\n\nBe brief.\n\n# Task: The thing\n\nWrite it.\n\
        \n## Files you may change\n\n- `src/**`\n- `!src/x`\n\
        \n## Your work must pass\n\n- unit: `true`\n- all: `cargo test`\n";
    assert_eq!(brief("For all.\n", &full), format!("{expected}{WHERE}"));
    let bare = "Be brief.\n\n# Task: The thing\n\nWrite it.\n";
    assert_eq!(brief(" \n", &agent()), format!("{bare}{WHERE}"));
    assert_eq!(brief("For all.", &task("a")), "", "a command reads no prompt");
}

#[test]
fn only_a_later_attempt_hears_of_the_last_one() {
    let fresh = "\n## The last attempt\n\nAttempt 1 failed: exited with status 1.\n\nYou start afresh.\n";
    assert_eq!(after(|_, _| {}, OnConflict::Retry), fresh);
    assert_eq!(after(|task, _| task.attempts = 1, OnConflict::Retry), "");
    let kept = after(|task, _| from_tip(task, 0), OnConflict::Agent);
    assert!(kept.ends_with("\n\nIts work is kept: you start from it.\n"), "{kept}");
}

#[test]
fn a_conflict_is_named_file_by_file_up_to_a_limit() {
    let conflict = |files| {
        move |task: &mut Task, failure: &mut Failure| {
            from_tip(task, files);
            failure.cause = Cause::Conflict;
            "git's own words".clone_into(&mut failure.tail);
        }
    };
    let two = after(conflict(2), OnConflict::Retry);
    assert!(two.ends_with(" conflict markers that you must resolve:\n\n- `file0`\n- `file1`\n"), "{two}");
    let told = after(conflict(60), OnConflict::Agent);
    assert!(told.ends_with("- `file49`\n\nResolve the conflicts and change nothing else.\n"), "{told}");
}

#[test]
fn the_hint_of_a_gate_and_the_end_of_the_output_are_repeated() {
    let gate = after(
        |_, failure| {
            failure.cause = Cause::Gate;
            "Run it yourself.\n".clone_into(&mut failure.hint);
            failure.tail = format!("{}the end\n\n", "x".repeat(TAIL_BYTES_MAX));
        },
        OnConflict::Retry,
    );
    let (_, told) = gate.split_once("afresh.\n").unwrap();
    let rest = "x".repeat(TAIL_BYTES_MAX - 9);
    assert_eq!(
        told,
        format!("\nHint: Run it yourself.\n\nThe end of its output:\n\n```\n{rest}the end\n```\n")
    );
}

#[test]
fn a_long_text_is_cut_where_a_character_begins() {
    assert_eq!(bounded("short"), "short");
    let exact = "x".repeat(TAIL_BYTES_MAX);
    assert_eq!(bounded(&format!("y{exact}")), exact);
    // The cut falls into the first `€`, which has three bytes.
    let wide = format!("€{}", "x".repeat(TAIL_BYTES_MAX - 1));
    assert_eq!(bounded(&wide), &wide[3..]);
}
