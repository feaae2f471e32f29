//! The state of a run for people: a header, a table of tasks, who needs to act, and what to type. Asks no clock.

use std::fmt::Write;

use swarm_domain::Usd;
use swarm_domain::state::{Parts, State};
use swarm_domain::task::{End, Phase, Task};

use super::super::agents;
use super::super::caps;
use super::super::counts::{Counts, budget, landing_order, task_cost};
use super::super::next::{Step, needs_you, steps};
use super::super::paint::{Mark, Paint};
use super::super::text::{clean, clip, columns, dollars, duration, money, pad};
use super::super::waits;
use super::super::words;
use super::{Liveness, outcome, run_state, warnings};

/// The narrowest table that still says something.
const WIDTH_MIN: usize = 40;
/// The widest column of task ids.
const ID_MAX: usize = 32;

/// The state of a run at a moment, in a given width.
pub fn status_text(state: &State, live: &Liveness, now_ms: u64, colour: bool, width: usize) -> String {
    let Some(parts) = state.parts() else { return "nothing is planned in this run yet\n".to_owned() };
    let (paint, width) = (Paint { on: colour }, width.max(WIDTH_MIN));
    let mut out = header(parts, live, now_ms, paint);
    out.push('\n');
    out.push_str(&table(parts, live, now_ms, paint, width));
    section(&mut out, "needs you", &needs_you(parts), Mark::Warn, paint, width);
    section(&mut out, "warnings", &warnings(parts), Mark::Warn, paint, width);
    out.push('\n');
    out.push_str(&commands(&steps(parts, live.owner), paint));
    out
}

fn header(parts: &Parts, live: &Liveness, now_ms: u64, paint: Paint) -> String {
    let run = &parts.run;
    let plan = clean(&run.settings.name);
    let mut out = format!("{}  run {}", paint.strong(&plan), run.id);
    if let Some(parent) = &run.parent {
        let _ = write!(out, ", a retry of {}", clean(parent));
    }
    let _ = writeln!(out);
    let mut row = |name: &str, text: String| {
        let _ = writeln!(out, "{} {text}", paint.faint(&pad(name, 8)));
    };
    row("state", state_words(parts, live, now_ms));
    row("target", target(parts));
    row("budget", budget(parts));
    if let Some(burn) = live.burn.as_ref().and_then(|burn| burn.words(parts)) {
        row("", burn);
    }
    for line in caps::lines(parts, live.at_ms) {
        row("", line);
    }
    row("tasks", Counts::of(parts).words());
    if !run.wall.wall.is_empty() {
        row("wall", words::wall(&run.wall));
    }
    for held in agents::held(parts) {
        row("agents", held);
    }
    let queue = landing_order(parts);
    if !queue.is_empty() {
        row("landing", queue.join(" < "));
    }
    out
}

fn state_words(parts: &Parts, live: &Liveness, now_ms: u64) -> String {
    let run = &parts.run;
    let mut words = run_state(parts, live).to_owned();
    if let Some(outcome) = outcome(parts) {
        if outcome.word() != words {
            let _ = write!(words, ", {}", outcome.word());
        }
        let detail = run.stopped.as_ref().map(|(_, detail)| clean(detail));
        let _ = write!(words, ": {}", detail.unwrap_or_else(|| words::outcome(outcome).to_owned()));
    }
    if let Some(pid) = live.owner {
        let _ = write!(words, ", process {pid}, {} elapsed", duration(now_ms.saturating_sub(run.started_ms)));
    }
    words
}

fn target(parts: &Parts) -> String {
    let (settings, train) = (&parts.run.settings, &parts.train);
    let branch = clean(&settings.target);
    match train.head().cloned().flatten().or_else(|| train.expected()) {
        Some(head) => format!("{branch} at {}, from base {}", head.short(), settings.base.short()),
        None => format!("{branch}, not made yet, from base {}", settings.base.short()),
    }
}

/// One row of the table, in plain text.
struct Row {
    mark: Mark,
    cells: [String; 5],
    note: String,
}

