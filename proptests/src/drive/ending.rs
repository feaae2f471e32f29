//! How a run ends, or stops and is resumed; and by when it must have ended. Law 12.

use swarm_domain::Event;
use swarm_domain::fact::Outcome;
use swarm_domain::plan::Plan;

use crate::laws::Broken;
use crate::marks::Mark;

use super::{BETWEEN_EFFECTS, Drive};

impl Drive {
    /// The run ended or stopped. If it stopped, somebody sees to what was in its way and resumes it.
    pub(super) fn stop(&mut self, outcome: Outcome) -> Result<(), Broken> {
        self.life.close()?;
        self.stopped(outcome)
    }

    pub(super) fn stopped(&mut self, outcome: Outcome) -> Result<(), Broken> {
        let finished =
            matches!(self.life.history.last().map(|last| &last.event), Some(Event::RunFinished(_)));
        let mut world = self.world.lock();
        world.forget();
        // Nobody raises the caps of an agent, nor a deadline that is too near: that is an end, too.
        let out_of_budget = outcome == Outcome::Budget && !self.plan.settings().agent_caps.is_empty();
        let out_of_time = outcome == Outcome::Deadline && self.resumes > 5;
        if finished || out_of_budget || out_of_time {
            self.ended = Some(outcome);
            return Ok(());
        }
        world.marks.hit(Mark::Resumed);
        world.see_to_it();
        drop(world);
        self.resumes += 1;
        self.stopped_with = Some(outcome);
        if self.resumes as usize > 20 + self.plan.tasks().len() * 4 {
            return Err(Broken::new(12, format!("it stops again and again, last with {}", outcome.word())));
        }
        Ok(())
    }

    /// What follows a life of the actors: it came to its end, or the journal failed under it.
    pub(crate) fn after_a_life(&mut self, outcome: Option<Outcome>) -> Result<(), Broken> {
        self.life.absorb();
        if let Some(broken) = self.world.lock().broken.take() {
            return Err(broken);
        }
        match outcome {
            Some(outcome) => self.stopped(outcome)?,
            None => self.die(BETWEEN_EFFECTS),
        }
        if self.ended.is_none() {
            self.life.open()?;
            if let Some(outcome) = self.life.state().and_then(|state| state.run().run.finished) {
                return self.stop(outcome);
            }
        }
        Ok(())
    }

    /// Whether the moment has come at which it is to die. A millisecond later nobody is at anything.
    pub(crate) fn dies_now(&mut self) -> bool {
        let dies = self.dies_after.is_some_and(|after| after == self.world.lock().happened);
        if dies {
            self.dies_after = None;
            self.world.lock().now_ms += 1;
        }
        dies
    }

    pub(crate) fn at_end(&mut self) -> Result<(), Broken> {
        self.life.read_back()?;
        let finished =
            matches!(self.life.history.last().map(|last| &last.event), Some(Event::RunFinished(_)));
        if !finished {
            return Ok(());
        }
        let world = self.world.lock();
        world.books.at_end(Some(&world.repo))?;
        if world.running() > 0 {
            return Err(Broken::new(5, "the run is finished, and a program of it runs"));
        }
        Ok(())
    }
}

/// The most steps that a run takes once nothing goes wrong any more: each attempt is a worktree, a program, its work, its
/// gates, a merge and a landing; and what is natural fails a limited number of times.
pub(super) fn bound(plan: &Plan) -> u32 {
    let per_attempt = |gates: usize| 30 + 20 * u32::try_from(gates).unwrap_or(10);
    let of_task = |task: &swarm_domain::TaskSpec| (task.retries.max + 8) * per_attempt(task.gates.len());
    200 + plan.tasks().iter().map(of_task).sum::<u32>()
}
