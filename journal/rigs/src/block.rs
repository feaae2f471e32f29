//! Rig: every crash that the disk below the file system allows. Records all writes and flushes of a few lives of a
//! writer; then, for many moments, makes the disk as it may be if the power went there, mounts it and checks.
//!
//! What was written before the last flush is there; of what came after it any part may be, in sectors of 512
//! bytes. The recovery from such a crash is recorded as well, and cut in turn. Does not know the file system.

use std::{
    fs, io,
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
};

use crate::{
    chance::Chance,
    image::Image,
    life::{checker, verdict, writer},
    mount::Kind,
    recorder::{Event, Recorder},
    rig::Job,
    say::{Said, acked},
    subject::keep,
    tally::Tally,
    twist::Twist,
};

/// How many records the journal holds at the end of each life: two deaths and a close, with segments filled.
const LIVES: [u64; 3] = [1_101, 1_301, 2_400];

/// Some time of a disk's life.
struct Recording {
    start: Image,
    events: Vec<Event>,
    /// What was acknowledged before it.
    known: Option<u64>,
}

struct Bench<'a> {
    kind: Kind,
    recorder: &'a Recorder,
    folder: PathBuf,
    files: PathBuf,
}

pub(crate) fn run(job: &Job<'_>, kind: Kind, tally: &mut Tally) -> io::Result<()> {
    let (folder, files) = (job.dir.join("mounted"), job.dir.join("files"));
    fs::create_dir(&folder)?;
    fs::create_dir(&files)?;
    let recorder = Recorder::mount(&files)?;
    kind.make(&files.join("disk"))?;
    let bench = Bench { kind, recorder: &recorder, folder, files };
    let recording = bench.live(job.twist, tally)?;
    let mut chance = Chance::new(job.seed);
    for case in 0..job.cases {
        let moment = recording.some_moment(&mut chance);
        let name = format!("moment {moment} of {}, case {case} of seed {}", recording.events.len(), job.seed);
        if let Some(recovery) = bench.crash(&recording, moment, &mut chance, &name, tally)? {
            let second = recovery.some_moment(&mut chance);
            let name = format!("{name}, then {second} of its recovery");
            bench.crash(&recovery, second, &mut chance, &name, tally)?;
        }
    }
    recorder.unmount()
}

impl Bench<'_> {
    /// Lets writers live and be killed on the recorded disk.
    fn live(&self, twist: Option<Twist>, tally: &mut Tally) -> io::Result<Recording> {
        let mount = self.kind.mount(&self.files.join("disk"), &self.folder)?;
        let start = self.recorder.start();
        for records in LIVES {
            let (status, complaint) = self.speak(writer(&self.journal(), records, twist))?;
            assert!(status.success(), "on a disk that does not fail no writer does: {complaint}");
        }
        let events = self.recorder.stop();
        mount.unmount()?;
        tally.wrote(&said(&events));
        Ok(Recording { start, events, known: None })
    }

    /// Cuts the power at one moment and checks what is left; returns the time of the check, to be cut in turn.
    fn crash(
        &self,
        recording: &Recording,
        moment: usize,
        chance: &mut Chance,
        made_by: &str,
        tally: &mut Tally,
    ) -> io::Result<Option<Recording>> {
        self.recorder.insert(recording.cut(moment, chance));
        let known = recording.known.max(acked(&said(&recording.events[..moment])));
        let start = self.recorder.start();
        let mount = self.kind.mount(&self.files.join("disk"), &self.folder)?;
        let (status, complaint) = self.speak(checker(&self.journal(), known))?;
        let events = self.recorder.stop();
        let checked = verdict(status, &said(&events), &complaint);
        tally.case(&made_by, &checked);
        if checked.is_err() {
            keep(&self.journal())?;
        }
        mount.unmount()?;
        Ok(checked.is_ok().then_some(Recording { start, events, known }))
    }

    /// Runs a program that speaks into the recording; its end and its complaint.
    fn speak(&self, mut command: Command) -> io::Result<(ExitStatus, String)> {
        let said = fs::File::options().write(true).open(self.files.join("said"))?;
        let output = command.stdin(Stdio::null()).stdout(said).stderr(Stdio::piped()).output()?;
        Ok((output.status, String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    fn journal(&self) -> PathBuf {
        self.folder.join("journal")
    }
}

impl Recording {
    /// How many events there are up to some write, which was not flushed yet.
    fn some_moment(&self, chance: &mut Chance) -> usize {
        let writes: Vec<_> = (1..).zip(&self.events).filter(|(_, e)| matches!(e, Event::Write(_))).collect();
        let nth = chance.below(writes.len().max(1) as u64);
        writes.get(usize::try_from(nth).expect("it is below a length")).map_or(0, |(moment, _)| *moment)
    }

    /// The disk as it may be if the power goes at this moment.
    fn cut(&self, moment: usize, chance: &mut Chance) -> Image {
        let mut image = self.start.clone();
        let mut in_flight = Vec::new();
        for event in &self.events[..moment] {
            match event {
                Event::Write(write) => in_flight.push(write),
                Event::Flush => in_flight.drain(..).for_each(|write| image.write(write.at, &write.bytes)),
                Event::Said(_) => {}
            }
        }
        for write in in_flight {
            image.tear(write, chance);
        }
        image
    }
}

fn said(events: &[Event]) -> Vec<Said> {
    events.iter().filter_map(|event| if let Event::Said(said) = event { Some(*said) } else { None }).collect()
}
