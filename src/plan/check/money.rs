//! Whether the money that is certain to be reserved can be had. What attempts will really cost nobody knows before.

use swarm_domain::Usd;
use swarm_domain::plan::TaskSpec;

use crate::plan::draft::{Decoded, Draft};
use crate::plan::problem::Problem;
use crate::plan::shape::Problems;

/// What an attempt of an agent with neither estimate nor budget reserves.
pub(in crate::plan) const ASSUMED: Usd = Usd::from_dollars(1);

/// What the first attempt of a task asks for: its estimate, or what nine of ten like it cost, or its share of the task's
/// budget, or for an agent the assumed amount.
pub(in crate::plan) fn reservation(task: &TaskSpec) -> Usd {
    let attempts = u64::from(task.retries.max) + 1;
    let share = |budget: Usd| Usd::from_micros(budget.micros().div_ceil(attempts));
    let otherwise = if task.is_agent() { ASSUMED } else { Usd::ZERO };
    let learned = task.learned.as_ref().map(|learned| learned.p90);
    let asked = task.estimate.or(learned).or_else(|| task.caps.usd.map(share)).unwrap_or(otherwise);
    // What is not written down is cut to the task's budget; what is written down and exceeds it is a mistake.
    match (task.estimate, task.caps.usd) {
        (None, Some(budget)) => asked.min(budget),
        (_, _) => asked,
    }
}

/// Reports reservations that can never be made, and assumptions.
pub(super) fn fits(plan: &Decoded, problems: &mut Problems) {
    for (task, spots) in plan.draft.tasks.iter().zip(&plan.spots) {
        let needed = reservation(task);
        let span = spots.estimate.or(spots.budget).unwrap_or(spots.id);
        if let Some(budget) = task.caps.usd.filter(|budget| needed > *budget) {
            let text = format!(
                "one attempt of `{}` reserves {needed}, and all of them together may cost {budget}",
                task.id
            );
            let problem = Problem::error("P0401", text).at(span, format!("reserves {needed}"));
            let problem = spots
                .budget
                .iter()
                .fold(problem, |problem, &span| problem.at(span, format!("allows {budget}")));
            problems.push(problem.help("raise the task's budget or lower the estimate"));
        }
        if let Some((agent, cap)) = agent_cap(&plan.draft, task).filter(|(_, cap)| needed > *cap) {
            let text = format!(
                "one attempt of `{}` reserves {needed}, and all of agent `{agent}` may cost {cap}",
                task.id
            );
            let problem = Problem::error("P0401", text).at(span, format!("reserves {needed}"));
            problems.push(
                problem.help("the task could never start; raise the agent's budget or lower the estimate"),
            );
        }
        if let Some(cap) = plan.draft.per_day.filter(|cap| needed > *cap) {
            let text =
                format!("one attempt of `{}` reserves {needed}, and a whole day may cost {cap}", task.id);
            let problem = Problem::error("P0401", text).at(span, format!("reserves {needed}"));
            problems.push(problem.help("the task could never start; raise `per_day` or lower the estimate"));
        }
        if let Some(cap) = plan.draft.caps.usd.filter(|cap| needed > *cap) {
            let text =
                format!("one attempt of `{}` reserves {needed}, and the whole run may cost {cap}", task.id);
            let problem = Problem::error("P0401", text).at(span, format!("reserves {needed}"));
            let problem =
                plan.budget.iter().fold(problem, |problem, &span| problem.at(span, format!("allows {cap}")));
            problems.push(
                problem.help("the task could never start; raise the run's budget or lower the estimate"),
            );
        }
    }
    assumed(plan, problems);
    tight(plan, problems);
}

/// What all attempts of a task's agent may cost.
fn agent_cap<'a>(draft: &Draft, task: &'a TaskSpec) -> Option<(&'a str, Usd)> {
    let agent = task.agent()?;
    Some((agent, draft.agent_caps.get(agent)?.usd?))
}

/// Agents of whose costs nothing is written down, and nothing is learned.
fn assumed(plan: &Decoded, problems: &mut Problems) {
    let silent = |task: &TaskSpec| {
        task.is_agent() && task.estimate.is_none() && task.learned.is_none() && task.caps.usd.is_none()
    };
    let mut silent = plan.draft.tasks.iter().zip(&plan.spots).filter(|(task, _)| silent(task));
    let Some((task, spots)) = silent.next() else { return };
    let others = match silent.count() {
        0 => String::new(),
        1 => " and 1 other task".to_owned(),
        more => format!(" and {more} other tasks"),
    };
    let text = format!(
        "`{}`{others}: neither an estimate nor a budget, so each attempt reserves {ASSUMED}",
        task.id
    );
    let problem = Problem::warning("P0403", text).at(spots.id, format!("assumes {ASSUMED}"));
    problems.push(problem.help("give the agent an `estimate`, or the task or `defaults` a `budget`"));
}

/// Reservations of all tasks that exceed the cap: no mistake, since attempts may cost less.
fn tight(plan: &Decoded, problems: &mut Problems) {
    let sum: Usd = plan.draft.tasks.iter().map(reservation).sum();
    if let Some(cap) = plan.draft.caps.usd.filter(|cap| sum > *cap) {
        let text = format!("one attempt of each task reserves {sum} in all, and the run may cost {cap}");
        let problem = Problem::warning("P0404", text);
        let problem =
            plan.budget.iter().fold(problem, |problem, &span| problem.at(span, format!("allows {cap}")));
        problems.push(problem.help("if attempts cost what they reserve, the last tasks will not start"));
    }
}
