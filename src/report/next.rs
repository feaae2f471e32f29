//! What to type next: commands for each way in which a run can stand, with a word on what each does. Runs none of them.

use swarm_domain::Usd;
use swarm_domain::caps::Measure;
use swarm_domain::fact::{Cap, Cause, Outcome};
use swarm_domain::run::{Pause, Preflight};
use swarm_domain::state::Parts;
use swarm_domain::task::{End, Failure, Phase, Task};
use swarm_domain::tasks::reserve;

use super::agents;
use super::caps;
use super::text::{clean, shell_word};

/// The most tasks that are named one by one.
const TASKS_SHOWN: usize = 3;

/// A command and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// As it is typed.
    pub(super) command: String,
    /// What it does.
    pub(super) purpose: String,
}

pub(super) fn step(command: String, purpose: &str) -> Step {
    Step { command, purpose: purpose.to_owned() }
}

/// The commands that make sense now. Never none.
pub(super) fn steps(parts: &Parts, owner: Option<u32>) -> Vec<Step> {
    let run = &parts.run;
    match (run.finished, &run.stopped, owner) {
        (Some(outcome), _, _) => finished(parts, outcome),
        (None, Some((outcome, _)), _) => stopped(parts, *outcome),
        (None, None, Some(_)) => live(parts),
        (None, None, None) => {
            let purpose = "nobody drives the run: it goes on where it was";
            vec![step(format!("swarm resume {}", run.id), purpose)]
        }
    }
}

fn live(parts: &Parts) -> Vec<Step> {
    let id = &parts.run.id;
    let mut steps = Vec::new();
    if parts.run.pause.is_some() {
        steps.push(step(format!("swarm unpause {id}"), "starts tasks again"));
    }
    if let Some(hold) = parts.train.held() {
        steps.push(free_target(&hold.path));
    }
    if parts.run.pause.is_none() && parts.holds.iter().next().is_some() {
        steps.push(step(format!("swarm unpause {id}"), "lets agents that are held try again at once"));
    }
    steps.extend(asks(parts));
    steps.push(step(format!("swarm attach {id}"), "shows it as it goes"));
    steps
}

fn finished(parts: &Parts, outcome: Outcome) -> Vec<Step> {
    let id = &parts.run.id;
    let mut steps = land(parts);
    let all_landed = parts.tasks.iter().all(|task| task.end().is_some_and(End::is_landed));
    if outcome == Outcome::Landed && steps.is_empty() {
        steps.push(step(
            format!("swarm clean {id}"),
            "nothing is to be landed: removes the run's folder and refs",
        ));
    }
    if !all_landed {
        steps.extend(asks(parts));
        steps.extend(allowances(parts));
        steps.push(step(
            format!("swarm retry {id}"),
            "a new run of what did not land; what landed is carried over",
        ));
    }
    steps
}

/// The keys that let land what was refused, where a person wants it so.
fn allowances(parts: &Parts) -> Option<Step> {
    let refused = |task: &&Task| matches!(task.end(), Some(End::Failed { cause: Cause::Hazard, .. }));
    parts.tasks.iter().find(refused)?;
    let command = format!("swarm retry {} --plan FILE", parts.run.id);
    Some(step(command, "if that may land: name its path under `merge: {allow: …}` in the plan"))
}

/// How to take over what the target has.
fn land(parts: &Parts) -> Vec<Step> {
    if parts.train.landed().is_none() || parts.train.is_lost() {
        return Vec::new();
    }
    let target = shell_word(&parts.run.settings.target);
    vec![
        step(format!("swarm land {}", parts.run.id), "brings it into the branch that you have checked out"),
        step(format!("git push -u origin {target}"), "publishes it for a review"),
    ]
}

/// A look at the tasks that a person should know about.
fn asks(parts: &Parts) -> Vec<Step> {
    let wanted = |task: &&Task| matches!(task.phase, Phase::Held { .. } | Phase::Ended(End::Failed { .. }));
    let tasks = parts.tasks.iter().filter(wanted).take(TASKS_SHOWN);
    tasks.flat_map(|task| [Some(why(parts, task)), leaked(parts, task)]).flatten().collect()
}

/// What to do about a task that ended for what looks like a secret.
fn leaked(parts: &Parts, task: &Task) -> Option<Step> {
    let leaks = |failure: &&Failure| failure.cause == Cause::Secret;
    task.failure.as_ref().filter(leaks)?;
    Some(step(
        format!("swarm retry {} --plan FILE", parts.run.id),
        "after `secrets: {allow: [{rule: …, path: …}]}` in that plan, if what was found is no secret",
    ))
}

