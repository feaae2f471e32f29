//! The answer to "why", for people: what holds now, then each attempt, then what to type.

use std::fmt::Write;

use swarm_domain::state::Parts;
use swarm_domain::task::{End, Phase, Task};

use super::super::counts::task_cost;
use super::super::paint::{Mark, Paint};
use super::super::status::{commands, mark};
use super::super::text::{clean, count, dollars, duration, last_lines, money};
use super::super::waits;
use super::super::words;
use super::Answer;
use super::past::{Attempt, Check};

/// The last lines of an output that are shown with an attempt.
const TAIL_LINES: usize = 20;

pub(super) fn of(answer: &Answer<'_>) -> String {
    let mut out = headline(answer);
    for wait in &answer.waits {
        let _ = writeln!(out, "  {} {}", Mark::Wait.glyph(), wait.text);
    }
    if let Some(check) = &answer.base {
        one_check(&mut out, check, true);
    }
    money_line(&mut out, answer.parts, answer.task);
    let last = answer.past.attempts.len();
    for (at, one) in answer.past.attempts.iter().enumerate() {
        attempt(&mut out, one, at + 1 == last);
    }
    out.push('\n');
    out.push_str(&commands(&answer.next, Paint::default()));
    out
}

fn headline(answer: &Answer<'_>) -> String {
    let Answer { parts, task, past, .. } = answer;
    let mut line = format!("{} {} {}", mark(task).glyph(), task.spec.id, state_words(task));
    if task.attempts > 0 {
        let tries = match task.end() {
            Some(_) => format!(" after {}", count(task.attempts as usize, "attempt")),
            None => format!(", attempt {}", task.attempts),
        };
        line.push_str(&tries);
    }
    if let Some(reason) = waits::reason(parts, task).filter(|_| answer.waits.is_empty()) {
        let _ = write!(line, ": {reason}");
    }
    if let Some(seq) = past.ended_seq.or(past.last_seq) {
        let _ = write!(line, "  (event {seq})");
    }
    line.push('\n');
    line
}

fn state_words(task: &Task) -> String {
    match &task.phase {
        Phase::Waiting | Phase::Ready if task.attempts == 0 => {
            format!("is {}: it has not started", task.word())
        }
        Phase::Ended(End::Merged { commit }) => format!("landed as {}", commit.short()),
        Phase::Ended(End::Failed { .. }) => "failed".to_owned(),
        Phase::Ended(End::Skipped { .. } | End::Cancelled { .. }) => format!("was {}", task.word()),
        _ => format!("is {}", task.word()),
    }
}

fn money_line(out: &mut String, parts: &Parts, task: &Task) {
    let Some(cost) = task_cost(parts, task) else { return };
    let spent = money(parts.ledger.spent_by(&task.spec.id), cost);
    let of = task
        .spec
        .caps
        .usd
        .map_or_else(String::new, |budget| format!(" of its budget of {}", dollars(budget)));
    let _ = writeln!(out, "  spent {spent}{of}");
}

fn attempt(out: &mut String, attempt: &Attempt, is_last: bool) {
    let (first, last) = (attempt.first_seq, attempt.last_seq);
    let _ = write!(out, "\n  attempt {}  events {first} to {last}  on {}", attempt.no, attempt.onto.short());
    if let Some(took_ms) = attempt.took_ms() {
        let _ = write!(out, "  {}", duration(took_ms));
    }
    if let Some((usd, cost)) = attempt.charge {
        let _ = write!(out, "  {}", money(usd, cost));
    }
    out.push('\n');
    if let Some(ending) = &attempt.ending {
        let model = attempt.model.as_deref().map(|model| format!(" ({})", clean(model)));
        let _ = writeln!(out, "    its program{} {}", model.unwrap_or_default(), words::ending(ending));
    }
    for (seq, note) in &attempt.notes {
        let _ = writeln!(out, "    {} {note}  (event {seq})", Mark::Warn.glyph());
    }
    if attempt.conflicts.len() > 4 {
        let _ = writeln!(
            out,
            "    conflicts: {}",
            attempt.conflicts.iter().map(|path| clean(path)).collect::<Vec<_>>().join(", ")
        );
    }
    for check in &attempt.checks {
        one_check(out, check, is_last);
    }
    if let Some((seq, text)) = &attempt.outcome {
        let _ = writeln!(out, "    {text}  (event {seq})");
    }
    if !attempt.hint.is_empty() {
        let _ = writeln!(out, "    hint: {}", clean(&attempt.hint));
    }
    let shown = attempt.checks.iter().any(|check| check.verdict == Some("red") && check.tail == attempt.tail);
    if is_last && attempt.cause.is_some() && !shown {
        tail(out, &attempt.tail);
    }
    if let Some(kept) = &attempt.kept {
        let _ = writeln!(out, "    its work is kept as {kept}");
    }
}

fn one_check(out: &mut String, check: &Check, with_tail: bool) {
    let mark = match check.verdict {
        None => Mark::Busy,
        Some("green") => Mark::Good,
        Some("red") => Mark::Bad,
        Some(_) => Mark::Again,
    };
    let _ = write!(out, "    {} {} {}", mark.glyph(), check.name, check.verdict.unwrap_or("runs"));
    if check.verdict.is_some() {
        let _ = write!(out, " after {}", duration(check.took_ms));
    }
    let _ = write!(out, " on {}", check.on);
    if !check.detail.is_empty() {
        let _ = write!(out, ": {}", clean(&check.detail));
    }
    let _ = writeln!(out, "  (event {})", check.seq);
    if with_tail && mark == Mark::Bad {
        tail(out, &check.tail);
    }
}

fn tail(out: &mut String, tail: &str) {
    for line in last_lines(tail, TAIL_LINES) {
        let _ = writeln!(out, "      | {line}");
    }
}
