//! What a repaired journal tells: the history of a run with records missing. Does not know why they are.

use swarm_domain::event::RecordsLost;
use swarm_domain::fact::Anchor;
use swarm_domain::state::State;
use swarm_domain::{Command, Event, Moment};

use crate::laws::Broken;

/// Tears every hole of up to four records into a history, behind its plan, and folds what is left: it must come to a
/// state that knows what it owes and decides, and never to a panic. Returns how many holes there were.
pub fn tear(events: &[Event]) -> Result<usize, Broken> {
    let plan = events.iter().take_while(|event| is_plan(event)).count();
    let mut holes = 0;
    for from in plan..events.len() {
        let to = (from + from % 4).min(events.len() - 1);
        let state = fold(events, from, to).map_err(|what| Broken { law: 14, what })?;
        if state.seq() != seq(events.len()) || state.run().run.lost != seq(to - from + 1) {
            return Err(Broken { law: 14, what: format!("a hole from {from} to {to} is not counted") });
        }
        let now = Moment { at_ms: 1 << 50, entropy: 0, anchor: &Anchor::default };
        // What is owed, and what follows: neither may panic, whatever comes of it.
        let _ = (state.owed(), state.decide(&now, &Command::Advance));
        holes += 1;
    }
    Ok(holes)
}

fn is_plan(event: &Event) -> bool {
    matches!(event, Event::RunPlanned(_) | Event::TaskPlanned(_))
}

fn fold(events: &[Event], from: usize, to: usize) -> Result<State, String> {
    let mut state = State::new();
    let lost = Event::from(RecordsLost { from: seq(from) + 1, to: seq(to) + 1 });
    let behind = events.iter().skip(to + 1);
    for event in events[..from].iter().chain([&lost]).chain(behind) {
        state.replay(event).map_err(|illegal| format!("hole from {from} to {to}: {illegal}"))?;
    }
    Ok(state)
}

fn seq(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
