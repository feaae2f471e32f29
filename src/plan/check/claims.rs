//! Tasks that could run at the same time may not claim one file: the merge would be a conflict that was paid for.

use std::cell::OnceCell;

use swarm_domain::claims::{ClaimSet, overlaps as find};

use crate::plan::draft::Decoded;
use crate::plan::problem::Problem;
use crate::plan::shape::Problems;
use crate::plan::source::Span;

use super::graph::{Graph, Order};

/// How many overlaps are reported.
const OVERLAPS_MAX: usize = 100;

/// Reports claims that meet.
pub(super) fn overlaps(plan: &Decoded, graph: &Graph, order: &Order, problems: &mut Problems) {
    let sets: Vec<ClaimSet> =
        plan.draft.tasks.iter().map(|task| ClaimSet::new(&task.files, &plan.draft.shared)).collect();
    // Most plans have no candidates, and then nobody needs to know who waits for whom.
    let closure = OnceCell::new();
    let together = |a, b| closure.get_or_init(|| graph.closure(order)).together(a, b);
    for overlap in find(&sets, together, OVERLAPS_MAX) {
        let side = |task: usize| {
            let at = sets[task].claimed_by(&overlap.path);
            let span = at.and_then(|at| plan.spots[task].files.get(at)).or(plan.spots[task].files.first());
            let text = at.and_then(|at| plan.draft.tasks[task].files.get(at)).cloned().unwrap_or_default();
            Side {
                id: plan.draft.tasks[task].id.as_str(),
                span: span.copied().unwrap_or(plan.spots[task].id),
                claim: text,
            }
        };
        problems.push(problem(&side(overlap.first), &side(overlap.second), &overlap.path));
    }
}

/// One of the two tasks, and the claim that is in the way.
struct Side<'a> {
    id: &'a str,
    span: Span,
    claim: String,
}

fn problem(first: &Side<'_>, second: &Side<'_>, path: &str) -> Problem {
    let (a, b) = (first.id, second.id);
    let loose =
        [&first.claim, &second.claim].into_iter().find(|claim| !claim.contains('/') && !claim.contains('*'));
    let help = match loose {
        Some(claim) => format!(
            "`{claim}` matches in every folder; `/{claim}` is the one at the top. Or give `{b}` a need for `{a}`"
        ),
        None => {
            format!("give `{b}` a need for `{a}`, narrow one of the globs, or list the file under `shared`")
        }
    };
    Problem::error("P0303", format!("`{a}` and `{b}` can run at the same time and both claim `{path}`"))
        .at(second.span, format!("claimed by `{b}`"))
        .at(first.span, format!("claimed by `{a}`"))
        .help(help)
}
