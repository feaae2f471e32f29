//! Opening a journal after a death, as often as it takes. Laws 2, 3, 13 and 14.

use swarm_actors::{Recorded, recorded};
use swarm_domain::state::State;
use swarm_journal::sim::Fault;
use swarm_journal::{Disk, Item, JournalError, Log};

use crate::choice::{Site, Who};
use crate::laws::Broken;
use crate::marks::Mark;
use crate::sabotage::{self, Sabotage};

use super::heard::is_segment;
use super::{Life, refused, same};

impl Life {
    /// Opens the journal, as often as it takes. Law 13: a crash during a recovery changes nothing.
    pub(crate) fn open(&mut self) -> Result<(), Broken> {
        loop {
            self.openings += 1;
            let who = Who::Number(self.openings);
            let (dies_at, flip, bit) = {
                let mut world = self.world.lock();
                let mut once = |site| world.choices.once(site, who);
                (once(Site::CrashOpening), once(Site::DiskFlip), once(Site::DiskBit))
            };
            let flipped = (flip == 1 && self.head_is_whole).then(|| self.flip(bit)).flatten();
            if dies_at > 0 {
                self.disk.fail_after(u64::from(dies_at) - 1, Fault::PowerCut);
            }
            let opened = self.try_open();
            self.disk.forget_faults();
            match opened {
                Ok((log, state, records)) => return self.recovered(log, state, &records, flipped.is_some()),
                Err(Opening::Broken(broken)) => return Err(broken),
                Err(Opening::Journal(JournalError::Missing { .. })) if self.history.is_empty() => {
                    return self.create();
                }
                Err(Opening::Journal(error)) => self.reopen(&error, flipped)?,
            }
        }
    }

    /// An opening that failed has a cause; without it, the next one does not fail.
    fn reopen(&mut self, error: &JournalError, flipped: Option<(String, usize)>) -> Result<(), Broken> {
        if let Some((name, bit)) = &flipped {
            self.disk.flip(name, *bit);
        }
        match (error, flipped) {
            (JournalError::Corrupt { .. }, Some(_)) => self.world.lock().marks.hit(Mark::DamageRefused),
            _ if self.disk.is_off() => {
                self.world.lock().marks.hit(Mark::CrashedInRecovery);
                self.crashes += 1;
                let (power, tail) = self.kind_of_crash();
                self.cut(power, tail);
            }
            _ => return Err(refused(error)),
        }
        Ok(())
    }

    /// Whether the machine dies, too, and what becomes of what was not synced.
    pub(super) fn kind_of_crash(&self) -> (bool, u32) {
        let who = Who::Number(self.crashes);
        let mut world = self.world.lock();
        (world.choices.once(Site::CrashPower, who) == 0, world.choices.once(Site::CrashTail, who))
    }

    /// One bit of the last segment rots.
    fn flip(&self, bit: u32) -> Option<(String, usize)> {
        let names = self.disk.names().ok()?;
        let name = names.into_iter().filter(|name| is_segment(name)).max()?;
        let bits = self.disk.contents(&name)?.len() * 8;
        let bit = bits * bit as usize / 4096;
        self.disk.flip(&name, bit);
        Some((name, bit))
    }

    fn try_open(&self) -> Result<(Log, State, Vec<Recorded>), Opening> {
        let mut reader =
            Reader { state: State::new(), records: Vec::new(), failed: None, tampers: self.tampers() };
        let opened =
            Log::open_on(self.seen.clone(), &mut |item| reader.take(&item)).map_err(Opening::Journal)?;
        match reader.failed {
            Some(broken) => Err(Opening::Broken(broken)),
            None => Ok((opened.log, reader.state, reader.records)),
        }
    }

    /// Laws 2 and 3: what came back is what was acknowledged, then perhaps what was on its way, from the front.
    fn recovered(
        &mut self,
        log: Log,
        state: State,
        records: &[Recorded],
        flipped: bool,
    ) -> Result<(), Broken> {
        let known = self.history.len();
        if records.len() < known || records[..known] != self.history[..] {
            return Err(Broken::new(
                2,
                format!("{known} events were acknowledged, and other {} came back", records.len()),
            ));
        }
        let unsettled = std::mem::take(&mut self.unsettled);
        if !self.blind && !unsettled.starts_with(&records[known..]) {
            return Err(Broken::new(
                2,
                format!("behind event {known} something came back that was never decided"),
            ));
        }
        if records.len() > known {
            self.world.lock().marks.hit(Mark::RecoveredUnacknowledged);
        }
        if flipped {
            self.world.lock().marks.hit(Mark::DamageHarmless);
        }
        for recorded in &records[known..] {
            self.enter(recorded)?;
        }
        if let Some(last) = self.last_state.take().filter(|last| last.seq() == state.seq()) {
            same(&state, &last)?;
        }
        if let Some(shadow) = &self.shadow {
            same(shadow, &state)?;
        }
        self.writer = Some(self.writer(log, state));
        self.head_is_whole = true;
        Ok(())
    }
}

enum Opening {
    Journal(JournalError),
    Broken(Broken),
}

/// Reads a journal into a state, event by event. Law 14: every prefix is a run.
pub(super) struct Reader {
    pub(super) state: State,
    pub(super) records: Vec<Recorded>,
    pub(super) failed: Option<Broken>,
    pub(super) tampers: Option<Sabotage>,
}

impl Reader {
    pub(super) fn take(&mut self, item: &Item<'_>) {
        let told = match recorded(item) {
            Ok(told) => told,
            Err(error) => return self.fail(2, error.to_string()),
        };
        for told in sabotage::tamper(self.tampers, told) {
            if let Err(illegal) = self.state.apply(&told.event) {
                return self.fail(14, format!("at {}: {illegal}", told.seq));
            }
            self.records.push(told);
        }
    }

    fn fail(&mut self, law: u8, what: String) {
        self.failed.get_or_insert(Broken::new(law, what));
    }
}
