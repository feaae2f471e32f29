//! The summary for people. Numbers and names only from the draft; nothing is worked out here.

use std::fmt::Write;

use swarm_domain::plan::{NeedWhen, TaskSpec, Work};
use swarm_domain::{Program, Usd};

use super::{Draft, Summary, reservation, scope};
use crate::plan::node::short;

/// How many names a line shows before it only counts.
const NAMES_MAX: usize = 12;

pub(super) fn of(draft: &Draft, allowed: Option<&[&str]>) -> String {
    let summary = Summary::new(draft);
    let mut out = String::new();
    // Writing to a string cannot fail, so the results say nothing.
    let _ = writeln!(
        out,
        "plan `{}`: {}, {} to {}",
        draft.name,
        count(draft.tasks.len(), "task"),
        draft.base.as_deref().unwrap_or("HEAD"),
        draft.target_name()
    );
    for (at, level) in summary.levels.iter().enumerate() {
        let _ = writeln!(out, "  level {}: {}", at + 1, names(draft, level, ", "));
    }
    let _ = writeln!(
        out,
        "  critical path: {} ({})",
        names(draft, &summary.critical_path, " → "),
        count(summary.critical_path.len(), "task")
    );
    let _ = writeln!(
        out,
        "  at once: {} of {} allowed",
        summary.parallel_max,
        count(draft.concurrency as usize, "attempt")
    );
    let _ = writeln!(out, "  expected: {} with one attempt each", summary.money.expected);
    let _ = writeln!(out, "  with all retries: {}", summary.money.with_retries);
    let _ = writeln!(out, "  worst case: {}", worst(draft, &summary));
    table(&super::costs::rows(draft), &mut out);
    if let Some(deadline) = draft.caps.time_ms {
        let _ = writeln!(out, "  deadline: {}", duration(deadline));
    }
    if let Some(allowed) = allowed {
        details(draft, allowed, &mut out);
    }
    out
}

/// What each task costs, in columns.
fn table(rows: &[[String; 5]], out: &mut String) {
    let head = ["task", "expected", "all retries", "worst case", ""].map(str::to_owned);
    let all = || std::iter::once(&head).chain(rows);
    let widths = [0, 1, 2, 3].map(|at| all().map(|row| row[at].chars().count()).max().unwrap_or(0));
    for [task, expected, retried, worst, source] in all().filter(|_| !rows.is_empty()) {
        let [wide, expects, retries, most] = widths;
        let line =
            format!("    {task:<wide$}  {expected:>expects$}  {retried:>retries$}  {worst:>most$}  {source}");
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

fn worst(draft: &Draft, summary: &Summary) -> String {
    match (summary.money.at_most, draft.caps.usd) {
        (Some(most), Some(cap)) if most < cap => format!("{most} of the cap of {cap}"),
        (Some(most), Some(_)) => format!("{most}, the cap of the run"),
        (Some(most), None) => format!("{most} by budgets, with no cap on the run"),
        (None, _) => "unlimited: the run has no cap, and some task no budget".to_owned(),
    }
}

fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

fn names(draft: &Draft, tasks: &[usize], between: &str) -> String {
    let shown: Vec<&str> = tasks.iter().take(NAMES_MAX).map(|&task| draft.tasks[task].id.as_str()).collect();
    let more = tasks.len().saturating_sub(NAMES_MAX);
    let more = if more > 0 { format!("{between}… {more} more") } else { String::new() };
    format!("{}{more}", shown.join(between))
}

fn details(draft: &Draft, allowed: &[&str], out: &mut String) {
    let _ = writeln!(out, "\nenvironment allowed: {}", allowed.join(" "));
    if !draft.pass_env.is_empty() {
        let _ = writeln!(out, "passed to everything: {}", draft.pass_env.join(" "));
    }
    let setup: Vec<String> = draft.workspace.setup.iter().map(command).collect();
    if !setup.is_empty() {
        let _ =
            writeln!(out, "setup: {} (within {})", setup.join("; "), duration(draft.workspace.timeout_ms));
    }
    for task in &draft.tasks {
        one(task, out);
    }
}

fn one(task: &TaskSpec, out: &mut String) {
    let _ = writeln!(out, "\n{}: {}", task.id, task.title);
    let mut row = |name: &str, text: String| {
        if !text.is_empty() {
            let _ = writeln!(out, "  {name:<9} {text}");
        }
    };
    match &task.work {
        Work::Run(run) => row("run", command(run)),
        Work::Agent { agent, adapter, model, permission, .. } => {
            let model = model.as_ref().map(|model| format!(", model {model}")).unwrap_or_default();
            row("agent", format!("{agent} (adapter {adapter}{model}, may {permission})"));
        }
    }
    row("needs", task.needs.iter().map(need).collect::<Vec<_>>().join(", "));
    row("files", task.files.join(" "));
    row("money", money(task));
    row("time", time(task));
    row(
        "retries",
        if task.retries.max == 0 {
            String::new()
        } else {
            format!("{} from {:?}", task.retries.max, task.retries.from).to_lowercase()
        },
    );
    let gate = |gate: &swarm_domain::Gate| {
        format!(
            "{} ({}, {}{})",
            gate.name,
            command(&gate.run),
            scope(gate.scope),
            if gate.advisory { ", advisory" } else { "" }
        )
    };
    row("gates", task.gates.iter().map(gate).collect::<Vec<_>>().join("; "));
    row("setup", task.setup.iter().map(command).collect::<Vec<_>>().join("; "));
    // Names only: a value may be a secret all the same.
    row(
        "env",
        task.env
            .keys()
            .map(String::as_str)
            .chain(task.pass_env.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(" "),
    );
    row("optional", if task.optional { "yes".to_owned() } else { String::new() });
}

fn need((id, when): &(swarm_domain::TaskId, NeedWhen)) -> String {
    match when {
        NeedWhen::Merged => id.to_string(),
        NeedWhen::Ended => format!("{id} (ended)"),
    }
}

fn money(task: &TaskSpec) -> String {
    let reserves = reservation(task);
    match task.caps.usd {
        Some(budget) => format!("reserves {reserves} an attempt, at most {budget}"),
        None if reserves == Usd::ZERO => String::new(),
        None => format!("reserves {reserves} an attempt, at most the run's cap"),
    }
}

fn time(task: &TaskSpec) -> String {
    let limit = |name: &str, ms: Option<u64>| ms.map(|ms| format!("{name} {}", duration(ms)));
    let parts = [limit("at most", task.timeout_ms), limit("silent", task.idle_timeout_ms)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn command(command: &Program) -> String {
    match command {
        Program::Shell(text) => short(text),
        Program::Argv(parts) => format!("{parts:?}"),
    }
}

/// Milliseconds as they would be written in a plan.
fn duration(ms: u64) -> String {
    let units = [(3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    let (mut left, mut out) = (ms, String::new());
    for (size, unit) in units {
        if left >= size {
            let _ = write!(out, "{}{unit}", left / size);
            left %= size;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}