fn table(parts: &Parts, known: &Liveness, now_ms: u64, paint: Paint, width: usize) -> String {
    let rows: Vec<Row> = parts.tasks.iter().map(|task| row(parts, known, task, now_ms)).collect();
    let head = ["task", "state", "try", "time", "cost"].map(str::to_owned);
    let mut widths = head.each_ref().map(|cell| columns(cell));
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(&row.cells) {
            *width = columns(cell).max(*width);
        }
    }
    let line = |cells: &[String; 5]| -> String {
        let cells = cells.iter().zip(widths).map(|(cell, width)| pad(cell, width)).collect::<Vec<_>>();
        format!("  {}", cells.join("  "))
    };
    let mut out = format!(" {}\n", paint.faint(line(&head).trim_end()));
    for row in &rows {
        let cells = line(&row.cells);
        let note = clip(&row.note, width.saturating_sub(columns(&cells) + 3));
        let text = format!("{cells}  {note}");
        let text =
            if row.mark == Mark::Wait { paint.faint(text.trim_end()) } else { text.trim_end().to_owned() };
        let _ = writeln!(out, "{}{text}", paint.glyph(row.mark));
    }
    out
}

fn row(parts: &Parts, known: &Liveness, task: &Task, now_ms: u64) -> Row {
    let attempt = task.attempt.as_ref();
    let tries = match (task.attempts, task.spec.retries.max) {
        (0, _) => "-".to_owned(),
        (attempts, max) => format!("{attempts}/{}", (max + 1).max(attempts)),
    };
    let running = matches!(task.phase, Phase::Making | Phase::Running);
    let until_ms =
        attempt.map(|attempt| if running { now_ms } else { attempt.ended_ms }).filter(|ms| *ms > 0);
    let time = attempt.zip(until_ms).map(|(attempt, ms)| duration(ms.saturating_sub(attempt.started_ms)));
    let time = time.unwrap_or_else(|| "-".to_owned());
    let commit = match task.end() {
        Some(End::Merged { commit }) => Some(commit.short().to_owned()),
        _ => None,
    };
    let reason = waits::reason(parts, task);
    let heard = known.heard.get(&task.spec.id).filter(|_| running).map(|reading| agents::now(task, reading));
    let agent = agents::name(task).filter(|_| running);
    let note = [commit, agent, heard, reason].into_iter().flatten().collect::<Vec<_>>().join("  ");
    let id = clip(task.spec.id.as_str(), ID_MAX);
    Row { mark: mark(task), cells: [id, task.word().to_owned(), tries, time, cost(parts, task)], note }
}

/// What a task cost, or holds while it runs.
fn cost(parts: &Parts, task: &Task) -> String {
    let spent = parts.ledger.spent_by(&task.spec.id);
    let Some(attempt) = &task.attempt else { return "-".to_owned() };
    match (parts.ledger.line(&task.spec.id, attempt.no), task_cost(parts, task)) {
        (Some(line), _) => match line.usage.usd {
            Some(used) => format!("{} of {}", dollars(used.plus(spent)), dollars(line.grant.plus(spent))),
            None if line.grant.plus(spent) == Usd::ZERO => dollars(Usd::ZERO),
            // It has not said anything yet, which is not the same as nothing spent.
            None => format!("up to {}", dollars(line.grant.plus(spent))),
        },
        (None, Some(cost)) => money(spent, cost),
        (None, None) => "-".to_owned(),
    }
}

/// The sign of a task's state.
pub(in super::super) fn mark(task: &Task) -> Mark {
    match &task.phase {
        Phase::Waiting | Phase::Ready | Phase::Queued => Mark::Wait,
        Phase::Backoff { .. } => Mark::Again,
        Phase::Held { .. } => Mark::Warn,
        Phase::Ended(End::Merged { .. } | End::Done { .. }) => Mark::Good,
        Phase::Ended(End::Failed { .. }) => Mark::Bad,
        Phase::Ended(End::Skipped { .. } | End::Cancelled { .. }) => Mark::Skip,
        Phase::Making
        | Phase::Running
        | Phase::Saving
        | Phase::Judging(_)
        | Phase::Gating(_)
        | Phase::Merging
        | Phase::Failing { .. } => Mark::Busy,
    }
}

fn section(out: &mut String, title: &str, lines: &[String], mark: Mark, paint: Paint, width: usize) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", paint.strong(title));
    for line in lines {
        let _ = writeln!(out, "  {} {}", paint.glyph(mark), clip(line, width.saturating_sub(4)));
    }
}

/// Commands with what they do, never cut: they are there to be copied.
pub(in super::super) fn commands(steps: &[Step], paint: Paint) -> String {
    let wide = steps.iter().map(|step| columns(&step.command)).max().unwrap_or_default();
    let mut out = format!("{}\n", paint.strong("next"));
    for step in steps {
        let _ = writeln!(out, "  {}   {}", pad(&step.command, wide), paint.faint(&step.purpose));
    }
    out
}
