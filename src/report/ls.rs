//! Many runs at once: the list of them, and the short record of one that the list can be read from.

use std::fmt::Write;

use serde_json::{Value, json};
use swarm_domain::Usd;
use swarm_domain::state::State;

use super::counts::Counts;
use super::scrub::scrub;
use super::status::run_outcome;
use super::text::{clean, columns, cost_word, dollars, pad, rfc3339, size};

/// One run in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub run: String,
    /// The name of its plan.
    pub plan: String,
    /// The word for its state.
    pub state: String,
    /// The word for how it came out, if it did.
    pub outcome: Option<String>,
    /// Tasks that have ended.
    pub tasks_done: usize,
    /// All its tasks.
    pub tasks: usize,
    /// What it cost, as far as that is known.
    pub spent: Usd,
    /// When it began, in milliseconds since 1970; 0: not known.
    pub started_ms: u64,
    /// What its folder takes on the disk.
    pub bytes: u64,
    /// The branch it lands on.
    pub target: String,
    /// Whether a process drives it.
    pub live: bool,
}

/// A table of runs, in the order that they come in.
pub fn ls_text(rows: &[Row]) -> String {
    let head = ["run", "plan", "state", "tasks", "cost", "began", "size", "target"].map(str::to_owned);
    let cells: Vec<[String; 8]> = std::iter::once(head).chain(rows.iter().map(row)).collect();
    let mut widths = [0; 8];
    for line in &cells {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = columns(cell).max(*width);
        }
    }
    let mut out = String::new();
    for line in &cells {
        let text: Vec<String> = line.iter().zip(widths).map(|(cell, width)| pad(cell, width)).collect();
        let _ = writeln!(out, "{}", text.join("  ").trim_end());
    }
    out
}

fn row(row: &Row) -> [String; 8] {
    let state = match &row.outcome {
        Some(outcome) if *outcome != row.state => format!("{}: {}", row.state, outcome),
        _ => row.state.clone(),
    };
    let glyph = match (row.live, row.outcome.as_deref()) {
        (true, _) => "●",
        (false, Some("landed")) => "✓",
        (false, _) if row.state == "finished" || row.state == "damaged" => "✗",
        (false, _) => "!",
    };
    // A list knows no more than the sum, so nothing known is not shown as a price of nothing.
    let spent = if row.spent == Usd::ZERO { "-".to_owned() } else { dollars(row.spent) };
    let began = if row.started_ms == 0 { "-".to_owned() } else { minute(row.started_ms) };
    [
        clean(&row.run),
        clean(&row.plan),
        format!("{glyph} {}", clean(&state)),
        if row.tasks == 0 { "-".to_owned() } else { format!("{}/{}", row.tasks_done, row.tasks) },
        spent,
        began,
        size(row.bytes),
        clean(&row.target),
    ]
}

/// A point in time to the minute, in UTC.
fn minute(ms: u64) -> String {
    let time = rfc3339(ms);
    time.get(..16).map_or(time.clone(), |minute| format!("{}Z", minute.replace('T', " ")))
}

/// The same list for machines.
pub fn ls_json(rows: &[Row]) -> Value {
    let one = |row: &Row| {
        json!({
            "run": row.run,
            "plan": row.plan,
            "state": row.state,
            "outcome": row.outcome,
            "tasks_done": row.tasks_done,
            "tasks": row.tasks,
            "spent_usd": row.spent.decimal(),
            "started": (row.started_ms > 0).then(|| rfc3339(row.started_ms)),
            "bytes": row.bytes,
            "target": row.target,
            "live": row.live,
        })
    };
    scrub(json!({"schema": "swarm.ls/1", "runs": rows.iter().map(one).collect::<Vec<_>>()}))
}

/// What a list wants to know of one run. A cache: it can be made anew from the journal, and nothing that acts trusts it.
pub fn summary(state: &State, digest: &str) -> Value {
    let Some(parts) = state.parts() else {
        return json!({"schema": "swarm.summary/1", "run": null, "seq": state.seq(), "digest": digest});
    };
    let (run, counts) = (&parts.run, Counts::of(parts));
    scrub(json!({
        "schema": "swarm.summary/1",
        "run": run.id,
        "parent": run.parent,
        "plan": run.settings.name,
        "source": run.source,
        "target": run.settings.target,
        "finished": run.finished.is_some(),
        "outcome": run_outcome(parts),
        "tasks": counts.total,
        "tasks_done": parts.tasks.ended(),
        "tasks_landed": counts.landed,
        "tasks_failed": counts.failed,
        "spent_usd": parts.ledger.spent().decimal(),
        "cost": cost_word(parts.ledger.cost()),
        "started_ms": run.started_ms,
        "seq": state.seq(),
        "digest": digest,
        "version": env!("CARGO_PKG_VERSION"),
    }))
}
