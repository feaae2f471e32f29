//! Rig: `kill -9` at random moments, again and again on one journal. Does not touch the file system under it.
//!
//! The kernel keeps what a killed process wrote, so this alone proves little; it is the rig that needs nothing.

use std::{io, thread, time::Duration};

use crate::{
    chance::Chance,
    life::{Life, writer},
    rig::Job,
    subject::Subject,
    tally::Tally,
};

/// A journal is begun anew after so many lives.
const LIVES: u64 = 10;

pub(crate) fn run(job: &Job<'_>, tally: &mut Tally) -> io::Result<()> {
    let mut subject = Subject::new(&job.dir.join("journal"));
    let mut chance = Chance::new(job.seed);
    for case in 0..job.cases {
        if case % LIVES == 0 {
            subject.reset()?;
        }
        let mut life = Life::start(writer(&subject.journal, u64::MAX, job.twist))?;
        some_time(&mut life, &mut chance);
        subject.lived(&life.kill()?.said, tally);
        subject.check(&format_args!("kill {case} of seed {}", job.seed), tally)?;
    }
    Ok(())
}

/// Lets a writer work for a while. One in three is still opening the journal when this returns.
pub(crate) fn some_time(life: &mut Life, chance: &mut Chance) {
    let words = if chance.once_in(3) { 0 } else { chance.below(300) };
    life.listen(usize::try_from(words).expect("small"), Duration::from_secs(20));
    thread::sleep(Duration::from_micros(chance.below(5_000)));
}
