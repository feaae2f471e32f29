//! One turn of the writer: what is to go wrong in it, what came of it, and what is owed then.

use swarm_actors::{Committed, Submit};
use swarm_domain::effect::Actor;
use swarm_domain::{Command, Effect, Key};

use crate::choice::{Site, Who};
use crate::laws::Broken;
use crate::marks::Mark;
use crate::meters::Meters;

use super::Drive;

impl Drive {
    /// Takes a command and all that follows from it, as one turn of the writer does.
    pub(super) fn turn(&mut self, command: Command, answered: Option<&Key>) -> Result<(), Broken> {
        self.turn += 1;
        let who = Who::Number(self.turn);
        let (crash, fault) = {
            let mut world = self.world.lock();
            (world.choices.once(Site::Crash, who), world.choices.once(Site::DiskFault, who))
        };
        if crash == 1 {
            self.die(crash);
            return Ok(());
        }
        self.life.sabotage_early(&command);
        self.life.arm(crash, fault);
        let met = self.met(&command);
        let turned = self.life.turn(Submit { command, reply: None });
        let Ok(committed) = turned else {
            self.die(crash);
            return Ok(());
        };
        self.life.disarm();
        if crash == 4
            && let Some(committed) = committed
        {
            self.life.unheard(committed);
            self.die(crash);
            return Ok(());
        }
        self.note(met, committed.as_ref());
        if let Some(committed) = committed {
            self.commit(committed, answered)?;
        }
        if crash != 0 && self.is_up() {
            self.die(crash);
        }
        Ok(())
    }

    /// Which state meets which fact.
    pub(super) fn met(&self, command: &Command) -> Option<(&'static str, &'static str)> {
        let (Command::Fact(fact) | Command::Answer { fact, .. }) = command else { return None };
        let task = swarm_domain::state::task_of(fact)?;
        let state = self.life.state()?;
        let task = state.parts()?.tasks.get(task)?;
        Some((crate::marks::phase_name(&task.phase), fact.name()))
    }

    pub(super) fn note(&mut self, met: Option<(&'static str, &'static str)>, committed: Option<&Committed>) {
        let Some((state, fact)) = met else { return };
        let taken =
            committed.is_some_and(|committed| committed.events.iter().any(|at| at.event.name() == fact));
        self.matrix.input(state, fact, taken);
        if !taken {
            self.world.lock().marks.hit(Mark::Refused);
        }
    }

    pub(super) fn commit(&mut self, committed: Committed, answered: Option<&Key>) -> Result<(), Broken> {
        self.life.committed(&committed)?;
        for view in committed.views {
            self.owes(&view.actor, view.owed, answered);
        }
        self.dismissed.extend(committed.idle);
        self.arm(committed.wakeup_ms);
        if let Some(outcome) = committed.ended {
            self.stop(outcome)?;
        }
        Ok(())
    }

    pub(super) fn owes(&mut self, actor: &Actor, owed: Vec<Effect>, answered: Option<&Key>) {
        let mut world = self.world.lock();
        if *actor == Actor::Budget {
            self.meters.owes(world.now_ms, owed);
            return;
        }
        for effect in owed {
            let key = effect.key();
            if answered != Some(&key) && !world.is_under_way(&key) {
                world.begin(effect);
            }
        }
    }

    /// Swarm dies. What it had in memory goes.
    pub(crate) fn die(&mut self, point: u32) {
        let pending = self.world.lock().what_is_pending(self.life.has_unsettled());
        self.matrix.crash(point, pending);
        (self.meters, self.wakeup) = (Meters::default(), None);
        self.life.die();
    }
}
