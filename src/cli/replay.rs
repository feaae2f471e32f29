//! `swarm replay`: a run rebuilt from its journal alone, up to any moment, and checked against what it left in the world.

use swarm_actors::{Recorded, digest};
use swarm_domain::state::State;
use swarm_domain::{Event, TaskId};

use super::Context;
use super::args::ReplayArgs;
use super::exit::{Failure, JOURNAL, OK, USAGE};
use super::{out, proof};
use crate::report::{self, EventStream, Liveness, Spending};
use crate::runs::{self, History, RunFolder};

pub(super) fn replay(context: &Context, args: &ReplayArgs) -> Result<u8, Failure> {
    let folder = context.find(args.run.as_deref())?;
    let history = runs::read(&folder.journal())?;
    if let Some(torn) = &history.torn {
        eprintln!(
            "note: the journal ends in a torn record, as after a crash; it was never acknowledged ({torn:?})"
        );
    }
    if args.verify {
        return verify(context, &folder, &history);
    }
    let upto = match &args.at {
        Some(at) => moment(&history, at)?,
        None => history.events.len(),
    };
    let events = &history.events[..upto];
    if args.events {
        let mut stream = EventStream::new(&id_of(&history, &folder));
        for value in events.iter().flat_map(|recorded| stream.push(recorded)) {
            out::line(value);
        }
        return Ok(OK);
    }
    let state = fold(events)?;
    // Of a moment in the past it is told as it was then: whoever drove the run, drove it.
    let now = upto == history.events.len();
    let owner = if now { folder.owner() } else { driver(events) };
    let now_ms = report::last_ms(events);
    let burn = owner.map(|_| Spending::of(events).burn(now_ms));
    let live = Liveness { owner, at_ms: now_ms, burn, ..Liveness::default() };
    if context.json {
        out::line(report::status_json(&state, &live, &digest(&state)));
        return Ok(OK);
    }
    for recorded in events {
        out::line(report::event_line(recorded));
    }
    out::line(format!(
        "\n{}",
        report::status_text(&state, &live, now_ms, out::colour(), out::width()).trim_end()
    ));
    Ok(OK)
}

/// The process that drove the run last.
fn driver(events: &[Recorded]) -> Option<u32> {
    events.iter().rev().find_map(|recorded| match &recorded.event {
        Event::Opened(opened) => Some(opened.pid),
        _ => None,
    })
}

fn id_of(history: &History, folder: &RunFolder) -> String {
    history.state.parts().map_or_else(|| folder.id.clone(), |parts| parts.run.id.clone())
}

fn fold(events: &[Recorded]) -> Result<State, Failure> {
    let mut state = State::new();
    for recorded in events {
        state
            .replay(&recorded.event)
            .map_err(|illegal| Failure::new(JOURNAL, format!("record {}: {illegal}", recorded.seq)))?;
    }
    Ok(state)
}

/// How many events there are up to a seq, a time, or the first moment at which a task is in a state.
fn moment(history: &History, at: &str) -> Result<usize, Failure> {
    let last = history.events.len();
    if let Ok(seq) = at.parse::<usize>() {
        let fits = seq <= last;
        return if fits {
            Ok(seq)
        } else {
            Err(Failure::new(USAGE, format!("the run has {last} records, and {seq} is none of them")))
        };
    }
    if let Some((task, state)) =
        at.split_once(':').filter(|(task, _)| !task.chars().all(|c| c.is_ascii_digit()))
    {
        if let Some(found) = first_in_state(history, task, state)? {
            return Ok(found);
        }
        return at_time(history, at).ok_or_else(|| {
            Failure::new(USAGE, format!("`{task}` was never {state} in this run"))
                .hint("`swarm replay` without --at lists what happened")
        });
    }
    at_time(history, at).ok_or_else(|| {
        Failure::new(USAGE, format!("`{at}` is no seq, time or task:state"))
            .hint("such as 412, 14:03:10 or sessions:failed")
    })
}

