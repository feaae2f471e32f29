//! The budget actor: tells holders what they may spend, reads what attempts used, and reports totals when they changed.
//!
//! It admits nothing: money is decided by the core, from what is reported here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor as Ractor, ActorProcessingErr, ActorRef, SupervisionEvent};
use swarm_domain::effect::{Actor, Effect};
use swarm_domain::event::UsageReported;
use swarm_domain::fact::Usage;
use swarm_domain::{Command, TaskId, Usd};

use crate::journal::{Commands, Work};
use crate::ports::World;
use crate::writer::Submit;

/// How often usage is read. Short against the two seconds in which a holder waits for a raise.
const POLL: Duration = Duration::from_millis(150);

/// What the budget actor is told.
#[derive(Debug)]
pub(crate) enum BudgetMsg {
    /// The meters that are owed, all of them, as of a seq.
    Owes(u64, Vec<Effect>),
    /// Time to read the meters.
    Poll,
}

/// The budget actor.
pub(crate) struct Budget;

/// What it begins with.
pub(crate) struct BudgetArgs {
    pub(crate) world: Arc<dyn World>,
    pub(crate) commands: Commands,
}

/// One attempt that runs.
#[derive(Debug)]
struct Meter {
    told: Option<(Usd, bool)>,
    seen: Usage,
}

/// The meters that run.
pub(crate) struct BudgetState {
    args: BudgetArgs,
    meters: BTreeMap<(TaskId, u32), Meter>,
    polling: bool,
    latest: u64,
}

impl Ractor for Budget {
    type Msg = BudgetMsg;
    type State = BudgetState;
    type Arguments = BudgetArgs;

    async fn pre_start(
        &self,
        _myself: ActorRef<BudgetMsg>,
        args: BudgetArgs,
    ) -> Result<BudgetState, ActorProcessingErr> {
        Ok(BudgetState { args, meters: BTreeMap::new(), polling: false, latest: 0 })
    }

    async fn handle(
        &self,
        myself: ActorRef<BudgetMsg>,
        message: BudgetMsg,
        state: &mut BudgetState,
    ) -> Result<(), ActorProcessingErr> {
        state.args.world.before(&Actor::Budget).await;
        match message {
            // Older news that arrives late, as after a restart, is no news.
            BudgetMsg::Owes(seq, _) if seq < state.latest => {}
            BudgetMsg::Owes(seq, effects) => {
                state.latest = seq;
                state.grant(effects).await;
            }
            BudgetMsg::Poll => {
                state.polling = false;
                state.read().await;
            }
        }
        if !state.polling && !state.meters.is_empty() {
            state.polling = true;
            myself.send_after(POLL, || BudgetMsg::Poll);
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<BudgetMsg>,
        _event: SupervisionEvent,
        _state: &mut BudgetState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

impl BudgetState {
    /// Takes over the meters that are owed, and tells each holder whose allowance changed. The allowance is durable by now.
    async fn grant(&mut self, effects: Vec<Effect>) {
        let mut before = std::mem::take(&mut self.meters);
        for effect in effects {
            let Effect::Meter { task, attempt, grant, refused } = effect else { continue };
            let key = (task, attempt);
            let mut meter = before.remove(&key).unwrap_or(Meter { told: None, seen: Usage::default() });
            if meter.told != Some((grant, refused)) {
                self.args.world.set_grant(&key.0, attempt, grant, refused).await;
                meter.told = Some((grant, refused));
            }
            self.meters.insert(key, meter);
        }
    }

    /// Reads every meter; only changed totals go further, so that a chatty program costs one record a poll at most.
    async fn read(&mut self) {
        for ((task, attempt), meter) in &mut self.meters {
            let usage = self.args.world.usage(task, *attempt).await.max(meter.seen);
            if usage == meter.seen {
                continue;
            }
            meter.seen = usage;
            let report = UsageReported { task: task.clone(), attempt: *attempt, usage };
            let submit = Submit { command: Command::Fact(report.into()), reply: None };
            if self.args.commands.hand_in(Work::Submit(submit)).is_err() {
                return;
            }
        }
    }
}
