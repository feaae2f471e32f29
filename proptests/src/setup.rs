//! How a run is to be driven, and what came of it. Drives nothing.

use std::sync::Arc;

use swarm_actors::Recorded;
use swarm_domain::Policy;
use swarm_domain::fact::Outcome;
use swarm_domain::plan::Plan;

use crate::choice::{Scenario, Site};
use crate::laws::Broken;
use crate::marks::{Marks, Matrix};
use crate::sabotage::Sabotage;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Explored {
    /// Every event, in order.
    pub history: Vec<Recorded>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Every choice that was not kind.
    pub made: Vec<(crate::choice::Place, u32)>,
    /// Which branches it took.
    pub marks: Marks,
    /// What met what in it.
    pub matrix: Matrix,
    /// How often swarm died in it.
    pub crashes: u32,
    /// How many turns its writers took.
    pub turns: u32,
    /// The law that was broken, if one was.
    pub broken: Option<Broken>,
}

/// How a run is to be driven.
#[derive(Clone)]
pub struct Setup {
    /// What is chosen.
    pub scenario: Scenario,
    /// The plan, if it is not the scenario's. In it no two tasks write the same path, but where `task.paths` says so.
    pub plan: Option<Plan>,
    /// Who chooses where the plan leaves a choice.
    pub policy: Arc<dyn Policy>,
    /// A fault that is planted.
    pub sabotage: Option<Sabotage>,
    /// Swarm dies, once, a moment after so much has happened in the world.
    pub dies_after: Option<u32>,
    /// Sites that are kind, whatever the scenario says.
    pub silent: &'static [Site],
    /// Whether law 3 is checked at every event, and not only at crashes.
    pub thorough: bool,
    /// Whether it is run twice, and must go the same way. Law 10; a policy that throws dice does not keep it.
    pub twice: bool,
}

impl Setup {
    /// A scenario under the plan's own policy.
    pub fn of(scenario: Scenario) -> Self {
        // One seed in sixteen is looked at more closely: that costs twice the time.
        let thorough = scenario.seed.is_none_or(|seed| seed.is_multiple_of(16));
        Self {
            scenario,
            dies_after: None,
            silent: &[],
            plan: None,
            policy: Arc::new(swarm_domain::AsPlanned),
            sabotage: None,
            thorough,
            twice: thorough,
        }
    }
}
