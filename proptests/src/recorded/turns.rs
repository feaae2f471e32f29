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
    is_news: bool,
}

impl Turns {
    /// A turn takes news, batch by batch, and then decides, batch by batch, until nothing is left to decide. So it was over
    /// where a decision is followed by news, unless another process brought them: the one before may have died half-way.
    pub(super) fn take(&mut self, record: &RecordRef<'_>, event: &Event) {
        let is_open = self.last.is_some_and(|batch| batch.ends_at.is_none());
        if !is_open {
            let is_news = is_news(event);
            if let Some(Batch { epoch, ends_at: Some(seq), is_news: false }) = self.last
                && is_news
                && epoch == record.epoch
            {
                self.ends.insert(seq);
            }
            self.last = Some(Batch { epoch: record.epoch, ends_at: None, is_news });
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

/// Whether something from outside begins a batch with this. Anything else is a decision of the core.
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
