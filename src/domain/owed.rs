//! The outbox, as a fold: intents without outcome, read off the state. Recovery has no code of its own; it asks this.

use crate::effect::{Actor, BuildMerge, Effect, Key, Preserve, RunAttempt, RunGate};
use crate::fact::Site;
use crate::gates::GateRun;
use crate::plan::{OnConflict, OnStray, Strategy, Work};
use crate::state::{Parts, State};
use crate::task::{Attempt, Phase, Task, Worktree};
use crate::train::{Car, CarStage};
use crate::{TaskId, message, prompt};

/// The state of one actor at a point: what it is about, and what it owes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorView {
    /// Who.
    pub actor: Actor,
    /// Everything it still has to do.
    pub owed: Vec<Effect>,
}

impl State {
    /// Everything the world still owes the run.
    pub fn owed(&self) -> Vec<Effect> {
        let Some(parts) = self.parts().filter(|parts| parts.run.is_live()) else { return Vec::new() };
        let tasks = parts.tasks.iter().flat_map(|task| of_task(parts, task));
        tasks.chain(of_merge(parts)).chain(of_budget(parts)).collect()
    }

    /// What the world owes after a commit, at the cost of what changed since `seq`.
    pub fn owed_since(&self, seq: u64) -> Vec<Effect> {
        self.changed_since(seq).iter().flat_map(|actor| self.view(actor).owed).collect()
    }

    /// The states of all actors whose debts may have changed after `seq`.
    pub fn views_since(&self, seq: u64) -> Vec<ActorView> {
        self.changed_since(seq).iter().map(|actor| self.view(actor)).collect()
    }

    /// The state of one actor at this point. A restarted actor begins from it.
    pub fn view(&self, actor: &Actor) -> ActorView {
        let parts = self.parts().filter(|parts| parts.run.is_live());
        let owed = match (parts, actor) {
            (None, _) => Vec::new(),
            (Some(parts), Actor::Task(id)) => {
                parts.tasks.get(id).map_or_else(Vec::new, |task| of_task(parts, task))
            }
            (Some(parts), Actor::Merge) => of_merge(parts),
            (Some(parts), Actor::Budget) => of_budget(parts),
        };
        ActorView { actor: actor.clone(), owed }
    }
}

/// Whether an effect is owed, at the cost of looking at it alone.
pub(crate) fn is_owed(parts: &Parts, key: &Key) -> bool {
    let of_task = |id, no, phase: fn(&Phase) -> bool| {
        parts.tasks.get(id).is_some_and(|task| task.attempt_no() == no && phase(&task.phase))
    };
    let stage = parts.train.car().map(|car| &car.stage);
    parts.run.is_live()
        && match key {
            Key::Target(epoch) => *epoch == parts.run.epoch && target(parts).is_some(),
            Key::Make(id, no) => of_task(id, *no, |phase| matches!(phase, Phase::Making)),
            Key::Run(id, no) | Key::Meter(id, no) | Key::Stop(id, no) => {
                of_task(id, *no, |phase| matches!(phase, Phase::Running))
            }
            Key::Preserve(id, no) => of_task(id, *no, |phase| matches!(phase, Phase::Saving)),
            Key::Remove(id, no) => parts.tasks.get(id).is_some_and(|task| task.leftovers.contains_key(no)),
            Key::Gate(n) => parts.gates.get(*n).is_some(),
            Key::Build(seq) => matches!(stage, Some(CarStage::Building(_, at)) if at == seq),
            Key::Land(seq) => matches!(stage, Some(CarStage::Landing { seq: at, .. }) if at == seq),
            Key::Watch(seq) => parts.train.held().is_some_and(|hold| hold.seq == *seq),
            Key::Room(seq) => parts.run.no_room.is_some_and(|(at, _)| at == *seq),
        }
}

fn of_task(parts: &Parts, task: &Task) -> Vec<Effect> {
    let mut owed = Vec::new();
    if let Some(attempt) = &task.attempt {
        match &task.phase {
            Phase::Making => owed.push(make(parts, task, attempt)),
            Phase::Running => {
                owed.extend(run(parts, task, attempt));
                owed.extend(stop(task, attempt));
            }
            Phase::Saving => owed.extend(preserve(parts, task, attempt)),
            Phase::Gating(_) => owed.extend(own_gates(parts, &task.spec.id)),
            Phase::Waiting
            | Phase::Ready
            | Phase::Backoff { .. }
            | Phase::Judging(_)
            | Phase::Queued
            | Phase::Merging
            | Phase::Failing { .. }
            | Phase::Held { .. }
            | Phase::Ended(_) => {}
        }
    }
    owed.extend(task.leftovers.iter().map(|(attempt, worktree)| remove(&task.spec.id, *attempt, worktree)));
    owed
}