fn first_in_state(history: &History, task: &str, word: &str) -> Result<Option<usize>, Failure> {
    let Ok(id) = TaskId::new(task) else { return Ok(None) };
    if history.state.parts().is_none_or(|parts| parts.tasks.get(&id).is_none()) {
        return Ok(None);
    }
    let mut state = State::new();
    for (before, recorded) in history.events.iter().enumerate() {
        state.replay(&recorded.event).map_err(|illegal| Failure::new(JOURNAL, illegal))?;
        let is = state.parts().and_then(|parts| parts.tasks.get(&id)).is_some_and(|task| task.word() == word);
        if is {
            return Ok(Some(before + 1));
        }
    }
    Ok(None)
}

/// A clock time is one of the day on which the run began, in the zone of whoever asks.
fn at_time(history: &History, text: &str) -> Option<usize> {
    let at_ms = if let Ok(time) = text.parse::<jiff::Timestamp>() {
        time.as_millisecond()
    } else {
        let clock = text.parse::<jiff::civil::Time>().ok()?;
        let begun = i64::try_from(history.events.first()?.time_ms).ok()?;
        let begun = jiff::Timestamp::from_millisecond(begun).ok()?.to_zoned(jiff::tz::TimeZone::system());
        begun.date().to_datetime(clock).to_zoned(begun.time_zone().clone()).ok()?.timestamp().as_millisecond()
    };
    let at_ms = u64::try_from(at_ms).ok()?;
    Some(history.events.partition_point(|recorded| recorded.time_ms <= at_ms))
}

/// Folds everything and compares: with the digest that the live run reported, and with what else vouches for the run.
fn verify(context: &Context, folder: &RunFolder, history: &History) -> Result<u8, Failure> {
    let found = digest(&history.state);
    let mut faults = Vec::new();
    let reported = reported(folder);
    if let Some((seq, digest)) = &reported
        && *seq == history.state.seq()
        && history.state.parts().is_none_or(|parts| parts.run.lost == 0)
        && *digest != found
    {
        faults.push(format!(
            "the live run reported digest {digest} at seq {seq}, and the journal folds to {found}"
        ));
    }
    let proof = proof::check(context, folder, history)?;
    faults.extend(proof.faults);
    let landed = proof.commits;
    let seq = history.state.seq();
    if context.json {
        let document = serde_json::json!({
            "schema": "swarm.verify/1", "run": folder.id, "seq": seq, "digest": found, "faults": faults,
            "compared_with_live": reported.is_some(), "commits": landed,
        });
        out::line(document);
        // One document is the answer, also when it is not a good one.
        return Ok(if faults.is_empty() { OK } else { JOURNAL });
    }
    out::line(format!("{seq} records, digest {found}"));
    if let Some(parts) = history.state.parts().filter(|parts| parts.run.lost > 0) {
        let (lost, unfit) = (parts.run.lost, parts.run.unfit);
        out::line(format!("{lost} of them are lost, and {unfit} behind them do not fit what is left"));
    }
    if let Some(landed) = landed {
        out::line(proof::commits_line(landed));
    }
    if faults.is_empty() {
        return Ok(OK);
    }
    Err(Failure::new(JOURNAL, faults.join("\n       "))
        .hint("keep a copy of the run's folder before anything else"))
}

/// What the live run said of itself when it ended. Another version may hold the same state in another shape.
fn reported(folder: &RunFolder) -> Option<(u64, String)> {
    let text = std::fs::read_to_string(folder.dir.join("summary.json")).ok()?;
    let summary: serde_json::Value = serde_json::from_str(&text).ok()?;
    let comparable = summary.get("version")?.as_str()? == env!("CARGO_PKG_VERSION");
    comparable.then_some(())?;
    Some((summary.get("seq")?.as_u64()?, summary.get("digest")?.as_str()?.to_owned()))
}
