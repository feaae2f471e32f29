//! A plan as the file says it, every default written out. What only the repository can say is not known here: the base's commit, the target's place, who commits.

use std::collections::BTreeMap;

use swarm_domain::plan::{
    Allowed, AtCap, Caps, Isolation, MergePolicy, Meter, OnFailure, OnLimit, OnUnknownCost, PlanError,
    Secrets, Settings, Tree, Workspace,
};
use swarm_domain::{Oid, Plan, TaskSpec, Usd};

/// A decoded and normalised plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The plan's name.
    pub name: String,
    /// The commit-ish to start from, if the plan names one.
    pub base: Option<String>,
    /// The branch to land on, if the plan names one.
    pub target: Option<String>,
    /// What the run may use. No cap on money: the user spelled out that it is unlimited. Time is the wall clock.
    pub caps: Caps,
    /// What all attempts of an agent may use together, by the agent's name.
    pub agent_caps: BTreeMap<String, Caps>,
    /// What all runs of the repository may spend on one day.
    pub per_day: Option<Usd>,
    /// Shares of a cap at which a warning is due, in percent, rising.
    pub warn: Vec<u32>,
    /// What happens to running attempts when a cap is reached that others share.
    pub at_cap: AtCap,
    /// What an unknown cost settles at.
    pub on_unknown_cost: OnUnknownCost,
    /// Who says what agents use.
    pub meter: Meter,
    /// Attempts at once.
    pub concurrency: u32,
    /// Gates at once.
    pub gate_slots: u32,
    /// What a failed task does to the rest.
    pub on_failure: OnFailure,
    /// What a rate limit of an agent's provider means.
    pub on_limit: OnLimit,
    /// Put before every prompt.
    pub instructions: String,
    /// How worktrees are made ready.
    pub workspace: Workspace,
    /// Globs outside all claims, left to the merge.
    pub shared: Vec<String>,
    /// Names of variables passed through to everything.
    pub pass_env: Vec<String>,
    /// How finished work lands.
    pub merge: MergePolicy,
    /// What may land although it is a hazard.
    pub allow: Allowed,
    /// What attempts work in.
    pub tree: Tree,
    /// How secrets are kept out.
    pub secrets: Secrets,
    /// How far attempts and gates are kept apart from the machine.
    pub isolation: Isolation,
    /// The tasks in the order of the file.
    pub tasks: Vec<TaskSpec>,
}

/// What the repository and the command line add to a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The commit the run is based on.
    pub base: Oid,
    /// The branch that finished work lands on, without `refs/heads/`.
    pub target: String,
    /// Where the target stands; none: it does not exist.
    pub target_at: Option<Oid>,
    /// Who the landed commits are by: name and address.
    pub identity: (String, String),
    /// Whether setup and gates run on the base before the first start.
    pub preflight: bool,
}

impl Draft {
    /// The target's name: the plan's own, or `swarm/<name>`.
    pub fn target_name(&self) -> String {
        self.target.clone().unwrap_or_else(|| format!("swarm/{}", self.name))
    }

    /// The plan to run. A draft that [`super::load`] gave has no graph errors left; one that was edited since may.
    pub fn into_plan(self, resolved: Resolved) -> Result<Plan, Vec<PlanError>> {
        let settings = Settings {
            name: self.name,
            base: resolved.base,
            target: resolved.target,
            target_at: resolved.target_at,
            caps: self.caps,
            agent_caps: self.agent_caps,
            per_day: self.per_day,
            warn: self.warn,
            at_cap: self.at_cap,
            on_unknown_cost: self.on_unknown_cost,
            meter: self.meter,
            concurrency: self.concurrency,
            gate_slots: self.gate_slots,
            on_failure: self.on_failure,
            on_limit: self.on_limit,
            instructions: self.instructions,
            workspace: self.workspace,
            shared: self.shared,
            pass_env: self.pass_env,
            merge: self.merge,
            preflight: resolved.preflight,
            identity: resolved.identity,
            allow: self.allow,
            tree: self.tree,
            secrets: self.secrets,
            isolation: self.isolation,
        };
        Plan::new(settings, self.tasks)
    }
}

/// Where in the file the parts of one task stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TaskSpots {
    /// Its id.
    pub(super) id: super::source::Span,
    /// Its needs, in their order.
    pub(super) needs: Vec<super::source::Span>,
    /// Its claims, in their order.
    pub(super) files: Vec<super::source::Span>,
    /// What says what it may cost: its own budget or the defaults'.
    pub(super) budget: Option<super::source::Span>,
    /// What says what one attempt costs: its own, the defaults' or the agent's.
    pub(super) estimate: Option<super::source::Span>,
}

/// A draft and where its parts stand.
#[derive(Clone, Debug)]
pub(super) struct Decoded {
    pub(super) draft: Draft,
    /// One for each task, in the same order.
    pub(super) spots: Vec<TaskSpots>,
    /// Ids of tasks that could not be decoded: needing one of them is no second mistake.
    pub(super) broken: Vec<String>,
    /// The run's budget.
    pub(super) budget: Option<super::source::Span>,
}