fn why(parts: &Parts, task: &Task) -> Step {
    step(
        format!("swarm why {} -r {}", task.spec.id, parts.run.id),
        "says what went wrong, attempt by attempt",
    )
}

fn resume(parts: &Parts, purpose: &str) -> Step {
    step(format!("swarm resume {}", parts.run.id), purpose)
}

fn stopped(parts: &Parts, outcome: Outcome) -> Vec<Step> {
    let mut steps = match outcome {
        Outcome::Budget => budget(parts),
        Outcome::Deadline => vec![resume(parts, "goes on where it was, with the same time again")],
        Outcome::Merge => target(parts),
        Outcome::Environment => surroundings(parts),
        Outcome::Paused => {
            let mut steps = asks(parts);
            steps.push(resume(parts, "goes on, once you have looked at it"));
            steps
        }
        Outcome::Interrupted { .. }
        | Outcome::Landed
        | Outcome::Partial
        | Outcome::Failed
        | Outcome::Cancelled => vec![resume(parts, "goes on where it was")],
    };
    steps.extend(land(parts).into_iter().take(1).filter(|_| outcome != Outcome::Merge));
    steps
}

fn budget(parts: &Parts) -> Vec<Step> {
    let (id, ledger) = (&parts.run.id, &parts.ledger);
    let agent = parts.tasks.first_ready().and_then(|task| task.spec.agent());
    let bar = ledger.bar(agent, 0);
    let reached = bar.map(|bar| bar.reached).filter(|reached| reached.measure != Measure::Usd);
    match (bar.map_or_else(|| ledger.tightest(agent), |bar| bar.cap), reached) {
        (Cap::Agent, _) => {
            let file = shell_word(&parts.run.source);
            let purpose =
                "a new run, after you raised the agent's budget in the plan; what landed is carried over";
            vec![step(format!("swarm retry {id} --plan {file}"), purpose)]
        }
        (Cap::Day, _) => {
            let file = shell_word(&parts.run.source);
            let purpose = "a new run, after you raised `per_day` in the plan; what landed is carried over";
            vec![resume(parts, day_goes_on(parts)), step(format!("swarm retry {id} --plan {file}"), purpose)]
        }
        (Cap::Run | Cap::Task, Some(reached)) => {
            let over = reached.used.saturating_sub(reached.cap);
            let more = over.saturating_add(reached.cap.div_ceil(2));
            let amount = caps::typed(reached.measure, more);
            let add = format!("swarm budget add {id} {amount}");
            let purpose = if over > 0 {
                "what it is over its cap, and half of that cap on top"
            } else {
                "half of its cap on top"
            };
            vec![step(add, purpose), resume(parts, "goes on where it was")]
        }
        // More was given since it stopped.
        (Cap::Run | Cap::Task, None) if shortfall(parts) == Usd::ZERO => {
            vec![resume(parts, "goes on with what it was given")]
        }
        (Cap::Run | Cap::Task, None) => {
            let amount = caps::typed(Measure::Usd, shortfall(parts).micros());
            let add = format!("swarm budget add {id} {amount}");
            let purpose = "pays for one attempt of each task that is left";
            vec![step(add, purpose), resume(parts, "goes on where it was")]
        }
    }
}

/// When there is something of the day again.
fn day_goes_on(parts: &Parts) -> &'static str {
    let shared = parts.ledger.day().is_some_and(|day| day.elsewhere > Usd::ZERO);
    if shared {
        "goes on where it was, once other live runs have ended or the day is over"
    } else {
        "goes on where it was, when the day is over"
    }
}

/// What the cap lacks for one attempt of each task that has not ended.
fn shortfall(parts: &Parts) -> Usd {
    let ledger = &parts.ledger;
    let open = parts.tasks.iter().filter(|task| task.end().is_none());
    let due: Usd = open.filter_map(|task| reserve(task, ledger)).sum();
    let wanted = ledger.spent().plus(ledger.reserved()).plus(due);
    wanted.minus(ledger.cap().unwrap_or(wanted))
}

