//! Random worlds around a policy of one's own, which must hold to the same laws as swarm's own does.

use std::sync::Arc;

use swarm_domain::Policy;
use swarm_domain::plan::Plan;

use crate::choice::Scenario;
use crate::drive::run;
use crate::each::each;
use crate::setup::{Explored, Setup};
use crate::what_if::{Failed, Tried, Why, held};

type Wish = Box<dyn Fn(&Explored) -> bool + Send + Sync>;

/// Runs under a policy.
pub struct Explore {
    policy: Arc<dyn Policy>,
    plan: Option<Plan>,
    first: u64,
    seeds: u64,
    wishes: Vec<(String, Wish)>,
}

/// Holds a policy to the laws, in worlds in which everything goes wrong. Law 15: it may choose badly, and breaks none.
///
/// ```
/// use swarm_domain::state::Parts;
/// use swarm_domain::task::Task;
/// use swarm_domain::{Policy, TaskId};
/// use swarm_proptests::explore;
///
/// /// Whoever asks for least money goes first.
/// struct Cheapest;
///
/// impl Policy for Cheapest {
///     fn start(&self, _: &Parts, ready: &mut dyn Iterator<Item = &Task>) -> Option<TaskId> {
///         ready.min_by_key(|task| task.spec.estimate).map(|task| task.spec.id.clone())
///     }
/// }
///
/// let tried = explore(Cheapest).seeds(200).eventually("something happened", |run| !run.history.is_empty()).run()?;
/// assert_eq!(tried.runs, 200);
/// # Ok::<(), swarm_proptests::Failed>(())
/// ```
pub fn explore(policy: impl Policy + 'static) -> Explore {
    Explore { policy: Arc::new(policy), plan: None, first: 0, seeds: 1_000, wishes: Vec::new() }
}

impl Explore {
    /// In so many worlds; 1 000 if nothing is said.
    #[must_use]
    pub fn seeds(self, count: u64) -> Self {
        Self { seeds: count, ..self }
    }

    /// In those from this one on.
    ///
    /// ```
    /// use swarm_domain::AsPlanned;
    /// use swarm_proptests::explore;
    ///
    /// // What was found in one seed is tried again in that seed alone.
    /// assert_eq!(explore(AsPlanned).from_seed(4711).seeds(1).run()?.runs, 1);
    /// # Ok::<(), swarm_proptests::Failed>(())
    /// ```
    #[must_use]
    pub fn from_seed(self, first: u64) -> Self {
        Self { first, ..self }
    }

    /// With this plan, and not with one from each seed.
    ///
    /// ```
    /// use swarm_domain::AsPlanned;
    /// use swarm_proptests::{Recorded, explore};
    ///
    /// let recorded = Recorded::open("../tests/old_journals/0.1.0/demo")?.setup();
    /// explore(AsPlanned).plan(recorded.plan.expect("it has one")).seeds(50).run()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn plan(self, plan: Plan) -> Self {
        Self { plan: Some(plan), ..self }
    }

    /// What must be so of every run once it is over, beside the laws.
    ///
    /// ```
    /// use swarm_domain::AsPlanned;
    /// use swarm_proptests::explore;
    ///
    /// let never = explore(AsPlanned).seeds(20).eventually("nothing ever starts", |run| {
    ///     !run.history.iter().any(|recorded| recorded.event.name() == "attempt.started")
    /// });
    /// assert!(never.run().unwrap_err().to_string().starts_with("it is not so that nothing ever starts"));
    /// ```
    #[must_use]
    pub fn eventually(
        mut self,
        what: impl Into<String>,
        is_so: impl Fn(&Explored) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.wishes.push((what.into(), Box::new(is_so)));
        self
    }

    /// Runs all of them, on every core. Fails with the first seed in which a law is broken, or something is not so.
    pub fn run(&self) -> Result<Tried, Failed> {
        let sums = each(self.seeds, |tried: &mut Tried, number| {
            let scenario = Scenario::of_seed(self.first + number);
            let explored = run(&self.setup(scenario.clone()));
            tried.add(&explored);
            self.wished(&explored, &scenario)?;
            held(explored, &scenario)
        })?;
        Ok(Tried::sum(sums))
    }

    fn setup(&self, scenario: Scenario) -> Setup {
        // Whether a policy answers the same question in the same way is its own affair.
        let (policy, plan) = (self.policy.clone(), self.plan.clone());
        Setup { policy, plan, twice: false, ..Setup::of(scenario) }
    }

    /// A run that broke a law is not over.
    fn wished(&self, explored: &Explored, scenario: &Scenario) -> Result<(), Failed> {
        let missed = self.wishes.iter().find(|(_, is_so)| explored.broken.is_none() && !is_so(explored));
        missed.map_or(Ok(()), |(what, _)| {
            Err(Failed { why: Why::Not(what.clone()), scenario: scenario.clone() })
        })
    }
}
