//! People, disks and clocks have a mind of their own. What they do is chosen by the number of the writer's turn.

use swarm_domain::event::RoomLost;
use swarm_domain::fact::{Outcome, Request};
use swarm_domain::{Caps, Command, Event, TaskId, Usd};

use crate::choice::{Site, Who};
use crate::laws::Broken;

use super::Drive;

/// How long a clock is off that somebody set, in milliseconds.
const HOUR_MS: i64 = 3_600_000;

impl Drive {
    /// People, disks and clocks have a mind of their own.
    pub(super) fn interfere(&mut self) -> Result<(), Broken> {
        let who = Who::Number(self.turn);
        let (clock, room, person) = {
            let mut world = self.world.lock();
            let mut once = |site| world.choices.once(site, who);
            (once(Site::ClockStep), once(Site::Room), once(Site::Person))
        };
        if clock != 0 {
            let step_ms = if clock == 1 { HOUR_MS } else { -HOUR_MS };
            self.world.lock().skew_ms += step_ms;
        }
        if room != 0 {
            self.world.lock().lose_room(if room == 1 { 5_000 } else { 1_200_000 });
            let full = RoomLost { detail: "full".to_owned(), at_ms: 0 };
            self.turn(Command::Fact(full.into()), None)?;
        }
        if person != 0 && self.is_up() {
            let request = self.request(person, who);
            return self.ask(format!("ask-{}", self.turn), request);
        }
        Ok(())
    }

    pub(super) fn request(&self, which: u32, who: Who) -> Request {
        let whom = self.world.lock().choices.once(Site::PersonWhom, who) as usize;
        let tasks = self.plan.tasks();
        match which {
            1 => Request::Drain { signal: 2 },
            2 => Request::Interrupt { signal: 15 },
            3 => Request::Pause,
            4 => Request::Unpause,
            5 => Request::SetConcurrency { slots: 1 + u32::try_from(whom % 8).unwrap_or(0) },
            6 => Request::SetConcurrency { slots: 1 },
            7 => Request::Cancel { tasks: vec![tasks[whom % tasks.len()].id.clone()] },
            8 => Request::Cancel { tasks: Vec::new() },
            9 => Request::AddBudget { caps: Caps::of_usd(Some(Usd::from_micros(50))) },
            10 => Request::SetBudget {
                caps: Caps::of_usd(Some(Usd::from_micros(10 + u64::try_from(whom).unwrap_or(0)))),
            },
            _ => Request::Cancel { tasks: vec![TaskId::new("nobody").expect("letters are an id")] },
        }
    }

    pub(super) fn ask(&mut self, id: String, request: Request) -> Result<(), Broken> {
        self.turn(Command::Ask { id, by: "sim".to_owned(), request }, None)
    }

    /// Whoever resumes a run that has used up what it may brings more.
    pub(super) fn bring_money(&mut self) -> Result<(), Broken> {
        match self.is_up().then(|| self.money()).flatten() {
            Some((id, request)) => self.ask(id, request),
            None => Ok(()),
        }
    }

    /// How much of all that is capped, and that it is brought once.
    pub(crate) fn money(&mut self) -> Option<(String, Request)> {
        self.stopped_with.take_if(|outcome| *outcome == Outcome::Budget)?;
        let more: u64 = 100 << self.resumes.min(40);
        let capped = self.plan.settings().caps;
        // Somebody may have set a cap on money where the plan has none.
        let is_set = |event: &Event| match event {
            Event::Requested(asked) => matches!(asked.request, Request::SetBudget { .. }),
            _ => false,
        };
        let money = capped.usd.is_some() || self.life.history.iter().any(|at| is_set(&at.event));
        let caps = Caps {
            usd: money.then_some(Usd::from_micros(more)),
            tokens: capped.tokens.map(|_| more),
            calls: capped.calls.map(|_| more),
            turns: capped.turns.map(|_| more),
            time_ms: None,
        };
        Some((format!("money-{}", self.life.openings), Request::AddBudget { caps }))
    }
}
