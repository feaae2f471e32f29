//! A second opinion on a schedule: slots, needs and money, followed through the event stream by rules of its own.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::{Event, Events};

/// What the stream says about a task.
struct Planned {
    needs: Vec<(String, bool)>,
    estimate: u64,
}

/// The run as far as the stream tells it.
#[derive(Default)]
pub(crate) struct Audit {
    tasks: BTreeMap<String, Planned>,
    limit: usize,
    cap: u64,
    begun: bool,
    running: BTreeSet<String>,
    /// Not to be started: under way, waiting for a retry, or final.
    taken: BTreeSet<String>,
    landed: BTreeSet<String>,
    ended: BTreeSet<String>,
    spent: u64,
    held: BTreeMap<String, u64>,
    /// The most attempts that ever ran at once.
    pub(crate) most: usize,
    /// How often a task was ready and could not be afforded.
    pub(crate) waited_for_money: usize,
}

impl Audit {
    /// Follows a whole run, and fails where a slot was free while a task was ready and affordable, where more ran than the
    /// limit allows, and where a task started before what it needs.
    pub(crate) fn of(events: &Events) -> Self {
        let mut audit = Self::default();
        for (at, event) in events.0.iter().enumerate() {
            audit.take(event);
            // Facts come first in a batch, and everything that follows from them behind: news after a decision is of the
            // next batch, and nothing may have been left undecided.
            let settled = is_decision(event) && events.0.get(at + 1).is_some_and(|next| !is_decision(next));
            if audit.begun && settled {
                audit.assert_busy(event.seq);
            }
        }
        audit
    }

    fn take(&mut self, event: &Event) {
        let task = event.task.clone();
        match event.kind.as_str() {
            "run.planned" => {
                self.limit = usize::try_from(event.data["concurrency"].as_u64().unwrap()).unwrap();
                self.cap = event.micros("cap_usd");
            }
            "task.planned" => self.planned(event),
            "attempt.started" => self.started(event),
            "agent.exited" => {
                self.running.remove(&task);
                self.held.remove(&task);
                self.spent += event.micros("usd");
            }
            "grant.raised" => drop(self.held.insert(task, event.micros("usd"))),
            "task.ready" => drop(self.taken.remove(&task)),
            "task.merged" | "task.done" => {
                self.landed.insert(task.clone());
                self.ended.insert(task);
            }
            "task.failed" | "task.skipped" | "task.cancelled" => drop(self.ended.insert(task)),
            _ => {}
        }
    }

    fn planned(&mut self, event: &Event) {
        let needs = event.data["needs"].as_array().unwrap().iter();
        let needs = needs.map(|need| (need["task"].as_str().unwrap().to_owned(), need["when"] == "merged"));
        let estimate = if event.text("kind") == "agent" { event.micros("estimate_usd") } else { 0 };
        self.tasks.insert(event.task.clone(), Planned { needs: needs.collect(), estimate });
    }

    fn started(&mut self, event: &Event) {
        assert!(self.needs_met(&self.tasks[&event.task]), "{} started before what it needs", event.task);
        self.begun = true;
        self.running.insert(event.task.clone());
        self.taken.insert(event.task.clone());
        self.held.insert(event.task.clone(), event.micros("reserved_usd"));
        self.most = self.most.max(self.running.len());
        assert!(self.running.len() <= self.limit, "seq {}: {} run at once", event.seq, self.running.len());
    }

    fn needs_met(&self, task: &Planned) -> bool {
        task.needs.iter().all(
            |(need, merged)| if *merged { self.landed.contains(need) } else { self.ended.contains(need) },
        )
    }

    fn assert_busy(&mut self, seq: u64) {
        let free = self.cap - (self.spent + self.held.values().sum::<u64>()).min(self.cap);
        let open = |id: &String| !self.taken.contains(id) && !self.ended.contains(id);
        let ready: Vec<_> = self.tasks.iter().filter(|(id, task)| open(id) && self.needs_met(task)).collect();
        if let Some((id, _)) = ready.iter().find(|(_, task)| task.estimate <= free) {
            assert!(self.running.len() >= self.limit, "seq {seq}: a slot is free and {id} could start");
        }
        self.waited_for_money += usize::from(ready.iter().any(|(_, task)| task.estimate > free));
    }
}

/// Raises are decided with the news that asks for them, ahead of other news.
fn is_decision(event: &Event) -> bool {
    event.by == "policy" && !event.kind.starts_with("grant.")
}
