//! Running a gate, or the setup before gates, on exactly one commit, under a holder of its own.

use std::path::Path;

use swarm_actors::Tell;
use swarm_domain::effect::RunGate;
use swarm_domain::event::GateEnded;
use swarm_domain::fact::Verdict;
use swarm_domain::{Event, Gate, claims};

use super::attempt::{bring, setup_detail, tail};
use super::{GRACE_MS, NICE, Site, environment, now_ms, program, room};
use crate::holder::{self, Ended, Job, Probe};

/// How long to wait before a tree that could not be killed is killed again.
const TRY_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

/// Runs a gate to its verdict. After a crash the same call finds the gate that runs, or its verdict.
pub(super) fn run(site: &Site, order: &RunGate, tell: &Tell) -> Event {
    let dir = site.places.gate(order.n);
    let started_ms = now_ms();
    let verdict = match outcome(site, order, &dir, tell) {
        Ok(verdict) => verdict,
        Err(detail) => Verdict::None { detail },
    };
    let took_ms = now_ms().saturating_sub(started_ms);
    GateEnded { n: order.n, verdict, tail: tail(&dir), took_ms }.into()
}

fn outcome(site: &Site, order: &RunGate, dir: &Path, tell: &Tell) -> Result<Verdict, String> {
    if let Some(gate) = order.gate.as_ref().filter(|gate| !gate.paths.is_empty())
        && order.commit != order.base
        && !concerns(site, order, gate)?
    {
        return Ok(Verdict::Green);
    }
    if matches!(holder::probe(dir).map_err(|error| error.to_string())?, Probe::Absent) {
        begin(site, order, dir, tell)?;
    }
    // As long as something of the gate may live, it has not ended, and nothing else gets its worktree.
    let found = loop {
        match holder::wait(dir) {
            Ok(found) => break found,
            Err(error) => tracing::warn!(%error, gate = order.n, "a gate cannot be asked; trying again"),
        }
        std::thread::sleep(TRY_AGAIN);
    };
    match found {
        Probe::Exited(exit) => Ok(verdict(&exit.ended)),
        Probe::Orphaned(_) | Probe::Running { .. } | Probe::Absent => {
            // Its old tree is killed and seen gone before the gate runs again under a new number.
            while let Err(error) = holder::sweep(dir, &order.nonce, None, GRACE_MS) {
                tracing::warn!(%error, gate = order.n, "what a lost gate left cannot be killed; trying again");
                std::thread::sleep(TRY_AGAIN);
            }
            Err("its holder was lost".to_owned())
        }
    }
}

/// Whether the commit changes a path that the gate is about.
fn concerns(site: &Site, order: &RunGate, gate: &Gate) -> Result<bool, String> {
    let changed = site
        .repo
        .changed_paths(order.base.as_str(), order.commit.as_str())
        .map_err(|error| error.to_string())?;
    Ok(changed.iter().any(|path| claims::matches(&gate.paths, &[], path)))
}

fn begin(site: &Site, order: &RunGate, dir: &Path, tell: &Tell) -> Result<(), String> {
    let path = site.places.worktrees.join(format!("_gate-{}", order.slot));
    let clean = order.gate.as_ref().is_some_and(|gate| gate.clean);
    room::patiently(site, tell, || site.alone(|| site.repo.exact(&path, order.commit.as_str(), clean)))
        .map_err(|error| error.to_string())?;
    std::fs::create_dir_all(dir).map_err(|error| error.to_string())?;
    bring(site, &order.copy, &order.link, &path).map_err(|error| error.to_string())?;
    let env = environment::of_gate(&order.run, &order.pass_env);
    match holder::launch(dir, &job(site, order, &path), &site.places.exe, &env) {
        Ok(true) => Ok(()),
        // By the end of the run, which this number does not outlive.
        Ok(false) => Err("it was stopped before it began".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn job(site: &Site, order: &RunGate, path: &Path) -> Job {
    let (setup, main, cwd, timeout_ms) = match &order.gate {
        None => {
            (order.setup.iter().map(program::argv).collect(), vec!["true".to_owned()], path.to_owned(), None)
        }
        Some(gate) => (Vec::new(), program::argv(&gate.run), path.join(&gate.dir), Some(gate.timeout_ms)),
    };
    Job {
        nonce: order.nonce.clone(),
        epoch: site.epoch,
        cwd,
        setup,
        setup_timeout_ms: order.setup_timeout_ms,
        main,
        stdin: None,
        timeout_ms,
        idle_timeout_ms: None,
        grace_ms: GRACE_MS,
        metered: false,
        owner_lock: None,
        nice: NICE,
        listen: None,
        route: None,
    }
}

/// A gate that was killed by somebody, or whose end nobody saw, gave no verdict.
fn verdict(ended: &Ended) -> Verdict {
    let red = |detail: String| Verdict::Red { detail };
    let none = |detail: String| Verdict::None { detail };
    match ended {
        Ended::Exited { code: 0 } => Verdict::Green,
        Ended::Exited { code } => red(format!("exit status {code}")),
        Ended::TimedOut => red("took longer than its timeout".to_owned()),
        Ended::SetupFailed { code, timed_out, .. } => red(setup_detail(*code, *timed_out)),
        Ended::NotStarted { error } => red(format!("could not be started: {error}")),
        Ended::Signaled { signal } => none(format!("killed by signal {signal}")),
        Ended::Stopped { reason } => none(format!("stopped: {reason}")),
        Ended::Idle | Ended::Grant | Ended::Overstayed | Ended::Unknown => {
            none("nobody saw how it ended".to_owned())
        }
    }
}
