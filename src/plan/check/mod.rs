//! What can be wrong with a plan as a whole, when each of its parts is fine.

mod claims;
mod graph;
mod money;

use super::draft::Decoded;
use super::shape::Problems;

pub(super) use graph::Graph;
pub(super) use money::reservation;

/// Reports everything.
pub(super) fn all(plan: &Decoded, problems: &mut Problems) {
    let graph = graph::Graph::new(&plan.draft.tasks);
    graph::needs(plan, problems);
    let order = graph.order();
    graph::cycles(plan, &order.cycles, problems);
    claims::overlaps(plan, &graph, &order, problems);
    money::fits(plan, problems);
}