/// The target is checked out, or it was moved.
fn target(parts: &Parts) -> Vec<Step> {
    let target = shell_word(&parts.run.settings.target);
    let landed = parts.train.landed();
    if let Some(hold) = parts.train.held() {
        return vec![free_target(&hold.path), resume(parts, "lands what waits")];
    }
    if parts.train.broken().is_some() {
        let fsck = step("git fsck --connectivity-only".to_owned(), "shows whether the repository is whole");
        return vec![fsck, resume(parts, "tries to land again, after a repair")];
    }
    let mut steps = Vec::new();
    if let Some(landed) = landed.filter(|_| parts.train.is_lost()) {
        let deleted = parts.train.head() == Some(&None);
        let branch = if deleted { "" } else { target.as_str() };
        let log = format!("git log --oneline --graph {branch} {}", landed.short());
        steps.push(step(log, "shows where the branch is now, and what this run had landed"));
        steps.push(step(
            format!("git branch -f {target} {landed}"),
            "puts it back; what it holds now leaves the branch",
        ));
    }
    steps.push(resume(parts, "goes on, once the branch is right"));
    steps
}

fn free_target(path: &str) -> Step {
    step(format!("git -C {} switch --detach", shell_word(path)), "frees the target; no file there changes")
}

fn surroundings(parts: &Parts) -> Vec<Step> {
    let run = &parts.run;
    if let Preflight::Failed { name, .. } = &run.preflight {
        let (name, source) = (shell_word(name), shell_word(&run.source));
        return vec![
            step(format!("swarm logs --gate {name} -r {}", run.id), "shows all that it printed"),
            resume(parts, "checks the base again, after a repair outside the repository"),
            step(format!("swarm run {source}"), "a new run on a new base, after a repair that you committed"),
        ];
    }
    if run.no_room.is_some() {
        return vec![
            step("swarm clean --dry-run".to_owned(), "lists what ended runs still keep"),
            resume(parts, "goes on, once there is room"),
        ];
    }
    if !agents::sign_ins(parts).is_empty() {
        return vec![
            step("swarm doctor".to_owned(), "shows which agents are there and signed in"),
            resume(parts, "goes on, once they are"),
        ];
    }
    vec![resume(parts, "goes on, after a repair")]
}

/// What to type about one task.
pub(super) fn for_task(parts: &Parts, task: &Task, owner: Option<u32>) -> Vec<Step> {
    let (id, run) = (&task.spec.id, &parts.run.id);
    let mut steps = Vec::new();
    if task.attempts > 0 {
        steps.push(step(format!("swarm logs {id} -r {run}"), "all that its last attempt printed"));
    }
    if task.tip.is_some() {
        steps.push(step(format!("swarm diff {id} -r {run}"), "what its last attempt changed"));
    }
    steps.extend(leaked(parts, task).filter(|_| task.end().is_some()));
    match &task.phase {
        Phase::Ended(End::Skipped { because }) => {
            steps.push(step(format!("swarm why {because} -r {run}"), "why that one did not land"));
            steps.push(step(format!("swarm retry {run}"), "a new run of what did not land"));
        }
        Phase::Ended(End::Failed { .. } | End::Cancelled { .. }) => {
            steps.push(step(format!("swarm retry {run} {id}"), "a new run of this task"));
        }
        Phase::Ended(End::Merged { .. } | End::Done { .. }) if parts.run.finished.is_some() => {
            steps.extend(land(parts));
        }
        _ => steps.extend(self::steps(parts, owner)),
    }
    if steps.is_empty() {
        steps = self::steps(parts, owner);
    }
    let this = why(parts, task).command;
    steps.retain(|step| step.command != this);
    steps
}

/// Why a person is needed, one line each. Nobody is needed where there is none.
pub(super) fn needs_you(parts: &Parts) -> Vec<String> {
    let mut lines = Vec::new();
    if parts.run.finished.is_some() {
        return lines;
    }
    let target = clean(&parts.run.settings.target);
    match &parts.run.pause {
        Some(Pause::Asked) => lines.push("the run is paused on request".to_owned()),
        Some(Pause::Failed(task)) => lines.push(format!("the run is paused, because {task} failed")),
        None => {}
    }
    if let Some(hold) = parts.train.held() {
        lines.push(format!("{target} is checked out in {}, so nothing can land on it", clean(&hold.path)));
    }
    if let Some(fault) = parts.train.broken() {
        lines.push(format!("git cannot merge: {}", clean(fault)));
    }
    if parts.train.is_lost() {
        lines.push(format!("{target} was moved and no longer holds what this run landed"));
    }
    if parts.run.no_room.is_some() {
        lines.push("there is no room on the disk: nothing starts and nothing lands".to_owned());
    }
    lines.extend(agents::sign_ins(parts));
    for task in parts.tasks.iter() {
        if let Phase::Held { reason } = &task.phase {
            lines.push(format!("{} is held: {}", task.spec.id, clean(reason)));
        }
    }
    lines
}
