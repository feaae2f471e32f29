//! What an agent is told: instructions, task, claims, gates, and the last failure. The length of the last part is bounded, whatever went wrong before.

use std::fmt::Write;

use crate::fact::{Cause, Start};
use crate::plan::{Command, Gate, OnConflict, TaskSpec, Work};
use crate::state::Parts;
use crate::task::{Failure, Task};

/// The most output of a failed attempt that is repeated, in bytes.
pub const TAIL_BYTES_MAX: usize = 4096;
const CONFLICTS_MAX: usize = 50;

/// The prompt of a task's current attempt.
pub fn compose(parts: &Parts, task: &Task) -> String {
    let mut text = brief(&parts.run.settings.instructions, &task.spec);
    if let Some(failure) = task.failure.as_ref().filter(|_| task.attempts > 1) {
        section(&mut text, "The last attempt", &last_attempt(parts, task, failure));
    }
    text
}

/// The prompt of a first attempt, as `swarm check --prompt` shows it.
pub fn brief(instructions: &str, spec: &TaskSpec) -> String {
    let mut text = String::new();
    let Work::Agent { instructions: own, prompt, .. } = &spec.work else { return text };
    for part in [instructions, own] {
        if !part.trim().is_empty() {
            writeln!(text, "{}\n", part.trim_end()).expect("writing to a string cannot fail");
        }
    }
    writeln!(text, "# Task: {}\n\n{}", spec.title, prompt.trim_end())
        .expect("writing to a string cannot fail");
    if !spec.files.is_empty() {
        section(&mut text, "Files you may change", &list(spec.files.iter().map(|glob| format!("`{glob}`"))));
    }
    if !spec.gates.is_empty() {
        section(&mut text, "Your work must pass", &list(spec.gates.iter().map(gate)));
    }
    section(
        &mut text,
        "Where you are",
        "You are in a git worktree of your own, on a detached HEAD. Work only here. You may commit; what you leave \
         uncommitted is committed for you. Do not switch branches, do not push, do not merge.",
    );
    text
}

fn section(text: &mut String, title: &str, body: &str) {
    write!(text, "\n## {title}\n\n{}\n", body.trim_end()).expect("writing to a string cannot fail");
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.fold(String::new(), |text, item| text + "- " + &item + "\n")
}

fn gate(gate: &Gate) -> String {
    let command = match &gate.run {
        Command::Shell(script) => script.trim().to_owned(),
        Command::Argv(argv) => argv.join(" "),
    };
    format!("{}: `{command}`", gate.name)
}

fn last_attempt(parts: &Parts, task: &Task, failure: &Failure) -> String {
    let mut body = format!("Attempt {} failed: {}.\n", failure.attempt, failure.reason);
    match task.attempt.as_ref().map(|attempt| (&attempt.from, &attempt.worktree)) {
        Some((Start::Tip { .. }, Some(worktree))) if !worktree.conflicts.is_empty() => {
            body.push_str("\nIts work is in the files, merged with what has landed since. These files have conflict markers that you must resolve:\n\n");
            body.push_str(&list(
                worktree.conflicts.iter().take(CONFLICTS_MAX).map(|path| format!("`{path}`")),
            ));
            if parts.run.settings.merge.on_conflict == OnConflict::Agent && failure.cause != Cause::Hazard {
                body.push_str("\nResolve the conflicts and change nothing else.\n");
            }
        }
        Some((Start::Tip { .. }, _)) => body.push_str("\nIts work is kept: you start from it.\n"),
        _ => body.push_str("\nYou start afresh.\n"),
    }
    if !failure.hint.is_empty() {
        write!(body, "\nHint: {}\n", failure.hint.trim_end()).expect("writing to a string cannot fail");
    }
    let tail = bounded(&failure.tail);
    if !tail.trim().is_empty() && failure.cause != Cause::Conflict {
        let title = if failure.cause == Cause::Secret { "The places" } else { "The end of its output" };
        write!(body, "\n{title}:\n\n```\n{}\n```\n", tail.trim_end())
            .expect("writing to a string cannot fail");
    }
    body
}

/// The last [`TAIL_BYTES_MAX`] bytes of a text, cut where a character begins.
pub fn bounded(text: &str) -> &str {
    let mut from = text.len().saturating_sub(TAIL_BYTES_MAX);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}

#[cfg(test)]
mod tests;
