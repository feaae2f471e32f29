//! The pure core: what is true of a run, and what follows from it. Knows no clock, disk, process, thread or random number.
#![forbid(unsafe_code)]
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test that stops there says where"))]

pub mod caps;
pub mod checks;
pub mod claims;
pub mod decide;
pub mod effect;
mod end;
pub mod event;
pub mod fact;
pub mod gates;
mod graph;
pub mod hazard;
pub mod holds;
pub mod ids;
mod judge;
mod leak;
pub mod ledger;
mod life;
mod message;
mod next;
pub mod owed;
mod parts;
pub mod plan;
pub mod policy;
pub mod prompt;
pub mod run;
mod settings;
#[cfg(test)]
mod sim;
pub mod state;
#[cfg(test)]
mod tables;
pub mod task;
pub mod tasks;
pub mod train;
pub mod usd;
mod warn;

pub use caps::{AtCap, Caps, Measure, Used};
pub use decide::{Command, NewRun, Refusal};
pub use effect::{Actor, Effect, Key};
pub use event::Event;
pub use fact::Moment;
pub use hazard::{Hazard, HazardKind};
pub use ids::{Oid, TaskId};
pub use plan::{
    Allowed, Claims, Command as Program, Gate, GateScope, Isolation, Learned, MergeOrder, MergePolicy, Meter,
    NeedWhen, OnChangeless, OnConflict, OnFailure, OnLimit, OnStray, OnUnknownCost, Plan, PlanError, Retries,
    RetryFrom, RetryOn, Settings, Strategy, TaskSpec, Tree, Wall, Work, Workspace,
};
pub use policy::{Again, AsPlanned, Policy};
pub use usd::{Usd, UsdError};
