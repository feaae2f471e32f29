//! `swarm status`, `ls` and `why`: what is, and why. Read commands never write, lock or start anything.

use swarm_domain::TaskId;
use swarm_domain::task::End;

use super::Context;
use super::exit::{Failure, OK, USAGE};
use super::out;
use crate::holder::{self, Probe};
use crate::report::{self, Liveness, Row, Spending};
use crate::runs::{self, RunFolder};
use crate::world::{agent, now_ms};

pub(super) fn status(context: &Context, run: Option<&str>) -> Result<u8, Failure> {
    let folder = context.find(run)?;
    let history = runs::read(&folder.journal())?;
    let (owner, now_ms) = (folder.owner(), now_ms());
    // Of a run that nobody drives it is told what its records say, whenever that is asked.
    let at_ms = owner.map_or_else(|| report::last_ms(&history.events), |_| now_ms);
    let burn = owner.map(|_| Spending::of(&history.events).burn(at_ms));
    let live = Liveness { owner, heard: agent::heard(&folder.dir, &history.state), at_ms, burn };
    if context.json {
        let digest = swarm_actors::digest(&history.state);
        let document = report::status_json(&history.state, &live, &digest);
        out::line(report::with_notes(document, &history.events));
    } else {
        out::line(report::status_text(&history.state, &live, now_ms, out::colour(), out::width()).trim_end());
        if live.owner.is_none() {
            name_orphans(&folder, &history);
        }
    }
    Ok(OK)
}

/// Programs that live on although nobody drives their run: they go on, within their grants, until it is resumed.
fn name_orphans(folder: &RunFolder, history: &runs::History) {
    let Some(parts) = history.state.parts() else { return };
    for task in parts.tasks.in_slots() {
        let (id, attempt) = (task.spec.id.as_str(), task.attempt_no());
        let dir = folder.attempt(id, attempt);
        if let Ok(Probe::Running { started: Some(start) }) = holder::probe(&dir) {
            eprintln!(
                "note: the program of {id} (attempt {attempt}, process {}) still runs; `swarm resume` adopts it",
                start.pid
            );
        }
    }
}

pub(super) fn ls(context: &Context) -> Result<u8, Failure> {
    let repo = context.repo()?;
    let rows: Vec<Row> = runs::list(&repo)?.iter().map(row).collect();
    if context.json {
        out::line(report::ls_json(&rows));
    } else if rows.is_empty() {
        eprintln!(
            "there is no run in this repository yet; `swarm init` writes a plan, `swarm run` starts it"
        );
    } else {
        out::line(report::ls_text(&rows).trim_end());
    }
    Ok(OK)
}

/// A run in the list. One whose journal cannot be read is listed as damaged, so that it is not overlooked.
fn row(folder: &RunFolder) -> Row {
    let live = folder.owner().is_some();
    let read = runs::read(&folder.journal());
    let parts = read.as_ref().ok().and_then(|history| history.state.parts());
    let Some(parts) = parts else {
        return Row {
            run: folder.id.clone(),
            plan: String::new(),
            state: "damaged".to_owned(),
            outcome: None,
            tasks_done: 0,
            tasks: 0,
            spent: swarm_domain::Usd::ZERO,
            started_ms: 0,
            bytes: folder.bytes(),
            target: String::new(),
            live,
        };
    };
    Row {
        run: folder.id.clone(),
        plan: parts.run.settings.name.clone(),
        state: report::run_state(parts, &Liveness { owner: folder.owner(), ..Liveness::default() })
            .to_owned(),
        outcome: report::run_outcome(parts).map(str::to_owned),
        tasks_done: parts.tasks.iter().filter(|task| task.end().is_some_and(End::is_landed)).count(),
        tasks: parts.tasks.len(),
        spent: parts.ledger.spent(),
        started_ms: parts.run.started_ms,
        bytes: folder.bytes(),
        target: parts.run.settings.target.clone(),
        live,
    }
}

pub(super) fn why(context: &Context, task: &str) -> Result<u8, Failure> {
    let folder = context.find(None)?;
    let history = runs::read(&folder.journal())?;
    let why = TaskId::new(task).ok().and_then(|id| report::why(&history.state, &history.events, &id));
    let Some(why) = why else {
        return Err(Failure::new(USAGE, format!("run {} has no task `{task}`", folder.id))
            .hint("`swarm status` lists them"));
    };
    if context.json {
        out::line(why.json);
    } else {
        out::line(why.text.trim_end());
    }
    Ok(OK)
}