fn make(parts: &Parts, task: &Task, attempt: &Attempt) -> Effect {
    let on_conflict = parts.run.settings.merge.on_conflict;
    Effect::MakeWorktree {
        task: task.spec.id.clone(),
        attempt: attempt.no,
        onto: attempt.onto.clone(),
        from: attempt.from.clone(),
        materialise: task.spec.is_agent() && matches!(on_conflict, OnConflict::Retry | OnConflict::Agent),
        at_s: attempt.started_ms / 1000,
        tree: parts.run.settings.tree,
    }
}

fn run(parts: &Parts, task: &Task, attempt: &Attempt) -> Option<Effect> {
    let worktree = attempt.worktree.as_ref()?;
    let settings = &parts.run.settings;
    let line = parts.ledger.line(&task.spec.id, attempt.no);
    let is_agent = matches!(task.spec.work, Work::Agent { .. });
    Some(Effect::RunAttempt(Box::new(RunAttempt {
        task: task.spec.id.clone(),
        attempt: attempt.no,
        nonce: attempt.nonce.clone(),
        path: worktree.path.clone(),
        git_dir: worktree.git_dir.clone(),
        work: task.spec.work.clone(),
        prompt: if is_agent { prompt::compose(parts, task) } else { String::new() },
        takes_up: attempt.takes_up.clone(),
        setup: settings.workspace.setup.iter().chain(&task.spec.setup).cloned().collect(),
        setup_timeout_ms: settings.workspace.timeout_ms,
        copy: settings.workspace.copy.clone(),
        link: settings.workspace.link.clone(),
        timeout_ms: timeout_ms(parts, task),
        idle_timeout_ms: task.spec.idle_timeout_ms,
        env: task.spec.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        pass_env: settings.pass_env.iter().chain(&task.spec.pass_env).cloned().collect(),
        grant: line.map(|line| line.grant).unwrap_or_default(),
        meter: settings.meter,
        on_unknown_cost: settings.on_unknown_cost,
        stopping: attempt.stop.is_some(),
        run: parts.run.id.clone(),
        identity: settings.identity.clone(),
    })))
}

/// How long the attempt may take: its timeout, or what its task has left. Its holder sees to that, also while nobody
/// drives the run.
fn timeout_ms(parts: &Parts, task: &Task) -> Option<u64> {
    let used_ms = parts.ledger.settled_by(&task.spec.id).time_ms;
    let left_ms = task.spec.caps.time_ms.map(|cap_ms| cap_ms.saturating_sub(used_ms).max(1));
    [task.spec.timeout_ms, left_ms].into_iter().flatten().min()
}

fn stop(task: &Task, attempt: &Attempt) -> Option<Effect> {
    let why = attempt.stop?;
    Some(Effect::StopAttempt { task: task.spec.id.clone(), attempt: attempt.no, why })
}

fn preserve(parts: &Parts, task: &Task, attempt: &Attempt) -> Option<Effect> {
    let worktree = attempt.worktree.as_ref()?;
    Some(Effect::Preserve(Box::new(Preserve {
        task: task.spec.id.clone(),
        attempt: attempt.no,
        path: worktree.path.clone(),
        git_dir: worktree.git_dir.clone(),
        base: attempt.onto.clone(),
        start: worktree.start.clone(),
        ref_name: ref_name(&parts.run.id, &task.spec.id, attempt.no),
        title: task.spec.title.clone(),
        claims: task.spec.files.clone(),
        shared: parts.run.settings.shared.clone(),
        conflicts: worktree.conflicts.clone(),
        allow: parts.run.settings.allow.clone(),
        each_commit: parts.run.settings.merge.strategy == Strategy::Merge,
        identity: parts.run.settings.identity.clone(),
        at_s: attempt.ended_ms / 1000,
    })))
}

/// The ref that keeps the tip of an attempt.
pub fn ref_name(run: &str, task: &TaskId, attempt: u32) -> String {
    format!("refs/swarm/{run}/{task}/{attempt}")
}

fn remove(task: &TaskId, attempt: u32, worktree: &Worktree) -> Effect {
    Effect::RemoveWorktree {
        task: task.clone(),
        attempt,
        path: worktree.path.clone(),
        git_dir: worktree.git_dir.clone(),
    }
}

fn own_gates(parts: &Parts, id: &TaskId) -> Vec<Effect> {
    let own = |site: &Site| matches!(site, Site::Task { task, .. } if task == id);
    gates(parts, &Actor::Task(id.clone()), own)
}

fn gates(parts: &Parts, actor: &Actor, wanted: impl Fn(&Site) -> bool) -> Vec<Effect> {
    let running = parts.gates.iter().filter(|(_, run)| wanted(&run.site));
    running.map(|(n, run)| gate(parts, actor.clone(), n, run)).collect()
}

