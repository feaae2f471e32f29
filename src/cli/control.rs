//! `swarm cancel`, `pause`, `unpause` and `budget`: requests to a run, live or not. An answer means that it is durable.

use std::sync::Arc;
use std::time::{Duration, Instant};

use swarm_actors::WriterError;
use swarm_domain::decide::Refusal;
use swarm_domain::fact::Request;
use swarm_domain::{Command, Event, TaskId};
use swarm_journal::{Follower, Item};

use super::Context;
use super::amounts;
use super::args::{BudgetArgs, BudgetChange, CancelArgs, ViewArgs};
use super::exit::{BUSY, ENVIRONMENT, Failure, OK, USAGE};
use super::run::{drive_here, user};
use crate::drive::{Ui, new_request_id};
use crate::runs::{self, Letter, RunFolder};
use crate::world::{RealWorld, Wall};

/// How long a live owner may take to answer. It answers in milliseconds; a machine under load gets its time.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// How often it is looked whether the owner refused, or is gone. What is recorded is seen at once.
const LOOK: Duration = Duration::from_millis(20);

pub(super) fn cancel(context: &Context, args: &CancelArgs) -> Result<u8, Failure> {
    let folder = changing(context, args.run.as_deref())?;
    let tasks = args
        .task
        .iter()
        .map(|id| TaskId::new(id).map_err(|why| Failure::new(USAGE, format!("`{id}`: {why}"))));
    let request = Request::Cancel { tasks: tasks.collect::<Result<_, _>>()? };
    if folder.owner().is_some() {
        send(context, &folder, request)?;
        eprintln!("cancelled; what was written is kept. `swarm status {}` shows it", folder.id);
        return Ok(OK);
    }
    if is_finished(&folder)? {
        return Err(Refusal::Finished.into());
    }
    if !args.task.is_empty() {
        record(context, &folder, request)?;
        eprintln!("recorded; `swarm resume {}` carries on without them", folder.id);
        return Ok(OK);
    }
    // Nobody drives the run, and its agents may live on: it is opened once more, to end them and keep their work.
    let view = ViewArgs { detach: false, ui: Ui::Auto, events: None };
    drive_here(context, &context.repo()?, &folder, &view, vec![request])?;
    Ok(OK)
}

pub(super) fn pause(context: &Context, run: Option<&str>, pause: bool) -> Result<u8, Failure> {
    let folder = changing(context, run)?;
    if is_finished(&folder)? {
        return Err(Refusal::Finished.into());
    }
    if folder.owner().is_none() {
        let hint = format!("`swarm resume {}` carries it on", folder.id);
        return Err(Failure::new(
            USAGE,
            format!("nobody drives run {}, so nothing starts anyway", folder.id),
        )
        .hint(hint));
    }
    send(context, &folder, if pause { Request::Pause } else { Request::Unpause })?;
    if pause {
        eprintln!("paused: what runs goes on, nothing new starts. `swarm unpause {}` goes on", folder.id);
    } else {
        eprintln!("run {} goes on", folder.id);
    }
    Ok(OK)
}

pub(super) fn budget(context: &Context, args: &BudgetArgs) -> Result<u8, Failure> {
    let (words, set) = match &args.change {
        BudgetChange::Add { words } => (words, false),
        BudgetChange::Set { words } => (words, true),
    };
    let (run, caps) = amounts::read(words).map_err(|error| Failure::new(USAGE, error))?;
    let folder = changing(context, run)?;
    let request = if set { Request::SetBudget { caps } } else { Request::AddBudget { caps } };
    let live = folder.owner().is_some();
    if live {
        send(context, &folder, request)?;
    } else {
        record(context, &folder, request)?;
    }
    let state = runs::read_state(&folder.journal())?;
    let now = state.parts().map(|parts| *parts.ledger.caps()).unwrap_or_default();
    eprintln!("the budget of run {} is now {}", folder.id, amounts::shown(&now));
    if !live {
        eprintln!("  next: swarm resume {}", folder.id);
    }
    Ok(OK)
}

