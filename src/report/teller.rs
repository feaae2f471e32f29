//! A run as it goes, for people: the lines of each event, and one line that says where everything stands. Cannot tell live from replayed.

use std::fmt::Write;

use swarm_actors::Recorded;
use swarm_domain::Event;
use swarm_domain::state::{Parts, State};
use swarm_domain::task::Phase;

use super::agents::Heard;
use super::burn::Spending;
use super::counts::{Counts, budget, landing_order};
use super::lines::{self, Told};
use super::paint::{Mark, Paint};
use super::text::{clean, clip, clock, columns, duration, pad};

/// The narrowest and the widest column of names.
const NAME_MIN: usize = 9;
const NAME_MAX: usize = 24;
/// The most running tasks that a heartbeat names.
const RUNNING_SHOWN: usize = 6;
/// The most that is said of what one agent is doing, in columns.
const DOING_COLUMNS: usize = 48;

/// Tells a run event by event. It folds the events itself, so it needs nothing but them.
#[derive(Debug)]
pub struct Teller {
    state: State,
    paint: Paint,
    name_width: usize,
    /// The last output that was shown, so that it is not shown again with the failure it led to.
    shown: String,
    spending: Spending,
}

impl Default for Teller {
    fn default() -> Self {
        Self::new()
    }
}

impl Teller {
    /// A teller that knows of nothing yet, without colour.
    pub fn new() -> Self {
        Self {
            state: State::new(),
            paint: Paint::default(),
            name_width: NAME_MIN,
            shown: String::new(),
            spending: Spending::default(),
        }
    }

    /// The same with colour, or without.
    #[must_use]
    pub fn colour(mut self, on: bool) -> Self {
        self.paint = Paint { on };
        self
    }

    /// The state that the events so far fold to.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Takes an event and gives the lines that people should see; most events have none.
    pub fn take(&mut self, recorded: &Recorded) -> Vec<String> {
        let event = &recorded.event;
        let gate = self.gate(event);
        if self.state.apply(event).is_err() {
            // The writer refuses what does not fit, so this is no event of this run: there is nothing to tell.
            return Vec::new();
        }
        self.spending.take(recorded.time_ms, event);
        if let Event::TaskPlanned(planned) = event {
            self.name_width = self.name_width.max(columns(planned.spec.id.as_str())).min(NAME_MAX);
        }
        let Some(parts) = self.state.parts() else { return Vec::new() };
        let told = lines::of(parts, recorded.time_ms, event, gate.as_ref());
        if matches!(event, Event::AttemptStarted(_) | Event::GateEnded(_)) {
            self.shown.clear();
        }
        let elapsed_ms = recorded.time_ms.saturating_sub(parts.run.started_ms);
        told.into_iter().flat_map(|told| self.lines(elapsed_ms, told)).collect()
    }

    /// The gate that an event ends, while the state still knows it.
    fn gate(&self, event: &Event) -> Option<swarm_domain::gates::GateRun> {
        match event {
            Event::GateEnded(ended) => self.state.parts()?.gates.get(ended.n).cloned(),
            _ => None,
        }
    }

    fn lines(&mut self, elapsed_ms: u64, told: Told) -> Vec<String> {
        let name = pad(&clip(&told.subject, NAME_MAX), self.name_width);
        let (glyph, text) = (self.paint.glyph(told.mark), &told.text);
        let mut lines = vec![format!("{} {glyph} {name} {text}", clock(elapsed_ms))];
        if told.tail != self.shown {
            lines.extend(lines::indented(&told.tail).map(|line| self.paint.faint(&line)));
        }
        if !told.tail.is_empty() {
            self.shown = told.tail;
        }
        lines
    }

    /// Where everything stands, on one line that is never wider than `width`.
    pub fn status_line(&self, now_ms: u64, width: usize, heard: &Heard) -> String {
        let Some(parts) = self.state.parts() else { return clip("nothing is planned yet", width) };
        let run = &parts.run;
        let elapsed = clock(now_ms.saturating_sub(run.started_ms));
        let mut line = format!(
            "{} · {elapsed} · {} · {}",
            clean(&run.settings.name),
            Counts::of(parts).words(),
            budget(parts)
        );
        if let Some(burn) = self.spending.burn(now_ms).words(parts) {
            let _ = write!(line, " · {burn}");
        }
        let queue = landing_order(parts);
        if !queue.is_empty() {
            line.push_str(" · landing ");
            line.push_str(&queue.join(" < "));
        }
        for (task, reading) in heard.iter().filter(|(_, reading)| !reading.doing.is_empty()) {
            let _ = write!(line, " · {task}: {}", clip(&clean(&reading.doing), DOING_COLUMNS));
        }
        clip(&line, width)
    }

    /// A sign of life for where there is no status line: what runs, and since when.
    pub fn heartbeat(&self, now_ms: u64, heard: &Heard) -> String {
        let Some(parts) = self.state.parts() else { return "nothing is planned yet".to_owned() };
        let mut text = Counts::of(parts).words();
        let running = running(parts, now_ms, heard);
        if !running.is_empty() {
            text = format!("{text}; {}", running.join(", "));
        }
        let elapsed = clock(now_ms.saturating_sub(parts.run.started_ms));
        let (glyph, name) = (self.paint.glyph(Mark::Note), pad("run", self.name_width));
        format!("{elapsed} {glyph} {name} {text}; {}", budget(parts))
    }
}

fn running(parts: &Parts, now_ms: u64, heard: &Heard) -> Vec<String> {
    let running = parts.tasks.in_slots().filter(|task| task.phase == Phase::Running);
    let since = |task: &swarm_domain::task::Task| {
        let started_ms = task.attempt.as_ref().map_or(now_ms, |attempt| attempt.started_ms);
        let doing = heard.get(&task.spec.id).map(|reading| clip(&clean(&reading.doing), DOING_COLUMNS));
        let doing = doing.filter(|doing| !doing.is_empty()).map(|doing| format!(" ({doing})"));
        let since = duration(now_ms.saturating_sub(started_ms));
        format!("{} for {since}{}", task.spec.id, doing.unwrap_or_default())
    };
    running.take(RUNNING_SHOWN).map(since).collect()
}