fn gate(parts: &Parts, actor: Actor, n: u32, run: &GateRun) -> Effect {
    let settings = &parts.run.settings;
    let (gates, base) = match &run.site {
        Site::Preflight => (parts.run.base_gates.as_slice(), settings.base.clone()),
        Site::Task { task, .. } | Site::Train { task, .. } => {
            let task = parts.tasks.get(task).expect("a gate's task is in the plan");
            let stood_on = || task.attempt.as_ref().map(|attempt| attempt.onto.clone());
            // What a merge changes is what it adds to the target, not what others have landed since.
            let merged_onto = matches!(run.site, Site::Train { .. }).then(|| parts.train.onto());
            let onto = merged_onto.or_else(stood_on).unwrap_or_else(|| settings.base.clone());
            (task.spec.gates.as_slice(), onto)
        }
    };
    let gate = run.index.and_then(|at| gates.get(at as usize)).cloned();
    let pass_env = gate.iter().flat_map(|gate| &gate.pass_env).chain(&settings.pass_env).cloned().collect();
    Effect::RunGate(Box::new(RunGate {
        n,
        nonce: run.nonce.clone(),
        actor,
        commit: run.commit.clone(),
        base: if run.site == Site::Preflight { run.commit.clone() } else { base },
        slot: run.slot,
        gate,
        setup: settings.workspace.setup.clone(),
        setup_timeout_ms: settings.workspace.timeout_ms,
        copy: settings.workspace.copy.clone(),
        link: settings.workspace.link.clone(),
        pass_env,
        run: parts.run.id.clone(),
    }))
}

fn of_merge(parts: &Parts) -> Vec<Effect> {
    let shared = |site: &Site| matches!(site, Site::Preflight | Site::Train { .. });
    let mut owed = gates(parts, &Actor::Merge, shared);
    owed.extend(target(parts));
    owed.extend(car(parts));
    if let Some((seq, _)) = parts.run.no_room {
        owed.push(Effect::WatchRoom { seq });
    }
    if let Some(hold) = parts.train.held() {
        owed.push(Effect::WatchTarget { seq: hold.seq, target: parts.run.settings.target.clone() });
    }
    owed
}

/// The target is read once per opening, and not beside a merge or a landing: those ask it themselves, and an answer
/// that comes late would undo what they did.
fn target(parts: &Parts) -> Option<Effect> {
    let asked = |stage: &CarStage| matches!(stage, CarStage::Building(..) | CarStage::Landing { .. });
    if parts.train.head().is_some() || parts.train.car().is_some_and(|car| asked(&car.stage)) {
        return None;
    }
    Some(Effect::ReadTarget {
        epoch: parts.run.epoch,
        target: parts.run.settings.target.clone(),
        expected: parts.train.expected(),
        landed: parts.train.landed().cloned(),
    })
}

fn car(parts: &Parts) -> Option<Effect> {
    let Car { task, attempt, stage, .. } = parts.train.car()?;
    let target = parts.run.settings.target.clone();
    match stage {
        CarStage::Building(prepared, seq) => {
            let spec = &parts.tasks.get(task)?.spec;
            Some(Effect::BuildMerge(Box::new(BuildMerge {
                seq: *seq,
                task: task.clone(),
                attempt: *attempt,
                target,
                old: prepared.old.clone(),
                onto: prepared.onto.clone(),
                tip: prepared.tip.clone(),
                strategy: parts.run.settings.merge.strategy,
                message: message::landing(&parts.run.id, spec, parts.tasks.get(task)?, prepared),
                identity: parts.run.settings.identity.clone(),
                at_s: prepared.at_s,
                landed: parts.train.landed().cloned(),
                allow: parts.run.settings.allow.clone(),
                // Where a violation is only shown, it was shown when the attempt was kept.
                claims: if spec.on_claim_violation == OnStray::Fail {
                    spec.files.clone()
                } else {
                    Vec::new()
                },
                shared: parts.run.settings.shared.clone(),
            })))
        }
        CarStage::Landing { seq, old, commit } => Some(Effect::Land {
            seq: *seq,
            task: task.clone(),
            attempt: *attempt,
            target,
            old: old.clone(),
            commit: commit.clone(),
            landed: parts.train.landed().cloned(),
        }),
        CarStage::Waiting | CarStage::Checking { .. } | CarStage::Conflicted | CarStage::Refused(_) => None,
    }
}

/// The figures of every attempt that runs: what its holder may let it spend.
fn of_budget(parts: &Parts) -> Vec<Effect> {
    let running = parts.tasks.in_slots().filter(|task| task.phase == Phase::Running);
    running
        .filter_map(|task| {
            let attempt = task.attempt.as_ref()?;
            let line = parts.ledger.line(&task.spec.id, attempt.no)?;
            Some(Effect::Meter {
                task: task.spec.id.clone(),
                attempt: attempt.no,
                grant: line.grant,
                refused: attempt.refused.is_some(),
            })
        })
        .collect()
}