/// The run that a changing verb means. Without a name it must be clear: the only live one, or else the latest.
fn changing(context: &Context, name: Option<&str>) -> Result<RunFolder, Failure> {
    if name.is_some() || context.run.is_some() {
        return context.find(name);
    }
    let mut live: Vec<_> =
        runs::list(&context.repo()?)?.into_iter().filter(|run| run.owner().is_some()).collect();
    match live.len() {
        0 => context.find(None),
        1 => Ok(live.remove(0)),
        _ => {
            let ids = live.iter().map(|run| run.id.as_str()).collect::<Vec<_>>().join(", ");
            Err(Failure::new(USAGE, format!("{} runs are live: {ids}", live.len()))
                .hint("name the one you mean"))
        }
    }
}

fn is_finished(folder: &RunFolder) -> Result<bool, Failure> {
    Ok(runs::read_state(&folder.journal())?.parts().is_some_and(|parts| parts.run.finished.is_some()))
}

/// Records a request on a run that nobody drives.
pub(super) fn record(context: &Context, folder: &RunFolder, request: Request) -> Result<(), Failure> {
    record_letter(context, folder, Letter { id: new_request_id(), by: user(), request })
}

fn record_letter(context: &Context, folder: &RunFolder, letter: Letter) -> Result<(), Failure> {
    let repo = context.repo()?;
    let places = folder.places(&repo)?;
    let (mut writer, _) = runs::open_writer(&folder.journal(), |_, epoch| {
        Arc::new(RealWorld::new(repo.clone(), places.clone(), String::new(), epoch, Wall::none()))
    })?;
    match writer.record(&Command::Ask { id: letter.id, by: letter.by, request: letter.request }) {
        // Its owner took it with its last breath.
        Ok(_) | Err(WriterError::Refused(Refusal::Repeated(_))) => {}
        Err(error) => return Err(error.into()),
    }
    let state = writer.close()?;
    crate::drive::write_summary(folder, &state);
    Ok(())
}

/// Sends a request to the process that drives a run, and waits until it is durable. If that process ends first, the
/// request is recorded here: its id makes it happen once.
pub(super) fn send(context: &Context, folder: &RunFolder, request: Request) -> Result<(), Failure> {
    let letter = Letter { id: new_request_id(), by: user(), request };
    let mut follower = Follower::new(&folder.journal());
    runs::post(&folder.dir, &letter)?;
    let begun = Instant::now();
    loop {
        let mut answered = false;
        follower.next(&mut |item| answered |= is_answer(&item, &letter.id))?;
        if answered {
            return Ok(());
        }
        if let Some(why) = runs::answer_of(&folder.dir, &letter.id) {
            return Err(Failure::new(USAGE, why));
        }
        if folder.owner().is_none() {
            match record_letter(context, folder, letter.clone()) {
                // Somebody else took the run over, and finds the letter in its inbox.
                Err(failure) if failure.code == BUSY => {}
                Err(failure) => return Err(failure),
                Ok(()) => {
                    runs::Inbox::new(&folder.dir).done(&letter.id);
                    return Ok(());
                }
            }
        }
        if begun.elapsed() > ANSWER_LIMIT {
            let hint = format!(
                "the request stays in its inbox; `swarm status {}` shows whether it was taken",
                folder.id
            );
            return Err(
                Failure::new(ENVIRONMENT, "the process that drives the run does not answer").hint(hint)
            );
        }
        follower.wait(LOOK)?;
    }
}

/// Whether this tells that the request with this id was taken.
fn is_answer(item: &Item<'_>, id: &str) -> bool {
    let Item::Record(record) = item else { return false };
    matches!(swarm_actors::event_of(record), Ok(Event::Requested(seen)) if seen.id == id)
}
