//! What every end of a run prints: how it came out, where the work is, what it cost, what failed, and what to type next.

use std::fmt::Write;

use swarm_domain::fact::Outcome;
use swarm_domain::state::{Parts, State};
use swarm_domain::task::{End, Phase, Task};

use super::counts::{Counts, budget, task_cost};
use super::next::steps;
use super::paint::{Mark, Paint};
use super::status::{commands, kept_ref, kept_worktrees, outcome};
use super::text::{clean, count, money, pad};
use super::words;

/// The most failed tasks that are shown one by one.
const FAILED_SHOWN: usize = 20;

/// How a run ended, for people.
pub fn ending(state: &State, colour: bool) -> String {
    let paint = Paint { on: colour };
    let Some(parts) = state.parts() else {
        return format!("{} nothing was planned in this run\n\nnext\n  swarm run\n", paint.glyph(Mark::Bad));
    };
    let mut out = headline(parts, paint);
    facts(&mut out, parts, paint);
    failures(&mut out, parts, paint);

    for kept in kept_worktrees(parts) {
        let (path, why) = (clean(kept.path), clean(kept.why));
        let _ = writeln!(
            out,
            "  {} the worktree of {} stays at {path}: {why}",
            paint.glyph(Mark::Warn),
            kept.task
        );
    }
    out.push('\n');
    out.push_str(&commands(&steps(parts, None), paint));
    out
}

fn headline(parts: &Parts, paint: Paint) -> String {
    let run = &parts.run;
    let (mark, word, why) = match outcome(parts) {
        None => {
            (Mark::Warn, "interrupted", "its process is gone; every record up to then is kept".to_owned())
        }
        Some(outcome) => {
            let detail = run.stopped.as_ref().map(|(_, detail)| clean(detail));
            (sign(outcome), outcome.word(), detail.unwrap_or_else(|| words::outcome(outcome).to_owned()))
        }
    };
    let plan = clean(&run.settings.name);
    format!("{} {} {plan}, run {}: {why}\n", paint.glyph(mark), paint.strong(word), run.id)
}

fn sign(outcome: Outcome) -> Mark {
    match outcome {
        Outcome::Landed => Mark::Good,
        Outcome::Partial | Outcome::Failed | Outcome::Environment => Mark::Bad,
        Outcome::Budget
        | Outcome::Deadline
        | Outcome::Cancelled
        | Outcome::Merge
        | Outcome::Paused
        | Outcome::Interrupted { .. } => Mark::Warn,
    }
}

fn facts(out: &mut String, parts: &Parts, paint: Paint) {
    let mut row = |name: &str, text: String| {
        let _ = writeln!(out, "  {} {text}", paint.faint(&pad(name, 7)));
    };
    row("tasks", Counts::of(parts).words());
    row("branch", branch(parts));
    row("cost", budget(parts));
}

fn branch(parts: &Parts) -> String {
    let settings = &parts.run.settings;
    let (target, base) = (clean(&settings.target), settings.base.short());
    let is_new = |task: &&Task| task.attempts > 0 && matches!(task.end(), Some(End::Merged { .. }));
    let landed = parts.tasks.iter().filter(is_new).count();
    let carried = parts
        .tasks
        .iter()
        .filter(|task| task.attempts == 0 && task.end().is_some_and(End::is_landed))
        .count();
    let mut text = match parts.train.landed() {
        Some(head) => format!("{target} at {}, {} on base {base}", head.short(), count(landed, "commit")),
        None => format!("{target}: nothing landed on base {base}"),
    };
    if carried > 0 {
        let _ = write!(text, ", {carried} carried over");
    }
    text
}

fn failures(out: &mut String, parts: &Parts, paint: Paint) {
    let failed = |task: &&Task| match task.phase {
        Phase::Ended(End::Failed { .. }) | Phase::Held { .. } => true,
        Phase::Ended(End::Cancelled { .. }) => task.tip.is_some(),
        _ => false,
    };
    for task in parts.tasks.iter().filter(failed).take(FAILED_SHOWN) {
        failure(out, parts, task, paint);
    }
    let more = parts.tasks.iter().filter(failed).count().saturating_sub(FAILED_SHOWN);
    if more > 0 {
        let _ = writeln!(out, "  and {more} more; `swarm status {}` lists all", parts.run.id);
    }
}

fn failure(out: &mut String, parts: &Parts, task: &Task, paint: Paint) {
    let (mark, reason) = match &task.phase {
        Phase::Held { reason } => (Mark::Warn, reason),
        Phase::Ended(End::Failed { reason, .. }) => (Mark::Bad, reason),
        Phase::Ended(End::Cancelled { reason }) => (Mark::Skip, reason),
        _ => return,
    };
    let optional = if task.spec.optional { ", optional" } else { "" };
    let tries = count(task.attempts as usize, "attempt");
    let id = &task.spec.id;
    let _ = write!(
        out,
        "  {} {id}  {} after {tries}{optional}: {}",
        paint.glyph(mark),
        task.word(),
        clean(reason)
    );
    if let Some(cost) = task_cost(parts, task) {
        let _ = write!(out, "  {}", money(parts.ledger.spent_by(id), cost));
    }
    out.push('\n');
    if let Some(kept) = kept_ref(parts, task) {
        let _ = writeln!(out, "      its work is kept as {kept}");
    }
}
