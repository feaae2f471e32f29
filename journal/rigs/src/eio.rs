//! Rig: the disk refuses one write, once, and works again. The file system then takes what was in its cache for
//! clean, so a second sync succeeds, and whoever reads sees what the disk does not have.
//!
//! Another writer goes on while the cache still lies. After a new mount all must be there that either of the two was
//! told is durable. Does not know which file the refused write belongs to.

use std::{fs, io, os::unix::process::ExitStatusExt as _, path::PathBuf, time::Duration};

use crate::{
    chance::Chance,
    life::{Life, writer},
    mount::Kind,
    recorder::Recorder,
    rig::Job,
    subject::Subject,
    tally::Tally,
    twist::Twist,
    writer::STOPPED,
};

/// How many records the second writer adds.
const MORE: u64 = 100;

pub(crate) fn run(job: &Job<'_>, kind: Kind, tally: &mut Tally) -> io::Result<()> {
    let (folder, files) = (job.dir.join("mounted"), job.dir.join("files"));
    fs::create_dir(&folder)?;
    fs::create_dir(&files)?;
    let recorder = Recorder::mount(&files)?;
    kind.make(&files.join("disk"))?;
    let empty = recorder.image();
    let bench = Bench { kind, twist: job.twist, image: files.join("disk"), folder };
    let mut chance = Chance::new(job.seed);
    for case in 0..job.cases {
        recorder.insert(empty.clone());
        bench.case(&format!("refused write {case} of seed {}", job.seed), &recorder, &mut chance, tally)?;
    }
    recorder.unmount()
}

struct Bench {
    kind: Kind,
    twist: Option<Twist>,
    image: PathBuf,
    folder: PathBuf,
}

impl Bench {
    fn case(
        &self,
        made_by: &str,
        recorder: &Recorder,
        chance: &mut Chance,
        tally: &mut Tally,
    ) -> io::Result<()> {
        let mut subject = Subject::new(&self.folder.join("journal"));
        let mount = self.kind.mount(&self.image, &self.folder)?;
        let mut life = Life::start(writer(&subject.journal, u64::MAX, self.twist))?;
        life.listen(usize::try_from(chance.below(100)).expect("small"), Duration::from_secs(20));
        recorder.refuse_after(chance.below(20));
        // If the write belonged to a file that nobody syncs, the writer rightly goes on.
        life.listen(usize::MAX, Duration::from_millis(300));
        let end = life.kill()?;
        if end.status.signal().is_none() && end.status.code() != Some(STOPPED.into()) {
            tally.violation(&made_by, &format!("the failure was not told: {}", end.status));
        }
        subject.lived(&end.said, tally);
        // A file system that lost a write of its own allows no more writing; then only the new mount counts.
        if fs::write(self.folder.join("probe"), "").is_ok() {
            self.go_on(made_by, &mut subject, tally)?;
        }
        mount.unmount()?;
        let mount = self.kind.mount(&self.image, &self.folder)?;
        subject.check(&made_by, tally)?;
        mount.unmount()
    }

    /// The disk works again, and so does the next writer.
    fn go_on(&self, made_by: &str, subject: &mut Subject, tally: &mut Tally) -> io::Result<()> {
        let records = subject.known.unwrap_or(0) + MORE;
        let end = Life::start(writer(&subject.journal, records, self.twist))?.end()?;
        subject.lived(&end.said, tally);
        if !end.status.success() {
            tally.violation(&made_by, &format!("the disk works again: {}", end.complaint));
        }
        Ok(())
    }
}
