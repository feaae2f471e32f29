//! The actor of one task: carries out what its task is owed. What the task is, and what comes next, the core knows.

use std::sync::Arc;

use ractor::{Actor as Ractor, ActorProcessingErr, ActorRef, SupervisionEvent};
use swarm_domain::effect::Actor;

use crate::doing::{Doing, Means, Told};
use crate::journal::Commands;
use crate::ports::World;

/// The actor of one task, or of the merge queue: both perform effects and report facts.
pub(crate) struct Performer;

/// What a performer begins with.
pub(crate) struct PerformerArgs {
    pub(crate) who: Actor,
    pub(crate) world: Arc<dyn World>,
    pub(crate) commands: Commands,
}

/// A performer's own state: none of it is truth.
pub(crate) struct PerformerState {
    args: PerformerArgs,
    doing: Doing,
}

impl Ractor for Performer {
    type Msg = Told;
    type State = PerformerState;
    type Arguments = PerformerArgs;

    async fn pre_start(
        &self,
        _myself: ActorRef<Told>,
        args: PerformerArgs,
    ) -> Result<PerformerState, ActorProcessingErr> {
        Ok(PerformerState { args, doing: Doing::default() })
    }

    async fn handle(
        &self,
        myself: ActorRef<Told>,
        message: Told,
        state: &mut PerformerState,
    ) -> Result<(), ActorProcessingErr> {
        state.args.world.before(&state.args.who).await;
        match message {
            Told::Owes(seq, effects) => {
                let means =
                    Means { world: &state.args.world, commands: &state.args.commands, myself: &myself };
                state.doing.owes(seq, effects, &means);
            }
            Told::Done(key, seq) => state.doing.done(key, seq),
            Told::Broken(key, error) => return Err(format!("{key:?}: {error}").into()),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<Told>,
        _event: SupervisionEvent,
        _state: &mut PerformerState,
    ) -> Result<(), ActorProcessingErr> {
        // It supervises nobody; the default would stop it.
        Ok(())
    }
}
