//! The message of a commit that lands: subject, body, and the trailers that tie it to its run and its journal.

use std::fmt::Write;

use crate::event::MergePrepared;
use crate::plan::TaskSpec;
use crate::task::Task;

/// The longest body of a squashed commit, in subjects.
const SUBJECTS_MAX: usize = 50;

/// Subject, the task's own subjects, and trailers. The anchor names the journal as it was when the merge was prepared,
/// so a commit never has to name itself.
pub(crate) fn landing(run: &str, spec: &TaskSpec, task: &Task, prepared: &MergePrepared) -> String {
    let mut text = format!("{}\n", one_line(&spec.title));
    let subjects = task.tip.as_ref().map(|tip| tip.subjects.as_slice()).unwrap_or_default();
    if !subjects.is_empty() {
        text.push('\n');
        for subject in subjects.iter().take(SUBJECTS_MAX) {
            writeln!(text, "* {}", one_line(subject)).expect("writing to a string cannot fail");
        }
    }
    let (seq, hash) = (prepared.anchor_seq, &prepared.anchor_hash);
    write!(
        text,
        "\nSwarm-Run: {run}\nSwarm-Task: {}\nSwarm-Attempt: {}\nSwarm-Journal: {run}:{seq}:{hash}\n",
        spec.id, prepared.attempt
    )
    .expect("writing to a string cannot fail");
    text
}

/// Text from a plan or an agent, without line breaks and without characters that steer a terminal or turn the direction
/// of writing: a subject may not pass for a trailer, nor for another subject.
fn one_line(text: &str) -> String {
    let steers = |c: char| c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let words = text.split_whitespace().map(|word| word.chars().filter(|c| !steers(*c)).collect::<String>());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
