//! Where the turns of a writer ended, as far as its journal tells. Knows batches and epochs, and no laws.

use std::collections::BTreeSet;

use swarm_domain::Event;
use swarm_journal::RecordRef;

/// Reads a journal's batches, one record after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns {
    /// Ends of batches, by seq.
    batch_ends: BTreeSet<u64>,
    /// Ends of turns that are certain, by seq.
    ends: BTreeSet<u64>,
    /// The batch before this record, or the one that it is in.
    last: Option<Batch>,
}

#[derive(Clone, Copy, Debug)]
struct Batch {
    epoch: u64,
    ends_at: Option<u64>,
    begins: Begins,
}

/// What a batch begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begins {
    /// Something from outside.
    News,
    /// A time that has come. The clock's word is taken among the news, and it can be a decision behind them as well.
    Time,
    /// A decision of the core.
    Decision,
}

impl Turns {
    /// A turn takes news, batch by batch, and then decides, batch by batch, until nothing is left to decide. So it was over
    /// where a decision is followed by news, unless another process brought them: the one before may have died half-way.
    pub(super) fn take(&mut self, record: &RecordRef<'_>, event: &Event) {
        let is_open = self.last.is_some_and(|batch| batch.ends_at.is_none());
        if !is_open {
            let begins = begins(event);
            if let Some(Batch { epoch, ends_at: Some(seq), begins: Begins::Decision }) = self.last
                && begins == Begins::News
                && epoch == record.epoch
            {
                self.ends.insert(seq);
            }
            self.last = Some(Batch { epoch: record.epoch, ends_at: None, begins });
        }
        if record.last_of_batch {
            self.batch_ends.insert(record.seq);
            self.last = self.last.map(|batch| Batch { ends_at: Some(record.seq), ..batch });
        }
    }

    /// Whether a turn ended here, for certain.
    pub(super) fn is_end(&self, seq: u64) -> bool {
        self.ends.contains(&seq)
    }

    /// Whether one may have ended here.
    pub(super) fn may_be_end(&self, seq: u64) -> bool {
        self.batch_ends.contains(&seq)
    }
}

fn begins(event: &Event) -> Begins {
    match event {
        Event::RetryDue(_) | Event::DeadlineReached(_) | Event::AgentFreed(_) => Begins::Time,
        event if is_news(event) => Begins::News,
        _ => Begins::Decision,
    }
}

/// Whether something from outside begins a batch with this.
fn is_news(event: &Event) -> bool {
    matches!(
        event,
        Event::RunPlanned(_)
            | Event::Opened(_)
            | Event::Requested(_)
            | Event::Noted(_)
            | Event::TargetSeen(_)
            | Event::TargetHeld(_)
            | Event::TargetFreed(_)
            | Event::RoomLost(_)
            | Event::RoomBack(_)
            | Event::WorktreeMade(_)
            | Event::WorktreeFailed(_)
            | Event::AgentStarted(_)
            | Event::UsageReported(_)
            | Event::AgentExited(_)
            | Event::Preserved(_)
            | Event::PreserveFailed(_)
            | Event::WorktreeRemoved(_)
            | Event::WorktreeKept(_)
            | Event::GateEnded(_)
            | Event::MergeBuilt(_)
            | Event::MergeEmpty(_)
            | Event::MergeConflicted(_)
            | Event::MergeRefused(_)
            | Event::MergeFailed(_)
            | Event::Merged(_)
    )
}

#[cfg(test)]
mod tests {
    use swarm_domain::event::{RetryDue, TaskCancelled, WorktreeRemoved};
    use swarm_domain::{Event, TaskId};
    use swarm_journal::RecordRef;

    use super::Turns;

    /// Whether a turn is certain to have ended behind the first of two batches of one event each.
    fn ends_between(first: &Event, second: &Event) -> bool {
        let mut turns = Turns::default();
        for (seq, event) in [(1, first), (2, second)] {
            let record = RecordRef {
                seq,
                epoch: 1,
                kind: 0,
                schema: 1,
                time_ms: 0,
                payload: &[],
                last_of_batch: true,
                segment: 1,
                offset: 0,
            };
            turns.take(&record, event);
        }
        turns.is_end(1)
    }

    #[test]
    fn a_turn_ends_where_news_follow_a_decision_and_not_where_they_follow_the_clock() {
        let task = TaskId::new("a").expect("it is an id");
        let news: Event = WorktreeRemoved { task: task.clone(), attempt: 1 }.into();
        let decision: Event = TaskCancelled { task: task.clone(), reason: String::new() }.into();
        let time: Event = RetryDue { task }.into();
        assert!(ends_between(&decision, &news));
        assert!(
            !ends_between(&decision, &time) && !ends_between(&time, &news) && !ends_between(&news, &news)
        );
    }
}
