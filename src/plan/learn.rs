//! Estimates from what attempts like a task's cost before. Pure: where the past was read from is not known here.

use swarm_domain::Usd;
use swarm_domain::plan::{Learned, TaskSpec, Work};

use super::Draft;

/// Fewer attempts than this teach nothing.
const ATTEMPTS_MIN: usize = 3;
/// So many of the newest count: models and prices change.
const ATTEMPTS_MAX: usize = 100;

/// An attempt of an earlier run, and what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastAttempt {
    /// The agent's name in its plan.
    pub agent: String,
    /// The adapter that started it.
    pub adapter: String,
    /// The model that was asked for.
    pub model: Option<String>,
    /// The labels of its task.
    pub labels: Vec<String>,
    /// What it cost.
    pub cost: Usd,
}

/// What is known beside a plan, by which it is judged; by default nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// Attempts of earlier runs, newest first.
    pub past: &'a [PastAttempt],
    /// The run's cap instead of the plan's.
    pub cap: Option<Usd>,
}

/// Gives every agent's task without an estimate what is known of attempts like its own, newest first. A reservation that
/// could never be made is cut to what could.
pub fn learn(draft: &mut Draft, past: &[PastAttempt]) {
    for at in 0..draft.tasks.len() {
        let task = &draft.tasks[at];
        if task.estimate.is_some() || !task.is_agent() {
            continue;
        }
        let own = task.agent().and_then(|agent| draft.agent_caps.get(agent)?.usd);
        let most = [task.caps.usd, own, draft.per_day, draft.caps.usd].into_iter().flatten().min();
        let learned = like(task, past).map(|learned| match most {
            Some(most) => Learned { median: learned.median.min(most), p90: learned.p90.min(most), ..learned },
            None => learned,
        });
        draft.tasks[at].learned = learned;
    }
}

/// What is known of attempts like a task's: those with one of its labels, the first that has enough; else all of its agent.
fn like(task: &TaskSpec, past: &[PastAttempt]) -> Option<Learned> {
    let Work::Agent { agent, adapter, model, .. } = &task.work else { return None };
    // What an agent of a plan's own runs is known by its name alone.
    let named = adapter == "shell";
    let same = |one: &&PastAttempt| {
        one.adapter == *adapter && one.model == *model && (!named || one.agent == *agent)
    };
    let of_agent: Vec<&PastAttempt> = past.iter().filter(same).collect();
    let program = if named { agent } else { adapter };
    let name = model.as_ref().map_or_else(|| program.clone(), |model| format!("{program}/{model}"));
    let with_label = |label: &String| {
        let costs = of_agent.iter().filter(|one| one.labels.contains(label)).map(|one| one.cost);
        summed_up(costs, format!("{name}, label {label}"))
    };
    let by_label = task.labels.iter().find_map(with_label);
    by_label.or_else(|| summed_up(of_agent.iter().map(|one| one.cost), name.clone()))
}

/// Median and 90th percentile by the nearest rank: both are costs that there were.
fn summed_up(costs: impl Iterator<Item = Usd>, of: String) -> Option<Learned> {
    let mut costs: Vec<Usd> = costs.take(ATTEMPTS_MAX).collect();
    costs.sort_unstable();
    let rank = |percent: usize| costs[(costs.len() * percent).div_ceil(100) - 1];
    let attempts = u32::try_from(costs.len()).unwrap_or(u32::MAX);
    (costs.len() >= ATTEMPTS_MIN).then(|| Learned { median: rank(50), p90: rank(90), attempts, of })
}

#[cfg(test)]
mod tests {
    use super::{PastAttempt, Usd, learn, summed_up};
    use crate::plan::tests::yaml;

    fn cents(cents: u64) -> Usd {
        Usd::from_micros(cents * 10_000)
    }

    fn past(model: &str, label: &str, costs: &[u64]) -> Vec<PastAttempt> {
        let one = |cost: &u64| PastAttempt {
            agent: "builder".to_owned(),
            adapter: "claude".to_owned(),
            model: Some(model.to_owned()),
            labels: vec![label.to_owned()],
            cost: cents(*cost),
        };
        costs.iter().map(one).collect()
    }

    #[test]
    fn median_and_ninetieth_percentile_are_costs_that_there_were() {
        for (costs, expected) in [
            (&[5, 7][..], None),
            (&[9, 1, 5], Some((5, 9))),
            (&[1, 2, 3, 4], Some((2, 4))),
            (&[10, 1, 2, 3, 4, 5, 6, 7, 8, 9], Some((5, 9))),
        ] {
            let learned = summed_up(costs.iter().map(|cost| cents(*cost)), "x".to_owned());
            let figures = learned.map(|learned| (learned.median, learned.p90));
            assert_eq!(figures, expected.map(|(median, p90)| (cents(median), cents(p90))), "{costs:?}");
        }
    }

    #[test]
    fn a_task_learns_from_attempts_like_its_own() {
        let plan = "version: 1\nbudget: 1usd\nagents: {builder: {adapter: claude, model: sonnet}}\ndefaults: {agent: builder}\n\
             tasks:\n  docs: {prompt: x, labels: [new, docs]}\n  code: {prompt: x}\n  own: {prompt: x, estimate: 0.70usd}\n  run: {run: make}\n";
        let mut draft = yaml(plan).unwrap_or_else(|refused| panic!("{refused}")).draft;
        let mut records = past("sonnet", "docs", &[10, 20, 30]);
        records.extend(past("sonnet", "code", &[40, 500]));
        records.extend(past("opus", "code", &[900, 900, 900]));
        learn(&mut draft, &records);
        let learned: Vec<_> = draft
            .tasks
            .iter()
            .map(|task| task.learned.as_ref().map(|one| (one.median, one.p90, one.attempts, one.of.as_str())))
            .collect();
        let docs = Some((cents(20), cents(30), 3, "claude/sonnet, label docs"));
        // A reservation of five dollars could never be made in a run of one.
        let code = Some((cents(30), cents(100), 5, "claude/sonnet"));
        assert_eq!(learned, [docs, code, None, None]);
    }
}
